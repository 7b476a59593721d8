"""The live chunks of a collection, as the index reads them (:class:`ragkit.protocols.IndexSource`)."""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Row, Select, func, select

from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.keyring import Keyring
from ragkit.store.payload import open_chunk, place_of
from ragkit.store.recordkeys import is_wrapped
from ragkit.store.schema import bodies, chunks, collections, documents, versions
from ragkit.store.stored import policy_in_force
from ragkit.types import Masked

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 2_000
_PARAMETERS = 10_000


@dataclass(frozen=True, slots=True)
class LiveRow:
    """One live chunk (:class:`ragkit.protocols.IndexRow`). ``text`` is empty when it was not asked for."""

    chunk_id: int
    access_class: str
    vector: NDArray[np.float32] = field(repr=False)
    text: Masked = field(default=Masked(""), repr=False)


class LiveChunks:
    """Streams live chunks in order of their numbers; every batch is a snapshot of its own, so that no reader is long.

    Args:
        encoder: Give only chunks whose vectors this encoder made: while a collection is being embedded anew, vectors of
            two spaces are in it. ``None`` gives all.
        in_force: Give only chunks masked under the policy that the collection is being synced under. A document that
            could not be masked again yet is not to be found under the new policy; one already masked again is found in
            the delta of the old index too.
    """

    def __init__(
        self, database: Database, collection: Collection, *, encoder: str | None = None, in_force: bool = False
    ) -> None:
        self._database = database
        self._collection = collection
        self._encoder = encoder
        self._in_force = in_force
        self._keyring = Keyring(collection)

    @property
    def policy(self) -> str:
        """Fingerprint of the policy under which the chunks were masked; empty when that is not looked at."""
        return policy_in_force(self._database, self._collection) if self._in_force else ""

    def last_chunk_id(self) -> int:
        """Return the highest number ever given, in any collection; 0 at first. It never shrinks."""
        with self._database.read() as connection:
            return self._database.backend.last_chunk_id(connection)

    def rows(self, *, after: int = 0, through: int | None = None, with_text: bool = True) -> Iterator[LiveRow]:
        """Give live chunks with ``after < chunk_id <= through``, in order.

        Text is decrypted only when asked for; without it a row costs a few microseconds. A document whose key is
        destroyed is not there, though its rows may still wait to be deleted.
        """
        position = after
        while True:
            query = self._page(position, through, with_text=with_text)
            with self._database.read() as connection:
                found = connection.execute(query).all()
            wrapped = {place_of(row.doc_id, row.number): row.wrapped_key for row in found}
            keys = self._keyring.keys(wrapped) if with_text else self._present(wrapped)
            for row in found:
                key = keys.get(place_of(row.doc_id, row.number))
                if key is None:
                    continue
                vector = np.frombuffer(row.vector, dtype="<f4")
                yield LiveRow(row.chunk_id, row.class_id, vector, _text(row, key) if with_text else Masked(""))
            if len(found) < _BATCH:
                return
            position = found[-1].chunk_id

    def live(self, chunk_ids: Values[int]) -> set[int]:
        """Return which of these chunks are live."""
        every = list(chunk_ids)
        found: set[int] = set()
        with self._database.read() as connection:
            for start in range(0, len(every), _PARAMETERS):
                some = every[start : start + _PARAMETERS]
                query = self._of_encoder(select(chunks.c.chunk_id)).where(chunks.c.chunk_id.in_(some))
                found.update(connection.execute(query).scalars())
        return found

    def count_live(self) -> int:
        """Count the live chunks, from the sizes of the versions that answer."""
        query = (
            select(func.coalesce(func.sum(versions.c.chunk_count), 0))
            .join(documents, documents.c.version_id == versions.c.version_id)
            .where(documents.c.collection_id == self._collection.id)
        )
        query = self._wanted(query)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def _page(self, position: int, through: int | None, *, with_text: bool) -> Select[Any]:
        columns: list[Any] = [chunks.c.chunk_id, chunks.c.class_id, bodies.c.vector]
        columns += [versions.c.doc_id, versions.c.number, versions.c.wrapped_key]
        if with_text:
            columns += [bodies.c.sealed, bodies.c.ordinal, bodies.c.source_start, bodies.c.source_end, bodies.c.page]
        query = self._of_encoder(select(*columns)).where(chunks.c.chunk_id > position)
        if through is not None:
            query = query.where(chunks.c.chunk_id <= through)
        return query.order_by(chunks.c.chunk_id).limit(_BATCH)

    def _of_encoder(self, query: Select[Any]) -> Select[Any]:
        """Add the tables, and the conditions that every query here has."""
        joined = query.select_from(chunks).join(bodies, bodies.c.body_id == chunks.c.body_id)
        joined = joined.join(versions, versions.c.version_id == bodies.c.version_id)
        joined = joined.where(chunks.c.collection_id == self._collection.id)
        return self._wanted(joined)

    def _wanted(self, query: Select[Any]) -> Select[Any]:
        if self._encoder is not None:
            query = query.where(versions.c.encoder == self._encoder)
        if self._in_force:
            mine = select(collections.c.policy).where(collections.c.id == self._collection.id)
            query = query.where(versions.c.policy == mine.scalar_subquery())
        return query

    def _present(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return those of these versions whose key could be opened, without opening it."""
        held = self._collection.records.present(f"d/{place}" for place, raw in wrapped.items() if is_wrapped(raw))
        return {place: raw for place, raw in wrapped.items() if not is_wrapped(raw) or f"d/{place}" in held}


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
