"""Opening the record store: many readers, short write transactions, in a SQLite file or in a schema of PostgreSQL.

::

    database = open_database(path, writable=True)
    with database.write() as connection: ...   # the only writer; nested calls on one thread join it
    with database.read() as connection: ...    # one snapshot; nested calls share it

What differs between the two is in :mod:`ragkit.store.dialect_backend` and its neighbours. The key file beside ``path``
is SQLite always, and on this machine: so what a server, its replicas and its backups keep of an erased record is
unreadable. No error carries SQL, parameters, a path or a host.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ragkit.errors import StoreError
from ragkit.store.dialect_failures import translated_errors
from ragkit.store.dialect_sqlite import SqliteFile

if TYPE_CHECKING:
    from ragkit.store.dialect_backend import Backend
    from ragkit.store.dialect_postgresql import PostgreSQL
    from ragkit.store.keyfile import KeyFile

SWAPPING = Path("restore") / "swapping"
"""Beside the record store while a restore moves files; what stands there meanwhile is neither old nor new."""


class Database:
    """A record store that is open. Made by :func:`open_database`; safe to use from several threads."""

    def __init__(self, backend: Backend, *, writable: bool, key_file: KeyFile | None = None) -> None:
        self.backend = backend
        self._engine = backend.engine(writable=writable)
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
            StoreError: The store could not be read.
        """
        current = self._current("writing") or self._current("reading")
        if current is not None:
            yield current
            return
        with translated_errors(), self._begun(write=False) as connection:
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
            StoreError: Opened read-only, the disk is full, another process kept the lock too long, or the server was
                lost on the way.
            WriterBusy: Another machine became the writer after the server was restarted.
        """
        current = self._current("writing")
        if current is not None:
            yield current
            return
        if not self.writable:
            raise StoreError("the record store was opened for reading only", remedy="Open it with writable=True.")
        with self._write_lock, translated_errors():
            self.backend.require_writer()
            with self._begun(write=True) as connection:
                self._local.writing = connection
                try:
                    yield connection
                    for prepare in self.before_commit:
                        prepare()
                finally:
                    self._local.writing = None

    @contextmanager
    def _begun(self, *, write: bool) -> Iterator[Connection]:
        """Begin a transaction; a pooled connection that the server closed meanwhile is replaced once."""
        opened = self._engine.connect()
        try:
            connection = opened.execution_options(ragkit_write=True) if write else opened
            try:
                transaction = connection.begin()
            except DBAPIError as bad:
                if not bad.connection_invalidated:
                    raise
                opened.close()
                opened = self._engine.connect()
                connection = opened.execution_options(ragkit_write=True) if write else opened
                transaction = connection.begin()
            with transaction:
                yield connection
        finally:
            opened.close()

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
        """Leave nothing that was deleted in the files of the store (:meth:`Backend.clear`). Not inside a transaction.

        Returns:
            False when a reader held it up; call again later.
        """
        with self._write_lock, translated_errors():
            return self.backend.clear(self._engine)

    def vacuum(self) -> None:
        """Write the store anew, so that no page holds what was deleted. Waits for readers; not inside a transaction."""
        with self._write_lock, translated_errors():
            self.backend.vacuum(self._engine)

    def close(self) -> None:
        """Close every pooled connection. The database can still be used; it opens new ones."""
        self._engine.dispose()
        if self._key_file is not None:
            self._key_file.close()

    def __repr__(self) -> str:
        return f"Database(writable={self.writable})"


def open_database(path: Path | str, *, writable: bool, server: PostgreSQL | None = None) -> Database:
    """Open the record store; for writing, create it and bring it to the newest schema.

    Files have mode 0600.

    Args:
        path: The record store's file; the key file is beside it.
        writable: For writing.
        server: Where the records are instead of in that file.

    Raises:
        StoreError: The store is absent (for reading), of a newer or older schema, or cannot be opened.
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
    with translated_errors():
        backend = server or SqliteFile(file)
        if server is not None and file.exists():
            raise StoreError(
                "there are records in the file and [store] names a server",
                remedy="Make a backup without [store], move records.db away, then restore the backup with [store]; or "
                "only move the file away, and the next sync reads every document anew.",
            )
        if not backend.exists():
            if not writable:
                raise StoreError("there is no record store yet", remedy="Run `ragkit sync` first.")
            backend.make()
    key_file = open_key_file(file.with_name(f"{file.stem}.keys.db"), writable=writable)
    database = Database(backend, writable=writable, key_file=key_file)
    try:
        if writable:
            migrations.upgrade(database)
        migrations.require_current(database)
    except BaseException:
        database.close()
        raise
    return database
