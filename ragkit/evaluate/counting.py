"""What one text counts for each measure, from its labelled spans and what was masked.

- ``type_blind_iou75``: :mod:`ragkit.evaluate.runs`.
- ``characters``: of the characters masked those labelled, of those labelled the masked ones, whatever the type.
- ``exact``: the same first and last character and the same type.
- ``overlap``: a span of the same type that shares a character.
- ``fully_covered``: a labelled span is found when every letter and digit of it is masked, by spans of any type; a
  masked span is correct when it touches a letter or digit of any labelled span. What is not found can be read.

A type of one country and ``NATIONAL_ID`` are the same type. What touches ignored labels only is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ragkit.evaluate.labelled import NATIONAL, Gold, Labelled
from ragkit.evaluate.resampling import Counts, Key
from ragkit.evaluate.runs import count_runs
from ragkit.types import Span

MEASURES = ("type_blind_iou75", "characters", "exact", "overlap", "fully_covered")
TYPED = ("fully_covered", "exact", "overlap")
"""The measures that are also counted by type. For one type ``fully_covered`` asks what masks its labelled spans, of
any type, and what the masked spans of the type touch, of any type."""

ENTITIES = "entities"
"""Things with an ``entity_id``, by identifier type: found when every mention is fully covered."""

TEXTS = "texts"
"""Texts with labelled spans: found when every span of them is fully covered."""


class Coverage:
    """Which characters of a text are masked.

    Args:
        text: The text.
        spans: What is masked.
    """

    def __init__(self, text: str, spans: Iterable[Span]) -> None:
        self._text = text
        self._masked = marks(len(text), ((span.start, span.end) for span in spans))

    def holds(self, start: int, end: int) -> bool:
        """Whether every letter and digit of a range is masked; every character where it has neither."""
        places = [at for at in range(start, end) if self._text[at].isalnum()] or range(start, end)
        return all(self._masked[at] for at in places)


def marks(length: int, ranges: Iterable[tuple[int, int]]) -> bytearray:
    """One byte a character, 1 within the ranges."""
    marked = bytearray(length)
    for start, end in ranges:
        marked[start:end] = b"\1" * (end - start)
    return marked


def count(document: Labelled, masked: Sequence[Span]) -> dict[Key, Counts]:
    """Everything this text counts, by measure and type (the empty type for all types together)."""
    text, gold = document.text, document.gold
    predicted = _looked_at(document, masked)
    found: dict[Key, Counts] = {
        ("type_blind_iou75", ""): count_runs(
            text, [(one.start, one.end) for one in gold], [(span.start, span.end) for span in predicted]
        ),
        ("characters", ""): _characters(document, masked),
    }
    coverage = Coverage(text, masked)
    held = [coverage.holds(one.start, one.end) for one in gold]
    for measure, right, hit in (
        ("fully_covered", _touching(text, predicted, gold), held),
        ("exact", *_exact(predicted, gold)),
        ("overlap", *_overlapping(predicted, gold)),
    ):
        found[measure, ""] = Counts(len(predicted), sum(right), len(gold), sum(hit))
        for entity_type in {span.entity_type for span in predicted} | {one.entity_type for one in gold}:
            mine = [value for span, value in zip(predicted, right) if span.entity_type == entity_type]
            its = [value for one, value in zip(gold, hit) if one.entity_type == entity_type]
            found[measure, entity_type] = Counts(len(mine), sum(mine), len(its), sum(its))
    if gold:
        found[TEXTS, ""] = Counts(gold=1, found=int(all(held)))
    found.update(_entities(gold, held))
    return found


def _looked_at(document: Labelled, masked: Sequence[Span]) -> list[Span]:
    """Without the spans that touch an ignored label and no other."""
    if not document.ignored:
        return list(masked)
    ignored = marks(len(document.text), document.ignored)
    labelled = marks(len(document.text), ((one.start, one.end) for one in document.gold))
    return [span for span in masked if any(labelled[span.start : span.end]) or not any(ignored[span.start : span.end])]


def _characters(document: Labelled, masked: Sequence[Span]) -> Counts:
    length = len(document.text)
    labelled = _bits(marks(length, ((one.start, one.end) for one in document.gold)))
    ignored = _bits(marks(length, document.ignored)) & ~labelled
    covered = _bits(marks(length, ((span.start, span.end) for span in masked))) & ~ignored
    both = (covered & labelled).bit_count()
    return Counts(covered.bit_count(), both, labelled.bit_count(), both)


def _bits(marked: bytearray) -> int:
    return int.from_bytes(marked, "little")


def same_type(one: str, other: str) -> bool:
    """Equal, or a type of one country beside ``NATIONAL_ID``."""
    return one == other or ("NATIONAL_ID" in (one, other) and all(_is_national(name) for name in (one, other)))


def _is_national(name: str) -> bool:
    return name == "NATIONAL_ID" or NATIONAL.fullmatch(name) is not None


def _touching(text: str, predicted: Sequence[Span], gold: Sequence[Gold]) -> list[bool]:
    labelled = marks(len(text), ((one.start, one.end) for one in gold))
    return [any(labelled[at] and text[at].isalnum() for at in range(span.start, span.end)) for span in predicted]


def _exact(predicted: Sequence[Span], gold: Sequence[Gold]) -> tuple[list[bool], list[bool]]:
    """Labelled spans may lie on each other; each is judged by itself."""
    by_place: dict[tuple[int, int], list[str]] = {}
    for one in gold:
        by_place.setdefault((one.start, one.end), []).append(one.entity_type)
    right = [
        any(same_type(span.entity_type, other) for other in by_place.get((span.start, span.end), ()))
        for span in predicted
    ]
    there = {(span.start, span.end): span.entity_type for span in predicted}
    hit = [
        (masked := there.get((one.start, one.end))) is not None and same_type(masked, one.entity_type) for one in gold
    ]
    return right, hit


def _overlapping(predicted: Sequence[Span], gold: Sequence[Gold]) -> tuple[list[bool], list[bool]]:
    right, hit = [False] * len(predicted), [False] * len(gold)
    for mine, its in _pairs(predicted, gold):
        if same_type(predicted[mine].entity_type, gold[its].entity_type):
            right[mine] = hit[its] = True
    return right, hit


def _pairs(predicted: Sequence[Span], gold: Sequence[Gold]) -> Iterator[tuple[int, int]]:
    """Places of the spans that share a character. Masked spans are disjoint and in order."""
    at = 0
    for its in sorted(range(len(gold)), key=lambda place: gold[place].start):
        while at < len(predicted) and predicted[at].end <= gold[its].start:
            at += 1
        for mine in range(at, len(predicted)):
            if predicted[mine].start >= gold[its].end:
                break
            yield mine, its


def _entities(gold: Sequence[Gold], held: Sequence[bool]) -> Mapping[Key, Counts]:
    """By identifier type; the most direct one of an entity's mentions counts."""
    whole: dict[str, bool] = {}
    kinds: dict[str, str] = {}
    for one, value in zip(gold, held):
        if one.entity:
            whole[one.entity] = whole.get(one.entity, True) and value
            kinds[one.entity] = min(kinds.get(one.entity, one.identifier), one.identifier)  # DIRECT before QUASI
    found: dict[Key, Counts] = {}
    for entity, value in whole.items():
        key = (ENTITIES, kinds[entity])
        found[key] = found.get(key, Counts()).plus(Counts(gold=1, found=int(value)))
    return found
