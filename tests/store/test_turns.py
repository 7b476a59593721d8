from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ragkit.errors import WriterBusy
from ragkit.store.lock import SERVICE, WriterLock
from ragkit.store.turns import WriterTurns

HOLD = """
import sys, time
from ragkit.store.turns import WriterTurns
WriterTurns(sys.argv[1]).hold(sys.argv[2])
print("held", flush=True)
time.sleep(float(sys.argv[3]))
"""


def holder(path: Path, command: str, seconds: float) -> subprocess.Popen[str]:
    """A process that holds the lock so long."""
    arguments = [sys.executable, "-c", HOLD, str(path), command, str(seconds)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_turn_takes_the_lock_and_gives_it_back(tmp_path: Path) -> None:
    """Without a hold the lock is had for one turn, a turn within it included, and is free after, error or not."""
    turns, other = WriterTurns(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    with turns.turn("sync") as outermost, turns.turn("hold") as inner:
        assert (outermost, inner) == (True, False)
        assert turns.now is not None
        assert turns.now.verb == "sync"
        with pytest.raises(WriterBusy, match="sync"):
            other.acquire()
    with pytest.raises(ValueError, match="odd"), turns.turn("sync"):
        raise ValueError("odd")
    assert turns.now is None
    with other:
        assert other.held


def test_what_is_held_stays_held_between_turns(tmp_path: Path) -> None:
    """A service keeps the lock; a library elsewhere is told by whom, and how to write all the same."""
    turns, other = WriterTurns(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    turns.hold(SERVICE)
    turns.hold(SERVICE)
    with turns.turn("sync"):
        pass
    with pytest.raises(WriterBusy, match=SERVICE) as busy:
        other.acquire()
    assert "through it" in busy.value.remedy
    turns.let_go()
    assert not turns.held
    with other:
        assert other.held


def test_threads_write_one_after_another(tmp_path: Path) -> None:
    """With patience twenty threads have their turns, never two at a time, and none is lost."""
    turns, inside, most, done = WriterTurns(tmp_path / "lock"), 0, 0, 0
    turns.patience = 30

    def work() -> None:
        nonlocal inside, most, done
        with turns.turn("mask"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.002)
            inside -= 1
            done += 1

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (1, 20)


def test_a_thread_is_told_what_it_waited_for(tmp_path: Path) -> None:
    """Without patience, or out of it, a second thread is refused and told the verb and since when."""
    turns = WriterTurns(tmp_path / "lock")
    for patience in (0.0, 0.1):
        turns.patience = patience
        refused: list[WriterBusy] = []

        def second(refused: list[WriterBusy] = refused) -> None:
            try:
                with turns.turn("mask"):
                    refused.clear()
            except WriterBusy as busy:
                refused.append(busy)

        began = time.monotonic()
        with turns.turn("remask"):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()
        assert patience <= time.monotonic() - began < patience + 1
        assert "remask, since 20" in str(refused[0])


def test_a_service_waits_for_a_write_and_not_for_a_service(tmp_path: Path) -> None:
    """A sync of another process is waited for, for so long; a service that runs there is not, and both are named."""
    turns = WriterTurns(tmp_path / "lock")
    syncing = holder(tmp_path / "lock", "sync", 0.5)
    turns.hold(SERVICE, wait_s=20)
    assert turns.held
    turns.let_go()
    syncing.wait()
    syncing = holder(tmp_path / "lock", "sync", 60)
    with pytest.raises(WriterBusy, match=f"process {syncing.pid} .*sync"):
        turns.hold(SERVICE, wait_s=0.2)
    syncing.kill()
    syncing.wait()
    serving = holder(tmp_path / "lock", SERVICE, 60)
    began = time.monotonic()
    with pytest.raises(WriterBusy, match=f"process {serving.pid} .*{SERVICE}"):
        turns.hold(SERVICE, wait_s=20)
    assert time.monotonic() - began < 1
    serving.kill()
    serving.wait()
    turns.hold(SERVICE)
    assert turns.held, "after kill -9 the lock is free"
