"""The key file, ``records.keys.db`` beside ``records.db``: small, and rewritten when a key is destroyed.

Its journal is a file that is deleted at each commit, never a write-ahead log, and ``secure_delete`` overwrites what is
deleted; so a destroyed key is in no file of the data directory once the transaction is over.
"""

from __future__ import annotations

import os
from pathlib import Path

from ragkit.errors import StoreError
from ragkit.store.database import Database, make_engine
from ragkit.store.key_schema import metadata

KEY_FILE_VERSION = 1


class KeyFile(Database):
    """The key file, open; reads and writes like any :class:`Database`. Its tables are in ``key_schema``."""

    def __init__(self, path: Path, *, writable: bool) -> None:
        super().__init__(make_engine(path, writable=writable, journal="DELETE"), writable=writable)
        self.path = path

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
