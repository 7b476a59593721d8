"""From evidence to guesses: how well each document fits a person, and which fit best.

Evidence adds up as the logarithm of how rare it is (Fellegi and Sunter, "A Theory for Record Linkage", 1969, with equal
and small error rates): a fact that one document in a thousand holds weighs ten times as much as one that half hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.attack.postings import Postings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TOP_SHARE = 0.01
"""A guess holds this share of the documents, best first: whoever looks through so few finds the file."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Which documents are a person's, as the thief thinks.

    Attributes:
        person: Position in the list of people.
        documents: Positions of documents, best first.
        score: How well the best one fits; comparable within one attack.
        sure: The best one fits better than any other, so that the thief would name it. Else the order among equals is
            drawn by lot.
    """

    person: int
    documents: tuple[int, ...] = field(repr=False)
    score: float
    sure: bool


def top_count(documents: int) -> int:
    """How many documents a guess holds: one in a hundred, at least one."""
    return max(1, round(TOP_SHARE * documents))


def guess(person: int, scores: NDArray[np.float32], dice: np.random.Generator) -> Guess:
    """Rank all documents by their scores; ties by lot."""
    import numpy as np

    count = top_count(len(scores))
    kept = min(count + 1, len(scores))
    near = np.flatnonzero(scores >= np.partition(scores, -kept)[-kept])
    order = near[np.lexsort((dice.random(len(near)), -scores[near]))][:kept]
    best = float(scores[order[0]])
    runner_up = float(scores[order[1]]) if len(order) > 1 else 0.0
    return Guess(person, tuple(order[:count].tolist()), best, best > 1e-9 and best > runner_up + 1e-6)


def evidence(
    facts: Iterable[Sequence[Sequence[Any]]], postings: Postings[Any], *, weakest: float = 0.0
) -> NDArray[np.float32]:
    """How well each document fits.

    Args:
        facts: For each fact the lists of features as which it may stand; the rarest list that a document holds counts.
        postings: Documents by feature.
        weakest: Evidence of less weight does not count.
    """
    import numpy as np

    scores: NDArray[np.float32] = np.zeros(postings.documents, dtype=np.float32)
    for lists in facts:
        told: NDArray[np.float32] = np.zeros(postings.documents, dtype=np.float32)
        for features in lists:
            found = postings.together(features)
            weight = postings.weight(len(found))
            if weight > weakest:
                told[found] = np.maximum(told[found], weight)
        scores += told
    return scores
