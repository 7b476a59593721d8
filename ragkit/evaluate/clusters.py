"""Intervals of measures that are functions of sums, over questions that come in clusters.

::

    sums = ClusterSums(["doc-1", "doc-1", "doc-2"], {"right": [1, 0, 1], "asked": [1, 1, 1]})
    sums.estimate(lambda of: ratio(of("right"), of("asked")))

Questions on one document are right or wrong together, so whole documents are drawn, with replacement, and not questions
(Miller 2024, "Adding error bars to evals", arXiv 2411.00640). The intervals are percentiles of the draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ragkit.metrics import Estimate, wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Sums = Callable[[str], Values]
    """From a column's name to its sum, in each draw."""

_BLOCK = 4_000_000  # cells of a matrix of draws at a time
_FLAT = 1e-9


class ClusterSums:
    """Columns of numbers, summed over all rows and over resamples of the clusters.

    Args:
        clusters: The cluster of each row.
        columns: One number a row, by name.
        resamples: How many draws.
        seed: The same seed and the same rows give the same draws.
    """

    def __init__(
        self, clusters: Sequence[str], columns: Mapping[str, Sequence[float]], *, resamples: int = 2000, seed: int = 0
    ) -> None:
        import numpy as np

        self._places = {name: place for place, name in enumerate(columns)}
        names = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
        self.clusters = len(names)
        by_cluster = np.zeros((max(len(names), 1), max(len(columns), 1)))
        table = np.array([list(column) for column in columns.values()], dtype=np.float64)
        if len(clusters):
            np.add.at(by_cluster, [names[cluster] for cluster in clusters], table.T)
        self._total = by_cluster.sum(axis=0, keepdims=True)
        self._drawn = np.concatenate([draw @ by_cluster for draw in draws(len(by_cluster), resamples, seed)])

    def estimate(self, measure: Callable[[Sums], Values]) -> Estimate:
        """A measure of the sums with its 95 % interval; NaN where it is undefined."""
        import numpy as np

        value = float(measure(lambda name: self._total[:, self._places[name]])[0])
        if math.isnan(value):
            return Estimate(math.nan, math.nan, math.nan)
        drawn = measure(lambda name: self._drawn[:, self._places[name]])
        known = drawn[~np.isnan(drawn)]
        low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (value, value)
        return Estimate(value, min(value, float(low)), max(value, float(high)))

    def share(self, part: str, whole: str) -> Estimate:
        """The ratio of two columns: of counts never narrower than Wilson's interval, of others where all draws agree.

        Nothing wrong in few questions leaves a bound above 0.
        """
        drawn = self.estimate(lambda of: ratio(of(part), of(whole)))
        top, bottom = (float(self._total[0, self._places[name]]) for name in (part, whole))
        counts = top.is_integer() and bottom.is_integer() and 0 <= top <= bottom
        if math.isnan(drawn.value) or not (counts or drawn.high - drawn.low < _FLAT) or top > bottom:
            return drawn
        score = wilson(round(top), round(bottom))
        return Estimate(drawn.value, min(drawn.low, score.low), max(drawn.high, score.high))


def draws(clusters: int, resamples: int, seed: int) -> list[Values]:
    """How often each cluster is drawn in each resample: matrices of some resamples by all clusters."""
    import numpy as np

    dice = np.random.default_rng(seed)
    rows = max(1, min(resamples, _BLOCK // clusters))
    sizes = [rows] * (resamples // rows) + ([resamples % rows] if resamples % rows else [])
    even = np.full(clusters, 1 / clusters)
    return [dice.multinomial(clusters, even, size).astype(np.float64) for size in sizes]


def ratio(top: Values, bottom: Values) -> Values:
    """Element by element; NaN where ``bottom`` is 0."""
    import numpy as np

    found: Values = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return found


def harmonic(one: Values, other: Values) -> Values:
    """F1 of two ratios, element by element: 0 where one is 0 or only one is undefined, NaN where both are."""
    import numpy as np

    filled, others = np.nan_to_num(one), np.nan_to_num(other)
    found: Values = np.divide(2 * filled * others, filled + others, out=np.zeros(len(one)), where=filled + others > 0)
    return np.where(np.isnan(one) & np.isnan(other), np.nan, found)


def auroc(scores: Sequence[float], labels: Sequence[bool], clusters: Sequence[str], *, seed: int = 0) -> Estimate:
    """Chance that a true case scores above a false one, ties half, with a cluster bootstrap of 1,000 draws.

    NaN where a kind is missing.
    """
    import numpy as np

    names = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    values, true = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    if not true.any() or true.all():
        return Estimate(math.nan, math.nan, math.nan)
    place = np.array([names[cluster] for cluster in clusters])
    above = np.sign(values[true][:, None] - values[~true][None, :]) / 2 + 0.5
    found = []
    for draw in draws(len(names), 1000, seed):
        yes, no = draw[:, place[true]], draw[:, place[~true]]
        found.append(ratio(((yes @ above) * no).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1)))
    drawn = np.concatenate(found)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    value = float(above.mean())
    return Estimate(value, min(value, float(low)), max(value, float(high)))
