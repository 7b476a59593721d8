"""Picking and merging the best of several rankings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def top_k(scores: NDArray[np.float32], ids: NDArray[np.int64], k: int) -> list[tuple[int, float]]:
    """Return the ``k`` best ``(id, score)``, best first, ties by id."""
    import numpy as np

    k = min(k, len(scores))
    if k == 0:
        return []
    best = np.argpartition(-scores, k - 1)[:k]
    best = best[np.lexsort((ids[best], -scores[best]))]
    return [(int(ids[place]), float(scores[place])) for place in best]


def merge(rankings: Iterable[list[tuple[int, float]]], k: int) -> list[tuple[int, float]]:
    """Merge rankings whose scores can be compared; a chunk in two of them counts once, with its better score."""
    best: dict[int, float] = {}
    for ranking in rankings:
        for number, score in ranking:
            if score > best.get(number, float("-inf")):
                best[number] = score
    return sorted(best.items(), key=lambda hit: (-hit[1], hit[0]))[:k]
