"""Finding past versions, and destroying them: what is noted of them first, then their keys, then their rows.

A kill leaves versions whose key is gone, or whose end is noted only; they are still found, and destroyed again.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Collection as Values
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, delete, exists, func, select, update

from ragkit.crashpoints import reach
from ragkit.store.dialect_words import Worded
from ragkit.store.erasure import slices, texts_of
from ragkit.store.history import time_of
from ragkit.store.keyring import Keyring
from ragkit.store.past import How, note_fate
from ragkit.store.payload import place_of
from ragkit.store.recordkeys import document_place
from ragkit.store.removal import PAST, drop_past, sweep
from ragkit.store.schema import bodies, documents, fates, items, past_chunks, past_mentions, periods, sources, versions

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database
    from ragkit.store.holds import Hold

Place = tuple[str, int]
"""A version: document id and number."""

_TURN = 50
_TURN_S = 0.02
_MENTIONING = Worded(
    "SELECT DISTINCT versions.doc_id, versions.number FROM numbers(:numbers) AS wanted "
    "CROSS JOIN past_mentions ON past_mentions.key = wanted.value "
    "JOIN versions ON versions.version_id = past_mentions.version_id WHERE versions.collection_id = :collection"
)


@dataclass(frozen=True, slots=True)
class PastVersion:
    """One that was put aside. ``ended`` is when it ceased to answer, in microseconds."""

    doc_id: str
    number: int
    chunks: int
    ended: int

    @property
    def place(self) -> Place:
        """Document and number."""
        return self.doc_id, self.number


class PastRows:
    """The past versions of one collection. Destroy them while the workspace's write lock is held."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection
        self._mine = versions.c.collection_id == collection.id

    # --- finding ---------------------------------------------------------------------------------------------------

    def of_documents(self, doc_ids: Values[str]) -> set[Place]:
        """Return the past versions of these documents."""
        found: set[Place] = set()
        with self._database.read() as connection:
            for some in slices(sorted(doc_ids)):
                query = PAST.where(self._mine, versions.c.doc_id.in_(some))
                found |= {(row.doc_id, row.number) for row in connection.execute(query)}
        return found

    def present(self, places: Values[Place]) -> set[Place]:
        """Return which of these versions are there as past ones."""
        return {*places} & self.of_documents({doc_id for doc_id, _ in places})

    def mentioning(self, numbers: Values[int]) -> set[Place]:
        """Return the past versions in which a value with one of these numbers stands, as in ``mentions``."""
        given = {"numbers": json.dumps(sorted(numbers)), "collection": self._collection.id}
        with self._database.read() as connection:
            return {(row.doc_id, row.number) for row in connection.execute(_MENTIONING, given)}

    def held_by(self, hold: Hold) -> set[Place]:
        """Return the past versions that a legal hold names: by value, document, source, or all of them."""
        if hold.scope == "value":
            return self.mentioning(hold.numbers)
        query = PAST.where(self._mine)
        if hold.scope == "document":
            query = query.where(versions.c.doc_id == hold.doc_id)
        elif hold.scope == "source":
            query = query.join(items, items.c.doc_id == versions.c.doc_id)
            query = query.join(sources, sources.c.source_id == items.c.source_id).where(sources.c.name == hold.source)
        with self._database.read() as connection:
            return {(row.doc_id, row.number) for row in connection.execute(query)}

    def numbers_in(self, places: Values[Place]) -> set[int]:
        """Return the numbers of the values that stand in these versions."""
        found: set[int] = set()
        query = select(past_mentions.c.key).join(versions, versions.c.version_id == past_mentions.c.version_id)
        with self._database.read() as connection:
            for doc_id, number in places:
                here = query.where(self._mine, versions.c.doc_id == doc_id, versions.c.number == number)
                found.update(connection.execute(here).scalars())
        return found

    def ended_before(self, limit: int | None) -> list[PastVersion]:
        """Return the versions that ceased to answer at or before a moment, the oldest first; ``None`` for all."""
        ended = func.coalesce(func.max(periods.c.valid_to), 0)
        query = (
            select(versions.c.doc_id, versions.c.number, versions.c.chunk_count, ended.label("ended"))
            .outerjoin(periods, periods.c.version_id == versions.c.version_id)
            .where(self._mine, versions.c.state == "past")
            .group_by(versions.c.version_id)
            .order_by(ended, versions.c.version_id)
        )
        if limit is not None:
            query = query.having(ended <= limit)
        with self._database.read() as connection:
            return [PastVersion(*row) for row in connection.execute(query)]

    def gone_documents(self) -> set[str]:
        """Return the documents that have past versions and answer no more."""
        answering = exists().where(documents.c.doc_id == versions.c.doc_id)
        query = PAST.where(self._mine, ~answering)
        with self._database.read() as connection:
            return {row.doc_id for row in connection.execute(query)}

    def texts(self) -> Iterator[tuple[Place, list[str]]]:
        """Give the record view of every past version, header first, then chunks; without those whose key is gone."""
        keyring, after = Keyring(self._collection), 0
        columns = (versions.c.version_id, versions.c.doc_id, versions.c.number)
        query = (
            select(*columns, versions.c.wrapped_key, versions.c.sealed_header)
            .where(self._mine, versions.c.state == "past")
            .order_by(versions.c.version_id)
            .limit(_TURN)
        )
        while True:
            with self._database.read() as connection:
                some = connection.execute(query.where(versions.c.version_id > after)).all()
                if not some:
                    return
                mine = select(bodies.c.version_id, bodies.c.ordinal, bodies.c.sealed)
                held: dict[int, list[tuple[int, bytes]]] = {}
                for version_id, ordinal, sealed in connection.execute(
                    mine.where(bodies.c.version_id.in_([one.version_id for one in some]))
                ):
                    held.setdefault(version_id, []).append((ordinal, sealed))
            keys = keyring.keys({place_of(row.doc_id, row.number): row.wrapped_key for row in some})
            for row in some:
                place = place_of(row.doc_id, row.number)
                if place in keys:
                    found = texts_of(row.sealed_header, held.get(row.version_id, []), keys[place], place)
                    yield (row.doc_id, row.number), found
            after = some[-1].version_id

    def keyless(self) -> set[Place]:
        """Return the past versions that nothing opens any more, as after a restore."""
        query = select(versions.c.doc_id, versions.c.number, versions.c.wrapped_key)
        with self._database.read() as connection:
            rows = connection.execute(query.where(self._mine, versions.c.state == "past")).all()
        held = self._collection.records.openable(
            {document_place(row.doc_id, row.number): row.wrapped_key for row in rows}
        )
        return {(row.doc_id, row.number) for row in rows if document_place(row.doc_id, row.number) not in held}

    # --- destroying ------------------------------------------------------------------------------------------------

    def destroy(self, places: Values[Place], how: How, *, keep_keys: dict[Place, int] | None = None) -> int:
        """Destroy past versions, some at a time: their end is noted, then their keys go, then their rows.

        Args:
            places: Which; those that are not there count for nothing.
            how: Why.
            keep_keys: Of these the key is released only, as of the moment given in microseconds: an older backup may
                need it until ``backup.keep_days`` are over.

        Returns:
            How many versions there were.
        """
        later = keep_keys or {}
        done = 0
        for some in slices(sorted(places)):
            with self._database.write() as connection:
                note_fate(connection, self._collection.id, some, how)
            reach("history.after_fate")
            records = self._collection.records
            records.release(
                {
                    document_place(*place): time_of(later[place]).isoformat(timespec="seconds")
                    for place in some
                    if place in later
                }
            )
            records.destroy_places([document_place(*place) for place in some if place not in later])
            reach("history.after_keys")
            done += self._drop(some)
        sweep(self._database, self._collection.id, states=("retired",))
        return done

    def end_before(self, limit: int | None) -> int:
        """Forget the numbers that living versions had in periods that ended by then; return how many periods."""
        old = periods.c.collection_id == self._collection.id
        if limit is not None:
            old &= periods.c.valid_to <= limit
        over = select(periods.c.period_id).where(old).join(versions, versions.c.version_id == periods.c.version_id)
        return self._delete_periods(over.where(versions.c.state == "current"))

    def forget_fates(self, limit: int) -> int:
        """Forget what became of versions before a moment; return how many."""
        old = (fates.c.collection_id == self._collection.id) & (fates.c.at < limit)
        with self._database.write() as connection:
            return connection.execute(delete(fates).where(old)).rowcount

    def _drop(self, places: Sequence[Place]) -> int:
        waiting, done = deque(places), 0
        while waiting:
            with self._database.write() as connection:
                end = time.perf_counter() + _TURN_S
                while waiting and time.perf_counter() < end:
                    doc_id, number = waiting.popleft()
                    query = PAST.where(self._mine, versions.c.doc_id == doc_id, versions.c.number == number)
                    done += drop_past(connection, connection.execute(query).all(), how=None)
                    left = exists().where(versions.c.doc_id == doc_id, versions.c.state == "past")
                    bare = update(items).where(items.c.doc_id == doc_id, items.c.status == "absent", ~left)
                    connection.execute(bare.values(indexed_at=None, sealed_dates=None))
            reach("history.after_rows")
        return done

    def _delete_periods(self, chosen: Select[Any]) -> int:
        done = 0
        while True:
            with self._database.write() as connection:
                some = list(connection.execute(chosen.limit(_TURN)).scalars())
                connection.execute(delete(past_chunks).where(past_chunks.c.period_id.in_(some)))
                connection.execute(delete(periods).where(periods.c.period_id.in_(some)))
            done += len(some)
            if len(some) < _TURN:
                return done
