"""Bringing a restored collection in step with the keys that exist: what has none is gone here too.

A document has no key any more because it was erased, or let go by retention, or replaced so long ago that its old key
was pruned. It leaves the answers; if its source still has it, the next sync reads it again, under the rulings and
retention of now. The mark for that is the state ``expired`` with no fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from ragkit.crashpoints import reach
from ragkit.store import ageing
from ragkit.store.keysweep import reconcile
from ragkit.store.recordkeys import document_place, is_wrapped
from ragkit.store.removal import withdraw
from ragkit.store.schema import documents, items, sources, versions

if TYPE_CHECKING:
    from ragkit.store.records import RecordStore

_SLICE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a collection has after it, in counts.

    Attributes:
        documents: That answer.
        dropped: That answered in the backup, and have no key any more.
        values: Vault values that have none.
    """

    documents: int = 0
    dropped: int = 0
    values: int = 0


def drop_unreadable(store: RecordStore) -> Reconciled:
    """Let go of documents and values whose keys are destroyed, and mark them to be read again.

    The store is open for writing. Can be repeated.
    """
    dead = _dead_documents(store)
    for start in range(0, len(dead), _SLICE):
        some = dead[start : start + _SLICE]
        with store.database.write() as connection:
            for doc_id in some:
                withdraw(connection, doc_id)
            mine = items.c.doc_id.in_(some)
            # A source that tells only what changed since would not tell of them again: it is read from the beginning.
            theirs = select(items.c.source_id).where(mine)
            again = update(sources).where(sources.c.source_id.in_(theirs))
            connection.execute(again.values(sealed_cursor=None, pass_open=0))
            connection.execute(update(items).where(mine).values(status="expired", fingerprint="", code=None))
        reach("restore.in_reconcile")
    store.sweep()
    values = ageing.drop_dead_values(store.database, store.collection)
    reconcile(store.database, store.collection.id, thorough=True)  # keys that were released are in use again
    return Reconciled(documents=store.inventory().documents, dropped=len(dead), values=values)


def _dead_documents(store: RecordStore) -> list[str]:
    query = (
        select(documents.c.doc_id, versions.c.number, versions.c.wrapped_key)
        .join(versions, versions.c.version_id == documents.c.version_id)
        .where(documents.c.collection_id == store.collection.id)
    )
    with store.database.read() as connection:
        rows = connection.execute(query).all()
    places = {
        row.doc_id: document_place(row.doc_id, row.number)
        for row in rows
        if row.wrapped_key is not None and is_wrapped(row.wrapped_key)
    }
    held = store.collection.records.present(places.values())
    keyless = {row.doc_id for row in rows if row.wrapped_key is None}
    return sorted(keyless | {doc_id for doc_id, place in places.items() if place not in held})
