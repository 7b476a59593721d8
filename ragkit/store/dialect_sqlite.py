"""The record store as one SQLite file in WAL mode: many readers, short write transactions.

pysqlite's implicit transactions are switched off and ``BEGIN`` is emitted here, as SQLAlchemy's documentation of the
SQLite dialect recommends; otherwise reads are not in a transaction and DDL commits by itself.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from ragkit.store.dialect_backend import BUSY_TIMEOUT_MS, Backend

_PAGE_BYTES = 8192  # a chunk row is near 2.5 KB: three a page, where 4096 holds one
_LAST = text("SELECT seq FROM sqlite_sequence WHERE name = 'chunks'")


class SqliteFile(Backend):
    """A SQLite file. ``journal`` is its journal mode."""

    name = "sqlite"
    remote = False
    begins_whole = False

    def __init__(self, file: Path, *, journal: str = "WAL") -> None:
        self._file = file
        self._journal = journal

    def exists(self) -> bool:
        """Say whether the file is there."""
        return self._file.exists()

    def make(self) -> None:
        """Make an empty file, mode 0600."""
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))

    def engine(self, *, writable: bool) -> Engine:
        """Return an engine; the file is there, or SQLite makes it."""
        return make_engine(self._file, writable=writable, journal=self._journal)

    def complete(self, connection: Connection) -> None:
        """Nothing is missing."""

    def last_chunk_id(self, connection: Connection) -> int:
        """Look where ``AUTOINCREMENT`` keeps it."""
        return int(connection.execute(_LAST).scalar_one_or_none() or 0)

    def set_last_chunk_id(self, connection: Connection, last: int) -> None:
        """Write where ``AUTOINCREMENT`` keeps it."""
        connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'chunks'"))
        connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES ('chunks', :last)"), {"last": last})

    def size(self, connection: Connection) -> int:
        """Multiply pages by their size."""
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())

    def described(self, connection: Connection) -> str:
        """Name the library."""
        del connection
        return f"SQLite {sqlite3.sqlite_version}"

    def require_writer(self) -> None:
        """The lock file beside it says all: nobody writes it from elsewhere."""

    def flaws(self, connection: Connection) -> tuple[int, int]:
        """Read every page and follow every link."""
        pages = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(100)") if row[0] != "ok"]
        return len(pages), len(connection.exec_driver_sql("PRAGMA foreign_key_check").all())

    def clear(self, engine: Engine) -> bool:
        """Move the write-ahead log into the file, whose pages are overwritten where rows go, and empty the log."""
        raw = engine.raw_connection()
        try:
            busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            raw.close()
        return int(busy) == 0

    def vacuum(self, engine: Engine) -> None:
        """Write the file anew."""
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("VACUUM")
        finally:
            raw.close()


def make_engine(file: Path, *, writable: bool, journal: str = "WAL") -> Engine:
    """Return an engine whose connections are set up for one SQLite file of ours."""
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        hide_parameters=True,
        pool_size=4,
        max_overflow=-1,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        if writable:
            cursor.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            cursor.execute(f"PRAGMA journal_mode = {journal}")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA secure_delete = ON")
            cursor.execute("PRAGMA foreign_keys = ON")
        else:
            cursor.execute("PRAGMA query_only = ON")
        cursor.execute("PRAGMA temp_store = MEMORY")  # sorting must not spill content into a temporary file
        cursor.execute("PRAGMA cache_size = -16000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("ragkit_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
