"""The files under the recorder: numbered segments of JSON lines, appended to by many processes, never rewritten.

``00000001.jsonl``, ``00000002.jsonl`` … of mode 0600, and a ``lock`` file that a writer holds while it adds lines
(``flock``, so that the system releases it when the process dies). ``seq`` runs through all segments without a gap.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_TAIL = 65_536

Note = tuple[str, Mapping[str, Any]]
"""An event type and data that the log has to record about itself."""


class Segments:
    """The open end of the log, for one process. Not thread-safe: the recorder holds a lock around it.

    Attributes:
        next_seq: Number of the next line; right only while :meth:`locked`.
        written: Lines this process has written.
    """

    def __init__(self, directory: Path, *, segment_bytes: int) -> None:
        self._directory = directory
        self._limit = segment_bytes
        self._lock_fd = -1
        self._fd = -1
        self._number = 0
        self._size = -1
        self._inode = 0
        self.next_seq = 1
        self.written = 0

    @contextmanager
    def locked(self) -> Iterator[list[Note]]:
        """Hold the log's lock; yields what must be noted before the next line. Raises OSError."""
        self._open_lock()
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX)
        try:
            yield self._find_end()
        finally:
            fcntl.flock(self._lock_fd, fcntl.LOCK_UN)

    def append(self, lines: list[bytes]) -> None:
        """Add lines in one write; a short write (disk full) is cut off again and raised as OSError."""
        block = b"".join(line + b"\n" for line in lines)
        done = os.write(self._fd, block)
        if done < len(block):
            os.ftruncate(self._fd, self._size)
            raise OSError(28, "short write")
        self._size += done
        self.next_seq += len(lines)
        self.written += len(lines)

    def sync(self) -> None:
        """Force the current segment to the disk."""
        if self._fd >= 0:
            os.fdatasync(self._fd)

    def close(self) -> None:
        """Close the files."""
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = self._size = -1
        self.written = 0

    def forget(self) -> None:
        """Drop handles inherited over a fork: an ``flock`` belongs to the open file, which the parent shares."""
        self.close()

    def _open_lock(self) -> None:
        if self._lock_fd >= 0:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._lock_fd = os.open(self._directory / "lock", flags, 0o600)

    def _find_end(self) -> list[Note]:
        """Open the last segment and find the next ``seq``, unless nothing changed since the last line of ours."""
        vanished = self._vanished()
        if not vanished and self._fd >= 0 and os.fstat(self._fd).st_size == self._size < self._limit:
            return []
        known_seq = self.next_seq
        notes: list[Note] = []
        newest = max((int(path.stem) for path in segment_paths(self._directory)), default=1)
        if vanished or self._fd < 0 or newest != self._number:
            self._open(newest)
        torn = self._read_end()
        if torn:
            notes.append(("log.recovered", {"segment": self._number, "bytes": torn}))
        if vanished:
            self.next_seq = max(self.next_seq, known_seq)
            notes.append(("log.reopened", {"segment": self._number}))
        if self._size >= self._limit:
            os.fdatasync(self._fd)
            seq = self.next_seq
            self._open(self._number + 1)
            self._size, self.next_seq = 0, seq
            notes.append(("log.rotated", {"segment": self._number}))
        return notes

    def _vanished(self) -> bool:
        """Tell whether our segment was unlinked or replaced: the open handle would swallow events silently."""
        if self._fd < 0:
            return False
        try:
            return self._path(self._number).stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def _open(self, number: int) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(self._path(number), flags, 0o600)
        self._number = number
        found = os.fstat(self._fd)
        self._inode = found.st_ino
        if found.st_size == 0:  # the name of a new segment must survive a power cut, not only its bytes
            folder = os.open(self._directory, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read_end(self) -> int:
        """Set size and next ``seq`` from the segment's tail; close off a torn last line and return its length."""
        self._size = os.fstat(self._fd).st_size
        start = max(0, self._size - _TAIL)
        tail = os.pread(self._fd, self._size - start, start)
        torn = tail.rpartition(b"\n")[2]
        if torn:
            self._size += os.write(self._fd, b"\n")
        self.next_seq = _last_seq(tail) or self._last_seq_before(self._number) or 0
        self.next_seq += 1
        return len(torn)

    def _last_seq_before(self, number: int) -> int:
        """Return the last ``seq`` of the segments before this one, 0 if there is none."""
        for path in reversed(segment_paths(self._directory)):
            if int(path.stem) < number:
                with path.open("rb") as file:
                    file.seek(max(0, path.stat().st_size - _TAIL))
                    found = _last_seq(file.read())
                if found:
                    return found
        return 0

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}.jsonl"


def segment_paths(directory: Path) -> list[Path]:
    """Return the segments of a log, oldest first."""
    return sorted(path for path in directory.glob("*.jsonl") if path.stem.isdigit())


def _last_seq(tail: bytes) -> int:
    for line in reversed(tail.splitlines()):
        try:
            return int(json.loads(line)["seq"])
        except (ValueError, KeyError, TypeError):
            continue
    return 0
