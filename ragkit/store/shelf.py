"""The documents of one collection as a reader may see them: a page of them, one of them, its passages.

What may be seen is decided where searching decides it (:class:`ragkit.store.hits.CheckedHits`). Pages go by document
id, which is opaque and in no order that would tell how many others there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ragkit.store.schema import bodies, chunks, collections, documents, items, sources, versions

if TYPE_CHECKING:
    from sqlalchemy import Row

    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database
    from ragkit.store.hits import CheckedHits
    from ragkit.types import Hit, Masked, Principal

_COLUMNS = (
    documents.c.doc_id,
    documents.c.version_id,
    chunks.c.chunk_id,
    sources.c.name.label("source"),
    versions.c.number,
    versions.c.media_type,
    versions.c.chunk_count,
    versions.c.created_at,
    items.c.indexed_at,
    items.c.changed_at,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedDocument:
    """A document that answers, masked.

    Attributes:
        source: Name of its source.
        version: Number of the version that answers; how often it was taken in.
        chunks: How many passages it has.
        indexed_at: When this content was first taken in, ISO 8601.
        changed_at: When the version that answers was made.
    """

    doc_id: str
    source: str
    title: Masked
    version: int
    media_type: str
    chunks: int
    indexed_at: str
    changed_at: str
    metadata: Mapping[str, Masked] = field(default_factory=dict)


class Shelf:
    """Looks documents up for a principal.

    Args:
        database: The record store.
        collection: Whose documents.
        hits: Says what may be seen, and opens it.
    """

    def __init__(self, database: Database, collection: Collection, hits: CheckedHits) -> None:
        self._database = database
        self._collection = collection
        self._hits = hits

    def page(
        self, principal: Principal, *, source: str | None = None, after: str = "", limit: int = 50
    ) -> tuple[list[ShelvedDocument], str]:
        """Return documents after this id, at most ``limit``, and the id to go on from; empty at the end."""
        found: list[ShelvedDocument] = []
        while len(found) < limit:
            wanted = limit - len(found)
            conditions = [documents.c.doc_id > after] + ([sources.c.name == source] if source else [])
            rows = self._rows(principal, conditions, limit=wanted)
            found += self._opened(rows, principal)
            if len(rows) < wanted:
                return found, ""
            after = rows[-1].doc_id
        return found, after if self._rows(principal, [documents.c.doc_id > after], limit=1) else ""

    def find(self, doc_id: str, principal: Principal) -> ShelvedDocument | None:
        """Return one; ``None`` when it is not there or may not be seen."""
        rows = self._rows(principal, [documents.c.doc_id == doc_id], limit=1)
        return next(iter(self._opened(rows, principal)), None)

    def may_see(self, doc_id: str, principal: Principal) -> bool:
        """Whether a principal may see a document, also while it waits, found by nobody, to be masked again."""
        query = self._hits.visible(principal, (chunks.c.chunk_id,), [documents.c.doc_id == doc_id])
        with self._database.read() as connection:
            numbers = list(connection.execute(query).scalars())
        some = (numbers[at : at + 50] for at in range(0, len(numbers), 50))  # one that is not denied will do
        return any(self._hits.hits(few, principal=principal) for few in some)

    def passages(self, doc_id: str, principal: Principal, *, after: int = -1, limit: int = 50) -> list[Hit]:
        """Return passages of a document in order, those after a place; not what is denied."""
        query = self._hits.visible(
            principal,
            (chunks.c.chunk_id,),
            [documents.c.doc_id == doc_id, self._in_force(), bodies.c.ordinal > after],
        )
        with self._database.read() as connection:
            numbers = list(connection.execute(query.order_by(bodies.c.ordinal).limit(limit)).scalars())
        found = self._hits.hits(numbers, principal=principal)
        return [found[number] for number in numbers if number in found]

    def size_of(self, doc_id: str) -> tuple[int, int]:
        """Return version and number of passages of a document that answers; zeros when none does. Asks no principal."""
        query = select(versions.c.number, versions.c.chunk_count)
        query = query.join(documents, documents.c.version_id == versions.c.version_id)
        with self._database.read() as connection:
            row = connection.execute(query.where(documents.c.doc_id == doc_id)).one_or_none()
        return (row.number, row.chunk_count) if row is not None else (0, 0)

    def _rows(self, principal: Principal, conditions: list[Any], *, limit: int) -> list[Row[Any]]:
        query = self._hits.visible(principal, _COLUMNS, [self._in_force(), bodies.c.ordinal == 0])
        query = query.join(items, items.c.doc_id == documents.c.doc_id)
        query = query.join(sources, sources.c.source_id == items.c.source_id).where(*conditions)
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(documents.c.doc_id).limit(limit)).all())

    def _in_force(self) -> Any:
        """Masked under the policy in force: what waits to be masked again is found by nobody, here neither."""
        policy = select(collections.c.policy).where(collections.c.id == self._collection.id)
        return versions.c.policy == policy.scalar_subquery()

    def _opened(self, rows: list[Row[Any]], principal: Principal) -> list[ShelvedDocument]:
        hits = self._hits.hits([row.chunk_id for row in rows], principal=principal)
        every = [(row, hits.get(row.chunk_id) or self._another(row.doc_id, principal)) for row in rows]
        return [
            ShelvedDocument(
                doc_id=row.doc_id,
                source=row.source,
                title=hit.title,
                version=row.number,
                media_type=row.media_type,
                chunks=row.chunk_count,
                indexed_at=row.indexed_at or row.changed_at,
                changed_at=row.created_at,
                metadata=hit.metadata,
            )
            for row, hit in every
            if hit is not None
        ]

    def _another(self, doc_id: str, principal: Principal) -> Hit | None:
        """Some passage of a document whose first is denied; ``None`` when all are."""
        after = 0
        while True:
            found = self.passages(doc_id, principal, after=after)
            if found:
                return found[0]
            after += 50
            if not self._more(doc_id, after):
                return None

    def _more(self, doc_id: str, after: int) -> bool:
        query = select(bodies.c.body_id).join(documents, documents.c.version_id == bodies.c.version_id)
        query = query.where(documents.c.doc_id == doc_id, bodies.c.ordinal > after).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None
