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
from ragkit.store.database import BUSY_TIMEOUT_MS, Database, make_engine, translated_errors
from ragkit.store.key_schema import metadata

KEY_FILE_VERSION = 3


class KeyFile(Database):
    """The key file, open; reads and writes like any :class:`Database`. Its tables are in ``key_schema``."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        super().__init__(make_engine(path, writable=writable, journal="DELETE"), writable=writable)
        self.path = path
        self._looking: sqlite3.Connection | None = None
        self._look_lock = threading.Lock()

    def look(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query, on a connection that stays open: microseconds, where ``read`` takes a hundred.

        Sees what is committed, never this thread's own transaction. Without a file there are no rows.
        """
        with self._look_lock, translated_errors():
            connection = self._look_connection()
            return [] if connection is None else connection.execute(query, parameters).fetchall()

    def version(self) -> int:
        """Return a number that changes whenever any process commits to the file; -1 while there is no file."""
        rows = self.look("PRAGMA data_version")
        return int(rows[0][0]) if rows else -1

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
        return self._looking

    def mark(self) -> int:
        """A number that is another after each change by any process; 0 while there is no file. One small read.

        It is SQLite's file change counter (https://www.sqlite.org/fileformat2.html, section 1.3.7), which a journal
        that is deleted keeps true. ``PRAGMA data_version`` would tell of other connections only, one by one.
        """
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(24)
                return int.from_bytes(file.read(4), "big")
        except FileNotFoundError:
            return 0


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
