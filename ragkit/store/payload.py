"""How a document's header and its chunks are packed and sealed.

A chunk's two views are nearly the same text, so JSON under deflate holds the second for a few bytes. Everything is
sealed under the document's own key and bound to its place, so that rows cannot be exchanged.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragkit import crypto
from ragkit.types import Chunk, Masked, MaskedDocument, MaskedSpan, MaskedText

_Pair = tuple[Masked, Masked]
_HEADER_BYTES = 256


@dataclass(frozen=True, slots=True)
class Header:
    """What a reader may see of a document beside its text; each value as (record view, index view)."""

    title: _Pair
    name: _Pair
    uri: _Pair | None = None
    metadata: Mapping[str, _Pair] = field(default_factory=dict)


def seal_header(document: MaskedDocument, *, key: bytes, place: str) -> bytes:
    """Seal title, name, URI and metadata of a document."""
    content = {
        "t": _views(document.title),
        "n": _views(document.name),
        "u": _views(document.uri) if document.uri else None,
        "m": {name: _views(value) for name, value in document.metadata.items()},
    }
    # A file name or title of a letter is mostly a name: its length is hidden. Inflating stops before the filling.
    return crypto.seal(key, crypto.pad(_pack(content), _HEADER_BYTES), bound_to=f"header/{place}")


def open_header(sealed: bytes, *, key: bytes, place: str) -> Header:
    """Undo :func:`seal_header`.

    Raises:
        KeyMismatch: Another key or another place.
    """
    content = _unpack(crypto.unseal(key, sealed, bound_to=f"header/{place}"))
    return Header(
        title=_pair(content["t"]),
        name=_pair(content["n"]),
        uri=_pair(content["u"]) if content["u"] else None,
        metadata={name: _pair(value) for name, value in content["m"].items()},
    )


def seal_chunk(chunk: Chunk, *, key: bytes, place: str) -> bytes:
    """Seal the texts and spans of a chunk; its offsets, page and ordinal stay in columns."""
    spans = [
        [s.entity_type, s.source_start, s.source_end, s.record_start, s.record_end, s.index_start, s.index_end]
        for s in chunk.spans
    ]
    content = [
        chunk.record,
        chunk.index,
        chunk.context_index,
        chunk.context_record,
        chunk.heading,
        spans,
        chunk.headings,
    ]
    return crypto.seal(key, _pack(content), bound_to=f"chunk/{place}/{chunk.ordinal}")


def open_chunk(
    sealed: bytes, *, key: bytes, place: str, ordinal: int, source_start: int, source_end: int, page: int | None
) -> Chunk:
    """Undo :func:`seal_chunk`.

    Raises:
        KeyMismatch: Another key or another place.
    """
    record, index, context_index, context_record, heading, spans, *added = _unpack(
        crypto.unseal(key, sealed, bound_to=f"chunk/{place}/{ordinal}")
    )
    headings = added[0] if added else []  # chunks stored before headings were kept have none
    return Chunk(
        ordinal=ordinal,
        record=Masked(record),
        index=Masked(index),
        source_start=source_start,
        source_end=source_end,
        context_index=Masked(context_index),
        context_record=Masked(context_record),
        heading=Masked(heading),
        headings=tuple((start, Masked(path)) for start, path in headings),
        page=page,
        spans=tuple(MaskedSpan(*span) for span in spans),
    )


def place_of(doc_id: str, number: int) -> str:
    """Name a version of a document, for binding."""
    return f"{doc_id}/{number}"


def _pack(content: Any) -> bytes:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def _unpack(raw: bytes) -> Any:
    return json.loads(zlib.decompress(raw).decode("utf-8", "surrogatepass"))


def _views(text: MaskedText) -> list[str]:
    return [text.record, text.index]


def _pair(views: list[str]) -> _Pair:
    return Masked(views[0]), Masked(views[1])
