"""Opening the record store: one SQLite file in WAL mode, many readers, short write transactions.

::

    database = open_database(path, writable=True)
    with database.write() as connection: ...   # BEGIN IMMEDIATE; nested calls on one thread join it
    with database.read() as connection: ...    # one snapshot; nested calls share it

pysqlite's implicit transactions are switched off and ``BEGIN`` is emitted here, as SQLAlchemy's documentation of the
SQLite dialect recommends; otherwise reads are not in a transaction and DDL commits by itself. No error carries SQL,
parameters or a path.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from ragkit.errors import StoreCorrupt, StoreError

if TYPE_CHECKING:
    from ragkit.store.keyfile import KeyFile

BUSY_TIMEOUT_MS = 10_000
SWAPPING = Path("restore") / "swapping"
"""Beside the record store while a restore moves files; what stands there meanwhile is neither old nor new."""

_PAGE_BYTES = 8192  # a chunk row is near 2.5 KB: three a page, where 4096 holds one


class Database:
    """A record store file that is open. Made by :func:`open_database`; safe to use from several threads."""

    def __init__(self, engine: Engine, *, writable: bool, key_file: KeyFile | None = None) -> None:
        self._engine = engine
        self._key_file = key_file
        self._write_lock = threading.RLock()
        self._local = threading.local()
        self.writable = writable
        self.before_commit: list[Callable[[], None]] = []
        """Called at the end of each write transaction: what must be durable elsewhere first, as record keys are."""

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one snapshot; nested calls on one thread share it.

        Inside a write transaction of this thread, it is that transaction.

        Raises:
            StoreError: The file could not be read.
        """
        current = self._current("writing") or self._current("reading")
        if current is not None:
            yield current
            return
        with translated_errors(), self._engine.connect() as connection, connection.begin():
            self._local.reading = connection
            try:
                yield connection
            finally:
                self._local.reading = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection that holds the write lock; commits at the end, rolls back on any exception.

        Nested calls on one thread join the transaction.

        Raises:
            StoreError: Opened read-only, the disk is full, or another process kept the lock too long.
        """
        current = self._current("writing")
        if current is not None:
            yield current
            return
        if not self.writable:
            raise StoreError("the record store was opened for reading only", remedy="Open it with writable=True.")
        with self._write_lock, translated_errors(), self._engine.connect() as opened:
            connection = opened.execution_options(ragkit_write=True)
            with connection.begin():
                self._local.writing = connection
                try:
                    yield connection
                    for prepare in self.before_commit:
                        prepare()
                finally:
                    self._local.writing = None

    @property
    def key_file(self) -> KeyFile:
        """The file beside it with the record keys, rulings and requests: :mod:`ragkit.store.keyfile`.

        Raises:
            StoreError: This database was opened without one.
        """
        if self._key_file is None:
            raise StoreError("this record store was opened without its key file", remedy="This is a defect: report it.")
        return self._key_file

    def _current(self, kind: str) -> Connection | None:
        found: Connection | None = getattr(self._local, kind, None)
        return found

    def checkpoint_truncate(self) -> bool:
        """Move the write-ahead log into the file and empty it, so that deleted content is in neither.

        Returns:
            False when a reader held it up; call again later.
        """
        with self._write_lock, translated_errors():
            raw = self._engine.raw_connection()
            try:
                busy = raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                raw.close()
        return int(busy) == 0

    def vacuum(self) -> None:
        """Write the file anew, so that no page holds what was deleted. Waits for readers; not inside a transaction."""
        with self._write_lock, translated_errors():
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("VACUUM")
            finally:
                raw.close()

    def close(self) -> None:
        """Close every pooled connection. The database can still be used; it opens new ones."""
        self._engine.dispose()
        if self._key_file is not None:
            self._key_file.close()

    def __repr__(self) -> str:
        return f"Database(writable={self.writable})"


def open_database(path: Path | str, *, writable: bool) -> Database:
    """Open the record store at ``path``; for writing, create it and bring it to the newest schema.

    The file and its write-ahead log have mode 0600.

    Raises:
        StoreError: The file is absent (for reading), of a newer or older schema, or cannot be opened.
        StoreCorrupt: The file is not a database.
    """
    from ragkit.store import migrations  # these import this module
    from ragkit.store.keyfile import open_key_file

    file = Path(path)
    if (file.parent / SWAPPING).exists():
        raise StoreError(
            "a restore was interrupted while it put files in place",
            remedy="Run the same `ragkit restore` again; it goes on from there, and nothing is lost.",
        )
    if not file.exists():
        if not writable:
            raise StoreError("there is no record store yet", remedy="Run `ragkit sync` first.")
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    key_file = open_key_file(file.with_name(f"{file.stem}.keys.db"), writable=writable)
    database = Database(make_engine(file, writable=writable), writable=writable, key_file=key_file)
    try:
        if writable:
            migrations.upgrade(database)
        migrations.require_current(database)
    except BaseException:
        database.close()
        raise
    return database


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn driver errors into the store's own, without SQL, parameters, paths or the chain that has them."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as bad:
        raise _translated(bad) from None


def _translated(bad: DBAPIError | sqlite3.Error) -> StoreError:
    origin = bad.orig if isinstance(bad, DBAPIError) else bad
    name = str(getattr(origin, "sqlite_errorname", "") or type(origin).__name__)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreCorrupt(
            f"the record store is damaged ({name})", remedy="Restore a backup, or delete it and sync again."
        )
    remedies = {
        "SQLITE_BUSY": "Another process keeps the store locked; wait for it, or look with `ragkit status`.",
        "SQLITE_FULL": "The disk is full. Free some space and run the command again; nothing was lost.",
        "SQLITE_READONLY": "The data directory cannot be written. Check its owner and mode.",
        "SQLITE_CANTOPEN": "The data directory cannot be opened. Check that it exists, and its owner and mode.",
    }
    remedy = next((text for code, text in remedies.items() if name.startswith(code)), "Run `ragkit doctor`.")
    return StoreError(f"the record store could not be used ({name})", remedy=remedy)


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
