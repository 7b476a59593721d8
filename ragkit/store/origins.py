"""Where documents come from and since when they are here, for people who ask what is held of them."""

from __future__ import annotations

from collections.abc import Collection as Values
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from ragkit.store.items import open_dates
from ragkit.store.schema import documents, items, sources, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

_SLICE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One document that answers.

    Attributes:
        source: Name of its source.
        version: Number of the version that answers; how often it was taken in or changed.
        media_type: As it was read.
        indexed_at: When this content was first taken in, ISO 8601.
        made_at: When this version was made.
        dates: What the source says of its age, ISO 8601 by key.
    """

    source: str
    version: int
    media_type: str
    indexed_at: str
    made_at: str
    dates: Mapping[str, str] = field(default_factory=dict, repr=False)


def origins(database: Database, collection: Collection, doc_ids: Values[str]) -> dict[str, Origin]:
    """Return the origin of each of these documents that answers, by document id."""
    query = (
        select(documents.c.doc_id, sources.c.name, versions.c.number, versions.c.media_type, versions.c.created_at)
        .add_columns(items.c.indexed_at, items.c.changed_at, items.c.sealed_dates)
        .join_from(documents, versions, versions.c.version_id == documents.c.version_id)
        .join(items, items.c.doc_id == documents.c.doc_id)
        .join(sources, sources.c.source_id == items.c.source_id)
        .where(documents.c.collection_id == collection.id)
    )
    every, found = sorted(doc_ids), {}
    with database.read() as connection:
        for start in range(0, len(every), _SLICE):
            for row in connection.execute(query.where(documents.c.doc_id.in_(every[start : start + _SLICE]))):
                found[row.doc_id] = Origin(
                    source=row.name,
                    version=row.number,
                    media_type=row.media_type,
                    indexed_at=row.indexed_at or row.changed_at,
                    made_at=row.created_at,
                    dates=open_dates(collection, row.doc_id, row.sealed_dates),
                )
    return found
