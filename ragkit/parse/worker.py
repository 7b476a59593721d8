"""One child process from the parent's side: started when needed, watched while it works, replaced when it dies."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ragkit.errors import ItemError, RagkitError
from ragkit.parse.frames import EXIT_RETIRED, MAX_BODY, MAX_HEAD, PREFIX, pack_item, unpack_answer
from ragkit.parse.ocr_setup import Ocr
from ragkit.parse.problems import problem
from ragkit.types import Document, SourceItem

_START_S = 60.0
_READ = 1024 * 1024
_RETIRED = "retired"
_CPU_SIGNALS = {-signal.SIGXCPU}


class ParserProcess:
    """Owns one child. Not for several threads at once."""

    def __init__(
        self, *, timeout_s: float, memory_bytes: int, recycle_after: int, formats: Mapping[str, str], ocr: Ocr
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._recycle_after = recycle_after
        self._formats = dict(formats)
        self._ocr = ocr
        self._child: subprocess.Popen[bytes] | None = None
        self._answered = 0
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"ParserProcess({'running' if self._child else 'stopped'})"

    def exchange(self, items: Sequence[SourceItem]) -> list[Document | ItemError]:
        """Have the items parsed, in order. Never fails for an item; a fresh child takes over behind a guilty one.

        Raises:
            RagkitError: The child process cannot be started at all.
        """
        results: list[Document | ItemError] = []
        while len(results) < len(items):
            if self._child is None or self._answered >= self._recycle_after or self._child.poll() is not None:
                self._start()
            code = self._converse(items[len(results) :], results)
            if code is not None:
                results.append(problem(code))
                self.stop()
        return results

    def stop(self) -> None:
        """End the child, and anything it may have started."""
        child, self._child = self._child, None
        self._buffer.clear()
        if child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        child.wait()

    def _start(self) -> None:
        self.stop()
        self._answered = 0
        settings = {
            "memory_bytes": self._memory_bytes,
            "cpu_s": max(1, round(self._timeout_s)),
            "parent": os.getpid(),
            "formats": self._formats,
            "ocr": self._ocr.packed(),
        }
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-s", "-B", "-X", "utf8", "-m", "ragkit.parse.child", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        assert self._child.stdin is not None
        os.set_blocking(self._child.stdin.fileno(), False)
        head = self._await_frame(memoryview(b""), _START_S)[0]
        if not isinstance(head, tuple):
            self.stop()
            raise RagkitError(
                f"the parser process did not start ({head})",
                remedy="Run `ragkit doctor`; check that this Python can start `python -m ragkit.parse.child`.",
            )

    def _converse(self, left: Sequence[SourceItem], results: list[Document | ItemError]) -> str | None:
        """Send what is left and collect answers; return the code of the problem that broke it off, if one did."""
        unsent = memoryview(b"".join(map(pack_item, left)))
        for item in left:
            frame, unsent = self._await_frame(unsent, self._timeout_s)
            if frame == _RETIRED and self._answered:
                return None  # it left on purpose after an answer; the rest goes to a fresh one
            if isinstance(frame, str):
                return "parser-crashed" if frame == _RETIRED else frame
            try:
                results.append(unpack_answer(*frame, item))
            except ValueError:
                return "bad-answer"
            self._answered += 1
        return None

    def _await_frame(self, unsent: memoryview, timeout_s: float) -> tuple[tuple[bytes, bytes] | str, memoryview]:
        """Write and read until one whole answer is there. Reading while writing: both pipes may be full at once."""
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        deadline = time.monotonic() + timeout_s
        while (frame := self._take_frame()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return "parser-timeout", unsent
            with selectors.DefaultSelector() as ready:
                ready.register(child.stdout, selectors.EVENT_READ)
                if unsent:
                    ready.register(child.stdin, selectors.EVENT_WRITE)
                for key, _ in ready.select(left):
                    if key.fileobj is child.stdout:
                        data = os.read(child.stdout.fileno(), _READ)
                        if not data:
                            return self._cause_of_death(), unsent
                        self._buffer += data
                    else:
                        with suppress(BlockingIOError, BrokenPipeError):
                            unsent = unsent[os.write(child.stdin.fileno(), unsent[:_READ]) :]
        return frame, unsent

    def _take_frame(self) -> tuple[bytes, bytes] | str | None:
        if len(self._buffer) < PREFIX.size:
            return None
        head, body = PREFIX.unpack_from(self._buffer)
        if head > MAX_HEAD or body > MAX_BODY:
            return "bad-answer"
        end = PREFIX.size + head + body
        if len(self._buffer) < end:
            return None
        frame = bytes(self._buffer[PREFIX.size : PREFIX.size + head]), bytes(self._buffer[PREFIX.size + head : end])
        del self._buffer[:end]
        return frame

    def _cause_of_death(self) -> str:
        assert self._child is not None
        try:
            status = self._child.wait(5)
        except subprocess.TimeoutExpired:
            return "parser-crashed"
        if status == EXIT_RETIRED:
            return _RETIRED
        return "parser-timeout" if status in _CPU_SIGNALS else "parser-crashed"


def _environment() -> dict[str, str]:
    """What the child may know: where Python's modules are. No secret of this process's environment.

    Tesseract may start no threads: the kernel refuses them to the child, and OpenMP ends a process over that.
    """
    paths = [path for path in sys.path if path and Path(path).is_absolute()]
    return {"PYTHONPATH": os.pathsep.join(paths), "LC_ALL": "C.UTF-8", "PATH": os.defpath, "OMP_THREAD_LIMIT": "1"}
