"""One SQLite file of the desk, 0600: its connection, its transactions, and what is left of what was deleted: nothing.

``desk.db`` has a write-ahead log, which :meth:`DeskFile.empty_log` empties; ``desk.keys.db`` has a journal that is
deleted at each commit, so that a destroyed key is in no file once the transaction is over. Several processes may write.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragkit.desk.schema import VERSION
from ragkit.errors import StoreError

BUSY_TIMEOUT_MS = 10_000

_inherited: list[sqlite3.Connection] = []
"""Connections of the parent of a forked process: the child neither uses nor closes them."""

_making = threading.Lock()  # nobody connects between the making of a file and the closing of its handle


class DeskFile:
    """A file. Safe to share between threads and after a fork.

    Args:
        path: Made when something is first written.
        tables: Makes them; run once.
        journal: ``WAL``, or ``DELETE`` where nothing deleted may stay for a moment.
    """

    def __init__(self, path: Path, *, tables: str, journal: str) -> None:
        self.path = path
        self._tables = tables
        self._journal = journal
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._pid = 0

    @property
    def exists(self) -> bool:
        """Whether anything was ever written."""
        return self.path.exists()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold a write transaction; it is committed at the end, and undone by an error.

        Raises:
            StoreError: The file cannot be written.
        """
        with self._held() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold a read transaction: all that is read in it is of one moment.

        Raises:
            StoreError: The file cannot be read.
        """
        with self._held() as database:
            database.execute("BEGIN")
            try:
                yield database
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    def empty_log(self) -> bool:
        """Leave nothing of what was deleted in the write-ahead log; false while a reader is in the way."""
        if not self.exists or self._journal != "WAL":
            return True
        with self._held() as database:
            database.execute("PRAGMA busy_timeout = 0")
            try:
                busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                database.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            return not busy

    def write_anew(self) -> None:
        """Rewrite the file, so that no page keeps what stood there before."""
        if self.exists:
            with self._held() as database:
                database.execute("VACUUM")
            self.empty_log()

    def close(self) -> None:
        """Close the file; it opens again when needed."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connected()
            except sqlite3.Error as failed:  # its message may hold what was written
                raise StoreError(
                    f"{self.path.name} cannot be used ({type(failed).__name__})",
                    remedy="Look at the disk's free space and at who owns the data directory.",
                ) from None

    def _connected(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            if self._connection is not None:
                _inherited.append(self._connection)
            self._connection, self._pid = None, os.getpid()
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        with _making, suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        if self.path.is_symlink():
            raise StoreError(f"{self.path.name} is a link", remedy="Put the file itself into the data directory.")
        wait = BUSY_TIMEOUT_MS / 1000
        database = sqlite3.connect(self.path, timeout=wait, isolation_level=None, check_same_thread=False)
        try:
            database.execute(f"PRAGMA journal_mode={self._journal}")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("PRAGMA secure_delete=ON")
            database.execute("PRAGMA foreign_keys=ON")
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreError(
                    f"{self.path.name} is of a newer ragkit", remedy="Use the ragkit that wrote it, or a newer one."
                )
            if version < VERSION:
                database.executescript(self._tables)
        except BaseException:
            database.close()
            raise
        return database

    def __repr__(self) -> str:
        return f"DeskFile({self.path.name!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("an open file is not pickled")
