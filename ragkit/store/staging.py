"""A document's new version before any of it is written: its key, its sealed header, its sealed chunks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit import crypto
from ragkit.errors import StoreError
from ragkit.store.items import SourceEntry, now
from ragkit.store.payload import place_of, seal_chunk, seal_header
from ragkit.store.recordkeys import document_place
from ragkit.types import Chunk, Findings, MaskedDocument

if TYPE_CHECKING:
    from ragkit.protocols import Vectors
    from ragkit.store.catalog import Collection


@dataclass(slots=True, kw_only=True)
class Staging:
    """A new version of a document on its way into the store."""

    entry: SourceEntry
    number: int
    place: str
    key: bytes
    columns: Mapping[str, Any]
    filters: Mapping[str, bytes]
    mentions: frozenset[int]
    people: tuple[frozenset[int], ...]
    masked: Mapping[str, int]
    notices: Mapping[str, int]
    findings: Findings = field(default_factory=Findings)
    rows: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    version_id: int | None = None

    def add(self, some: Sequence[Chunk], vectors: Vectors) -> None:
        """Seal more chunks, in order, in memory.

        Raises:
            StoreError: The vectors do not match the chunks, or hold something that is not a number.
        """
        import numpy as np

        array = np.ascontiguousarray(vectors, dtype="<f4")
        if array.shape[:1] != (len(some),) or not bool(np.isfinite(array).all()):
            raise StoreError("the embedder gave vectors that cannot be stored", remedy="Run `ragkit models verify`.")
        for chunk, vector in zip(some, array):
            self.rows.append(
                {
                    "ordinal": chunk.ordinal,
                    "source_start": chunk.source_start,
                    "source_end": chunk.source_end,
                    "page": chunk.page,
                    "vector": vector.tobytes(),
                    "sealed": seal_chunk(chunk, key=self.key, place=self.place),
                }
            )
        self.count += len(some)

    def __repr__(self) -> str:
        return f"Staging({self.place}, {self.count} chunks)"


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that is to be quarantined under ``code``; ``policy`` is the one in force.

    ``kept`` for what a legal hold keeps: its version stays under the policy of before, found by nobody under this one.
    """

    entry: SourceEntry
    code: str
    policy: str
    kept: bool = False


def new_version(
    collection: Collection,
    entry: SourceEntry,
    document: MaskedDocument,
    *,
    encoder: str,
    filters: Mapping[str, bytes],
) -> Staging:
    """Make the key of a new version and seal its header."""
    number = entry.last_version + 1
    place = place_of(entry.doc_id, number)
    key = crypto.new_key()
    notices: Counter[str] = Counter()
    for notice in document.notices:
        notices[notice.code] += notice.count
    columns = {
        "collection_id": collection.id,
        "doc_id": entry.doc_id,
        "number": number,
        "state": "staged",
        "wrapped_key": collection.records.wrap(
            document_place(entry.doc_id, number),
            crypto.seal(collection.keys.wrapping, key, bound_to=f"document/{place}"),
        ),
        "sealed_header": seal_header(document, key=key, place=place),
        "media_type": document.media_type,
        "policy": document.policy,
        "encoder": encoder,
        "masked_counts": json.dumps(dict(document.counts), sort_keys=True),
        "notices": json.dumps(notices, sort_keys=True),
        "created_at": now(),
    }
    return Staging(
        entry=entry,
        number=number,
        place=place,
        key=key,
        columns=columns,
        filters=filters,
        mentions=document.mentions,
        people=document.people,
        masked=dict(document.counts),
        notices=notices,
        findings=document.findings,
    )
