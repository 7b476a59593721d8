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


def decode(
    probabilities: NDArray[np.float32],
    starts: Sequence[int],
    ends: Sequence[int],
    *,
    thresholds: Mapping[str, float],
    recognizer: str,
) -> list[Span]:
    """Spans of one text.

    Args:
        probabilities: Shape (words, 1 + 2 * types), rows sum to one.
        starts: First character of each word.
        ends: Character after the last.
        thresholds: Least probability by wanted type, in 0..1; absent types are not wanted.
        recognizer: Name put into the spans.
    """
    import numpy as np

    begins, inside = probabilities[:, 1::2], probabilities[:, 2::2]
    wanted = np.array([label in thresholds for label in LABELS])
    if not wanted.any() or not len(probabilities):
        return []
    least = np.array([thresholds.get(label, 2.0) for label in LABELS], dtype=np.float32)
    mass = np.where(wanted, begins + inside, np.float32(0))
    kinds = mass.argmax(axis=1)
    scores = mass.sum(axis=1)
    taken = np.nonzero(scores >= least[kinds])[0]
    spans: list[Span] = []
    first = previous = -1
    kind = -1

    def close() -> None:
        if first >= 0:
            score = round(min(1.0, float(scores[first : previous + 1].mean())), 4)
            spans.append(Span(starts[first], ends[previous], LABELS[kind], score, recognizer))

    for word in taken.tolist():
        new = int(kinds[word])
        goes_on = word == previous + 1 and new == kind and inside[word, new] >= begins[word, new]
        if not goes_on:
            close()
            first, kind = word, new
        previous = word
    close()
    return spans
