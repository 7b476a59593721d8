"""From the probabilities of word pieces to spans of characters, for taggers with BIO, IOB, BIOES or plain labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding

    Scores = NDArray[np.float32]

_OVERLAP = 0.25
"""Share of a window that the next one repeats, so that every piece has context on both sides in one of them."""
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces ``start`` to ``start + length`` of the text ``row``; in ``ids`` they follow ``before`` special ones."""

    row: int
    start: int
    length: int
    before: int
    ids: Sequence[int] = field(repr=False)


class Scheme:
    """What a model's classes mean.

    Attributes:
        classes: How many there are.
        types: Entity types, in order.
        members: For each type the classes of all its labels.
        openers: For each type the classes that begin an entity (``B``, ``S``, ``U``); none with plain labels.
        insiders: For each type the classes that go on with one.
    """

    def __init__(self, labels: Sequence[str], types: Mapping[str, str]) -> None:
        self.classes = len(labels)
        self.types = sorted(set(types.values()))
        numbered = [(number, label, types[label]) for number, label in enumerate(labels) if label in types]
        self.members = [[n for n, _, kind in numbered if kind == one] for one in self.types]
        self.openers = [[n for n, label, kind in numbered if kind == one and _opens(label)] for one in self.types]
        self.insiders = [[n for n, label, kind in numbered if kind == one and not _opens(label)] for one in self.types]


def _opens(label: str) -> bool:
    return label[:2] in {"B-", "S-", "U-"} and len(label) > 2


def windows(row: int, encoding: Encoding, *, most: int) -> Iterator[Window]:
    """Cut a tokenised text into windows of at most ``most`` pieces, special ones included; none when it is empty."""
    special = encoding.special_tokens_mask
    first = next((n for n, flag in enumerate(special) if not flag), len(special))
    last = next((n for n in range(len(special), first, -1) if not special[n - 1]), first)
    before, after = encoding.ids[:first], encoding.ids[last:]
    room = max(1, most - len(before) - len(after))
    words = encoding.word_ids
    start = first
    while start < last:
        end = min(start + room, last)
        yield Window(row, start, end - start, len(before), [*before, *encoding.ids[start:end], *after])
        if end == last:
            return
        following = end - int(room * _OVERLAP)
        aligned = following
        while aligned > start + 1 and words[aligned] == words[aligned - 1]:
            aligned -= 1
        start = aligned if aligned > start + room // 2 else max(following, start + 1)


def place(pieces: int, scored: Sequence[tuple[Window, Scores]], *, classes: int) -> Scores:
    """Probabilities by piece of a whole text, shape (pieces, classes): the highest that any window gives."""
    import numpy as np

    whole = np.zeros((pieces, classes), dtype=np.float32)
    for window, score in scored:
        part = whole[window.start : window.start + window.length]
        np.maximum(part, score, out=part)
    return whole


def spans_of(
    text: str, encoding: Encoding, probabilities: Scores, scheme: Scheme, *, threshold: float, recognizer: str
) -> list[Span]:
    """Neighbouring words of one type, joined unless a label begins anew or a paragraph ends between them."""
    import numpy as np

    words = _words(encoding)
    if not words:
        return []
    by_type = np.stack([probabilities[:, members].sum(axis=1) for members in scheme.members], axis=1)
    starts = np.array([first for first, _, _, _ in words])
    scores = np.minimum(np.maximum.reduceat(by_type, starts, axis=0), 1.0)
    # reduceat runs to the next start; pieces between two words are special ones, whose probabilities are zero.
    best, top = scores.argmax(axis=1), scores.max(axis=1)
    spans: list[list[float]] = []  # start, end, type, sum of scores, words
    previous = -1
    for number in np.flatnonzero(top >= threshold):
        first, _, begin, end = words[number]
        kind = int(best[number])
        joined = bool(spans) and previous == number - 1 and spans[-1][2] == kind
        if joined and not _begins(probabilities[first], scheme, kind):
            joined = not _PARAGRAPH.search(text, int(spans[-1][1]), begin)
        else:
            joined = False
        if joined:
            spans[-1][1] = end
            spans[-1][3] += float(top[number])
            spans[-1][4] += 1
        else:
            spans.append([begin, end, kind, float(top[number]), 1])
        previous = int(number)
    return [
        Span(int(start), int(end), scheme.types[int(kind)], round(total / count, 2), recognizer)
        for start, end, kind, total, count in spans
    ]


def _begins(piece: Scores, scheme: Scheme, kind: int) -> bool:
    opening, inside = scheme.openers[kind], scheme.insiders[kind]
    return bool(opening) and float(piece[opening].sum()) > float(piece[inside].sum())


def _words(encoding: Encoding) -> list[tuple[int, int, int, int]]:
    """First piece, last piece, and characters of every word that covers any."""
    words: list[tuple[int, int, int, int]] = []
    before: int | None = None
    for number, (word, (begin, end)) in enumerate(zip(encoding.word_ids, encoding.offsets)):
        if word is None or begin >= end:
            before = None if word is None else before
            continue
        if words and word == before:
            first, _, start, _ = words[-1]
            words[-1] = (first, number, start, end)
        else:
            words.append((number, number, begin, end))
        before = word
    return words
