"""Group commit: threads that share a sync, a disk that hangs, forks, the end of the interpreter."""

from __future__ import annotations

import errno
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit import worker
from ragkit.audit.reading import read_events
from ragkit.audit.segments import segment_paths
from ragkit.errors import AuditUnavailable
from ragkit.testing.logs import Hanging, added, documents, is_whole, kinds, recorder, released, soon

THREADS, EACH = 12, 5


def _together(work: Any, count: int = THREADS) -> None:
    threads = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def test_threads_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durable events that come together are forced out together; each is on the disk when its call returns."""
    forced: list[int] = []
    real = os.fdatasync

    def slow(fd: int) -> None:
        size = os.fstat(fd).st_size
        time.sleep(0.02)
        real(fd)
        forced.append(size)

    monkeypatch.setattr(os, "fdatasync", slow)
    events = recorder(tmp_path)
    late: list[str] = []

    def work(place: int) -> None:
        for number in range(EACH):
            events.record("answer.released", data=released(place * EACH + number))
            (line,) = [one for one in _lines(tmp_path) if one[1] == place * EACH + number]
            if not forced or line[0] > max(forced):
                late.append(f"{line} {forced}")

    _together(work)
    assert late == []
    assert len(forced) < THREADS * EACH / 2
    assert is_whole(tmp_path)
    found = [event["data"]["hits"] for event in read_events(tmp_path, kind="answer.released")]
    assert sorted(found) == list(range(THREADS * EACH))
    for place in range(THREADS):  # the order of each thread is kept
        mine = [number for number in found if number // EACH == place]
        assert mine == sorted(mine)


def _lines(folder: Path) -> list[tuple[int, int]]:
    """Where the line of each answer ends, and its number."""
    import json

    (path,) = segment_paths(folder)
    end, found = 0, []
    for line in path.read_bytes().splitlines(keepends=True):
        end += len(line)
        event = json.loads(line)
        if event["type"] == "answer.released":
            found.append((end, event["data"]["hits"]))
    return found


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_disk_that_hangs_holds_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Callers are told within the timeout, those who come after at once; when it answers, the log goes on by itself.

    What was being written is there once; what waited behind it was refused and is not written later.
    """
    disk = Hanging(monkeypatch, call, tmp_path)
    events = recorder(tmp_path, timeout=0.4)
    events.record("doc.added", data=added(0))
    took: dict[int, float] = {}

    def refused(place: int) -> None:
        began = time.monotonic()
        with pytest.raises(AuditUnavailable, match="TimeoutError") as caught:
            events.record("answer.released", data=released(place))
        took[place] = time.monotonic() - began
        assert "timeout" in caught.value.remedy

    with disk.hung():
        first = threading.Thread(target=refused, args=(1,))
        first.start()
        assert disk.reached.wait(5)
        _together(lambda place: refused(place + 2), 3)
        first.join()
        assert all(0.2 < seconds < 2 for seconds in took.values())
        refused(9)
        assert took[9] < 0.1
    assert soon(lambda: len(list(read_events(tmp_path, kind="answer.released"))) == 1)
    assert soon(lambda: not events._writer.stuck)
    events.record("doc.added", data=added(10))
    assert is_whole(tmp_path)
    assert [event["data"]["hits"] for event in read_events(tmp_path, kind="answer.released")] == [1]
    (resumed,) = read_events(tmp_path, kind="log.resumed")
    assert resumed["data"] == {"events": 5, "written": 1, "code": "etimedout"}
    assert documents(tmp_path) == [0, 10]


def test_best_effort_goes_on_beside_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call waits for the timeout, the others not at all; what was lost is counted."""
    disk = Hanging(monkeypatch, "write", tmp_path)
    events = recorder(tmp_path, mode="best_effort", timeout=0.3)
    events.record("doc.added", data=added(0))
    with disk.hung():
        began = time.monotonic()
        for number in range(1, 50):
            events.record("doc.added", data=added(number))
        assert time.monotonic() - began < 1.5
    assert soon(lambda: not events._writer.stuck)
    events.record("doc.added", data=added(50))
    assert documents(tmp_path) == [0, 1, 50]
    (dropped,) = read_events(tmp_path, kind="log.dropped")
    assert dropped["data"] == {"events": 49, "written": 1, "code": "etimedout"}
    assert is_whole(tmp_path)


def test_another_process_that_holds_the_lock_holds_nobody(tmp_path: Path) -> None:
    """A stopped process with the log's lock makes the log unwritable, within the timeout, and no longer than that."""
    import fcntl

    events = recorder(tmp_path, timeout=0.3)
    events.record("doc.added", data=added(0))
    held = os.open(tmp_path / "lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(AuditUnavailable):
        events.record("doc.added", data=added(1))
    os.close(held)
    assert soon(lambda: not events._writer.stuck)
    events.record("doc.added", data=added(2))
    assert documents(tmp_path) in ([0, 2], [0, 1, 2])
    assert is_whole(tmp_path)


def test_after_a_failed_sync_the_bytes_are_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system forgets what it could not write; a second sync alone would succeed for nothing."""
    events = recorder(tmp_path)
    events.record("answer.released", data=released(0))
    durable = segment_paths(tmp_path)[0].stat().st_size
    real_sync, real_write = os.fdatasync, os.pwrite
    again: list[tuple[int, bytes]] = []

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(AuditUnavailable, match="errno 5"):
        events.record("answer.released", data=released(1))
    with pytest.raises(AuditUnavailable, match="errno 5"):  # not durable, but the log is not sound
        events.record("doc.added", data=added(2))
    before = segment_paths(tmp_path)[0].read_bytes()
    monkeypatch.setattr(os, "fdatasync", real_sync)
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: (again.append((at, data)), real_write(fd, data, at))[1])
    events.record("doc.added", data=added(3))
    assert again == [(durable, before[durable:])]
    assert segment_paths(tmp_path)[0].read_bytes().startswith(before)
    assert kinds(tmp_path) == ["log.opened", "answer.released", "answer.released", "log.resumed", "doc.added"]
    (resumed,) = read_events(tmp_path, kind="log.resumed")
    assert resumed["data"] == {"events": 2, "written": 1, "code": "eio"}
    assert is_whole(tmp_path)


def test_an_idle_thread_ends_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder that nobody uses holds no thread, so that it can be forgotten."""
    monkeypatch.setattr(worker, "_REST", 0.05)
    before = set(threading.enumerate())
    events = recorder(tmp_path)
    for number in range(3):
        events.record("doc.added", data=added(number))
        assert soon(lambda: not {one for one in threading.enumerate() if one.name == "ragkit-audit"} - before)
    assert documents(tmp_path) == [0, 1, 2]


def test_a_fork_among_busy_threads(tmp_path: Path) -> None:
    """Children forked while other threads record are not held by their locks, and each writes for itself."""
    events = recorder(tmp_path, segment_bytes=30_000)
    stop = threading.Event()

    def work(place: int) -> None:
        number = 0
        while not stop.is_set():
            events.record("doc.added", data=added(1_000 * place + number))
            number += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    context = multiprocessing.get_context("fork")
    try:
        for number in range(10):
            child = context.Process(target=events.record, args=("doc.deleted",), kwargs={"data": added(number)})
            child.start()
            child.join(20)
            assert child.exitcode == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert [event["data"]["doc"] for event in read_events(tmp_path, kind="doc.deleted")] == list(range(10))
    assert is_whole(tmp_path)


def test_a_fork_while_evidence_is_kept(tmp_path: Path) -> None:
    """The lock of the evidence file, held by a thread that the child does not have, does not hold the child."""
    from ragkit.audit.evidence_file import EvidenceFile

    file = EvidenceFile(tmp_path / "evidence.db")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with file.held():
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(5)

    def keep() -> None:
        with file.writing() as database:
            database.execute("CREATE TABLE here (number INTEGER)")

    child = multiprocessing.get_context("fork").Process(target=keep)
    child.start()
    child.join(10)
    done.set()
    thread.join()
    assert child.exitcode == 0
    with file.reading() as database:
        assert database.execute("SELECT count(*) FROM here").fetchone() == (0,)
    file.close()


_PROGRAM = """
import os, sys, threading, time
from pathlib import Path
from ragkit.audit.recorder import EventRecorder
folder = Path(sys.argv[1])
events = EventRecorder(folder, mode="required", software={}, actor_key=bytes(32), timeout=0.5)
events.record("doc.added", data={"doc": 1})
if sys.argv[2] == "hung":
    real = os.write
    def write(fd, block):
        if os.readlink(f"/proc/self/fd/{fd}").endswith(".jsonl"):
            time.sleep(60)
        return real(fd, block)
    os.write = write
if sys.argv[2] == "late":
    class Late:
        def __del__(self, events=events):
            events.record("doc.added", data={"doc": 2})
    late = Late()
print("ended", flush=True)
"""


@pytest.mark.parametrize(("how", "found"), [("left", ["log.opened", "doc.added", "log.closed"]), ("hung", None)])
def test_a_recorder_left_open_ends_with_its_interpreter(tmp_path: Path, how: str, found: list[str] | None) -> None:
    """The end is recorded without a call of close, and a disk that hangs does not keep the process."""
    folder = tmp_path / "events"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _PROGRAM, folder, how], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, b"ended\n"), done.stderr
    assert time.monotonic() - began < 10
    assert kinds(folder) == (found or ["log.opened", "doc.added"])


def test_an_event_at_the_very_end_is_recorded(tmp_path: Path) -> None:
    """Where no thread runs any more, the caller writes; nothing hangs."""
    folder = tmp_path / "events"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, folder, "late"], capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    assert documents(folder) == [1, 2]
    assert is_whole(folder)
