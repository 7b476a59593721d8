"""From label probabilities a word to spans of text.

Each type has a label for a first word and one for a further word (BIO; Ramshaw and Marcus 1995). A word is taken when
the
types that are wanted hold enough probability together; its type is the likeliest of them. That gives one threshold
a type to weigh recall against precision, which the single best label path does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LABELS = (
    "PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "DATE_TIME",
    "AGE", "TITLE", "QUANTITY", "UNIQUE_ID", "POSTCODE", "PHONE_NUMBER",
)  # fmt: skip
"""Entity types in the order of the head's outputs: 0 is none, ``1 + 2 * i`` begins type i, ``2 + 2 * i`` goes on."""


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

    def decode(self, probabilities: NDArray[np.float32], starts: Sequence[int], ends: Sequence[int]) -> list[Span]:
        """Spans of one text, in order.

        Args:
            probabilities: Shape (words, 1 + 2 * types), rows sum to one.
            starts: First character of each word.
            ends: Character after the last.
        """
        import numpy as np

        begins, inside = probabilities[:, 1::2], probabilities[:, 2::2]
        mass = np.zeros_like(begins)
        mass[:, self._wanted] = (begins + inside)[:, self._wanted]
        kinds = mass.argmax(axis=1)
        scores = _bent(mass.sum(axis=1), np.array(self._measured, dtype=np.float32)[kinds])
        taken = np.nonzero(scores >= np.array(self._least, dtype=np.float32)[kinds])[0]
        spans: list[Span] = []
        run: list[int] = []
        for word in taken.tolist():
            kind = kinds[word]
            if run and (word > run[-1] + 1 or kinds[run[0]] != kind or begins[word, kind] > inside[word, kind]):
                spans.append(self._span(run, int(kinds[run[0]]), scores, starts, ends))
                run = []
            run.append(word)
        if run:
            spans.append(self._span(run, int(kinds[run[0]]), scores, starts, ends))
        return spans

    def _span(
        self, run: list[int], kind: int, scores: NDArray[np.float32], starts: Sequence[int], ends: Sequence[int]
    ) -> Span:
        score = round(min(1.0, float(scores[run].mean())), 2)
        return Span(starts[run[0]], ends[run[-1]], LABELS[kind], score, self._recognizer)


def _bent(probability: NDArray[np.float32], measured: NDArray[np.float32]) -> NDArray[np.float32]:
    """0 to 0, the measured threshold to .5, 1 to 1, straight in between."""
    import numpy as np

    below = 0.5 * probability / measured
    above = 0.5 + 0.5 * (probability - measured) / (1 - measured)
    bent: NDArray[np.float32] = np.where(probability < measured, below, above)
    return bent
