"""Redacting what stands in clear in a stored document, where a detector missed it when the document was masked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ragkit.mask.operators import redacted
from ragkit.types import Chunk, Masked, MaskedSpan, Span

if TYPE_CHECKING:
    from ragkit.store.payload import Header
    from ragkit.store.republish import StoredDocument

Find = Callable[[str], Sequence[Span]]
"""A text to the places in it that are to be redacted, disjoint and in order."""

_Pair = tuple[Masked, Masked]


def hidden(stored: StoredDocument, find: Find) -> StoredDocument:
    """Return the document with what is found redacted in every text of it; the very same one when nothing is."""
    chunks = tuple(_chunk(chunk, find) for chunk in stored.version.chunks)
    header = _header(stored.version.header, find)
    if header == stored.version.header and all(new is old for new, old in zip(chunks, stored.version.chunks)):
        return stored
    return replace(stored, version=replace(stored.version, chunks=chunks, header=header))


def _header(header: Header, find: Find) -> Header:
    return replace(
        header,
        title=_pair(header.title, find),
        name=_pair(header.name, find),
        uri=_pair(header.uri, find) if header.uri else None,
        metadata={key: _pair(pair, find) for key, pair in header.metadata.items()},
    )


def _pair(pair: _Pair, find: Find) -> _Pair:
    return _text(pair[0], find), _text(pair[1], find, index=True)


def _text(text: Masked, find: Find, *, index: bool = False) -> Masked:
    pieces: list[str] = []
    position = 0
    for span in find(text) if text else ():
        new = redacted(span.entity_type)
        pieces += (text[position : span.start], new.index if index else new.record)
        position = span.end
    return Masked("".join([*pieces, text[position:]])) if pieces else text


def _chunk(chunk: Chunk, find: Find) -> Chunk:
    found = [
        span
        for span in find(chunk.record)
        if all(span.end <= old.record_start or old.record_end <= span.start for old in chunk.spans)
    ]
    new = replace(
        chunk,
        heading=_text(chunk.heading, find),
        context_record=_text(chunk.context_record, find),
        context_index=_text(chunk.context_index, find, index=True),
        headings=tuple((start, _text(path, find)) for start, path in chunk.headings),
    )
    if found:
        new = _body(new, found)
    return chunk if new == chunk else new


def _body(chunk: Chunk, found: Sequence[Span]) -> Chunk:
    """Put spans of their own in both views; between spans the views are equal, character by character."""
    added = [_placed(chunk.spans, span) for span in found]
    record, index = [""], [""]
    spans: list[MaskedSpan] = []
    at_record = at_index = new_record = new_index = 0
    for old in sorted([*chunk.spans, *added], key=lambda one: one.record_start):
        is_new = any(old is one for one in added)
        put_record = redacted(old.entity_type).record if is_new else chunk.record[old.record_start : old.record_end]
        put_index = redacted(old.entity_type).index if is_new else chunk.index[old.index_start : old.index_end]
        record += (chunk.record[at_record : old.record_start], put_record)
        index += (chunk.index[at_index : old.index_start], put_index)
        new_record += old.record_start - at_record
        new_index += old.index_start - at_index
        ends = (new_record + len(put_record), new_index + len(put_index))
        spans.append(
            replace(old, record_start=new_record, record_end=ends[0], index_start=new_index, index_end=ends[1])
        )
        new_record, new_index = ends
        at_record, at_index = old.record_end, old.index_end
    return replace(
        chunk,
        record=Masked("".join([*record, chunk.record[at_record:]])),
        index=Masked("".join([*index, chunk.index[at_index:]])),
        spans=tuple(spans),
        headings=tuple((_moved(start, added), path) for start, path in chunk.headings),
    )


def _placed(spans: Sequence[MaskedSpan], found: Span) -> MaskedSpan:
    """Where something found between spans of the record view stands in the source and in the index view."""
    before = [one for one in spans if one.record_end <= found.start]
    last = before[-1] if before else MaskedSpan("", 0, 0, 0, 0, 0, 0)
    source, index = last.source_end - last.record_end, last.index_end - last.record_end
    return MaskedSpan(
        found.entity_type,
        found.start + source,
        found.end + source,
        found.start,
        found.end,
        found.start + index,
        found.end + index,
    )


def _moved(position: int, added: Sequence[MaskedSpan]) -> int:
    """Where a position of the old record view is in the new one."""
    shift = 0
    for one in added:
        if one.record_end <= position:
            shift += len(redacted(one.entity_type).record) - (one.record_end - one.record_start)
    return position + shift
