"""The files under the recorder: numbered segments of JSON lines, appended to by many processes, never rewritten.

``00000001.jsonl``, ``00000002.jsonl`` … of mode 0600, and a ``lock`` file that a writer holds while it adds lines
(``flock``, so that the system releases it when the process dies). ``seq`` runs through all segments without a gap.

What can happen to files under a writer is looked at before each line: another process wrote, the segment or the lock
was unlinked or replaced, the log was cut, a killed process left half a line, the disk refused a write half-way.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

_TAIL = 65_536
_COPIED = 1024 * 1024
_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW

Note = tuple[str, Mapping[str, Any]]
"""An event type and data that the log has to record about itself."""


class Segments:
    """The open end of the log, for one process. Not thread-safe: one thread writes.

    Attributes:
        next_seq: Number of the next line; right only while :meth:`locked`.
        last_stamp: Time of the last line found when the log was opened or another process had written; may be empty.
        written: Lines this process has written.
    """

    def __init__(self, directory: Path, *, segment_bytes: int) -> None:
        self._directory = directory
        self._limit = segment_bytes
        self._lock_fd = -1
        self._fd = -1
        self._number = 0
        self._size = -1
        self._file = (0, 0)
        self._torn: list[int] = []
        self._open_end = False
        self._notes: list[Note] = []
        self._synced = 0
        self._suspect = False
        self.next_seq = 1
        self.last_stamp = ""
        self.written = 0

    @contextmanager
    def locked(self) -> Iterator[list[Note]]:
        """Hold the log's lock; yields what must be noted before the next line. Raises OSError.

        The notes come again until an :meth:`append` has succeeded.
        """
        self._take_lock()
        try:
            self._find_end()
            if self._suspect:
                self._write_again()
            if self._size >= self._limit and not self._open_end:
                self._begin_next()
            torn = [("log.recovered", {"segment": self._number, "bytes": length}) for length in self._torn]
            yield [*torn, *self._notes]
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def append(self, lines: list[bytes]) -> None:
        """Add lines in one write, all or none; what a full disk took of them is cut off again. Raises OSError.

        A torn last line is closed off in the same write, so that nothing but the notes can follow it.
        """
        block = b"\n" * self._open_end + b"".join(line + b"\n" for line in lines)
        size, self._size = self._size, -1  # unknown until the write is known to be whole
        done = 0
        try:
            done = os.write(self._fd, block)
            if done < len(block):
                raise OSError(ENOSPC, "short write")
        except OSError:
            if done:
                os.ftruncate(self._fd, size)
            raise
        self._size = size + done
        self.next_seq += len(lines)
        self.written += len(lines)
        self._torn, self._notes, self._open_end = [], [], False

    def sync(self) -> None:
        """Force the current segment to the disk. Raises OSError.

        After a failure the system calls the same bytes written although they are not, and a second try would succeed
        for nothing; so they are written once more, to their places, before the log goes on.
        """
        if self._fd < 0:
            return
        size = os.fstat(self._fd).st_size
        try:
            os.fdatasync(self._fd)
        except OSError:
            self._suspect = True
            raise
        self._synced = size

    def close(self) -> None:
        """Close the files."""
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = self._size = -1
        self._suspect = False
        self.written = 0

    def forget(self) -> None:
        """Drop handles inherited over a fork: an ``flock`` belongs to the open file, which the parent shares."""
        self.close()
        self._torn, self._notes, self._open_end = [], [], False

    def _take_lock(self) -> None:
        """Hold the lock of the file that is there now: two writers on two files of one name would both hold theirs."""
        while True:
            if self._lock_fd < 0:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock_fd = os.open(self._directory / "lock", _FILE, 0o600)
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
            if _is_there(self._directory / "lock", _identity(os.fstat(self._lock_fd))):
                return
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _find_end(self) -> None:
        """Open the last segment and find the next ``seq``, unless nothing changed since the last line of ours."""
        vanished = self._fd >= 0 and not _is_there(self._path(self._number), self._file)
        size = os.fstat(self._fd).st_size if self._fd >= 0 else -1
        if not vanished and self._fd >= 0 and size == self._size < self._limit:
            return
        known_seq, cut = self.next_seq, vanished or (self._fd >= 0 and size < self._size)
        newest = max((int(path.stem) for path in segment_paths(self._directory)), default=1)
        if vanished or self._fd < 0 or newest != self._number:
            self._open(newest)
        self._read_end()
        if cut:
            self.next_seq = max(self.next_seq, known_seq)
            self._notes.append(("log.reopened", {"segment": self._number}))

    def _begin_next(self) -> None:
        """Go on in a new segment, once the full one is on the disk."""
        self.sync()
        self._open(self._number + 1)
        self._size = 0
        self._notes.append(("log.rotated", {"segment": self._number}))

    def _open(self, number: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._fd = os.open(self._path(number), _FILE | os.O_APPEND, 0o600)
        self._number = number
        found = os.fstat(self._fd)
        self._file = _identity(found)
        self._synced = found.st_size
        self._suspect = False
        if found.st_size == 0:  # the name of a new segment must survive a power cut, not only its bytes
            folder = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read_end(self) -> None:
        """Set size, next ``seq`` and what is torn from the segment's end."""
        size = os.fstat(self._fd).st_size
        last, self._torn, self._open_end = _last_event(self._fd, size)
        if last is None:
            last = self._last_before(self._number)
        self.next_seq = int(last["seq"]) + 1 if last else 1
        self.last_stamp = str(last.get("ts", "")) if last else ""
        self._size = size

    def _last_before(self, number: int) -> dict[str, Any] | None:
        """Return the last event of the segments before this one."""
        for path in reversed(segment_paths(self._directory)):
            if int(path.stem) < number:
                with path.open("rb") as file:
                    found, _, _ = _last_event(file.fileno(), os.fstat(file.fileno()).st_size)
                if found is not None:
                    return found
        return None

    def _write_again(self) -> None:
        """Write what a failed sync may have lost once more, the same bytes to the same places, and sync."""
        fd = os.open(self._path(self._number), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            end = os.fstat(fd).st_size
            for place in range(self._synced, end, _COPIED):
                kept = os.pread(fd, min(_COPIED, end - place), place)
                if os.pwrite(fd, kept, place) < len(kept):
                    raise OSError(ENOSPC, "short write")
            os.fdatasync(fd)
        finally:
            os.close(fd)
        self._synced, self._suspect = end, False

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}.jsonl"


def segment_paths(directory: Path) -> list[Path]:
    """Return the segments of a log, oldest first."""
    return sorted(path for path in directory.glob("*.jsonl") if path.stem.isdigit())


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _is_there(path: Path, file: tuple[int, int]) -> bool:
    try:
        return _identity(path.stat()) == file
    except FileNotFoundError:
        return False


def _last_event(fd: int, size: int) -> tuple[dict[str, Any] | None, list[int], bool]:
    """Return a segment's last event, the lengths of the torn lines after it, and whether the end lacks its line feed.

    A whole event that only lacks its line feed is no torn line.
    """
    window = _TAIL
    while True:
        start = max(0, size - window)
        lines = os.pread(fd, size - start, start).split(b"\n")
        open_end = lines[-1] != b""
        whole = lines if open_end else lines[:-1]
        torn: list[int] = []
        for place in range(len(whole) - 1, -1 if start == 0 else 0, -1):  # the first of a window may be half a line
            event = _event(whole[place])
            if event is not None:
                return event, torn[::-1], open_end
            torn.append(len(whole[place]))
        if start == 0:
            return None, torn[::-1], open_end
        window *= 8


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and type(found.get("seq")) is int else None
