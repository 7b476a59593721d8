"""Spans of personal data, the two masked views of one text with the map between them, and the row that joins the two.

Imported through :mod:`ragkit.types`, where the other records are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

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
class Findings:
    """How the personal data of a text was found, in counts.

    Attributes:
        by: Masked spans by what found them, as a word: ``learned.builtin``.
        kept: What was found and not masked by entity type: below its threshold, not asked for, or on an allow list.
        lowest: Least score of what was masked, 0..1; 0 when nothing was.
    """

    by: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    lowest: float = 0.0

    def told(self) -> dict[str, Any]:
        """The same in the shapes of the event catalogue; what is empty is left out."""
        told = {"by": dict(self.by), "kept": dict(self.kept), "lowest_u": round(self.lowest * 1_000_000)}
        return {key: value for key, value in told.items() if value}


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


@dataclass(frozen=True, slots=True)
class Reading:
    """Another way to read a question; ``weight`` in 0..1 against 1 for the first.

    ``alike`` readings differ in a word or two, so that how well passages cover their words can be compared.
    """

    text: MaskedText
    weight: float = 1.0
    alike: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRow:
    """One row of the vault: nothing in it can be read without the collection's keys.

    Attributes:
        value_mac: 32-byte keyed hash of the entity type and the normalised value (or name component).
        kind: ``value`` for a whole value, ``component`` for a part of a name whose surrogate is shared.
        token: Id of the token in the record view, such as ``K7F3QX9M2T-4B``; ``None`` for components.
        surrogate_mac: 32-byte keyed hash of the component's type and its surrogate, so that two values never share one.
        sealed_surrogate: The surrogate, sealed under the value's own key.
        sealed_value: The value as first seen, sealed under the same key.
        wrapped_key: The value's own key, wrapped by the collection's wrapping key.
        names: Numbers of the keyed hashes under which a question finds the value; written, not read back.
        spelling_of: Of a further spelling, the number of the value; told at the insertion, not kept.
    """

    value_mac: bytes
    kind: Literal["value", "component"]
    entity_type: str
    token: str | None
    surrogate_mac: bytes
    sealed_surrogate: bytes
    sealed_value: bytes
    wrapped_key: bytes
    names: tuple[int, ...] = ()
    spelling_of: int | None = None


@dataclass(frozen=True, slots=True)
class RulingRow:
    """One row of the rulings: what is done with a value in all that is masked from now on. Nothing in it is in clear.

    Attributes:
        request: The data subject request that rules so.
        verb: ``erase`` or ``correct``.
        role: ``own`` acts wherever the value stands, ``shared`` only beside one of the request's own; ``name`` is a
            form under which a person is found, ``start`` where a value may begin, ``document`` one to stay away.
        number: First 8 bytes of a keyed hash.
        sealed: Type and shape of the value and, of a correction, what it becomes.
    """

    request: str
    verb: str
    role: str
    number: int
    sealed: bytes | None = None
