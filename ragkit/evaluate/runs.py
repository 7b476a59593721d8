"""Type-blind matching of spans at an intersection over union of .75, as presidio-research counts it.

After its ``SpanEvaluator`` with the global labels (data-privacy-stack/presidio-research, MIT;
``docs/span_evaluation.md``), so that figures can stand beside those that Presidio publishes: text is cut into spaCy's
English tokens, labelled or not whatever the type; a run of labelled tokens is one span, and so are two runs with
nothing but skip words or punctuation between; a run begins and ends at its first and last token that is no skip word,
and is dropped if it has none. A labelled run is found when all predicted runs that overlap it reach .75 together; a
predicted run is correct when it took part in that.

An address found in three pieces of three types is thus found, as it is masked; and "Ana Kovač, Zagreb" is one span,
missed if half of it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from ragkit.evaluate.resampling import Counts

THRESHOLD = 0.75

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)
_SKIPPED = frozenset(
    "'s street st. st de rue via and a the or do as of day address country state city zip po apt unit corner p.o. box "
    "suite mr. mrs. miss year years y/o month months old morning noon afternoon night evening this first last week "
    "weeks weekend days age ago inc inc. ltd >> >>> >>>> >>>>>".split()
)
"""The words that presidio-research skips beside spaCy's English stop words and punctuation."""

Range = tuple[int, int]


class Token(NamedTuple):
    """A word or sign at ``text[start:end]``."""

    start: int
    end: int
    skipped: bool


def tokens(text: str) -> list[Token]:
    """Cut into spaCy's English tokens, and say of each whether it is a skip word."""
    tokenizer, skipped = _english()
    return [Token(one.idx, one.idx + len(one.text), one.text.lower() in skipped) for one in tokenizer(text)]


@cache
def _english() -> tuple[Any, frozenset[str]]:
    import string

    import spacy
    from spacy.lang.en.stop_words import STOP_WORDS

    blanks = frozenset({*string.whitespace, "", "\n\n", "\n\n\n", "\n\n\n\n", "\t\t", "\t\t\t", "\t\t\t\t"})
    nlp = spacy.blank("en")
    nlp.max_length = 1 << 31  # of the tokenizer alone, which is linear
    return nlp.make_doc, frozenset({*STOP_WORDS, *string.punctuation, *blanks, *_SKIPPED})


def count_runs(text: str, gold: Sequence[Range], predicted: Sequence[Range]) -> Counts:
    """Labelled and predicted runs of one text, and how many of each match."""
    if not gold and not predicted:
        return Counts()
    cut = tokens(text)
    labelled, found = _runs(text, cut, gold), _runs(text, cut, predicted)
    matched: set[Range] = set()
    hits = 0
    at = 0
    for run in labelled:
        while at < len(found) and found[at][1] <= run[0]:
            at += 1
        touching = []
        for other in found[at:]:
            if other[0] >= run[1]:
                break
            touching.append(other)
        if touching and _iou(run, touching) >= THRESHOLD:
            hits += 1
            matched.update(touching)
    return Counts(predicted=len(found), correct=len(matched), gold=len(labelled), found=hits)


def _iou(run: Range, others: Iterable[Range]) -> float:
    shared = total = 0
    for start, end in others:
        shared += min(end, run[1]) - max(start, run[0])
        total += end - start
    return shared / (run[1] - run[0] + total - shared)


def _runs(text: str, cut: Sequence[Token], ranges: Sequence[Range]) -> list[Range]:
    """Ranges of labelled tokens, joined across skip words, without those at their ends; in order, disjoint."""
    runs: list[Range] = []
    first: int | None = None
    last = 0
    for token, labelled in zip(cut, _labels(cut, ranges)):
        if labelled and not token.skipped:
            first = token.start if first is None else first
            last = token.end
        elif first is not None and not labelled and not token.skipped and text[token.start : token.end].strip():
            runs.append((first, last))
            first = None
    if first is not None:
        runs.append((first, last))
    return runs


def _labels(cut: Sequence[Token], ranges: Sequence[Range]) -> list[bool]:
    """A token is labelled when it begins within a range, or the range lies within it."""
    labels = [False] * len(cut)
    at = 0
    for start, end in sorted(ranges):
        while at and cut[at - 1].end >= start:
            at -= 1
        while at < len(cut) and cut[at].end < start:
            at += 1
        for place in range(at, len(cut)):
            token = cut[place]
            if token.start >= end:
                break
            labels[place] |= start <= token.start or (token.start <= start and end <= token.end)
    return labels
