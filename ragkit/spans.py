"""Spans of personal data, and the two masked views of one text with the map between them.

Imported through :mod:`ragkit.types`, where the other records are.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, NewType

Masked = NewType("Masked", str)
"""Text in which personal data has been replaced. Only ``ragkit.mask`` makes it, and the stores that read it back."""

NOTHING = Masked("")
"""Empty text, which needs no masking."""


@dataclass(frozen=True, slots=True)
class Span:
    """Personal data found at ``text[start:end]``; ``entity_type`` as Presidio names it, ``score`` in 0..1."""

    start: int
    end: int
    entity_type: str
    score: float
    recognizer: str


@dataclass(frozen=True, slots=True)
class MaskedSpan:
    """One replaced stretch, by its place in the source text and in both masked views."""

    entity_type: str
    source_start: int
    source_end: int
    record_start: int
    record_end: int
    index_start: int
    index_end: int


View = Literal["source", "record", "index"]


@dataclass(frozen=True, slots=True)
class MaskedText:
    """One text in its two masked views, with the map between them.

    Attributes:
        record: Typed tokens, ``[PERSON:K7F3QX9M2T-4B]``; what is stored, shown and revealed.
        index: Realistic surrogates; what is embedded and lexically indexed.
        spans: In order, not overlapping. Between spans the three texts are equal, character by character.
    """

    record: Masked
    index: Masked
    spans: tuple[MaskedSpan, ...] = ()

    def to(self, view: View, position: int, *, came_from: View, end: bool = False) -> int:
        """Map a character position from one view to another.

        A position inside a masked span maps to the span's start, or to its end when ``end`` is true, so that a
        range never cuts through a span.
        """
        starts = [getattr(span, f"{came_from}_start") for span in self.spans]
        nearest = bisect_right(starts, position) - 1
        if nearest < 0:
            return position
        span = self.spans[nearest]
        here_end: int = getattr(span, f"{came_from}_end")
        there_start: int = getattr(span, f"{view}_start")
        there_end: int = getattr(span, f"{view}_end")
        if position >= here_end:
            return there_end + (position - here_end)
        return there_end if end and position > starts[nearest] else there_start
