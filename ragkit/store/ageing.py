"""Documents with the dates that retention counts from, and letting them go: the rows, after their keys.

An item that retention let go of keeps the keyed hash of its content and the date when that was first taken in, so that
it stays away while it is unchanged; nothing else is kept of it.
"""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from ragkit.crypto import key_number
from ragkit.store.items import now, open_dates
from ragkit.store.recordkeys import value_place
from ragkit.store.removal import withdraw
from ragkit.store.schema import documents, items, mentions, sources, vault, versions

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

_PAGE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedDocument:
    """A document that answers. ``dates`` are the source's (:func:`ragkit.connect.identity.dates_of`), ISO 8601."""

    doc_id: str
    source: str
    indexed_at: str
    chunks: int
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)


def aged_documents(database: Database, collection: Collection) -> Iterator[AgedDocument]:
    """Give every document that answers, some at a time, so that no reader is long."""
    after = 0
    columns = (documents.c.document_id, documents.c.doc_id, versions.c.chunk_count, sources.c.name)
    query = (
        select(*columns, items.c.indexed_at, items.c.changed_at, items.c.sealed_dates)
        .join(items, items.c.doc_id == documents.c.doc_id)
        .join(sources, sources.c.source_id == items.c.source_id)
        .join(versions, versions.c.version_id == documents.c.version_id)
        .where(documents.c.collection_id == collection.id)
        .order_by(documents.c.document_id)
        .limit(_PAGE)
    )
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(documents.c.document_id > after)).all()
        for row in rows:
            yield AgedDocument(
                doc_id=row.doc_id,
                source=row.name,
                indexed_at=row.indexed_at or row.changed_at,
                chunks=row.chunk_count,
                dates=open_dates(collection, row.doc_id, row.sealed_dates),
            )
        if len(rows) < _PAGE:
            return
        after = rows[-1].document_id


def aged_past(database: Database, collection: Collection, doc_ids: Values[str]) -> Iterator[AgedDocument]:
    """Give documents that answer no more and of which past versions are kept, with the dates they had; no chunks."""
    columns = (items.c.doc_id, items.c.indexed_at, items.c.changed_at, items.c.sealed_dates, sources.c.name)
    query = select(*columns).join(sources, sources.c.source_id == items.c.source_id)
    every = sorted(doc_ids)
    for start in range(0, len(every), _PAGE):
        with database.read() as connection:
            rows = connection.execute(query.where(items.c.doc_id.in_(every[start : start + _PAGE]))).all()
        for row in rows:
            yield AgedDocument(
                doc_id=row.doc_id,
                source=row.name,
                indexed_at=row.indexed_at or row.changed_at,
                chunks=0,
                dates=open_dates(collection, row.doc_id, row.sealed_dates),
            )


def values_only_in(database: Database, doc_ids: Values[str]) -> set[int]:
    """Return the numbers of the values that stand in these documents and in no other version of any document."""
    mine = select(documents.c.version_id).where(documents.c.doc_id.in_(sorted(doc_ids)))
    inside = select(mentions.c.key).where(mentions.c.version_id.in_(mine)).distinct().subquery()
    other = mentions.alias("other")
    elsewhere = select(other.c.key).where(other.c.key == inside.c.key, other.c.version_id.not_in(mine)).exists()
    with database.read() as connection:
        return set(connection.execute(select(inside.c.key).where(~elsewhere)).scalars())


def expire(database: Database, doc_ids: Values[str]) -> None:
    """Let documents go whose keys are destroyed: their rows, and what identifies them at the source."""
    kept = {"status": "expired", "sealed_native_id": None, "sealed_dates": None, "access_mac": None, "code": None}
    with database.write() as connection:
        for doc_id in sorted(doc_ids):
            withdraw(connection, doc_id, how="purged")
            connection.execute(update(items).where(items.c.doc_id == doc_id).values(**kept, changed_at=now()))


def drop_dead_values(database: Database, collection: Collection) -> int:
    """Delete the vault rows that nothing can open any more.

    Returns:
        How many there were.
    """
    gone = after = 0
    mine = vault.c.collection_id == collection.id
    query = select(vault.c.vault_id, vault.c.value_mac, vault.c.wrapped_key).where(mine).order_by(vault.c.vault_id)
    while True:
        with database.read() as connection:
            rows = connection.execute(query.where(vault.c.vault_id > after).limit(_PAGE)).all()
        if not rows:
            return gone
        after = rows[-1].vault_id
        places = {row.vault_id: value_place(key_number(row.value_mac)) for row in rows}
        held = collection.records.openable({places[row.vault_id]: row.wrapped_key for row in rows})
        if dead := [vault_id for vault_id, place in places.items() if place not in held]:
            with database.write() as connection:
                gone += connection.execute(delete(vault).where(vault.c.vault_id.in_(dead))).rowcount
