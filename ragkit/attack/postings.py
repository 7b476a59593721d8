"""Which documents hold a feature, and which features a document holds: the thief's one view of everything found.

A feature is a term of the lexical index, a number of the table ``mentions``, or a type with a size.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label = TypeVar("Label", bound=Hashable)


class Postings(Generic[Label]):
    """Documents by feature. Documents go by their position, from 0.

    Args:
        pairs: ``(feature, document)`` in any order; repeats do not count.
        documents: How many documents there are.
    """

    def __init__(self, pairs: Iterable[tuple[Label, int]], *, documents: int) -> None:
        import numpy as np

        gathered: dict[Label, set[int]] = {}
        for label, document in pairs:
            gathered.setdefault(label, set()).add(document)
        self.documents = documents
        self.labels: tuple[Label, ...] = tuple(gathered)
        self.places: Mapping[Label, int] = {label: place for place, label in enumerate(self.labels)}
        self._rows = [np.array(sorted(found), dtype=np.int32) for found in gathered.values()]
        self._none: NDArray[np.int32] = np.zeros(0, dtype=np.int32)

    def of(self, label: Label) -> NDArray[np.int32]:
        """The documents that hold a feature, ascending."""
        place = self.places.get(label)
        return self._none if place is None else self._rows[place]

    def together(self, labels: Iterable[Label]) -> NDArray[np.int32]:
        """The documents that hold all of these features."""
        import numpy as np

        rows = sorted((self.of(label) for label in labels), key=len)
        if not rows:
            return self._none
        found = rows[0]
        for row in rows[1:]:
            found = np.intersect1d(found, row, assume_unique=True)
        return found

    def weight(self, holding: int) -> float:
        """How much it tells that a document is one of so many: the logarithm of N over their number."""
        return math.log(self.documents / holding) if holding else 0.0

    def __len__(self) -> int:
        return len(self.labels)
