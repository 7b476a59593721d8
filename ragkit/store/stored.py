"""The version that a document answers with, read back: its policy, its header, its chunks, its vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.keyring import Keyring
from ragkit.store.payload import Header, open_chunk, open_header, place_of
from ragkit.store.schema import bodies, collections, documents, items, sources, versions
from ragkit.types import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_ANSWERING = (
    select(versions)
    .join(documents, documents.c.version_id == versions.c.version_id)
    .where(documents.c.doc_id == bindparam("doc"), documents.c.collection_id == bindparam("collection"))
)
_BODIES = select(bodies).where(bodies.c.version_id == bindparam("version")).order_by(bodies.c.ordinal)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One version, opened.

    Attributes:
        policy: Fingerprint it was masked under.
        encoder: Fingerprint of what made the vectors.
        counts: Masked spans by entity type, in all its fields.
        vectors: float32, one a chunk.
    """

    policy: str
    encoder: str
    counts: Mapping[str, int]
    header: Header = field(repr=False)
    chunks: tuple[Chunk, ...] = field(repr=False)
    vectors: tuple[NDArray[np.float32], ...] = field(repr=False)


def read_stored(database: Database, collection: Collection, doc_id: str) -> StoredVersion | None:
    """Open the version that a document answers with; ``None`` when it does not answer, or its key is destroyed."""
    import numpy as np

    with database.read() as connection:
        version = connection.execute(_ANSWERING, {"doc": doc_id, "collection": collection.id}).one_or_none()
        if version is None or version.sealed_header is None:
            return None
        rows = connection.execute(_BODIES, {"version": version.version_id}).all()
    place = place_of(doc_id, version.number)
    key = Keyring(collection).keys({place: version.wrapped_key}).get(place)
    if key is None:
        return None
    chunks = tuple(
        open_chunk(
            row.sealed,
            key=key,
            place=place,
            ordinal=row.ordinal,
            source_start=row.source_start,
            source_end=row.source_end,
            page=row.page,
        )
        for row in rows
    )
    return StoredVersion(
        policy=version.policy,
        encoder=version.encoder,
        counts=json.loads(version.masked_counts),
        header=open_header(version.sealed_header, key=key, place=place),
        chunks=chunks,
        vectors=tuple(np.frombuffer(row.vector, dtype="<f4") for row in rows),
    )


def policy_in_force(database: Database, collection: Collection) -> str:
    """Return the fingerprint of the policy under which the collection was last synced; empty before the first time."""
    with database.read() as connection:
        query = select(collections.c.policy).where(collections.c.id == collection.id)
        return str(connection.execute(query).scalar_one())


def count_waiting(database: Database, collection: Collection, policy: str) -> dict[str, int]:
    """Count, by source, the documents whose answering version was masked under another policy than this."""
    query = (
        select(sources.c.name, func.count().label("number"))
        .select_from(documents)
        .join(versions, versions.c.version_id == documents.c.version_id)
        .join(items, items.c.doc_id == documents.c.doc_id)
        .join(sources, sources.c.source_id == items.c.source_id)
        .where(documents.c.collection_id == collection.id, versions.c.policy != policy)
        .group_by(sources.c.name)
        .order_by(sources.c.name)
    )
    with database.read() as connection:
        return {row.name: row.number for row in connection.execute(query)}
