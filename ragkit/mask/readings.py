"""The readings of one question: the first, which is shown and answered, and others that only the search follows.

At most :data:`MOST` in all, whatever the question holds: each costs a search.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ragkit.mask.rows import Item
from ragkit.mask.standins import StandIn
from ragkit.types import MaskedText, Reading, Span

MOST = 4
DOUBTFUL = 0.9
"""Weight of reading a word the other way. Below 1, so that among equals the first reading wins."""

Views = Callable[[str, Sequence[Span], Mapping[Item, tuple[str, str]]], MaskedText]


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """One text of a question, read. Counts and spans are of the first reading."""

    view: MaskedText
    readings: tuple[Reading, ...]
    counts: Mapping[str, int]
    ambiguous: Mapping[str, int]
    spans: Sequence[Span] = ()


def read_question(
    text: str, examined: Sequence[Sequence[Span]], found: Mapping[Item, StandIn], views: Views
) -> ReadQuestion:
    """Put the readings of a text together.

    Args:
        text: The text.
        examined: Its spans, reading by reading, the first first.
        found: What stands for each value.
        views: Builds the masked views from spans and replacements.
    """
    plain = {item: (one.token, one.surrogate) for item, one in found.items()}
    first, *doubtful = [views(text, spans, plain) for spans in examined]
    readings = [Reading(view, DOUBTFUL) for view in doubtful]
    here = [(span.entity_type, text[span.start : span.end]) for span in examined[0]]
    for item in dict.fromkeys(here):
        one = found.get(item)
        others = one.others if one is not None else ()
        readings += (Reading(views(text, examined[0], plain | {item: (plain[item][0], new)})) for new in others)
    return ReadQuestion(
        view=first,
        readings=tuple(_different(first, readings)[: MOST - 1]),
        counts=dict(Counter(span.entity_type for span in examined[0])),
        ambiguous=dict(Counter(item[0] for item in here if item in found and found[item].ambiguous)),
        spans=examined[0],
    )


def _different(first: MaskedText, readings: Sequence[Reading]) -> list[Reading]:
    """Those whose index view no other has."""
    unique: dict[str, Reading] = {}
    for reading in readings:
        if reading.text.index != first.index:
            unique.setdefault(reading.text.index, reading)
    return list(unique.values())
