"""What answered at a time: current and past chunks with the interval in which each could be found.

::

    history = store.history()
    rows = history.rows_at(at, classes=history.classes_of(principal))   # searched exactly
    hits = history.hits_at([row.chunk_id for row in best], at=at)       # as the generator got them

An answer at the time ``t`` could see a chunk if and only if ``valid_from <= t < valid_to``. These are the moments at
which the transaction of a change began, in microseconds; it is committed some milliseconds later, and a search that
began before still sees what was there. So an answer given within :data:`UNSHARP` of a change may have seen either side
of it; :meth:`History.changes_between` names such moments, and the chunk numbers in the event tell which side it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sqlalchemy import Connection, Row, Select, Table, func, literal, select

from ragkit.store.access import classes_of
from ragkit.store.hits import HIT_COLUMNS, CheckedHits
from ragkit.store.keyring import Keyring
from ragkit.store.payload import open_chunk, place_of
from ragkit.store.recordkeys import document_place, is_wrapped
from ragkit.store.schema import bodies, chunks, collections, documents, fates, items, past_chunks, periods, versions
from ragkit.types import Hit, Masked, Principal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

Fate = Literal["current", "past", "erased", "purged", "unknown"]
UNSHARP = timedelta(seconds=1)
"""How long before its event an answer may have looked, and how long a commit may take, generously."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 2_000
_PARAMETERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoricRow:
    """One chunk as it could be found at a time.

    Attributes:
        chunk_id: Its number then.
        doc_id: Its document.
        version: The document's version.
        ordinal: Its place in it, from 0.
        class_id: The access class then.
        vector: float32, unit length, of the encoder below.
        encoder: Fingerprint of what made the vector; an index held those of one encoder.
        policy: Fingerprint it was masked under; an index held those of the policy in force.
        valid_from: When it could be found from on.
        valid_to: When it could no longer; ``None`` for a chunk that still can.
        text: The index view, where it was asked for.
    """

    chunk_id: int
    doc_id: str
    version: int
    ordinal: int
    class_id: str
    vector: NDArray[np.float32] = field(repr=False)
    encoder: str
    policy: str
    valid_from: datetime
    valid_to: datetime | None
    text: Masked = field(default=Masked(""), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept for replay, in counts and bytes.

    Attributes:
        oldest: When the oldest of it was replaced, ISO 8601; empty for nothing.
        since: From when on all is there, likewise; empty while no history is kept.
    """

    versions: int = 0
    chunks: int = 0
    bytes: int = 0
    oldest: str = ""
    since: str = ""


class History:
    """The chunks of one collection, current and past, by time. Reads only.

    Denials hold here too: who is restricted, or being erased, is not shown as of then either.
    """

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection
        self._keyring = Keyring(collection)
        self._hits = CheckedHits(database, collection)

    def rows_at(self, at: datetime, *, classes: frozenset[str] | None, with_text: bool = False) -> list[HistoricRow]:
        """Return what could be found at a time, in order of chunk numbers.

        Args:
            at: With a time zone.
            classes: Only chunks that had one of these access classes then (:meth:`classes_of`); ``None`` for all.
            with_text: Open the index view too; without it no text is read.

        Returns:
            Without what is erased since. Every vector of the collection is read: 1.5 KB and some microseconds a chunk.
        """
        return self.rows_between(at, at, classes=classes, with_text=with_text)

    def rows_between(
        self, start: datetime, end: datetime, *, classes: frozenset[str] | None, with_text: bool = False
    ) -> list[HistoricRow]:
        """Return what could be found at any time from ``start`` to ``end``, both included; else as :meth:`rows_at`.

        With several changes between them a chunk is there under each number that it had.
        """
        if classes is not None and not classes:
            return []
        found: list[HistoricRow] = []
        first, last = micros(start), micros(end)
        with self._database.read() as connection:
            for query, number in (
                (_current(_columns(chunks, documents, literal(None)), last), chunks.c.chunk_id),
                (_past(_columns(past_chunks, periods, periods.c.valid_to), first, last), past_chunks.c.chunk_id),
            ):
                for rows in self._pages(connection, query, number):
                    some = [row for row in rows if classes is None or row.class_id in classes]
                    found += self._opened(some, with_text=with_text)
        found.sort(key=lambda row: row.chunk_id)
        return found

    def hits_at(self, chunk_ids: Sequence[int], *, at: datetime) -> dict[int, Hit]:
        """Return these chunks as hits, as the generator got them then: text, title, neighbours, metadata.

        Who may see them is not looked at: ask only for chunks of classes that the asker holds. Ranking fields are left
        at their defaults. What was not there at that time, is erased since, or is denied now is left out.
        """
        moment = micros(at)
        rows: list[Row[Any]] = []
        with self._database.read() as connection:
            for query, column in (
                (_current(HIT_COLUMNS, moment), chunks.c.chunk_id),
                (_past((past_chunks.c.chunk_id, *HIT_COLUMNS[1:]), moment), past_chunks.c.chunk_id),
            ):
                mine = query.where(_of(self._collection))
                for start in range(0, len(chunk_ids), _PARAMETERS):
                    some = list(chunk_ids[start : start + _PARAMETERS])
                    rows += connection.execute(mine.where(column.in_(some))).all()
            near = self._hits.neighbours(connection, rows)
        return self._hits.opened(rows, near)

    def classes_of(self, principal: Principal) -> frozenset[str]:
        """Return the access classes that a principal holds a token of; a class means the same tokens for ever."""
        with self._database.read() as connection:
            return classes_of(connection, self._collection, principal)

    def fate(self, doc_id: str, version: int) -> Fate:
        """Tell what became of a version of a document.

        Returns:
            ``current``: it answers. ``past``: it is kept for replay. ``erased``: it was destroyed with a person, by a
            correction or by an officer. ``purged``: it was destroyed by age or retention, or was not kept. ``unknown``:
            there was never such a version, or its end was before a restore and is not known.
        """
        with self._database.read() as connection:
            known = select(versions.c.state, versions.c.wrapped_key).where(
                versions.c.doc_id == doc_id, versions.c.number == version, _of(self._collection)
            )
            found = connection.execute(known).one_or_none()
            told = select(fates.c.how).where(
                fates.c.doc_id == doc_id, fates.c.number == version, fates.c.collection_id == self._collection.id
            )
            how: Literal["erased", "purged", "unknown"] | None = connection.execute(told).scalar_one_or_none()
            last = connection.execute(select(items.c.version).where(items.c.doc_id == doc_id)).scalar_one_or_none()
        if found is not None and found.state in ("current", "past"):
            if self._collection.records.openable({document_place(doc_id, version): found.wrapped_key}):
                return "current" if found.state == "current" else "past"
            return how or "erased"  # its key is destroyed, and its rows are about to go
        if how is not None:
            return how
        return "purged" if last is not None and 1 <= version <= last else "unknown"

    def covers(self, at: datetime) -> bool:
        """Say whether all that answered at a time is still here, but for what was erased or expired since."""
        moment = micros(at)
        query = select(collections.c.kept_since).where(collections.c.id == self._collection.id)
        with self._database.read() as connection:
            since = connection.execute(query).scalar_one()
        return since is not None and since <= moment

    def changes_between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the moments from ``start`` to ``end``, both included, at which something began or ceased to answer."""
        low, high = micros(start), micros(end)
        begun = select(documents.c.valid_from.label("at")).where(documents.c.collection_id == self._collection.id)
        over = [
            select(column.label("at")).where(periods.c.collection_id == self._collection.id, column.between(low, high))
            for column in (periods.c.valid_from, periods.c.valid_to)
        ]
        query = begun.where(documents.c.valid_from.between(low, high)).union(*over)
        with self._database.read() as connection:
            return sorted(time_of(found) for found in connection.execute(query).scalars())

    def kept(self) -> Kept:
        """Count what is kept for replay; ``bytes`` are those of vectors, sealed texts and headers."""
        mine = versions.c.collection_id == self._collection.id
        sizes = func.sum(func.length(bodies.c.vector) + func.length(bodies.c.sealed))
        with self._database.read() as connection:
            past = select(func.count(), func.sum(func.length(versions.c.sealed_header))).where(
                mine, versions.c.state == "past"
            )
            number, headers = connection.execute(past).one()
            held = select(func.count(), sizes).join(versions, versions.c.version_id == bodies.c.version_id)
            count, size = connection.execute(held.where(mine, versions.c.state == "past")).one()
            aged = select(func.min(periods.c.valid_to)).where(periods.c.collection_id == self._collection.id)
            oldest = connection.execute(aged).scalar_one()
            since = select(collections.c.kept_since).where(collections.c.id == self._collection.id)
            complete = connection.execute(since).scalar_one()
        return Kept(
            versions=number,
            chunks=count,
            bytes=(size or 0) + (headers or 0),
            oldest=time_of(oldest).isoformat(timespec="seconds") if oldest is not None else "",
            since=time_of(complete).isoformat(timespec="seconds") if complete is not None else "",
        )

    def _pages(self, connection: Connection, query: Select[Any], number: Any) -> Iterator[Sequence[Row[Any]]]:
        after = 0
        query = query.where(_of(self._collection)).order_by(number).limit(_BATCH)
        while True:
            rows = connection.execute(query.where(number > after)).all()
            yield rows
            if len(rows) < _BATCH:
                return
            after = rows[-1].chunk_id

    def _opened(self, rows: Sequence[Row[Any]], *, with_text: bool) -> Iterator[HistoricRow]:
        wrapped = {place_of(row.doc_id, row.number): row.wrapped_key for row in rows}
        keys = self._keyring.keys(wrapped) if with_text else self._present(wrapped)
        for row in rows:
            key = keys.get(place_of(row.doc_id, row.number))
            if key is None:
                continue
            yield HistoricRow(
                chunk_id=row.chunk_id,
                doc_id=row.doc_id,
                version=row.number,
                ordinal=row.ordinal,
                class_id=row.class_id,
                vector=np.frombuffer(row.vector, dtype="<f4"),
                encoder=row.encoder,
                policy=row.policy,
                valid_from=time_of(row.valid_from),
                valid_to=time_of(row.valid_to) if row.valid_to is not None else None,
                text=_text(row, key) if with_text else Masked(""),
            )

    def _present(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        held = self._collection.records.present(f"d/{place}" for place, raw in wrapped.items() if is_wrapped(raw))
        return {place: raw for place, raw in wrapped.items() if not is_wrapped(raw) or f"d/{place}" in held}

    def __repr__(self) -> str:
        return f"History({self._collection.name})"


def micros(at: datetime) -> int:
    """Return a time as microseconds since 1970.

    Raises:
        ValueError: It has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone does not say when")
    return (at - _EPOCH) // timedelta(microseconds=1)


def time_of(moment: int) -> datetime:
    """Undo :func:`micros`."""
    return _EPOCH + timedelta(microseconds=moment)


def _of(collection: Collection) -> Any:
    return versions.c.collection_id == collection.id


def _current(columns: Sequence[Any], moment: int) -> Select[Any]:
    return (
        select(*columns)
        .select_from(chunks)
        .join(bodies, bodies.c.body_id == chunks.c.body_id)
        .join(documents, documents.c.version_id == bodies.c.version_id)
        .join(versions, versions.c.version_id == documents.c.version_id)
        .where(versions.c.state == "current", documents.c.valid_from <= moment)
    )


def _past(columns: Sequence[Any], moment: int, last: int | None = None) -> Select[Any]:
    return (
        select(*columns)
        .select_from(periods)
        .join(past_chunks, past_chunks.c.period_id == periods.c.period_id)
        .join(bodies, bodies.c.body_id == past_chunks.c.body_id)
        .join(versions, versions.c.version_id == periods.c.version_id)
        .where(periods.c.valid_from <= (moment if last is None else last), periods.c.valid_to > moment)
    )


def _columns(numbers: Table, spans: Table, end: Any) -> list[Any]:
    return [
        numbers.c.chunk_id,
        spans.c.class_id,
        spans.c.valid_from,
        end.label("valid_to"),
        bodies,
        versions.c.doc_id,
        versions.c.number,
        versions.c.wrapped_key,
        versions.c.encoder,
        versions.c.policy,
    ]


def _text(row: Row[Any], key: bytes) -> Masked:
    return open_chunk(
        row.sealed,
        key=key,
        place=place_of(row.doc_id, row.number),
        ordinal=row.ordinal,
        source_start=row.source_start,
        source_end=row.source_end,
        page=row.page,
    ).embedded
