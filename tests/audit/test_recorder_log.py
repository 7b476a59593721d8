"""What becomes of the log's files and clock under a recorder, and what the recorder tells of it."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit import envelope
from ragkit.audit.reading import read_events
from ragkit.audit.segments import segment_paths
from ragkit.crypto import opaque_id
from ragkit.errors import AuditUnavailable
from ragkit.testing.logs import ANA, KEY, added, documents, is_whole, kinds, recorder
from ragkit.types import Principal


def test_an_event_names_log_question_dialogue_and_who(tmp_path: Path) -> None:
    """Origin, tenant, session and the actor's access are in the envelope; the groups are told by their hash only."""
    ben = Principal("idp|ben", groups=frozenset({"hr|payroll", "hr|staff"}))
    events = recorder(tmp_path, origin="acme/ragkit/1", tenant="acme")
    events.record("auth.ok", actor=ben, data={"via": "caller"}, session="0a" * 16, request="0" * 32)
    events.record("auth.ok", actor=Principal("idp|ben", groups=frozenset({"hr|staff"})), data={"via": "caller"})
    events.record("auth.ok", actor=ANA, data={"via": "local"})
    opened, first, fewer, local = read_events(tmp_path)
    assert (first["log"], first["tenant"], first["session"]) == ("acme/ragkit/1", "acme", "0a" * 16)
    assert first["actor"] == {
        "kind": "user",
        "id": events.known_as("idp|ben"),
        "groups": "h:" + opaque_id(KEY, "groups", "g:hr|payroll", "g:hr|staff", "pub", "u:idp|ben"),
        "auth": "caller",
    }
    assert (fewer["actor"]["id"], fewer["actor"]["groups"] == first["actor"]["groups"]) == (first["actor"]["id"], False)
    assert local["actor"]["auth"] == "local"
    assert opened["actor"] == {"kind": "system", "id": "system", "groups": "", "auth": "system"}
    assert b"payroll" not in segment_paths(tmp_path)[0].read_bytes()


def test_the_open_span_is_told_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trace and span are those of the calling thread, as W3C writes them; an API nobody imported stays so."""
    from opentelemetry import trace

    span = trace.NonRecordingSpan(trace.SpanContext(trace_id=0xABC, span_id=0x12, is_remote=False))
    events = recorder(tmp_path)
    with trace.use_span(span):
        events.record("doc.added", data=added(1))
    events.record("doc.added", data=added(2))
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    events.record("doc.added", data=added(3))
    assert "opentelemetry.trace" not in sys.modules
    found = [(event["trace"], event["span"]) for event in read_events(tmp_path, kind="doc.added")]
    assert found == [(f"{0xABC:032x}", f"{0x12:016x}"), ("", ""), ("", "")]


def test_a_lock_that_was_replaced_locks_nobody_out(tmp_path: Path) -> None:
    """Both writers go over to the file that is there now; otherwise each would hold a lock of its own."""
    first, second = recorder(tmp_path), recorder(tmp_path)
    for number in range(6):
        (first, second)[number % 2].record("doc.added", data=added(number))
        if number % 3 == 1:
            (tmp_path / "lock").unlink()
    assert documents(tmp_path) == list(range(6))
    assert is_whole(tmp_path)


def test_a_log_that_was_cut_shows_it(tmp_path: Path) -> None:
    """Lines taken from the end under a writer leave a hole in the numbers, and the log says that it was reopened."""
    events = recorder(tmp_path)
    for number in range(4):
        events.record("doc.added", data=added(number))
    (path,) = segment_paths(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]))
    events.record("doc.added", data=added(9))
    assert [(event["seq"], event["type"]) for event in read_events(tmp_path)][3:] == [
        (6, "log.reopened"),
        (7, "doc.added"),
    ]


def test_a_log_whose_folder_went_away_goes_on(tmp_path: Path) -> None:
    """The folder is made anew, numbers go on, and the hole shows what is missing."""
    events = recorder(tmp_path / "events")
    events.record("doc.added", data=added(1))
    (tmp_path / "events").rename(tmp_path / "aside")
    events.record("doc.added", data=added(2))
    found = list(read_events(tmp_path / "events"))
    assert [(event["seq"], event["type"]) for event in found] == [(3, "log.reopened"), (4, "doc.added")]


def test_a_long_last_line_is_read_whole(tmp_path: Path) -> None:
    """Numbers go on after a line of more than 64 KiB, torn or whole."""
    chunk = {
        "chunk": 1,
        "doc": "k7f3qx9m2t4bk7f3qx9m2t4b22",
        "version": 1,
        "rank": 1,
        "text": "hmac-sha256:" + "0" * 64,
    }
    first = recorder(tmp_path)
    first.record("retrieval.done", data={"chunks": [chunk] * 900})
    assert segment_paths(tmp_path)[0].stat().st_size > 100_000
    recorder(tmp_path).record("doc.added", data=added(1))
    with segment_paths(tmp_path)[0].open("ab") as file:
        file.write(b'{"torn":"' + b"x" * 200_000)
    recorder(tmp_path).record("doc.added", data=added(2))
    assert documents(tmp_path) == [1, 2]
    assert is_whole(tmp_path)
    (recovered,) = read_events(tmp_path, kind="log.recovered")
    assert recovered["data"]["bytes"] == 200_009


def test_a_torn_line_is_noted_at_once_even_if_the_disk_refuses_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the line off and the note of it are one write, tried again until it succeeds."""
    recorder(tmp_path).record("doc.added", data=added(1))
    (path,) = segment_paths(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"torn')
    before = path.read_bytes()
    second, real = recorder(tmp_path), os.write
    for short in (0, 1, 40):
        with monkeypatch.context() as broken:
            broken.setattr(os, "write", lambda fd, block, short=short: real(fd, block[:short]))
            with pytest.raises(AuditUnavailable):
                second.record("doc.added", data=added(2))
        assert path.read_bytes() == before
    second.record("doc.added", data=added(3))
    lines = path.read_bytes().split(b"\n")
    torn = lines.index(b'{"torn')
    after = json.loads(lines[torn + 1])
    assert (after["type"], after["data"]) == ("log.recovered", {"segment": 1, "bytes": len(b'{"torn')})


def test_a_torn_line_at_the_end_of_a_full_segment(tmp_path: Path) -> None:
    """The note of it stands right behind it, and the next segment begins after that."""
    recorder(tmp_path, segment_bytes=300).record("doc.added", data=added(1))
    (path,) = segment_paths(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"torn')
    second = recorder(tmp_path, segment_bytes=300)
    second.record("doc.added", data=added(2))
    second.record("doc.added", data=added(3))
    assert [event["type"] for event in map(_parsed, segment_paths(tmp_path)[0].read_bytes().splitlines())] == [
        "log.opened",
        "doc.added",
        "torn",
        "log.recovered",
        "log.opened",
        "doc.added",
    ]
    assert len(segment_paths(tmp_path)) == 2
    assert is_whole(tmp_path)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {"type": "torn"}


def test_what_was_torn_twice_is_noted_twice(tmp_path: Path) -> None:
    """A power cut in the very write of the note leaves two torn lines; both are noted, in order."""
    recorder(tmp_path).record("doc.added", data=added(1))
    (path,) = segment_paths(tmp_path)
    with path.open("ab") as file:
        file.write(b'{"first\n{"second')
    recorder(tmp_path).record("doc.added", data=added(2))
    noted = [event["data"]["bytes"] for event in read_events(tmp_path, kind="log.recovered")]
    assert noted == [len(b'{"first'), len(b'{"second')]
    assert is_whole(tmp_path)


def test_a_jump_of_the_clock_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards or backwards between two events, and backwards since the log's last line; not the passing of time."""
    shift = [0]
    real = time.time_ns
    monkeypatch.setattr(envelope.time, "time_ns", lambda: real() + shift[0])
    events = recorder(tmp_path)
    for hours in (0, 1, -1, -1):
        shift[0] = hours * 3_600 * 10**9
        events.record("doc.added", data=added(hours + 1))
    shift[0] -= 7_200 * 10**9
    recorder(tmp_path).record("doc.added", data=added(9))
    jumps = [round(event["data"]["ms"] / 1000) for event in read_events(tmp_path, kind="clock.jump")]
    assert jumps == [3_600, -7_200, -7_200]
    assert kinds(tmp_path)[2:4] == ["clock.jump", "doc.added"]
    assert is_whole(tmp_path)


def test_suspension_and_slow_clocks_are_no_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that slept passes time; a clock set right by 0.04 % over a day is no jump."""
    now, passed = [10**18], [0]
    monkeypatch.setattr(envelope.time, "time_ns", lambda: now[0])
    monkeypatch.setattr(envelope, "_passed_ns", lambda: passed[0])
    made = envelope.Envelope(origin="", tenant="", software={}, key=KEY)
    assert made.begin("") == 0
    day = 86_400 * 10**9
    now[0] += day + day * 4 // 10_000
    passed[0] += day
    assert made.jump() == 0
    now[0] += 5 * 10**9
    passed[0] += 3 * 10**9
    assert made.jump() == 2_000


def test_the_remedy_fits_the_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a refusing one and a hanging one each have their own, and all say that nothing was done."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(1))
    remedies = set()
    for number in (errno.ENOSPC, errno.EROFS):
        with monkeypatch.context() as broken:

            def fail(*_: Any, number: int = number) -> int:
                raise OSError(number, "no")

            broken.setattr(os, "write", fail)
            with pytest.raises(AuditUnavailable) as caught:
                events.record("doc.added", data=added(2))
        remedies.add(caught.value.remedy)
        assert "Nothing was done" in caught.value.remedy
    assert len(remedies) == 2
