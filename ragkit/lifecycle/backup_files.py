"""Files that are copied: with their hash, durably, private, and never through a link."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ragkit.errors import BackupError

_BLOCK = 1 << 20
_TAIL = 1 << 16


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock that waits for whoever has it; the kernel lets go of it when the process dies."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a link, a folder or a device is refused.

    Raises:
        BackupError: It is not there, or no regular file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as failed:
        raise BackupError(
            f"a file of the backup or the copy of the key file cannot be read ({type(failed).__name__})",
            remedy="Check that both are where they were named, whole and readable.",
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BackupError("a file of the backup is not a regular file", remedy="Take another backup.")
    return os.fdopen(handle, "rb")


def new_file(path: Path) -> BinaryIO:
    """Make a file that only its owner may read; it must not be there."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def copy_file(
    source: BinaryIO, to: Path, *, size: int | None = None, advance: Callable[[int], None] | None = None
) -> tuple[int, str]:
    """Copy an open file, or its first ``size`` bytes, and force it to the disk.

    Returns:
        How many bytes there were, and their SHA-256 in hexadecimal.
    """
    digest, done = hashlib.sha256(), 0
    with new_file(to) as target:
        while block := source.read(_BLOCK if size is None else min(_BLOCK, size - done)):
            digest.update(block)
            target.write(block)
            done += len(block)
            if advance is not None:
                advance(len(block))
        target.flush()
        os.fsync(target.fileno())
    return done, digest.hexdigest()


def hash_file(path: Path, *, advance: Callable[[int], None] | None = None) -> tuple[int, str]:
    """Return the size of a file and its SHA-256 in hexadecimal."""
    digest, done = hashlib.sha256(), 0
    with open_regular(path) as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            done += len(block)
            if advance is not None:
                advance(len(block))
    return done, digest.hexdigest()


def whole_lines(source: BinaryIO) -> int:
    """Return how many bytes of a growing file of lines are whole lines now."""
    end = os.fstat(source.fileno()).st_size
    while end > 0:
        start = max(0, end - _TAIL)
        found = os.pread(source.fileno(), end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def sync_folder(folder: Path) -> None:
    """Force a folder's names to the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def overwrite(handle: int) -> None:
    """Write zeros over what an open file holds. What the device keeps elsewhere is out of reach."""
    left = os.fstat(handle).st_size
    os.lseek(handle, 0, os.SEEK_SET)
    while left > 0:
        left -= os.write(handle, bytes(min(left, _BLOCK)))
    os.fsync(handle)
