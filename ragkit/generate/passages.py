"""The sentences, rows and list items of a source, with their words: what a statement of an answer is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ragkit.generate.overlap import terms
from ragkit.generate.packing import Source
from ragkit.generate.pieces import Piece, cut, row_text
from ragkit.types import Chunk, Hit, Masked


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of a source.

    Attributes:
        hit: The chunk it can be cited from; ``None`` in a neighbour, which was not retrieved.
        piece: Its range there.
        words: Its terms and those of the title and the headings above.
        around: The piece with the ones before and after it, to be read by a model.
    """

    source: int
    hit: Hit | None
    piece: Piece
    words: frozenset[str]
    around: str

    def __repr__(self) -> str:
        return f"Passage({self.source}, {self.piece.start}..{self.piece.end})"


def passages(source: Source, language: str) -> Iterator[Passage]:
    """Yield the passages of a source: those of its chunks, then those of the neighbours."""
    for hit in source.hits:
        yield from _passages(source, hit, hit.chunk, language)
    for text in source.neighbours:
        yield from _passages(source, None, _chunk(text), language)


def _passages(source: Source, hit: Hit | None, chunk: Chunk, language: str) -> Iterator[Passage]:
    above = terms(f"{source.title}\n{chunk.heading or source.heading}", language)
    pieces = cut(chunk)
    texts = [_text(chunk, piece) for piece in pieces]
    for number, piece in enumerate(pieces):
        around = " ".join(texts[max(0, number - 1) : number + 2])
        yield Passage(source.number, hit, piece, terms(texts[number], language) | above, around)


def _text(chunk: Chunk, piece: Piece) -> str:
    text = chunk.record[piece.start : piece.end]
    return row_text(text, piece.header) if piece.kind == "row" else text


def _chunk(text: Masked) -> Chunk:
    return Chunk(ordinal=0, record=text, index=text, source_start=0, source_end=len(text))
