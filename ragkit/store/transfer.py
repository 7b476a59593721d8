"""Copying a whole record store into another place, from a file to a server or back: the same rows in the same schema.

A backup is such a copy of a server in a SQLite file, and a restore one of that file on a server; so a backup of either
can be restored on either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection, Table, delete, func, select

from ragkit.store import migrations
from ragkit.store.database import Database
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.schema import metadata

_ROWS = 1_000


def copy_records(source: Database, target: Database, *, advance: Callable[[int, int], None] | None = None) -> None:
    """Replace what is in ``target`` by one snapshot of ``source``, in one transaction. Both have the schema of now.

    Args:
        source: Open.
        target: Open for writing, without a transaction under way.
        advance: Called with rows done and rows in all.

    Raises:
        StoreError: Either cannot be used; then ``target`` is as it was.
    """
    with source.read() as reading, target.write() as writing:
        tables = metadata.sorted_tables
        total = sum(reading.execute(select(func.count()).select_from(table)).scalar_one() for table in tables)
        done = 0
        for table in reversed(tables):
            writing.execute(delete(table))
        for table in tables:
            done = _copy(table, reading, writing, done, total, advance)
        target.backend.set_last_chunk_id(writing, source.backend.last_chunk_id(reading))


def copy_to_file(source: Database, file: Path, *, advance: Callable[[int, int], None] | None = None) -> None:
    """Copy a store into a new file that needs no other beside it, durably; the file is there, and empty."""
    target = Database(SqliteFile(file, journal="DELETE"), writable=True)
    try:
        migrations.upgrade(target)
        copy_records(source, target, advance=advance)
    finally:
        target.close()
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def row_bytes(database: Database) -> Iterator[tuple[str, bytes]]:
    """Give what every row holds, some rows at a time: the table's name, and texts and bytes on end."""
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for rows in connection.execute(select(table).execution_options(yield_per=_ROWS)).partitions():
                held = (value for row in rows for value in row if isinstance(value, bytes | str))
                yield table.name, b"\n".join(one.encode() if isinstance(one, str) else one for one in held)


def _copy(
    table: Table,
    reading: Connection,
    writing: Connection,
    done: int,
    total: int,
    advance: Callable[[int, int], None] | None,
) -> int:
    query = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_ROWS)
    for rows in reading.execute(query).mappings().partitions():
        writing.execute(table.insert(), [dict(row) for row in rows])
        done += len(rows)
        if advance is not None:
            advance(done, total)
    return done
