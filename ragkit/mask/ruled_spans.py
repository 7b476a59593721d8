"""Ruled values put into the spans of a document: candidates before it is decided on them, and what is left after."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ragkit.mask.fields import Field
from ragkit.mask.people import read_name
from ragkit.mask.rows import Item
from ragkit.mask.ruled import FOUND
from ragkit.types import Span

RULED = "ruling:erase"
"""The recognizer of a span that is redacted, whatever the policy does with its type."""
_OTHERS = frozenset({"PERSON", "ORGANIZATION", "LOCATION", "ADDRESS"})
"""In a longer value of these types, a single ruled word is part of another's name."""

Parts = Sequence[tuple[Field, list[Span]]]
"""Fields with their disjoint spans, in order."""


class Decided(Protocol):
    """A ruling (:class:`ragkit.mask.rulings.Ruling`)."""

    @property
    def requests(self) -> frozenset[str]: ...

    @property
    def becomes(self) -> str | None: ...


@dataclass(frozen=True, slots=True, repr=False)
class Watched:
    """A document's spans with candidates: in ``parts`` where they stand alone, ``inside`` where they touch a span."""

    parts: Parts
    inside: Sequence[Sequence[Span]] = ()

    def items(self) -> Iterator[Item]:
        """Every value, candidates too."""
        for number, (part, spans) in enumerate(self.parts):
            for span in (*spans, *(self.inside[number] if self.inside else ())):
                yield span.entity_type, part.text[span.start : span.end]


@dataclass(frozen=True, slots=True, repr=False)
class Judged:
    """A document's spans after the rulings.

    Attributes:
        parts: Redacted spans have the recognizer :data:`RULED`.
        becomes: Corrected values, by what is written.
        ruled: Values that are redacted.
        requests: The erasures that acted here.
    """

    parts: Parts
    becomes: Mapping[Item, str] = field(default_factory=dict)
    ruled: frozenset[Item] = frozenset()
    requests: frozenset[str] = frozenset()

    def item(self, text: str, span: Span) -> Item:
        """What a span is masked as: what is written there, or what that was corrected to."""
        written = (span.entity_type, text[span.start : span.end])
        return (written[0], self.becomes[written]) if written in self.becomes else written


NOT_RULED = Judged(())


def sort_in(parts: Parts, find: Callable[[str], Sequence[Span]]) -> Watched:
    """Look for ruled values in every spelling of every field and put them between the spans."""
    watched: list[tuple[Field, list[Span]]] = []
    inside: list[list[Span]] = []
    for part, spans in parts:
        found = {
            (placed.start, placed.end): placed
            for reading in part.spellings()
            for span in find(reading.text)
            if (placed := reading.place(span)) is not None
        }
        ends = [span.end for span in spans]
        taken = {(span.start, span.end, span.entity_type) for span in spans}  # another policy may give another type
        end = 0
        free: list[Span] = []
        touching: list[Span] = []
        for span in sorted(found.values(), key=lambda one: (one.start, -one.end)):
            if (span.start, span.end, span.entity_type) in taken or span.start < end:
                continue
            end = span.end
            after = bisect_right(ends, span.start)  # the first that ends behind its start
            touches = after < len(spans) and spans[after].start < span.end
            (touching if touches else free).append(span)
        watched.append((part, sorted([*spans, *free], key=lambda one: one.start)))
        inside.append(touching)
    return Watched(watched, inside)


def render(watched: Watched, rulings: Mapping[Item, Decided]) -> Judged:
    """Take candidates out that are not ruled, and mark what is redacted."""
    parts = [
        (part, _judged(part.text, spans, watched.inside[number] if watched.inside else (), rulings))
        for number, (part, spans) in enumerate(watched.parts)
    ]
    erased = {item: one for item, one in rulings.items() if one.becomes is None}
    return Judged(
        parts,
        becomes={item: one.becomes for item, one in rulings.items() if one.becomes is not None},
        ruled=frozenset(erased),
        requests=frozenset(request for one in erased.values() for request in one.requests),
    )


def _judged(text: str, spans: Sequence[Span], inside: Sequence[Span], rulings: Mapping[Item, Decided]) -> list[Span]:
    kept: list[Span] = []
    for span in spans:
        ruling = rulings.get((span.entity_type, text[span.start : span.end]))
        if ruling is not None and ruling.becomes is None:
            kept.append(replace(span, recognizer=RULED))
        elif ruling is not None or span.recognizer != FOUND:
            kept.append(span)
    for span in inside:
        ruling = rulings.get((span.entity_type, text[span.start : span.end]))
        if ruling is not None and ruling.becomes is None:
            kept = _joined(text, kept, span)
    return kept


def _joined(text: str, spans: Sequence[Span], ruled: Span) -> list[Span]:
    """Redact the whole of the values that a ruled one touches, unless they are a longer name of somebody else."""
    touched = [span for span in spans if span.start < ruled.end and ruled.start < span.end]
    if all(span.recognizer == RULED and span.start <= ruled.start and ruled.end <= span.end for span in touched):
        return list(spans) if touched else sorted([*spans, replace(ruled, recognizer=RULED)], key=lambda s: s.start)
    name = read_name(text[ruled.start : ruled.end])
    single = ruled.entity_type == "PERSON" and len(name.words) + len(name.initials) < 2
    if single and any(span.entity_type in _OTHERS and span.recognizer != RULED for span in touched):
        return list(spans)
    start, end = min(ruled.start, touched[0].start), max(ruled.end, touched[-1].end)
    whole = replace(ruled, start=start, end=end, recognizer=RULED)
    if len(touched) == 1 and (touched[0].start, touched[0].end) == (start, end):
        whole = replace(touched[0], recognizer=RULED)
    return sorted([*(span for span in spans if span not in touched), whole], key=lambda one: one.start)
