"""One writer a workspace: an advisory lock on a file, held by the kernel and so released on any death.

``flock`` because two writers lose vectors silently (research: security.md, C2) and because the kernel lets go of it
when the process dies, ``kill -9`` included; a file that merely exists would not.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import sys
import weakref
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragkit.errors import StoreError, WriterBusy

if TYPE_CHECKING:
    from ragkit.store.dialect_postgresql import PostgreSQL

SERVICE = "ragkit serve"
"""What the service says of itself: it keeps the lock as long as it runs, and writes for others."""


class WriterLock:
    """Holds the write lock of a workspace; use as a context manager.

    Args:
        path: The lock file; made with mode 0600, never deleted.
        command: What the owner is doing, shown to whoever finds it busy. A verb, never arguments.
        server: Where the records are, if on one. There the lock is taken too, against other machines.
    """

    def __init__(self, path: Path | str, *, command: str = "", server: PostgreSQL | None = None) -> None:
        self._path = Path(path)
        self._command = command or Path(sys.argv[0] or "python").name
        self._there = server.writer_session(self._command) if server is not None else None
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock at once, or fail at once.

        Raises:
            StoreError: The data directory cannot be written.
            WriterBusy: Somebody has it; the message names process, host, command and start.
            StoreError: The server cannot be reached.
        """
        if self._fd is not None:
            return
        try:
            fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as refused:
            raise _unwritable(refused) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _read_owner(fd)
            os.close(fd)
            raise busy(owner) from None
        if self._there is not None:
            try:
                self._there.acquire()
            except BaseException:
                os.close(fd)
                raise
        self._fd = fd
        _held.add(self)
        try:
            self._sign(fd)
        except OSError as refused:  # a full disk; a process that lives on must not keep the lock for that
            self.release()
            raise _unwritable(refused) from None

    def release(self) -> None:
        """Let go. Does nothing when the lock is not held."""
        if self._fd is None:
            return
        if self._there is not None:
            self._there.release()
        with suppress(OSError):  # the disk became read-only; what was signed names nobody who holds it
            os.ftruncate(self._fd, 0)
        os.close(self._fd)
        self._fd = None
        _held.discard(self)

    def _sign(self, fd: int) -> None:
        owner = {
            "pid": os.getpid(),
            "host": platform.node(),
            "command": self._command,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(owner).encode(), 0)

    def _leave_to_parent(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.release()


# A forked child shares its parent's lock; were it to outlive the parent, the workspace would stay locked.
_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for lock in list(_held):
        lock._leave_to_parent()
    _held.clear()


os.register_at_fork(after_in_child=_leave_all_to_parent)


def _unwritable(refused: OSError) -> StoreError:
    return StoreError(
        f"the data directory cannot be written ({errno.errorcode.get(refused.errno or 0, 'OSError')})",
        remedy="Check that its file system is not read-only or full, and its owner and mode.",
    )


def busy(owner: str) -> WriterBusy:
    """Return the error that names who writes: ``process … on … (command, since …)``."""
    through = f"({SERVICE}," in owner
    return WriterBusy(
        f"another process is writing this workspace: {owner}",
        remedy=_THROUGH if through else "Wait for it to finish; asking and searching work meanwhile.",
    )


_THROUGH = (
    "The service is the one writer while it runs. Write through it, by its API or by the `ragkit` commands on this "
    "machine, or stop it first."
)


def _read_owner(fd: int) -> str:
    try:
        owner = json.loads(os.pread(fd, 4096, 0))
        return f"process {owner['pid']} on {owner['host']} ({owner['command']}, since {owner['started']})"
    except (ValueError, KeyError, TypeError):
        return "a process that is just starting or stopping"
