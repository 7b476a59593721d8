"""Comparing record keys with the records they open: what was replaced is released, what came back is kept.

A record's key outlives it, for backups of before. Its release is noted here and not where the record is replaced, so
that replacing costs nothing, and a kill leaves nothing undone. A restore brings records back whose keys were released.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Select, func, select, update

from ragkit.crypto import key_number
from ragkit.store.key_schema import record_keys
from ragkit.store.recordkeys import document_place, is_wrapped, name_place, value_place
from ragkit.store.schema import items, sources, vault, versions
from ragkit.store.workspacekeys import moment

if TYPE_CHECKING:
    from ragkit.store.database import Database

_SLICE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCounts:
    """Record keys of one collection, by what they open.

    Attributes:
        documents: Of document versions that are there, without past ones.
        past: Of past versions, kept for replay.
        values: Of vault values that are there.
        released: Of records that were replaced or deleted.
        dead_documents: Versions that are not past and whose key is destroyed.
        dead_values: Vault rows whose key is destroyed.
    """

    documents: int
    values: int
    released: int
    dead_documents: int
    dead_values: int
    past: int = 0


def reconcile(database: Database, collection_id: str, *, thorough: bool = False) -> int:
    """Release keys whose record is gone, and keep again those whose record came back. The write lock must be held.

    Args:
        database: Open for writing.
        collection_id: Whose keys.
        thorough: Compare every key. Otherwise nothing is done when there are as many keys as records, which costs three
            counts, and misses what cancels out.

    Returns:
        How many changed.
    """
    if not thorough and _tally(database, collection_id):
        return 0
    live = set(_records(database, collection_id))
    held = _held(database, collection_id)
    when = moment()
    change: list[tuple[str, str | None]] = [(one, when) for one, gone in held.items() if not gone and one not in live]
    change += [(one, None) for one, gone in held.items() if gone and one in live]
    mine = record_keys.c.collection_id == collection_id
    for value in (when, None):
        places = sorted(place for place, new in change if new == value)
        for start in range(0, len(places), _SLICE):
            some = record_keys.c.place.in_(places[start : start + _SLICE])
            with database.key_file.write() as connection:
                connection.execute(update(record_keys).where(mine, some).values(released_at=value))
    return len(change)


def count_keys(database: Database, collection_id: str) -> KeyCounts:
    """Count the keys of a collection, and the records that nothing can open. Needs no key."""
    live, held = _records(database, collection_id), _held(database, collection_id)
    past = _past(database, collection_id)
    dead = [place for place, sealed in live.items() if sealed and place not in held and place not in past]
    mine = [place for place in live if place in held and place not in past]
    return KeyCounts(
        past=sum(1 for place in past if place in held),
        documents=sum(1 for place in mine if place.startswith("d/")),
        values=sum(1 for place in mine if place.startswith("v/")),
        released=sum(1 for gone in held.values() if gone),
        dead_documents=sum(1 for place in dead if place.startswith("d/")),
        dead_values=sum(1 for place in dead if place.startswith("v/")),
    )


def _tally(database: Database, collection_id: str) -> bool:
    """Say whether there are as many keys in use as records."""
    if not database.key_file.path.exists():
        return True

    def of(table: Select[int]) -> int:
        with database.read() as connection:
            return connection.execute(table).scalar_one()

    rows = of(
        select(func.count()).where(versions.c.collection_id == collection_id, versions.c.wrapped_key.is_not(None))
    )
    rows += of(select(func.count()).where(vault.c.collection_id == collection_id))
    named = select(func.count()).join_from(items, sources, sources.c.source_id == items.c.source_id)
    rows += of(named.where(sources.c.collection_id == collection_id, items.c.sealed_native_id.is_not(None)))
    with database.key_file.read() as connection:
        query = select(func.count(), func.count(record_keys.c.released_at))
        mine = (record_keys.c.collection_id == collection_id) & record_keys.c.place.not_like("u/%")
        keys, released = connection.execute(query.where(mine)).one()
    return bool(keys - released == rows)


def _held(database: Database, collection_id: str) -> dict[str, bool]:
    """Return the places that have a key, and whether it is released; not of uploads, which have rows of their own."""
    query = "SELECT place, released_at IS NOT NULL FROM record_keys WHERE collection_id = ? AND place NOT LIKE 'u/%'"
    return {place: bool(gone) for place, gone in database.key_file.look(query, (collection_id,))}


def _past(database: Database, collection_id: str) -> set[str]:
    """Return the places of what is kept for replay."""
    mine = (versions.c.collection_id == collection_id) & (versions.c.state == "past")
    with database.read() as connection:
        rows = connection.execute(select(versions.c.doc_id, versions.c.number).where(mine))
        return {document_place(row.doc_id, row.number) for row in rows}


def _records(database: Database, collection_id: str) -> dict[str, bool]:
    """Return the places of what is stored, and whether a record key is needed for it."""
    found: dict[str, bool] = {}
    with database.read() as connection:
        mine = (versions.c.collection_id == collection_id) & versions.c.wrapped_key.is_not(None)
        for row in connection.execute(select(versions.c.doc_id, versions.c.number, versions.c.wrapped_key).where(mine)):
            found[document_place(row.doc_id, row.number)] = is_wrapped(row.wrapped_key)
        values = select(vault.c.value_mac, vault.c.wrapped_key).where(vault.c.collection_id == collection_id)
        for mac, wrapped in connection.execute(values):
            found[value_place(key_number(mac))] = is_wrapped(wrapped)
        named = select(items.c.doc_id, items.c.sealed_native_id).join_from(items, sources)
        named = named.where(sources.c.collection_id == collection_id, items.c.sealed_native_id.is_not(None))
        for doc_id, sealed in connection.execute(named):
            found[name_place(doc_id)] = is_wrapped(sealed)
    return found
