"""The recorder: what a line holds, several writers, kills, full disks, and the three modes."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import pickle
import re
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.reading import read_events
from ragkit.audit.recorder import EventRecorder, Mode, uuid7
from ragkit.audit.segments import segment_paths
from ragkit.errors import AuditUnavailable, EventRefused
from ragkit.types import Evidence, Principal

KEY = bytes(range(32))
ANA = Principal("local|ana-kovac", kind="local")


def recorder(directory: Path, *, mode: Mode = "required", **options: Any) -> EventRecorder:
    """Return a recorder on ``directory``."""
    return EventRecorder(directory, mode=mode, software={"ragkit": "0.1.0"}, actor_key=KEY, **options)


def added(number: int) -> dict[str, Any]:
    """Return the data of a small event."""
    return {"collection": "care", "doc": number, "version": 1}


def test_an_event_holds_the_whole_envelope(tmp_path: Path) -> None:
    """Each line is canonical JSON with every field of the schema, and comes back as it was given."""
    events = recorder(tmp_path / "events")
    request = uuid7(0)
    events.record("query.received", request=request, actor=ANA, data={"collection": "care", "characters": 31})
    opened, event = read_events(tmp_path / "events")
    assert opened["type"] == "log.opened"
    fields = "actor boot data id log mono_ns outcome reason request seq session span sw tenant trace ts type v writer"
    assert sorted(event) == fields.split()
    assert (event["type"], event["request"], event["outcome"]) == ("query.received", request, "ok")
    assert event["data"] == {"collection": "care", "characters": 31}
    assert (event["v"], event["seq"], event["sw"]) == (1, 2, {"ragkit": "0.1.0"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["ts"])
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", event["id"])


def test_nobody_is_named(tmp_path: Path) -> None:
    """Subject and machine are keyed hashes: equal for the same, other under another key, never in clear."""
    events = recorder(tmp_path / "a")
    events.record("auth.ok", actor=ANA, data={"via": "local"})
    events.record("auth.ok", actor=Principal("local|bo"), data={"via": "caller"})
    EventRecorder(tmp_path / "b", mode="required", software={}, actor_key=bytes(32)).record("auth.ok", actor=ANA)
    first, second = (event["actor"] for event in read_events(tmp_path / "a", kind="auth.ok"))
    (other,) = (event["actor"] for event in read_events(tmp_path / "b", kind="auth.ok"))
    assert first["kind"] == "local"
    assert len({first["id"], second["id"], other["id"]}) == 3
    assert all(actor["id"].startswith("h:") for actor in (first, second, other))
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*.jsonl"))
    assert b"ana" not in written
    assert re.search(rb"\b%s\b" % re.escape(socket.gethostname().encode()), written) is None


def test_files_are_private(tmp_path: Path) -> None:
    """The folder has mode 0700, every file 0600, whatever the umask."""
    before = os.umask(0)
    try:
        recorder(tmp_path / "events").record("doc.added", data=added(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "events").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "events").iterdir()} == {0o600}


@pytest.mark.parametrize("mode", ["required", "best_effort", "unsafe_off"])
def test_content_is_refused_in_every_mode(tmp_path: Path, mode: Mode) -> None:
    """A value that could be text never reaches the file, and the error does not repeat it."""
    events = recorder(tmp_path / "events", mode=mode)
    with pytest.raises(EventRefused) as caught:
        events.record("doc.added", data={"doc": "Letter to Ana Kovač.pdf"})
    assert "Ana" not in f"{caught.value}{caught.value.remedy}"
    assert list(read_events(tmp_path / "events")) == []


def test_off_writes_nothing(tmp_path: Path) -> None:
    """``unsafe_off`` leaves no file."""
    events = recorder(tmp_path / "events", mode="unsafe_off")
    events.record("doc.added", data=added(1))
    events.flush()
    events.close()
    assert not (tmp_path / "events").exists()


def test_constructing_touches_nothing(tmp_path: Path) -> None:
    """A recorder that never records makes no folder; closing it is nothing."""
    recorder(tmp_path / "events").close()
    assert not (tmp_path / "events").exists()


def test_a_recorder_keeps_its_key_to_itself(tmp_path: Path) -> None:
    """Neither repr nor pickle gives the key away."""
    events = recorder(tmp_path)
    assert repr(events) == "EventRecorder(mode='required')"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(events)


def _write(directory: Path, count: int) -> None:
    events = recorder(directory, segment_bytes=20_000)
    for number in range(count):
        events.record("doc.added", data=added(number))
    events.close()


def test_several_processes_share_one_log(tmp_path: Path) -> None:
    """Three processes writing at once, over several segments: every event once, numbered without gap or repeat."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, 150)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    events = list(read_events(tmp_path))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    by_writer: dict[str, list[int]] = {}
    for event in events:
        if event["type"] == "doc.added":
            by_writer.setdefault(event["writer"], []).append(event["data"]["doc"])
    assert list(by_writer.values()) == [list(range(150))] * 3
    assert len(segment_paths(tmp_path)) > 3
    rotated = [event for event in events if event["type"] == "log.rotated"]
    assert len(rotated) == len(segment_paths(tmp_path)) - 1


def test_threads_share_one_recorder(tmp_path: Path) -> None:
    """Four threads on one recorder lose and mix nothing."""
    events = recorder(tmp_path)

    def work() -> None:
        for number in range(100):
            events.record("doc.added", data=added(number))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seqs = [event["seq"] for event in read_events(tmp_path)]
    assert seqs == list(range(1, 402))


def test_a_forked_child_is_a_writer_of_its_own(tmp_path: Path) -> None:
    """A recorder inherited over a fork opens the log anew; parent and child then take turns."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    child = multiprocessing.get_context("fork").Process(
        target=events.record, args=("doc.added",), kwargs={"data": added(2)}
    )
    child.start()
    child.join(30)
    events.record("doc.added", data=added(3))
    found = list(read_events(tmp_path, kind="doc."))
    assert [event["data"]["doc"] for event in found] == [1, 2, 3]
    assert found[0]["writer"] == found[2]["writer"] != found[1]["writer"]


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_last_line_is_closed_off(tmp_path: Path, cut: int) -> None:
    """After a kill in the middle of a line the log goes on: the tear is noted, whole events are kept, numbers go on."""
    events = recorder(tmp_path)
    for number in range(3):
        events.record("doc.added", data=added(number))
    (path,) = segment_paths(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    kept = 4 if cut == 1 else 3  # without its line end only, the last event is whole
    assert len(list(read_events(tmp_path))) == kept
    recorder(tmp_path).record("doc.added", data=added(9))
    found = list(read_events(tmp_path))
    noted = [] if cut == 1 else ["log.recovered"]
    assert [event["type"] for event in found[kept:]] == [*noted, "log.opened", "doc.added"]
    assert [event["seq"] for event in found] == list(range(1, len(found) + 1))
    if noted:
        lines = path.read_bytes().split(b"\n")
        assert found[kept]["data"]["bytes"] == len(lines[kept])


def test_a_full_segment_is_followed_by_a_new_one(tmp_path: Path) -> None:
    """Rotation keeps all events in order and notes itself first in the new segment."""
    _write(tmp_path, 200)
    first_lines = [json.loads(path.read_bytes().splitlines()[0])["type"] for path in segment_paths(tmp_path)]
    assert first_lines[0] == "log.opened"
    assert set(first_lines[1:]) == {"log.rotated"}
    assert [event["data"]["doc"] for event in read_events(tmp_path, kind="doc.added")] == list(range(200))


def test_a_vanished_segment_is_noticed(tmp_path: Path) -> None:
    """Deleting the file under an open handle does not swallow events; the log says so and the numbers go on."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    segment_paths(tmp_path)[0].unlink()
    events.record("doc.added", data=added(2))
    found = list(read_events(tmp_path))
    assert [event["type"] for event in found] == ["log.reopened", "doc.added"]
    assert [event["seq"] for event in found] == [3, 4]


def test_durable_events_and_flush_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ordinary event waits for flush; a durable one is forced out at once, with all before it."""
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (synced.append(os.fstat(fd).st_size), real(fd))[1])
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    assert synced == []
    events.record(
        "pii.unmasked", actor=ANA, data={"collection": "care", "tokens": 1, "purpose": events.keyed("a call")}
    )
    assert synced == [segment_paths(tmp_path)[0].stat().st_size]
    events.record("doc.added", data=added(2))
    events.flush()
    assert synced[-1] == segment_paths(tmp_path)[0].stat().st_size


def _break(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", fail)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_required_means_no_record_no_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """When the disk refuses, the caller is told, by code and not by path; afterwards the log is whole."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    with monkeypatch.context() as broken:
        _break(broken, number)
        with pytest.raises(AuditUnavailable) as caught:
            events.record("doc.added", data=added(2))
    assert str(tmp_path) not in f"{caught.value}{caught.value.remedy}"
    events.record("doc.added", data=added(3))
    found = list(read_events(tmp_path))
    assert [event["seq"] for event in found] == [1, 2, 3, 4]
    assert (found[2]["type"], found[2]["data"]) == (
        "log.resumed",
        {"events": 1, "written": 0, "code": errno.errorcode[number].lower()},
    )
    assert (caught.value.code, caught.value.status) == ("audit_unavailable", 503)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """A file where the folder should be fails closed in required mode and is counted in best effort."""
    (tmp_path / "events").touch()
    with pytest.raises(AuditUnavailable):
        recorder(tmp_path / "events").record("doc.added", data=added(1))
    recorder(tmp_path / "events", mode="best_effort").record("doc.added", data=added(1))


def test_best_effort_counts_what_it_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events lost while the disk refused are counted, and the count is recorded when it works again."""
    events = recorder(tmp_path, mode="best_effort")
    events.record("doc.added", data=added(1))
    with monkeypatch.context() as broken:
        _break(broken, errno.ENOSPC)
        events.record("doc.added", data=added(2))
        events.record("doc.added", data=added(3))
    events.record("doc.added", data=added(4))
    found = list(read_events(tmp_path))
    assert [event["type"] for event in found] == ["log.opened", "doc.added", "log.dropped", "doc.added"]
    assert (found[2]["data"]["events"], found[2]["outcome"]) == (2, "degraded")
    assert [event["seq"] for event in found] == [1, 2, 3, 4]


def test_a_short_write_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When only part of a line fits on the disk, the part is cut off again."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    real = os.write
    with monkeypatch.context() as broken:
        broken.setattr(os, "write", lambda fd, block: real(fd, block[:10]))
        with pytest.raises(AuditUnavailable):
            events.record("doc.added", data=added(2))
    assert segment_paths(tmp_path)[0].read_bytes().endswith(b"}\n")
    events.record("doc.added", data=added(3))
    found = [event["type"] for event in read_events(tmp_path)]
    assert found == ["log.opened", "doc.added", "log.resumed", "doc.added"]


def test_reading_filters_by_type_and_family(tmp_path: Path) -> None:
    """One type, or a family by its dot; a log that is not there is empty."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    events.record("doc.deleted", data=added(1))
    events.close()
    assert [event["type"] for event in read_events(tmp_path, kind="doc.")] == ["doc.added", "doc.deleted"]
    assert [event["type"] for event in read_events(tmp_path, kind="log.closed")] == ["log.closed"]
    assert list(read_events(tmp_path / "absent")) == []


def test_ids_sort_by_time() -> None:
    """UUIDs of later times are greater, down to the microsecond."""
    ids = [uuid7(1_700_000_000_000_000_000 + step * 1_000) for step in range(1_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1_000


def test_an_id_of_a_dialogue_that_may_name_somebody_is_hashed(tmp_path: Path) -> None:
    """Callers give ids of their own: an opaque one stands as it is, any other as the same keyed hash each time."""
    kept: list[str] = []

    class Keeper:
        def keep(self, evidence: Evidence, **_: object) -> list[dict[str, object]]:
            kept.append(evidence.conversation)
            return []

        def sync(self) -> None: ...

        def close(self) -> None: ...

    events = recorder(tmp_path, keeper=Keeper())
    for name in ("anna.meyer@example.org", "anna.meyer@example.org", "0f" * 16):
        about = Evidence(collection="care", conversation=name, parts={"question": b"x"})
        events.record("auth.ok", session=name, evidence=about)
    events.close()
    sessions = [event["session"] for event in read_events(tmp_path, kind="auth.ok")]
    assert sessions == kept
    assert sessions[0] == sessions[1] != sessions[2] == "0f" * 16
    assert sessions[0].startswith("h:")
    assert not [path for path in tmp_path.iterdir() if b"meyer" in path.read_bytes()]
