"""How chunks are packed: nothing is lost on the way, and chunks of earlier versions can be read."""

from __future__ import annotations

from ragkit import crypto
from ragkit.store import payload
from ragkit.types import Chunk, Masked

KEY = bytes(32)
CHUNK = Chunk(
    ordinal=3,
    record=Masked("Terms\n\nNone."),
    index=Masked("Terms\n\nNone."),
    source_start=10,
    source_end=22,
    context_index=Masked("Handbook"),
    heading=Masked("Terms"),
    headings=((0, Masked("Terms")),),
    page=2,
)


def test_a_chunk_comes_back_as_it_was() -> None:
    """Sealed and opened, a chunk is the same, its headings included."""
    sealed = payload.seal_chunk(CHUNK, key=KEY, place="d/1")
    opened = payload.open_chunk(sealed, key=KEY, place="d/1", ordinal=3, source_start=10, source_end=22, page=2)
    assert opened == CHUNK


def test_a_chunk_stored_without_headings_is_read() -> None:
    """Before headings were kept, a chunk was six values; it falls back to its first heading."""
    content = [CHUNK.record, CHUNK.index, CHUNK.context_index, CHUNK.context_record, CHUNK.heading, []]
    sealed = crypto.seal(KEY, payload._pack(content), bound_to="chunk/d/1/3")
    opened = payload.open_chunk(sealed, key=KEY, place="d/1", ordinal=3, source_start=10, source_end=22, page=2)
    assert opened.headings == ()
    assert opened.heading_at(8) == "Terms"
