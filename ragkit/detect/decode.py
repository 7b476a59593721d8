"""From label probabilities a word to spans of text.

Each type has a label for a first word and one for a further word (BIO; Ramshaw and Marcus 1995). A word is taken when
the
types that are wanted hold enough probability together; its type is the likeliest of them. That gives one threshold
a type to weigh recall against precision, which the single best label path does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ragkit.detect.features import Words
from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELS = (
    "PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "DATE_TIME",
    "AGE", "TITLE", "QUANTITY", "UNIQUE_ID", "POSTCODE", "PHONE_NUMBER",
)  # fmt: skip
"""Entity types in the order of the head's outputs: 0 is none, ``1 + 2 * i`` begins type i, ``2 + 2 * i`` goes on."""


_LEAST_DIGITS = {"PHONE_NUMBER": 6, "POSTCODE": 2, "UNIQUE_ID": 2}
"""Digits without which a value is not of the type, whatever the model says: a status code is no telephone number."""

_ANEW = 3.0
"""A word of the same type as the one before begins a value of its own when that is this many times as likely as not.

Two values run into one are masked as one; a value cut in two leaves the space between, and two tokens for a reader."""


class Decoder:
    """Turns probabilities into spans under one set of thresholds.

    Args:
        measured: By type, the probability from which on a word counts, chosen on the dev sets.
        wanted: Least score by wanted type, in 0..1; other types are not looked for. A score is the probability bent so
            that the measured threshold becomes .5, which makes scores of all types, and of later detectors, alike.
        recognizer: Name put into the spans.
    """

    def __init__(self, measured: Mapping[str, float], wanted: Mapping[str, float], *, recognizer: str) -> None:
        self._wanted = [number for number, label in enumerate(LABELS) if label in wanted]
        self._least = [wanted.get(label, 2.0) for label in LABELS]
        self._measured = [measured.get(label, 0.5) for label in LABELS]
        self._recognizer = recognizer

    def decode(self, probabilities: NDArray[np.float32], words: Words, text: str) -> list[Span]:
        """Spans of one text, in order.

        Args:
            probabilities: Shape (words, 1 + 2 * types), rows sum to one.
            words: The words that the rows are of.
            text: Where they stand.
        """
        import numpy as np

        begins, inside = probabilities[:, 1::2], probabilities[:, 2::2]
        mass = np.zeros_like(begins)
        mass[:, self._wanted] = (begins + inside)[:, self._wanted]
        kinds = mass.argmax(axis=1)
        scores = _bent(mass.sum(axis=1), np.array(self._measured, dtype=np.float32)[kinds])
        taken = np.nonzero(scores >= np.array(self._least, dtype=np.float32)[kinds])[0]
        spans: list[Span] = []
        for run in _runs(taken.tolist(), kinds, begins > _ANEW * inside):
            label = LABELS[int(kinds[run[0]])]
            kept = _without_marks(run, words)
            if not kept:
                continue
            start, end = words.starts[kept[0]], words.ends[kept[-1]]
            if sum(map(str.isdigit, text[start:end])) >= _LEAST_DIGITS.get(label, 0):
                score = round(min(1.0, float(scores[kept].mean())), 2)
                spans.append(Span(start, end, label, score, self._recognizer))
        return spans


def _runs(taken: Sequence[int], kinds: NDArray[np.intp], fresh: NDArray[np.bool_]) -> Iterator[list[int]]:
    """Neighbouring words of one type, cut where the type rather begins anew."""
    run: list[int] = []
    for word in taken:
        kind = kinds[word]
        if run and (word > run[-1] + 1 or kinds[run[0]] != kind or fresh[word, kind]):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _without_marks(run: list[int], words: Words) -> list[int]:
    """A run without marks at its edges: no dash, comma or bracket begins or ends a value, but a dot ends an initial."""
    first, last = 0, len(run)
    while first < last and words.is_mark(run[first]):
        first += 1
    while last > first and words.is_mark(run[last - 1]):
        before = run[last - 2] if last - first > 1 else -1
        if before >= 0 and words.ends[before] - words.starts[before] <= 2 and not words.is_mark(before):
            break
        last -= 1
    return run[first:last]


def _bent(probability: NDArray[np.float32], measured: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 to 0, the measured threshold to .5, 1 to 1, straight in between."""
    import numpy as np

    below = 0.5 * probability / measured
    above = 0.5 + 0.5 * (probability - measured) / (1 - measured)
    bent: NDArray[np.float32] = np.where(probability < measured, below, above)
    return bent
