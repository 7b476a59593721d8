"""Two generators on the same questions and the same hits: how much one is better, and whether that could be luck.

Always paired: the difference of each question's score. The interval is a cluster bootstrap, p a sign-flip permutation
of the clusters' sums, beside it McNemar's exact test (1947) of which answers are wholly right. Several pairs are
corrected by Holm (1979). What could not be resolved with so few questions is said.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

from ragkit.evaluate.answer_judging import AnswerRow
from ragkit.evaluate.answer_scores import calibrated_f1, columns
from ragkit.evaluate.clusters import ClusterSums, ratio
from ragkit.metrics import Estimate

DRAWS = 10_000
RESOLVED = 0.1
"""A difference that a set must be able to show before "no difference" is said."""

_ALPHA = 0.05
_Z_BOTH = 1.959963984540054 + 0.8416212335729143  # the 97.5 % and 80 % quantiles of the normal distribution

Verdict = Literal["better", "worse", "no difference", "too few"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``first`` against ``second``: differences are first minus second.

    Attributes:
        score: Mean difference of the questions' scores: facts said where it can answer, refusal where it cannot.
        calibrated_f1: Difference of the two calibrated F1.
        p: Of the sign-flip permutation.
        p_holm: The same, corrected for the number of pairs.
        only_first: Questions that only the first has wholly right.
        only_second: Likewise.
        p_mcnemar: Exact, two-sided, of these two numbers.
        detectable: The least difference of scores that so many questions show with a chance of 80 %.
    """

    first: str
    second: str
    questions: int
    score: Estimate
    calibrated_f1: Estimate
    p: float
    p_holm: float
    only_first: int
    only_second: int
    p_mcnemar: float
    detectable: float
    verdict: Verdict = "too few"

    def as_json(self) -> dict[str, Any]:
        """The figures; what is undefined is ``None``."""
        estimates = {
            name: {end: _known(getattr(one, end)) for end in ("value", "low", "high")}
            for name, one in (("score", self.score), ("calibrated_f1", self.calibrated_f1))
        }
        return {
            "first": self.first,
            "second": self.second,
            "questions": self.questions,
            **estimates,
            "p": self.p,
            "p_holm": self.p_holm,
            "only_first": self.only_first,
            "only_second": self.only_second,
            "p_mcnemar": self.p_mcnemar,
            "detectable": _known(self.detectable),
            "verdict": self.verdict,
        }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def compare_all(runs: Sequence[Sequence[AnswerRow]], *, seed: int = 0) -> list[Comparison]:
    """Every pair of generators, on the questions that both were asked; p corrected by Holm."""
    found = [compare(one, other, seed=seed) for one, other in combinations(runs, 2)]
    corrected = holm([one.p for one in found])
    return [replace(one, p_holm=p, verdict=_verdict(one.score, p, one.detectable)) for one, p in zip(found, corrected)]


def compare(first: Sequence[AnswerRow], second: Sequence[AnswerRow], *, seed: int = 0) -> Comparison:
    """Two generators' rows, matched by question."""
    others = {row.question: row for row in second}
    pairs = [(row, others[row.question]) for row in first if row.question in others]
    clusters = [one.cluster for one, _ in pairs]
    deltas = [one.score - other.score for one, other in pairs]
    mine, its = columns([one for one, _ in pairs]), columns([other for _, other in pairs])
    both = {
        "delta": deltas,
        "one": [1.0] * len(deltas),
        **{f"first {name}": values for name, values in mine.items()},
        **{f"second {name}": values for name, values in its.items()},
    }
    sums = ClusterSums(clusters, both, resamples=DRAWS, seed=seed)
    score = sums.estimate(lambda of: ratio(of("delta"), of("one")))
    quality = sums.estimate(
        lambda of: calibrated_f1(lambda name: of(f"first {name}")) - calibrated_f1(lambda name: of(f"second {name}"))
    )
    p = sign_flip(deltas, clusters, seed=seed)
    right = [(one.score == 1.0, other.score == 1.0) for one, other in pairs]
    only_first, only_second = right.count((True, False)), right.count((False, True))
    least = detectable(deltas, clusters)
    return Comparison(
        first=first[0].generator if first else "",
        second=second[0].generator if second else "",
        questions=len(pairs),
        score=score,
        calibrated_f1=quality,
        p=p,
        p_holm=p,
        only_first=only_first,
        only_second=only_second,
        p_mcnemar=mcnemar(only_first, only_second),
        detectable=least,
        verdict=_verdict(score, p, least),
    )


def _verdict(score: Estimate, p: float, least: float) -> Verdict:
    if p < _ALPHA and score.low > 0:
        return "better"
    if p < _ALPHA and score.high < 0:
        return "worse"
    return "no difference" if least <= RESOLVED else "too few"


def sign_flip(deltas: Sequence[float], clusters: Sequence[str], *, seed: int = 0) -> float:
    """Two-sided p of a mean difference of 0, by turning the signs of whole clusters at random, in 10,000 draws.

    1 where there is no difference at all, or nothing to compare.
    """
    import numpy as np

    sums: dict[str, float] = {}
    for delta, cluster in zip(deltas, clusters):
        sums[cluster] = sums.get(cluster, 0.0) + delta
    values = np.array([one for one in sums.values() if one], dtype=np.float64)
    if not len(values):
        return 1.0
    dice = np.random.default_rng(seed)
    observed = abs(values.sum()) - 1e-9
    reached = 0
    for at in range(0, DRAWS, 1000):
        signs = dice.integers(0, 2, (min(1000, DRAWS - at), len(values))) * 2 - 1
        reached += int((abs(signs @ values) >= observed).sum())
    return (reached + 1) / (DRAWS + 1)  # the observed one is among the possible ones (Phipson, Smyth 2010)


def mcnemar(one: int, other: int) -> float:
    """Exact two-sided p that both of the discordant numbers are as likely; 1 where there are none."""
    total = one + other
    tail = sum(math.comb(total, place) for place in range(min(one, other) + 1))
    return float(min(1.0, 2 * tail / 2**total))


def holm(ps: Sequence[float]) -> list[float]:
    """The ps of several tests, corrected so that the chance of any false one stays (Holm 1979)."""
    corrected, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        corrected[place] = highest
    return corrected


def sample_size(delta: float, variance: float) -> int:
    """Questions needed to show a paired difference with α .05 and a chance of 80 %; ``variance`` of one difference."""
    return math.ceil(_Z_BOTH**2 * variance / delta**2 - 1e-9)


def detectable(deltas: Sequence[float], clusters: Sequence[str]) -> float:
    """The least mean difference shown with α .05 and a chance of 80 %, by the clustered standard error.

    NaN with fewer than two clusters.
    """
    if not deltas:
        return math.nan
    mean = sum(deltas) / len(deltas)
    sums: dict[str, float] = {}
    for delta, cluster in zip(deltas, clusters):
        sums[cluster] = sums.get(cluster, 0.0) + delta - mean
    if len(sums) < 2:
        return math.nan
    scale = len(sums) / (len(sums) - 1)
    return _Z_BOTH * math.sqrt(scale * sum(one**2 for one in sums.values())) / len(deltas)
