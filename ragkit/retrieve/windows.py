"""A question longer than the encoder reads, such as an e-mail that was pasted in, as one vector.

It is cut into windows at blanks, and the vector is the mean of theirs, weighed by how long they are and brought to
length 1 again. The lexical ranker reads the whole text as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ragkit.types import Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_PIECES = 4_000
"""Word pieces of a question that are embedded: what comes after so many says little more."""


def cut_windows(text: Masked, count: Callable[[Sequence[Masked]], list[int]], *, limit: int) -> list[Masked]:
    """Return the parts of a text, each of which the encoder reads; at least one.

    Args:
        text: Any text.
        count: Word pieces of each of several texts, special tokens included.
        limit: Most that the encoder reads.
    """
    found: list[Masked] = []
    left, taken = [text], 0
    while left and taken < _MOST_PIECES:
        part = left.pop()
        pieces = count([part])[0]
        if pieces > limit and len(part) > 1:
            middle = _blank_near_middle(part)
            left += [Masked(part[middle:]), Masked(part[:middle])]
        elif part.strip() or not (found or left):
            found.append(part)
            taken += pieces
    return found


def mean_vector(vectors: Sequence[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Return the weighted mean of unit vectors, of length 1; the first where they cancel out."""
    import numpy as np

    total: NDArray[np.float32] = np.average(np.stack(vectors), axis=0, weights=weights).astype(np.float32)
    length = float(np.linalg.norm(total))
    return vectors[0] if length < 1e-6 else (total / np.float32(length)).astype(np.float32)


def _blank_near_middle(text: str) -> int:
    middle = len(text) // 2
    after, before = text.find(" ", middle), text.rfind(" ", 0, middle)
    places = [place for place in (before, after) if 0 < place < len(text) - 1]
    return min(places, key=lambda place: abs(place - middle)) + 1 if places else middle
