"""The processes that build and probe a generation, forked from one that has imported Chroma; for whole test runs.

::

    with warm_children():                 # for as long as tests fold generations
        workspace.sync()

A fold starts two processes, and each imports chromadb, which takes longer than all that it does with the few passages
of a test. Here one process imports it, and forks for every build and every probe: the same code runs, still in a
process of its own that may die of a torn file, and only the start of the interpreter is spared. Workspaces in processes
that tests start do it as ever; :data:`cold_child` is for a test that wants it so.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from ragkit.index import generations, probe

_SECONDS = 60
NEEDED = ("chromadb", "ragkit.index.chroma", "ragkit.index.lexical", "ragkit.index.probe")

cold_child = probe.run_child
"""What the product does."""


class _Nursery:
    """Has Chroma imported, in a process that is started with the first request, and forks it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._asked = 0
        self._process: subprocess.Popen[str] | None = None

    def run_child(self, module: str, arguments: Sequence[str], *, rows: int, seconds_a_row: float = 0.002) -> int:
        """Do as :func:`ragkit.index.probe.run_child`; what forked off this process does it by itself."""
        if os.getpid() != self._pid:
            return cold_child(module, arguments, rows=rows, seconds_a_row=seconds_a_row)
        seconds = _SECONDS + int(rows * seconds_a_row)
        with self._lock:
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [sys.executable, "-m", __name__],
                    env={**os.environ, "ANONYMIZED_TELEMETRY": "False"},
                    cwd="/",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._asked += 1
            self._process.stdin.write(json.dumps([self._asked, seconds, module, *arguments]) + "\n")
            self._process.stdin.flush()
            number = status = 0
            while number != self._asked:  # a test that was stopped may have left a reply behind
                number, status = map(int, self._process.stdout.readline().split())
            return status

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._process is not None:
                self._process.communicate()


def forked(module: str, arguments: Sequence[str], *, rows: int, seconds_a_row: float = 0.002) -> int:
    """Do as :func:`ragkit.index.probe.run_child` in a fork of this process, which has imported Chroma."""
    child = os.fork()
    if not child:
        _be(module, arguments, _SECONDS + int(rows * seconds_a_row))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 124 if status == -signal.SIGALRM else status


@contextmanager
def warm_children() -> Iterator[None]:
    """Build and probe in forks of one process."""
    nursery = _Nursery()
    generations.run_child = probe.run_child = nursery.run_child  # type: ignore[attr-defined]
    try:
        yield
    finally:
        generations.run_child = probe.run_child = cold_child  # type: ignore[attr-defined]
        nursery.close()


def run() -> None:
    """Fork for every line of standard input: a number, seconds, a module, its arguments; tell its exit status."""
    for needed in NEEDED:
        import_module(needed)
    for line in sys.stdin:
        number, seconds, module, *arguments = json.loads(line)
        print(number, forked(module, arguments, rows=int(seconds) - _SECONDS, seconds_a_row=1), flush=True)


def _be(module: str, arguments: Sequence[str], seconds: int) -> None:
    """Be that module in this fork, and end."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(seconds)
        sys.argv = [module, *arguments]
        import_module(module).run()
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    run()
