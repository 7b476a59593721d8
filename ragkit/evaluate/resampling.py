"""Intervals for ratios of sums over documents, from one pass and in bounded memory.

::

    sums = ResampledSums()
    sums.add([{("exact", "PERSON"): Counts(predicted=3, correct=2, gold=4, found=2)}, …])   # one mapping a document
    measure = sums.measure(("exact", "PERSON"))
    measure.recall.value, measure.recall.low, measure.recall.high

The Poisson bootstrap (Hanley, MacGibbon 2006; Chamandy et al. 2012): every document counts, in each of 1,000
resamples, as often as a Poisson variable of mean 1 says. Documents are drawn, not spans, since the spans of one
document are found or missed together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ragkit.metrics import Estimate, f_beta, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Key = tuple[str, str]
"""A measure and an entity type; the empty type for all together."""


class Counts(NamedTuple):
    """What one measure counts in one document, or in all: of ``predicted`` are ``correct``, of ``gold`` are ``found``.

    The two numerators may differ: two predicted pieces may make one labelled span found.
    """

    predicted: int = 0
    correct: int = 0
    gold: int = 0
    found: int = 0

    def plus(self, other: Counts) -> Counts:
        """The sum, number by number."""
        return Counts(*(mine + its for mine, its in zip(self, other)))


@dataclass(frozen=True, slots=True)
class Measure:
    """Precision, recall, F1 and F2 with 95 % intervals, and the counts they come from.

    Precision is NaN where nothing was predicted, recall where nothing is labelled. F is 0 where something is labelled
    and nothing predicted.
    """

    counts: Counts
    precision: Estimate
    recall: Estimate
    f1: Estimate
    f2: Estimate

    def as_json(self) -> dict[str, Any]:
        """The four values first, then their bounds, then the counts. What is undefined is ``None``."""
        named = {"precision": self.precision, "recall": self.recall, "f1": self.f1, "f2": self.f2}
        values = {name: _number(one.value) for name, one in named.items()}
        bounds = {f"{name}_{end}": _number(getattr(one, end)) for name, one in named.items() for end in ("low", "high")}
        return {**values, **bounds, **self.counts._asdict()}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


class ResampledSums:
    """Counts by measure and type, summed over all documents and over resamples of them.

    Memory grows with the number of keys, not with that of documents.

    Args:
        resamples: How many.
        seed: The same seed and the same documents in the same order give the same intervals.
    """

    def __init__(self, *, resamples: int = 1000, seed: int = 0) -> None:
        import numpy as np

        self._columns: dict[Key, int] = {}
        self._dice = np.random.default_rng(seed)
        self._totals: dict[Key, Counts] = {}
        self._sums: NDArray[np.float64] = np.zeros((resamples, 0))

    def seen(self) -> list[Key]:
        """Every key seen, in order of appearance."""
        return list(self._columns)

    def add(self, documents: Sequence[Mapping[Key, Counts]]) -> None:
        """Add some documents: what each counts, by key."""
        import numpy as np

        for document in documents:
            for key, counts in document.items():
                self._columns.setdefault(key, len(self._columns))
                self._totals[key] = self._totals.get(key, Counts()).plus(counts)
        missing = 4 * len(self._columns) - self._sums.shape[1]
        if missing:
            self._sums = np.hstack([self._sums, np.zeros((len(self._sums), missing))])
        matrix = np.zeros((len(documents), self._sums.shape[1]))
        for row, document in zip(matrix, documents):
            for key, counts in document.items():
                at = 4 * self._columns[key]
                row[at : at + 4] = counts
        self._sums += self._dice.poisson(1.0, (len(self._sums), len(documents))).astype(np.float64) @ matrix

    def measure(self, key: Key) -> Measure:
        """The measure of one key over all documents added.

        The intervals are those of the bootstrap, widened to Wilson's over the counts where that is wider: nothing
        missed in few documents leaves a bound below 1.
        """
        import numpy as np

        counts = self._totals.get(key, Counts())
        at = 4 * self._columns[key] if key in self._columns else None
        drawn = np.zeros((1, 4)) if at is None else self._sums[:, at : at + 4]
        precisions, recalls = _ratios(drawn[:, 1], drawn[:, 0]), _ratios(drawn[:, 3], drawn[:, 2])
        precision = _widest(wilson(counts.correct, counts.predicted), precisions)
        recall = _widest(wilson(counts.found, counts.gold), recalls)
        f1, f2 = (_f(counts, precision, recall, precisions, recalls, beta) for beta in (1.0, 2.0))
        return Measure(counts, precision, recall, f1, f2)


def _ratios(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    ratios: NDArray[np.float64] = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratios


def _bounds(values: NDArray[np.float64]) -> tuple[float, float] | None:
    import numpy as np

    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)


def _widest(score: Estimate, drawn: NDArray[np.float64]) -> Estimate:
    bounds = _bounds(drawn)
    if math.isnan(score.value) or bounds is None:
        return score
    return Estimate(score.value, min(score.low, bounds[0]), max(score.high, bounds[1]))


def _f(
    counts: Counts,
    precision: Estimate,
    recall: Estimate,
    precisions: NDArray[np.float64],
    recalls: NDArray[np.float64],
    beta: float,
) -> Estimate:
    """F with its interval: that of the bootstrap, or, where all resamples agree, F at the ends of the other two."""
    import numpy as np

    if not counts.gold:
        return Estimate(math.nan, math.nan, math.nan)
    if not counts.predicted:
        return Estimate(0.0, 0.0, 0.0)
    value = f_beta(precision.value, recall.value, beta)
    right = np.nan_to_num(precisions)
    bottom = beta**2 * right + recalls
    drawn = np.divide((1 + beta**2) * right * recalls, bottom, out=np.zeros(len(right)), where=bottom > 0)
    bounds = _bounds(np.where(np.isnan(recalls), np.nan, drawn))
    if bounds is None or bounds[1] - bounds[0] < 1e-9:
        bounds = f_beta(precision.low, recall.low, beta), f_beta(precision.high, recall.high, beta)
    return Estimate(value, min(value, bounds[0]), max(value, bounds[1]))
