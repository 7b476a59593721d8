"""The file of checkpoints: signed notes, oldest first, each followed by an empty line; and single notes kept elsewhere.

A note is appended whole and durably. What a killed process wrote of one is cut off before the next is appended; whoever
reads passes over it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ragkit.audit.notes import Note, parse_note
from ragkit.crashpoints import reach
from ragkit.rootkey import sync_folder

_TAIL = 65_536
_SIGNATURE = "\n\N{EM DASH} ".encode()


class NoteFile:
    """``checkpoints.txt``. Whoever appends holds the log's lock.

    Args:
        path: The file; made by the first note, mode 0600.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def stamp(self) -> tuple[int, int, int]:
        """Return what changes when somebody appends: inode, size and time. Zeros while there is no file."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return 0, 0, 0
        return found.st_ino, found.st_size, found.st_mtime_ns

    def newest(self) -> Note | None:
        """Return the last whole note, ``None`` if there is none. Reads the end of the file only.

        Raises:
            OSError: It cannot be read.
            ValueError: The last note is malformed.
        """
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                for start in (max(0, size - _TAIL), 0):
                    file.seek(start)
                    data = file.read()
                    ends = _ends(data)
                    if len(ends) > 1 or (ends and start == 0):
                        return parse_note(data[ends[-2] if len(ends) > 1 else 0 : ends[-1] - 1])
        except FileNotFoundError:
            pass
        return None

    def read(self) -> Iterator[Note]:
        """Yield every whole note, oldest first. Raises as :meth:`newest`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        for start, end in pairwise([0, *_ends(data)]):
            yield parse_note(data[start : end - 1])

    def append(self, note: Note) -> None:
        """Add a note behind the last whole one, durably.

        Raises:
            OSError: It cannot be written; what was written of it is cut off, then or by the next.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(handle).st_size
            end = _whole(handle, size)
            if end < size:
                os.ftruncate(handle, end)
            data = note.written + b"\n"
            half = len(data) // 2
            done = os.pwrite(handle, data[:half], end)
            reach("checkpoints.torn_note")
            done += os.pwrite(handle, data[half:], end + half)
            if done < len(data):
                os.ftruncate(handle, end)
                raise OSError(28, "short write")
            os.fsync(handle)
        finally:
            os.close(handle)
        if end == 0:
            sync_folder(self.path.parent)


def read_single(path: Path) -> Note | None:
    """Return the note that is alone in a file, ``None`` if there is no file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no note.
    """
    try:
        return parse_note(path.read_bytes())
    except FileNotFoundError:
        return None


def write_single(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace a small file, mode 0600, so that it holds the old bytes or the new.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.write(handle, data) < len(data):
            raise OSError(28, "short write")
        if durable:
            os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)


def _whole(handle: int, size: int) -> int:
    """Return where the last whole note of an open file ends, with its empty line; 0 if there is none."""
    for start in (max(0, size - _TAIL), 0):
        ends = _ends(os.pread(handle, size - start, start))
        if ends:
            return start + ends[-1]
    return 0


def _ends(data: bytes) -> list[int]:
    """Return where notes end: behind each empty line that follows a signature, and not a text."""
    found: list[int] = []
    at = data.find(b"\n\n")
    while at >= 0:
        if data.startswith(_SIGNATURE, data.rfind(b"\n", 0, at)):
            found.append(at + 2)
        at = data.find(b"\n\n", at + 2)
    return found
