from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ragkit.errors import StoreError, WriterBusy
from ragkit.store.lock import WriterLock

HOLD = """
import sys, time
from ragkit.store.lock import WriterLock
lock = WriterLock(sys.argv[1], command="sync")
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_owner_is_named_and_death_releases(tmp_path: Path) -> None:
    """A second process is told who writes, within a second; after kill -9 of the owner the lock is free."""
    owner = holder(tmp_path / "lock")
    try:
        started = time.perf_counter()
        with pytest.raises(WriterBusy) as busy:
            WriterLock(tmp_path / "lock").acquire()
        assert time.perf_counter() - started < 1
        assert f"process {owner.pid} on" in str(busy.value)
        assert "sync" in str(busy.value)
        assert busy.value.remedy
        assert str(tmp_path) not in str(busy.value)
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    with WriterLock(tmp_path / "lock") as lock:
        assert lock.held


def test_it_is_released_and_taken_again(tmp_path: Path) -> None:
    """Leaving the block lets go; taking it twice in one object is one hold."""
    first, second = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    with first:
        first.acquire()
        with pytest.raises(WriterBusy):
            second.acquire()
    assert not first.held
    with second:
        assert second.held
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_forked_child_does_not_keep_it(tmp_path: Path) -> None:
    """A child forked under the lock neither holds it nor keeps it after its parent let go."""
    context = multiprocessing.get_context("fork")
    lock = WriterLock(tmp_path / "lock")
    lock.acquire()
    child = context.Process(target=time.sleep, args=(30,))
    child.start()
    try:
        os.close(os.dup(0))  # the child is certainly running by now
        lock.release()
        deadline = time.monotonic() + 5
        while True:
            try:
                with WriterLock(tmp_path / "lock"):
                    break
            except WriterBusy:
                assert time.monotonic() < deadline, "the child keeps the lock"
                time.sleep(0.01)
    finally:
        child.kill()
        child.join()


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """A read-only or absent place is an error with a remedy that names no path."""
    with pytest.raises(StoreError, match="ENOENT") as refused:
        WriterLock(tmp_path / "Marchbank" / "lock").acquire()
    assert "read-only" in refused.value.remedy
    assert "Marchbank" not in str(refused.value)


def test_a_lock_that_cannot_be_signed_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is an error with a remedy, and the next round of a schedule, with room again, is let in."""
    lock = WriterLock(tmp_path / "lock")
    with monkeypatch.context() as full:
        full.setattr("os.pwrite", refused)
        with pytest.raises(StoreError, match="ENOSPC") as failed:
            lock.acquire()
    assert failed.value.remedy
    assert not lock.held
    with WriterLock(tmp_path / "lock") as other:
        assert other.held


def test_a_disk_that_became_read_only_does_not_keep_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the owner signed cannot be wiped out; the lock goes all the same."""
    lock = WriterLock(tmp_path / "lock")
    lock.acquire()
    with monkeypatch.context() as full:
        full.setattr("os.ftruncate", refused)
        lock.release()
    with WriterLock(tmp_path / "lock") as other:
        assert other.held


def refused(*_: object) -> None:
    """Stand for a disk without room."""
    raise OSError(errno.ENOSPC, "No space left on device")
