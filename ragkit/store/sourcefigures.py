"""What the store holds of each source, in figures, and which of its items are set aside. No names, no content."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.schema import documents, items, sources

_STATES = {0: "complete", 1: "open", 2: "open"}


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """One source.

    Attributes:
        documents: Items that answer, those that only a hold keeps not counted.
        quarantined: Items that are set aside.
        state: ``complete``, or ``open`` while a pass goes on with the next sync, as it always does at a source that
            reports its own changes; ``never`` when nothing was ever stored.
        last: When a sync last stored how far it is, ISO 8601; ``None`` for never.
    """

    documents: int = 0
    quarantined: int = 0
    state: str = "never"
    last: str | None = None


@dataclass(frozen=True, slots=True)
class SetAside:
    """An item in quarantine.

    Attributes:
        collection: Name of its collection.
        source: Name of its source.
        doc_id: Opaque.
        code: Why.
        attempts: How often it was tried.
        first: When it was first set aside with this content, ISO 8601.
        last: When it was last tried, likewise.
        answers: Whether an older version of it still answers.
    """

    collection: str
    source: str
    doc_id: str
    code: str
    attempts: int
    first: str
    last: str
    answers: bool


def source_figures(database: Database, collection: Collection) -> dict[str, SourceFigures]:
    """Return the figures of every source that was ever synced, by its name."""
    mine = sources.c.collection_id == collection.id
    counted = (
        select(sources.c.name, items.c.status, func.count())
        .join(items, items.c.source_id == sources.c.source_id)
        .where(mine, items.c.status.in_(["active", "quarantined"]))
        .group_by(sources.c.name, items.c.status)
    )
    known = select(sources.c.name, sources.c.pass_open, sources.c.finished_at).where(mine)
    with database.read() as connection:
        counts = {(name, status): number for name, status, number in connection.execute(counted)}
        rows = connection.execute(known).all()
    return {
        row.name: SourceFigures(
            documents=counts.get((row.name, "active"), 0),
            quarantined=counts.get((row.name, "quarantined"), 0),
            state=_STATES[row.pass_open] if row.finished_at else "never",
            last=row.finished_at,
        )
        for row in rows
    }


def set_aside(database: Database, collection: Collection) -> list[SetAside]:
    """Return what is in quarantine, by source, code and id."""
    query = (
        select(
            sources.c.name,
            items.c.doc_id,
            items.c.code,
            items.c.attempts,
            func.coalesce(items.c.indexed_at, items.c.changed_at).label("first"),
            items.c.changed_at,
            documents.c.document_id.is_not(None).label("answers"),
        )
        .join(sources, sources.c.source_id == items.c.source_id)
        .outerjoin(documents, documents.c.doc_id == items.c.doc_id)
        .where(sources.c.collection_id == collection.id, items.c.status == "quarantined")
        .order_by(sources.c.name, items.c.code, items.c.doc_id)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    return [SetAside(collection.name, *row) for row in rows]
