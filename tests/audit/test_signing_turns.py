"""Signing beside recording: what a fork, an interrupt, a slow key command or a refused log may not do to it."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.checkpoints import Checkpointer
from ragkit.audit.growing import GrowingTree
from ragkit.audit.recorder import EventRecorder
from ragkit.audit.signing import KeySource
from ragkit.audit.tree import Frontier, leaf_hash, tree_root
from ragkit.config_audit import SigningKeySection
from ragkit.errors import AuditUnavailable, CheckpointRefused
from ragkit.testing.logs import KEY, Signer, added, documents, is_whole, kinds, recorder, soon
from ragkit.testing.signed_log import ORIGIN, SignedLog


def recording(log: SignedLog, signer: Checkpointer | None = None, *, timeout: float = 5.0) -> EventRecorder:
    """A recorder of the log that is signed."""
    return EventRecorder(
        log.events,
        mode="required",
        software={},
        actor_key=KEY,
        origin=ORIGIN,
        signer=signer or log.process(),
        timeout=timeout,
    )


def right(log: SignedLog) -> bool:
    """Whether every note has the root of its lines."""
    hashes = [leaf_hash(line) for line in log.lines()]
    return all(one.checkpoint.root == tree_root(hashes, 0, one.checkpoint.size) for one in log.notes())


class Midway:
    """Stops who takes lines into a tree, once, in the middle of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, by: BaseException | None = None) -> None:
        self.reached, self.free, self._by = threading.Event(), threading.Event(), by
        real = Frontier.take
        monkeypatch.setattr(Frontier, "take", lambda tree, lines: real(tree, self._lines(list(lines))))

    def _lines(self, lines: list[bytes]) -> Iterable[bytes]:
        if self.reached.is_set() or len(lines) < 10:
            return lines
        return self._half(lines)

    def _half(self, lines: list[bytes]) -> Iterator[bytes]:
        yield from lines[: len(lines) // 2 + 1]
        self.reached.set()
        if self._by is not None:
            raise self._by
        self.free.wait(20)
        yield from lines[len(lines) // 2 + 1 :]


def test_a_fork_in_the_middle_of_reading_ahead_signs_no_wrong_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child begins with a tree of its own, the parent goes on with its, and both sign what is there."""
    log = SignedLog(tmp_path)
    log.add(37)
    log.checkpoint()
    events = recording(log)
    for number in range(13):
        events.record("doc.added", data=added(number))
    midway = Midway(monkeypatch)
    reading = threading.Thread(target=events._writer._signing.prepare)
    reading.start()
    assert midway.reached.wait(5)

    def child() -> None:
        events.record("doc.added", data=added(100))
        events.checkpoint()

    forked = multiprocessing.get_context("fork").Process(target=child)
    forked.start()
    forked.join(20)
    midway.free.set()
    reading.join(20)
    assert forked.exitcode == 0
    events.record("doc.added", data=added(200))
    events.checkpoint()
    events.close()
    assert len(log.notes()) == 4
    assert right(log)


def test_a_fork_finishes_no_change_of_its_parent(tmp_path: Path) -> None:
    """The announced size and the key that was to be next stay with the parent."""
    log = SignedLog(tmp_path)
    log.add()
    log.checkpoint()
    log.signer.change_key(log.signer.key.make_next(), keep_old=True)
    log.signer.forked()
    log.add()
    note = log.checkpoint()
    assert note is not None
    assert note.checkpoint.next_key == ""


def test_an_interrupt_in_the_middle_of_reading_ahead_leaves_no_torn_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C stops the call and nothing else: what is signed later is what is there."""
    log = SignedLog(tmp_path)
    log.add(37)
    log.checkpoint()
    log.add(12)
    Midway(monkeypatch, by=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        log.signer.prepare()
    log.add()
    assert log.checkpoint() is not None
    assert right(log)


def test_a_tree_in_the_middle_of_growing_has_no_root() -> None:
    """Roots that do not fit the size are no tree; a growth that is stopped leaves the old one."""
    frontier = Frontier()
    frontier.take([b"a", b"b", b"c"])
    before = frontier.root()

    def lines() -> Iterator[bytes]:
        yield b"d"
        raise OSError(5, "no")

    with pytest.raises(OSError, match="no"):
        frontier.take(lines())
    assert (frontier.size, frontier.root()) == (3, before)
    frontier.size = 4
    with pytest.raises(ValueError, match="middle of growing"):
        frontier.root()


def test_what_is_unexpected_in_reading_ahead_is_no_raw_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree is dropped and read anew when it is signed."""
    log = SignedLog(tmp_path)
    log.add(37)
    Midway(monkeypatch, by=IndexError("pop from empty list"))
    log.signer.prepare()
    assert log.checkpoint() is not None
    assert right(log)


def test_closing_closes_whatever_reading_ahead_comes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the last lines are read: the interrupt is told, and the files are closed."""
    signer = Signer(tmp_path)
    events = recorder(tmp_path, signer=signer)
    events.record("doc.added", data=added(1))

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(signer, "prepare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        events.close()
    assert not events._end.begun
    assert events._end._segments._fd == -1
    assert kinds(tmp_path)[-2:] == ["log.closed", "checkpoint"]


def test_a_slow_command_for_the_key_holds_nobody(tmp_path: Path) -> None:
    """It runs beside the writing thread, once, also when another process signed meanwhile with the same key."""
    ran = tmp_path / "ran"
    script = f"echo x >> '{ran}'; sleep 1.8; echo {'ab' * 32}"
    log = SignedLog(tmp_path, SigningKeySection(source="command", command=("sh", "-c", script)))
    key = KeySource(log.section, path=log.key_path, folder=log.home)
    signer = Checkpointer(log.events, origin=ORIGIN, key=key, seen=log.seen, every_events=5)
    events = recording(log, signer, timeout=1.0)
    until, number = time.monotonic() + 20, 0
    while time.monotonic() < until and len(log.notes()) < 2:
        events.record("doc.added", data=added(number))  # raises, where the thread is held
        number += 1
        time.sleep(0.02)
    assert ran.read_text() == "x\n"
    signer._every_events = 1_000_000
    assert soon(lambda: not events._writer._signing._preparing)
    events.record("doc.added", data=added(number))
    other = SignedLog(tmp_path, SigningKeySection(source="env"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAGKIT_AUDIT_KEY", "ab" * 32)
        assert other.checkpoint() is not None
    events.record("doc.added", data=added(number))
    events.close()
    assert ran.read_text() == "x\n"
    assert len(log.notes()) >= 4
    assert right(log)
    assert is_whole(log.events)


def test_without_having_run_its_command_a_signer_has_no_key(tmp_path: Path) -> None:
    """Under the log's lock no command is run, and one that fails is told as a key that is not there."""
    ran = tmp_path / "ran"
    section = SigningKeySection(source="command", command=("sh", "-c", f"echo x >> '{ran}'; exit 1"))
    log = SignedLog(tmp_path, section)
    log.add()
    with pytest.raises(CheckpointRefused, match="not run yet") as found:
        log.checkpoint()
    assert (found.value.code, ran.exists()) == ("no-key", False)
    log.signer.prepare()
    with pytest.raises(CheckpointRefused, match="is not there") as found:
        log.checkpoint()
    assert (found.value.code, ran.read_text()) == ("no-key", "x\n")


def read_by_whom(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the thread that reads a segment from its beginning."""
    found: list[str] = []
    whole = GrowingTree._read_segment

    def noted(self: GrowingTree, to: int | None) -> int | None:
        if self._offset == 0:
            found.append(threading.current_thread().name)
        return whole(self, to)

    monkeypatch.setattr(GrowingTree, "_read_segment", noted)
    return found


def test_a_refused_log_is_not_read_by_the_thread_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found beside it is told, though the log grew meanwhile; mended, the log is signed again."""
    log = SignedLog(tmp_path)
    log.add(20)
    log.checkpoint()
    good = (log.events / "00000001.jsonl").read_bytes()
    log.rewrite([log.lines()[0].replace(b"added", b"mixed"), *log.lines()[1:]])
    (log.events / "frontier.json").unlink()
    read = read_by_whom(monkeypatch)
    events = recording(log)
    for number in range(2):
        events.record("doc.added", data=added(number))
        with pytest.raises(CheckpointRefused) as found:
            events.checkpoint()
        assert (found.value.code, found.value.size, found.value.seen) == ("edited", 21, 21)
    assert set(read) == {"MainThread"}
    here = (log.events / "00000001.jsonl").read_bytes()
    (log.events / "00000001.jsonl").write_bytes(good + here[len(good) :])
    events.checkpoint()
    assert right(log)
    events.close()


def test_what_was_seen_outside_is_read_ahead_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes that were taken away, and an older memory than them, cost no reading under the lock."""
    log = SignedLog(tmp_path)
    log.add(5)
    log.checkpoint()
    first = log.seen.read_bytes()
    log.add(5)
    log.checkpoint()
    log.signer.notes.path.unlink()
    read = read_by_whom(monkeypatch)
    for _ in range(2):
        log.add(5)
        signer = log.process()
        signer.prepare()
        assert read, "nothing was read ahead"
        read.clear()
        assert log.checkpoint(signer) is not None
        assert read == []
        log.seen.write_bytes(first)
    assert log.verified()


def test_the_writing_thread_outlives_what_is_raised_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its callers are told at once, and the next event is written by another thread."""
    events = recorder(tmp_path)
    events.record("doc.added", data=added(0))

    def stopped(_: object) -> Any:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(events._end, "add", stopped)
        began = time.monotonic()
        with pytest.raises(AuditUnavailable, match="errno 5"):
            events.record("doc.added", data=added(1))
        assert time.monotonic() - began < 2
    with monkeypatch.context() as patched:
        patched.setattr(events._writer._signing, "look", lambda: stopped(None))
        events.record("doc.added", data=added(2))
    events.record("doc.added", data=added(3))
    assert documents(tmp_path) == [0, 2, 3]
    assert is_whole(tmp_path)
    events.close()
