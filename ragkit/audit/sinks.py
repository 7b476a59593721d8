"""Second places that get a copy of each line: a file here, a syslog server in :mod:`ragkit.net_syslog`.

A place is written to in a thread of its own, because a file on a network disk, or a pipe that nobody reads, can hold
a writer for ever: :class:`Copies` waits no longer than the timeout, and for a place that is not required not at all. A
place that failed is tried again each second, with the next lines; it needs no hand. Lines that it did not take are
counted and not sent again: the log has them.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ragkit.audit.sealing import Sink
from ragkit.audit.worker import Worker

_AGAIN = 1.0
_WAITING = 10_000  # lines that may wait for a slow place before they count as lost to it

News = tuple[str, Mapping[str, Any]]


class SinkFailed(OSError):
    """A required second place did not take the lines; ``sink`` is its name, ``code`` says how."""

    def __init__(self, sink: str, code: str) -> None:
        super().__init__(errno.EIO, code)
        self.sink = sink
        self.code = code


class SinkReplaced(OSError):
    """The lines were taken, but the file was unlinked or replaced before, with what it held."""


class FileSink:
    """Appends lines to a file, mode 0600; several processes may.

    Args:
        path: Which; its folder has to be there.
        name: For events.
        timeout: Seconds before it counts as failed.
        required: Nothing is done without it.
    """

    def __init__(self, path: Path, *, name: str, timeout: float = 5.0, required: bool = False) -> None:
        self.name = name
        self.timeout = timeout
        self.required = required
        self._path = path
        self._fd = -1
        self._file = (0, 0)
        self._torn = False

    def write(self, lines: Sequence[bytes]) -> None:
        """Append lines.

        Raises:
            SinkReplaced: They are in another file than those before.
            OSError: They were not taken.
        """
        replaced = self._find()
        block = b"\n" * self._torn + b"".join(line + b"\n" for line in lines)
        done = os.write(self._fd, block)
        self._torn = done < len(block)
        if self._torn:
            raise OSError(errno.ENOSPC, "short write")
        if replaced:
            raise SinkReplaced(errno.ESTALE, "replaced")

    def sync(self) -> None:
        """Force what was appended to the disk, where there is one. Raises OSError."""
        if self._fd >= 0 and stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.fdatasync(self._fd)

    def close(self) -> None:
        """Close it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _find(self) -> bool:
        """Open the file that is there now; tell whether it is another than before."""
        before = self._file
        if self._fd >= 0:
            with suppress(FileNotFoundError):
                if _identity(self._path.stat()) == before:
                    return False
        found = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.close()  # not before: the number of a file that nobody holds is given to the next
        self._fd = found
        opened = os.fstat(self._fd)
        self._file = _identity(opened)
        self._torn = stat.S_ISREG(opened.st_mode) and _ends_torn(self._path, opened.st_size)
        return before not in ((0, 0), self._file)


class Copies:
    """One second place and its thread. Used by the thread that writes the log.

    Args:
        sink: The place.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.required = sink.required
        self.timeout = sink.timeout
        self.forget()

    def forget(self) -> None:
        """Start over, as a forked child has to: it must not write into its parent's connection."""
        self._lock = threading.Lock()
        self._worker: Worker[_Parcel] = Worker(self._serve, name=f"ragkit-sink-{self._sink.name}")
        self._failed = ""
        self._lost = 0
        self._waiting = 0
        self._retry = 0.0
        self._since = 0.0
        self._news: list[News] = []
        with suppress(OSError):
            self._sink.close()

    @property
    def uneasy(self) -> bool:
        """Whether something may have to be recorded without a new event: lines wait, or there is news."""
        return bool(self._waiting or self._news)

    def send(self, lines: Sequence[bytes], *, durable: bool = False) -> None:
        """Hand lines over.

        Args:
            lines: Without line feeds.
            durable: They must be on its disk, if it has one.

        Raises:
            SinkFailed: They were not taken in time; only where the place is required.
        """
        if self._held() or self._waiting + len(lines) > _WAITING:
            self._fail("etimedout", len(lines))
        elif self._failed and time.monotonic() < self._retry:
            self._fail(self._failed, len(lines))
        else:
            parcel = _Parcel(lines, durable)
            with self._lock:
                self._waiting += len(lines)
            self._worker.put(parcel)
            if not self.required:
                return
            if self._arrived(parcel):
                return
        if self.required:
            raise SinkFailed(self._sink.name, self._failed or "etimedout")

    def news(self) -> list[News]:
        """Return what has to be recorded of it since the last call: events and their data."""
        if self._held():
            self._fail("etimedout", 0)
        with self._lock:
            told, self._news = self._news, []
        return told

    def close(self) -> None:
        """Wait until what was handed over is taken, no longer than the timeout, and close the place."""
        last = _Parcel((), False, closes=True)
        self._worker.put(last)
        last.done.acquire(timeout=self.timeout)

    def _arrived(self, parcel: _Parcel) -> bool:
        parcel.done.acquire(timeout=self.timeout)
        with self._lock:
            if parcel.taken is None:
                parcel.left = True
        if parcel.left:
            self._fail("etimedout", len(parcel.lines))
        return parcel.taken is True

    def _held(self) -> bool:
        """Whether a write has been going on for longer than the timeout."""
        since = self._since
        return bool(since) and time.monotonic() - since >= self.timeout

    def _serve(self, parcels: list[_Parcel]) -> None:
        for parcel in parcels:
            code, replaced = "", False
            self._since = time.monotonic()
            try:
                if parcel.closes:
                    self._sink.close()
                elif self._failed and not self.required and self._since < self._retry:
                    code = self._failed
                else:
                    try:
                        self._sink.write(parcel.lines)
                    except SinkReplaced:
                        replaced = True
                    if parcel.durable:
                        self._sink.sync()
            except Exception as failed:
                code = code_of(failed)
                with suppress(Exception):
                    self._sink.close()
            self._since = 0.0
            self._end(parcel, code, replaced=replaced)

    def _end(self, parcel: _Parcel, code: str, *, replaced: bool) -> None:
        count = len(parcel.lines)
        with self._lock:
            self._waiting -= count
            parcel.taken = not code
            if parcel.left and not code:
                self._lost = max(0, self._lost - count)
        if replaced:
            self._fail("replaced", 0)
        if code:
            self._fail(code, 0 if parcel.left else count)
        elif count:
            self._recover()
        parcel.done.release()

    def _fail(self, code: str, lost: int) -> None:
        with self._lock:
            self._lost += lost
            if not self._failed:
                self._failed = code
                self._news.append(("sink.failed", {"sink": self._sink.name, "code": code}))
                self._retry = 0.0
            if time.monotonic() >= self._retry:
                self._retry = time.monotonic() + _AGAIN

    def _recover(self) -> None:
        with self._lock:
            if self._failed:
                self._news.append(("sink.recovered", {"sink": self._sink.name, "lost": self._lost}))
            self._failed, self._lost = "", 0


class _Parcel:
    """Lines on their way. ``taken`` is ``None`` until the place answered; ``left``: nobody waits for it any more."""

    __slots__ = ("closes", "done", "durable", "left", "lines", "taken")

    def __init__(self, lines: Sequence[bytes], durable: bool, *, closes: bool = False) -> None:
        self.lines = lines
        self.durable = durable
        self.closes = closes
        self.done = threading.Lock()
        self.done.acquire()
        self.taken: bool | None = None
        self.left = False


def code_of(failed: BaseException) -> str:
    """Return a failure as a code for events: the system's name of the error, such as ``enospc``."""
    number = failed.errno if isinstance(failed, OSError) else None
    if isinstance(failed, TimeoutError):
        number = errno.ETIMEDOUT
    if isinstance(failed, SinkFailed):
        return failed.code
    return errno.errorcode.get(number or 0, "failed").lower()


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _ends_torn(path: Path, size: int) -> bool:
    """Whether a killed process left half a line at the end."""
    if not size:
        return False
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) != b"\n"
