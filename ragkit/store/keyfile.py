"""The key file, ``records.keys.db`` beside ``records.db``: small, and rewritten when a key is destroyed.

Its journal is a file that is deleted at each commit, never a write-ahead log, and ``secure_delete`` overwrites what is
deleted; so a destroyed key is in no file of the data directory once the transaction is over.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ragkit.errors import StoreError
from ragkit.store.database import Database
from ragkit.store.dialect_backend import BUSY_TIMEOUT_MS
from ragkit.store.dialect_failures import translated_errors
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.key_schema import metadata

KEY_FILE_VERSION = 5


class KeyFile(Database):
    """The key file, open; reads and writes like any :class:`Database`. Its tables are in ``key_schema``."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        super().__init__(SqliteFile(path, journal="DELETE"), writable=writable)
        self.path = path
        self._looking: sqlite3.Connection | None = None
        self._look_lock = threading.Lock()
        self._openings = 0

    def look(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query, on a connection that stays open: microseconds, where ``read`` takes a hundred.

        Sees what is committed, never this thread's own transaction. Without a file there are no rows.
        """
        with self._look_lock, translated_errors():
            connection = self._look_connection()
            return [] if connection is None else connection.execute(query, parameters).fetchall()

    def mark(self) -> int:
        """Return a number that is another after each change by any process; 0 while there is no file.

        Asked of SQLite: opening the file beside it and closing it again would drop the locks of every connection that
        this process has (https://www.sqlite.org/howtocorrupt.html, section 2.2). Numbers of two processes, or of two
        objects, are not to be compared.
        """
        rows = self.look("PRAGMA data_version")
        return (self._openings << 32) + int(rows[0][0]) if rows else 0

    def close(self) -> None:
        """Close every connection. The file can still be used; it opens new ones."""
        with self._look_lock:
            if self._looking is not None:
                self._looking.close()
                self._looking = None
        super().close()

    def _look_connection(self) -> sqlite3.Connection | None:
        if self._looking is None and self.path.exists():
            # Not mode=ro: after a kill, the first to look rolls the journal back. It never makes the file.
            self._looking = sqlite3.connect(
                f"file:{quote(str(self.path))}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=BUSY_TIMEOUT_MS / 1000,
                check_same_thread=False,
            )
            self._looking.execute("PRAGMA query_only = ON")
            self._openings += 1
        return self._looking


def open_key_file(path: Path, *, writable: bool) -> KeyFile:
    """Open the key file at ``path``, mode 0600; for writing, make it and its tables.

    A reader may find none: nothing was written since the workspace was made by an older ragkit.

    Raises:
        StoreError: It was made by a newer ragkit, or cannot be opened.
    """
    if not path.exists() and writable:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    key_file = KeyFile(path, writable=writable)
    if not path.exists():
        return key_file
    try:
        with key_file.read() as connection:
            found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if found > KEY_FILE_VERSION:
            raise StoreError("the key file was made by a newer ragkit", remedy="Update ragkit.")
        if writable and found < KEY_FILE_VERSION:
            with key_file.write() as connection:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {KEY_FILE_VERSION}")
    except BaseException:
        key_file.close()
        raise
    return key_file
