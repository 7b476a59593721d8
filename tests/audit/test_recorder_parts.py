"""The recorder with a signer and an evidence store beside it: who is called when, and what becomes of failures."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit import worker
from ragkit.audit.reading import read_events
from ragkit.audit.segments import segment_paths
from ragkit.errors import AuditUnavailable, CheckpointRefused
from ragkit.testing.logs import ANA, Keeper, Signer, added, is_whole, kinds, recorder, released, soon
from ragkit.types import Evidence

EVIDENCE = Evidence(collection="care", conversation="c1", parts={"question": b"how long?", "answer": b"five years"})


def test_a_checkpoint_is_signed_when_it_is_due(tmp_path: Path) -> None:
    """Read ahead, announced with a size that counts the announcement, on the disk, then signed."""
    signer = Signer(tmp_path, every=5)
    events = recorder(tmp_path, signer=signer)
    for number in range(4):
        events.record("doc.added", data=added(number))
    assert soon(lambda: len(signer.calls) == 3)
    assert signer.calls == ["prepare", "announce 5", "sign 6"]
    (checkpoint,) = read_events(tmp_path, kind="checkpoint")
    assert (checkpoint["seq"], checkpoint["data"], checkpoint["actor"]["kind"]) == (6, {"size": 6}, "system")


def test_an_idle_process_signs_its_last_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By time, without another event; and not again while nothing happens."""
    monkeypatch.setattr(worker, "_POLL", 0.05)
    signer = Signer(tmp_path, seconds=0.3)
    events = recorder(tmp_path, signer=signer)
    events.record("doc.added", data=added(1))
    assert signer.calls == []
    assert soon(lambda: signer.calls[-1:] == ["sign 3"])
    time.sleep(0.5)
    assert signer.calls == ["prepare", "announce 2", "sign 3"]
    assert events._end.unsigned == 0


def test_closing_signs_the_end(tmp_path: Path) -> None:
    """The last line is the checkpoint that signs it; a log to which nothing was added is not signed again."""
    signer = Signer(tmp_path)
    events = recorder(tmp_path, signer=signer)
    events.record("doc.added", data=added(1))
    events.close()
    assert kinds(tmp_path) == ["log.opened", "doc.added", "log.closed", "checkpoint"]
    assert signer.calls == ["prepare", "announce 3", "sign 4"]
    events.close()
    assert len(signer.calls) == 3


def test_a_caller_can_sign_at_once(tmp_path: Path) -> None:
    """``checkpoint`` signs whether due or not, and says why it could not."""
    signer = Signer(tmp_path)
    events = recorder(tmp_path, signer=signer)
    events.record("doc.added", data=added(1))
    events.checkpoint()
    assert signer.calls[-1] == "sign 3"
    signer.failing = CheckpointRefused("cut", code="rolled-back", size=2, seen=3)
    events.record("doc.added", data=added(2))
    with pytest.raises(CheckpointRefused):
        events.checkpoint()
    signer.failing = OSError(5, "no")
    with pytest.raises(AuditUnavailable, match="could not be signed"):
        events.checkpoint()


def test_a_refused_checkpoint_is_recorded_once_and_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding stands in the log with its code; users are not stopped; a later success is signed as ever."""
    monkeypatch.setattr("ragkit.audit.signing_turns._AGAIN", 0.0)
    signer = Signer(tmp_path, every=1)
    signer.failing = CheckpointRefused("cut", code="rolled-back", size=2, seen=9)
    events = recorder(tmp_path, signer=signer)
    for number in range(6):
        events.record("doc.added", data=added(number))
        assert soon(lambda number=number: signer.calls.count("refuse") > number)
    (refused,) = read_events(tmp_path, kind="checkpoint.refused")
    assert (refused["reason"], refused["outcome"]) == ("rolled-back", "error")
    assert refused["data"] == {"size": 2, "seen": 9}
    signer.failing = None
    events.close()
    assert kinds(tmp_path)[-2:] == ["log.closed", "checkpoint"]
    assert is_whole(tmp_path)


@pytest.mark.parametrize(
    ("failing", "reason"),
    [(OSError(28, "full"), "enospc"), (CheckpointRefused("no key", code="no-key", size=2), "no-key")],
)
def test_a_checkpoint_that_fails_is_told_apart(tmp_path: Path, failing: Exception, reason: str) -> None:
    """A full disk or a missing key is no sign that somebody altered the log."""
    signer = Signer(tmp_path, every=1)
    signer.failing = failing
    events = recorder(tmp_path, signer=signer)
    events.record("doc.added", data=added(1))
    assert soon(lambda: "checkpoint.failed" in kinds(tmp_path))
    (failed,) = read_events(tmp_path, kind="checkpoint.failed")
    assert failed["reason"] == reason
    events.record("doc.added", data=added(2))
    assert kinds(tmp_path).count("checkpoint.failed") == 1


def test_reading_ahead_holds_nobody(tmp_path: Path) -> None:
    """A signer that reads a long log lets events be recorded meanwhile."""
    signer, free = Signer(tmp_path, every=1), threading.Event()
    signer.prepare = lambda: (free.wait(10), signer.calls.append("prepare"))[1]  # type: ignore[method-assign]
    events = recorder(tmp_path, signer=signer, timeout=0.5)
    for number in range(20):
        events.record("answer.released", data=released(number))
    assert signer.calls == []
    free.set()
    assert soon(lambda: "sign 22" in signer.calls)


def test_several_processes_take_turns_in_signing(tmp_path: Path) -> None:
    """Nothing stands between an announcement and its signature but what it announces."""

    def work() -> None:
        signer = Signer(tmp_path, every=7)
        events = recorder(tmp_path, signer=signer, segment_bytes=20_000)
        for number in range(60):
            events.record("doc.added", data=added(number))
        events.close()
        sizes = [call.split() for call in signer.calls if call != "prepare"]
        pairs = list(zip(sizes[::2], sizes[1::2], strict=True))
        assert len(pairs) > 3
        assert all((a, b) == ("announce", "sign") and int(m) == int(n) + 1 for (a, n), (b, m) in pairs)

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=work) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert is_whole(tmp_path)
    for event in read_events(tmp_path, kind="checkpoint"):
        assert event["data"]["size"] == event["seq"]


def test_evidence_is_kept_before_its_event_and_forced_out_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event commits to each part; of a durable one, evidence is on the disk before the log is."""
    keeper = Keeper()
    real_write, real_sync = os.write, os.fdatasync

    def write(fd: int, block: bytes) -> int:
        keeper.calls.append("write")
        return real_write(fd, block)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fdatasync", lambda fd: (keeper.calls.append("log"), real_sync(fd))[1])
    events = recorder(tmp_path, keeper=keeper)
    events.record("answer.released", actor=ANA, data=released(1), request="0" * 32, evidence=EVIDENCE)
    assert keeper.calls == ["keep", "write", "sync", "log"]
    events.record("doc.added", data=added(1))
    events.close()
    assert keeper.calls[-1] == "close"
    answer, other = read_events(tmp_path, kind="answer."), read_events(tmp_path, kind="doc.added")
    assert [part["role"] for part in next(answer)["payload"]] == ["question", "answer"]
    assert "payload" not in next(other)
    assert b"five years" not in segment_paths(tmp_path)[0].read_bytes()


def test_no_evidence_no_action(tmp_path: Path) -> None:
    """Required: an event whose evidence is not kept is not written. Best effort: it is, behind a note of that."""
    keeper = Keeper()
    keeper.failing = OSError(28, "full")
    strict = recorder(tmp_path / "a", keeper=keeper)
    with pytest.raises(AuditUnavailable, match="errno 28"):
        strict.record("answer.released", data=released(1), evidence=EVIDENCE)
    loose = recorder(tmp_path / "b", keeper=keeper, mode="best_effort")
    loose.record("answer.released", data=released(2), evidence=EVIDENCE)
    keeper.failing = None
    for events in (strict, loose):
        events.record("answer.released", data=released(3), evidence=EVIDENCE)
    assert [event["data"]["hits"] for event in read_events(tmp_path / "a", kind="answer.")] == [3]
    told = [(event["type"], event["data"], "payload" in event) for event in read_events(tmp_path / "b")]
    assert told[1:] == [
        ("log.dropped", {"events": 1, "code": "evidence"}, False),
        ("answer.released", {"collection": "care", "hits": 2}, False),
        ("answer.released", {"collection": "care", "hits": 3}, True),
    ]


def test_a_fault_of_the_evidence_store_is_no_fault_of_the_thread(tmp_path: Path) -> None:
    """Whatever it raises, the caller is told, the others are not, and recording goes on."""
    keeper = Keeper()
    keeper.failing = ZeroDivisionError("a fault of the code")
    events = recorder(tmp_path, keeper=keeper)
    with pytest.raises(ZeroDivisionError):
        events.record("answer.released", data=released(1), evidence=EVIDENCE)
    events.record("doc.added", data=added(1))
    assert kinds(tmp_path) == ["log.opened", "doc.added"]


def test_lines_are_canonical(tmp_path: Path) -> None:
    """Keys sorted, no white space: the bytes are those of the restricted RFC 8785."""
    events = recorder(tmp_path, origin="a/b", tenant="a", keeper=Keeper())
    data: dict[str, Any] = {"collection": "care", "entities": {"PERSON": 2, "DATE_TIME": 1}, "characters": 31}
    events.record("query.received", data=data, evidence=EVIDENCE)
    for line in segment_paths(tmp_path)[0].read_bytes().splitlines():
        assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
