"""The file of the evidence store, for one process: its connection, its transactions, and its way to the disk.

A commit costs no ``fsync`` (WAL, ``synchronous=NORMAL``); :meth:`EvidenceFile.sync` forces the write-ahead log to the
disk by a descriptor of its own. No lock of SQLite is on that file, so opening and closing it beside SQLite is safe; the
database file itself is never opened here.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ragkit.audit.evidence_schema import BUSY_TIMEOUT_MS, open_evidence, sync_folder

_inherited: list[sqlite3.Connection] = []
"""Connections of the parent of a forked process: the child neither uses nor closes them."""

_FORK_SECONDS = 5.0
_COPIED = 1 << 20
_CODES = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
}


@contextmanager
def as_os_error(*kinds: type[Exception]) -> Iterator[None]:
    """Raise errors of these kinds as OSError, by their code where they are SQLite's, and without their message."""
    try:
        yield
    except kinds as failed:
        code = (getattr(failed, "sqlite_errorcode", 0) or 0) & 0xFF
        raise OSError(_CODES.get(code, errno.EIO), f"evidence.db ({type(failed).__name__})") from None


class EvidenceFile:
    """The file. Safe to share between threads and after a fork.

    Args:
        path: Made when something is first written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._wal = -1
        self._wal_inode = 0
        self._commits = 0
        self._synced = 0
        self._suspect = False
        _files.add(self)

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self.path.exists()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the other threads of this process out."""
        with self._lock:
            yield

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold a write transaction; it is committed at the end, and undone by an error. Raises OSError."""
        with self._lock, as_os_error(sqlite3.Error):
            database = self._connected()
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
                self._commits += 1  # only now: a sync beside this one must not believe that it has seen it
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold a read transaction: all that is read in it is of one moment. Raises OSError."""
        with self._lock, as_os_error(sqlite3.Error):
            database = self._connected()
            database.execute("BEGIN")
            try:
                yield database
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    def sync(self) -> None:
        """Force what was committed to the disk. Raises OSError.

        After a failure the system calls the same bytes written although they are not, and a second try would succeed
        for nothing; so they are written once more, to their places, before they count as forced.
        """
        with self._sync_lock:
            wanted = self._commits
            if self._pid != os.getpid() or (wanted == self._synced and not self._suspect):
                return
            if not self._suspect:
                try:
                    if self._follow_wal():
                        os.fdatasync(self._wal)
                except OSError:
                    self._suspect = True
                    raise
                self._synced = wanted
                return
        self._write_again()

    def checkpoint(self) -> bool:
        """Write everything into the database file and empty the write-ahead log; false while a reader is in the way."""
        with self._lock, as_os_error(sqlite3.Error):
            database = self._connected()
            database.execute("PRAGMA busy_timeout = 0")  # who waits does it without the lock: others keep evidence
            try:
                busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                database.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            return not busy

    def vacuum(self) -> None:
        """Write the file anew: pages that a row was moved away from may still have it."""
        with self._lock, as_os_error(sqlite3.Error):
            self._connected().execute("VACUUM")
        self.checkpoint()

    def close(self) -> None:
        """Close the files; they open again when needed."""
        with self._lock, self._sync_lock, as_os_error(sqlite3.Error):
            if self._pid == os.getpid() and self._connection is not None:
                self._connection.close()
            if self._wal >= 0:
                os.close(self._wal)
            self._connection, self._wal, self._synced = None, -1, self._commits

    def lock_for_fork(self) -> bool:
        """Let a transaction end before the process forks: SQLite would take it for under way in the child for ever."""
        return self._lock.acquire(timeout=_FORK_SECONDS)

    def unlock_in_parent(self) -> None:
        """Undo :meth:`lock_for_fork`."""
        self._lock.release()

    def unlock_after_fork(self) -> None:
        """Let a forked child in: the thread of its parent that held a lock then is not there to give it back."""
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()

    def _connected(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            if self._connection is not None:
                _inherited.append(self._connection)
            self._connection, self._pid = None, os.getpid()
        if self._connection is None:
            self._connection = open_evidence(self.path)
        return self._connection

    def _follow_wal(self) -> bool:
        """Have a descriptor of the write-ahead log that is there now; false when there is none."""
        wal = Path(f"{self.path}-wal")
        try:
            inode = wal.stat().st_ino
        except FileNotFoundError:  # another process emptied it into the database, durably, and removed it
            return False
        if self._wal < 0 or inode != self._wal_inode:
            if self._wal >= 0:
                os.close(self._wal)
                self._wal = -1
            self._wal = os.open(wal, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            self._wal_inode = os.fstat(self._wal).st_ino
            sync_folder(self.path.parent)
        return True

    def _write_again(self) -> None:
        """Write what a failed sync may have lost once more, while nobody else writes, and sync."""
        with self._lock, self._sync_lock, as_os_error(sqlite3.Error):
            database, wanted = self._connected(), self._commits
            database.execute("BEGIN IMMEDIATE")
            try:
                if self._follow_wal():
                    for place in range(0, os.fstat(self._wal).st_size, _COPIED):
                        kept = os.pread(self._wal, _COPIED, place)
                        if os.pwrite(self._wal, kept, place) < len(kept):
                            raise OSError(errno.ENOSPC, "short write")
                    os.fdatasync(self._wal)
            finally:
                database.execute("ROLLBACK")
            self._synced, self._suspect = wanted, False

    def __repr__(self) -> str:
        return "EvidenceFile()"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an open file is not pickled")


_files: weakref.WeakSet[EvidenceFile] = weakref.WeakSet()


_locked: dict[int, list[EvidenceFile]] = {}  # by thread: several may fork at once


def _lock_all() -> None:
    _locked[threading.get_ident()] = [file for file in list(_files) if file.lock_for_fork()]


def _unlock_all() -> None:
    for file in _locked.pop(threading.get_ident(), ()):
        file.unlock_in_parent()


def _unlock_child() -> None:
    _locked.clear()
    for file in list(_files):
        file.unlock_after_fork()


os.register_at_fork(before=_lock_all, after_in_parent=_unlock_all, after_in_child=_unlock_child)
