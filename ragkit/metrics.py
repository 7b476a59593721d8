"""Measures of a ranking and of a search for spans, and intervals for a mean and a proportion.

Those of a ranking take the judged grades of one question (``document -> relevance``, above 0 relevant) and a ranking
without repeats, best first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_Z_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean or a proportion with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain at k, 0..1 (Järvelin, Kekäläinen 2002), linear as in trec_eval."""
    gain = sum(max(grades.get(doc, 0), 0) / math.log2(place + 2) for place, doc in enumerate(ranking[:k]))
    best = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:k]
    ideal = sum(grade / math.log2(place + 2) for place, grade in enumerate(best))
    return gain / ideal if ideal else 0.0


def recall(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Share in 0..1 of the relevant documents among the first k."""
    relevant = {doc for doc, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """One over the place of the first relevant document, 0 when none is among the first k."""
    places = (place for place, doc in enumerate(ranking[:k], start=1) if grades.get(doc, 0) > 0)
    return 1 / next(places, math.inf)


def bootstrap_mean(values: Sequence[float], *, resamples: int = 2000, seed: int = 0) -> Estimate:
    """The mean with a percentile bootstrap interval of 95 % (Efron, Tibshirani 1993, ch. 13); NaN without values."""
    import numpy as np

    if not values:
        return Estimate(math.nan, math.nan, math.nan)
    sample = np.asarray(values, dtype=np.float64)
    dice = np.random.default_rng(seed)
    means = [sample[dice.integers(0, len(sample), len(sample))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high))


def wilson(successes: int, trials: int) -> Estimate:
    """A proportion with its 95 % score interval (Wilson 1927); NaN without trials.

    It holds near 0 and 1 too: no misses in 50 trials still leaves a bound of 7 %.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if not trials:
        return Estimate(math.nan, math.nan, math.nan)
    share, square = successes / trials, _Z_95**2
    centre = share + square / (2 * trials)
    spread = _Z_95 * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2))
    scale = 1 + square / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale  # exact at the ends, whatever the rounding
    high = 1.0 if successes == trials else (centre + spread) / scale
    return Estimate(share, low, high)


def f_beta(precision: float, recall: float, beta: float = 1.0) -> float:
    """Weighted harmonic mean (van Rijsbergen 1979); ``beta`` 2 weighs recall twice; 0 when both are, NaN if one is."""
    bottom = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / bottom if bottom else 0.0


def area_under_roc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Chance that a true case scores above a false one, ties half (Mann, Whitney 1947); NaN if a kind is missing."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = [0.0] * len(scores)
    at = 0
    while at < len(order):
        end = at
        while end < len(order) and scores[order[end]] == scores[order[at]]:
            end += 1
        for place in order[at:end]:
            ranks[place] = (at + end + 1) / 2
        at = end
    true = sum(labels)
    false = len(labels) - true
    if not true or not false:
        return math.nan
    total = sum(rank for rank, label in zip(ranks, labels) if label)
    return (total - true * (true + 1) / 2) / (true * false)
