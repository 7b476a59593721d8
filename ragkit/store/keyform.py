"""Giving record keys to what was stored before there were any, when the collection is first opened for writing.

By slices, each a transaction: killed, it goes on where it was, and a reader understands rows of both forms meanwhile.
What lies in backups and in the free space of the file was wrapped once only; that is as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, ColumnElement, bindparam, select, update

from ragkit.crashpoints import reach
from ragkit.crypto import key_number
from ragkit.store.recordkeys import RecordKeys, document_place, is_wrapped, name_place, value_place
from ragkit.store.schema import collections, items, sources, vault, versions

if TYPE_CHECKING:
    from sqlalchemy import Row

    from ragkit.store.database import Database

_SLICE = 1_000


def give_record_keys(database: Database, records: RecordKeys, collection_id: str) -> int:
    """Wrap once more what opens every version and vault value of a collection, and its documents' names at the source.

    Returns:
        How many there were.
    """
    its = select(sources.c.source_id).where(sources.c.collection_id == collection_id)
    done = sum(
        _upgrade(database, records, column, mine)
        for column, mine in (
            (versions.c.wrapped_key, versions.c.collection_id == collection_id),
            (vault.c.wrapped_key, vault.c.collection_id == collection_id),
            (items.c.sealed_native_id, items.c.source_id.in_(its)),
        )
    )
    with database.write() as connection:
        connection.execute(update(collections).where(collections.c.id == collection_id).values(key_form=1))
    return done


def _upgrade(database: Database, records: RecordKeys, column: Column[Any], mine: ColumnElement[bool]) -> int:
    table = column.table
    (number,) = table.primary_key.columns
    mine &= column.is_not(None)
    change = update(table).where(number == bindparam("id")).values({column: bindparam("fresh")})
    done = after = 0
    while True:
        with database.write() as connection:
            rows = connection.execute(select(table).where(mine, number > after).order_by(number).limit(_SLICE)).all()
            old = {_place(row): row for row in rows if not is_wrapped(getattr(row, column.name))}
            fresh = records.wrap_many({place: getattr(row, column.name) for place, row in old.items()})
            if fresh:
                values = [{"id": getattr(old[place], number.name), "fresh": new} for place, new in fresh.items()]
                connection.execute(change, values)
        reach("keys.in_upgrade")
        if len(rows) < _SLICE:
            return done + len(old)
        done += len(old)
        after = getattr(rows[-1], number.name)


def _place(row: Row[Any]) -> str:
    if hasattr(row, "value_mac"):
        return value_place(key_number(row.value_mac))
    if hasattr(row, "sealed_native_id"):
        return name_place(row.doc_id)
    return document_place(row.doc_id, row.number)
