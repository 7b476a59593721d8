"""Bringing a restored collection in step with the keys that exist: what has none is gone here too.

A document has no key any more because it was erased, or let go by retention, or replaced so long ago that its old key
was pruned. It leaves the answers; if its source still has it, the next sync reads it again, under the rulings and
retention of now. The mark for that is the state ``expired`` with no fingerprint. A version with a
value that was corrected since answers until it is read again. Past versions without a key, or with such a value, go.
What an erasure did is done again by
:mod:`ragkit.lifecycle.replay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DBAPIError

from ragkit.crashpoints import reach
from ragkit.store import ageing
from ragkit.store.dialect_words import insert
from ragkit.store.keysweep import reconcile
from ragkit.store.pastrows import PastRows
from ragkit.store.recordkeys import document_place, name_place
from ragkit.store.removal import withdraw
from ragkit.store.schema import collections, documents, fates, items, mentions, sources, versions

if TYPE_CHECKING:
    from ragkit.store.database import Database
    from ragkit.store.dialect_backend import Backend
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What came back.

    Attributes:
        copy: Id of the backup.
        made_at: When it was made, ISO 8601.
        documents: That answer now.
        dropped: That answered in the backup and were erased, let go or replaced since; a sync reads again what its
            source still has.
        values: Vault values that are gone since.
        redacted: Documents of the backup in which somebody who was erased since is now redacted.
        originals_missing: Uploaded documents, or replacements of some, of which the backup has no original: they answer
            if they did in the backup, and a change of policy hides them until they are handed in again.
        waiting: Collections of which the index could not be built, since their policy is another now: run ``remask``.
        unsafe_keys: An older key file was used, as asked: what was erased since may be back.
        resumed: The restore had been killed while it moved files, and was only finished now.
    """

    copy: str
    made_at: str
    documents: int = 0
    dropped: int = 0
    values: int = 0
    redacted: int = 0
    originals_missing: int = 0
    waiting: tuple[str, ...] = ()
    unsafe_keys: bool = False
    resumed: bool = False
    elapsed: float = 0.0


def drop_unreadable(store: RecordStore) -> Reconciled:
    """Let go of documents and values whose keys are destroyed, and mark them to be read again.

    The store is open for writing. Can be repeated.
    """
    store.mark_kept(None)  # of what was replaced between the backup and now there is nothing
    dead = _dead_documents(store)
    for start in range(0, len(dead), _SLICE):
        some = dead[start : start + _SLICE]
        with store.database.write() as connection:
            for doc_id in some:
                withdraw(connection, doc_id, how="unknown")
            _read_again(connection, some, status="expired")
        reach("restore.in_reconcile")
    with store.database.write() as connection:
        _read_again(connection, _corrected_documents(store), status="active")
    past = PastRows(store.database, store.collection)
    past.destroy(past.mentioning(_corrected_numbers(store)), "erased")
    past.destroy(past.keyless(), "unknown")
    _drop_unreadable_names(store)
    store.sweep()
    values = ageing.drop_dead_values(store.database, store.collection)
    reconcile(store.database, store.collection.id, thorough=True)  # keys that were released are in use again
    return Reconciled(documents=store.inventory().documents, dropped=len(dead), values=values)


def _read_again(connection: Connection, doc_ids: Sequence[str], *, status: str) -> None:
    """Let the next sync take these for changed.

    A source that tells only what changed since would not tell of them again: it is read from the beginning.
    """
    for start in range(0, len(doc_ids), _SLICE):
        mine = items.c.doc_id.in_(doc_ids[start : start + _SLICE])
        theirs = select(items.c.source_id).where(mine)
        again = update(sources).where(sources.c.source_id.in_(theirs))
        connection.execute(again.values(sealed_cursor=None, pass_open=0))
        connection.execute(update(items).where(mine).values(status=status, fingerprint="", code=None))


def _drop_unreadable_names(store: RecordStore) -> None:
    """Let go of what documents are called at their source where nothing can open that any more."""
    query = select(items.c.doc_id, items.c.sealed_native_id).join(sources, sources.c.source_id == items.c.source_id)
    mine = query.where(sources.c.collection_id == store.collection.id, items.c.sealed_native_id.is_not(None))
    with store.database.read() as connection:
        names = {name_place(row.doc_id): row for row in connection.execute(mine)}
    held = store.collection.records.openable({place: row.sealed_native_id for place, row in names.items()})
    dead = sorted(row.doc_id for place, row in names.items() if place not in held)
    for start in range(0, len(dead), _SLICE):
        some = items.c.doc_id.in_(dead[start : start + _SLICE])
        with store.database.write() as connection:
            connection.execute(update(items).where(some).values(sealed_native_id=None))


def _corrected_documents(store: RecordStore) -> list[str]:
    """Return the answering documents that hold a value which was corrected wherever it stands."""
    numbers = _corrected_numbers(store)
    found: set[str] = set()
    with store.database.read() as connection:
        for start in range(0, len(numbers), _SLICE):
            rows = select(documents.c.doc_id).join(mentions, mentions.c.version_id == documents.c.version_id)
            some = mentions.c.key.in_(numbers[start : start + _SLICE])
            found.update(connection.execute(rows.where(some)).scalars())
    return sorted(found)


def _corrected_numbers(store: RecordStore) -> list[int]:
    """Return the numbers of values that were corrected wherever they stand."""
    query = "SELECT DISTINCT number FROM rulings WHERE collection_id = ? AND verb = 'correct' AND role = 'own'"
    return sorted(row[0] for row in store.database.key_file.look(query, (store.collection.id,)))


def carry_fates(old: Backend, database: Database) -> None:
    """Take over, from the record store that is replaced, what became of versions; nothing when it cannot be read.

    A version that came back is there again, whatever became of it afterwards.
    """
    if not old.exists():
        return
    engine = old.engine(writable=False)
    try:
        with engine.connect() as connection:
            rows = [row._asdict() for row in connection.execute(select(fates))]
    except DBAPIError:  # damaged, or of before there were any
        return
    finally:
        engine.dispose()
    for start in range(0, len(rows), _SLICE):
        some = rows[start : start + _SLICE]
        with database.write() as connection:
            known = set(connection.execute(select(collections.c.id)).scalars())
            mine = select(versions.c.doc_id, versions.c.number).where(
                versions.c.doc_id.in_({row["doc_id"] for row in some})
            )
            there = {(row.doc_id, row.number) for row in connection.execute(mine)}
            fresh = [r for r in some if r["collection_id"] in known and (r["doc_id"], r["number"]) not in there]
            if fresh:
                statement = insert(fates)
                told = {name: statement.excluded[name] for name in ("how", "at")}
                keys = [fates.c.doc_id, fates.c.number]
                lost = fates.c.how == "unknown"
                again = statement.on_conflict_do_update(index_elements=keys, set_=told, where=lost)
                connection.execute(again, fresh)


def _dead_documents(store: RecordStore) -> list[str]:
    query = (
        select(documents.c.doc_id, versions.c.number, versions.c.wrapped_key)
        .join(versions, versions.c.version_id == documents.c.version_id)
        .where(documents.c.collection_id == store.collection.id)
    )
    with store.database.read() as connection:
        rows = connection.execute(query).all()
    places = {document_place(row.doc_id, row.number): row for row in rows if row.wrapped_key is not None}
    held = store.collection.records.openable({place: row.wrapped_key for place, row in places.items()})
    keyless = {row.doc_id for row in rows if row.wrapped_key is None}
    return sorted(keyless | {row.doc_id for place, row in places.items() if place not in held})
