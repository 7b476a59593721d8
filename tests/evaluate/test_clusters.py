"""Intervals over clusters: of shares, of F1, of the area under the curve."""

from __future__ import annotations

import math

import pytest

from ragkit.evaluate.clusters import ClusterSums, auroc, draws, harmonic, ratio
from ragkit.metrics import area_under_roc, wilson


def test_the_golden_wilson_intervals() -> None:
    """The values of modelchoice.md."""
    assert (wilson(80, 100).low, wilson(80, 100).high) == pytest.approx((0.7112, 0.8666), abs=5e-5)
    assert (wilson(200, 200).low, wilson(200, 200).high) == pytest.approx((0.9812, 1.0), abs=5e-5)
    assert (wilson(9, 10).low, wilson(9, 10).high) == pytest.approx((0.5958, 0.9821), abs=5e-5)


def test_a_share_of_counts_is_never_surer_than_wilson() -> None:
    """All right in ten clusters leaves a lower bound below 1, and the same for a mean of fractions."""
    names = [str(number) for number in range(10)]
    sums = ClusterSums(names, {"right": [1] * 10, "half": [0.5] * 10, "all": [1] * 10})
    assert sums.share("right", "all") == wilson(10, 10)
    half = sums.share("half", "all")
    assert half.low < half.value == 0.5 < half.high


def test_questions_of_one_document_are_drawn_together() -> None:
    """The interval over four documents of 25 questions each is far wider than over 100 documents."""
    right = [1.0] * 50 + [0.0] * 50
    alone = ClusterSums([str(n) for n in range(100)], {"right": right, "all": [1] * 100}).share("right", "all")
    together = ClusterSums([str(n // 25) for n in range(100)], {"right": right, "all": [1] * 100}).share("right", "all")
    assert alone.value == together.value == 0.5
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_undefined_is_nan_and_harmonic_means_are_zero_where_one_side_is() -> None:
    """A share of nothing is NaN with its bounds; F1 of nothing right is 0."""
    sums = ClusterSums(["a", "b"], {"none": [0, 0], "all": [1, 1]})
    assert all(math.isnan(value) for value in (sums.share("all", "none").value, sums.share("all", "none").low))
    assert sums.estimate(lambda of: harmonic(ratio(of("none"), of("none")), ratio(of("none"), of("all")))).value == 0
    empty = ClusterSums([], {"right": [], "all": []})
    assert math.isnan(empty.share("right", "all").value)


def test_draws_are_seeded_and_whole() -> None:
    """Each resample draws as many clusters as there are, the same with the same seed."""
    first, again, other = (draws(7, 5, seed)[0] for seed in (1, 1, 2))
    assert (first.sum(axis=1) == 7).all()
    assert (first == again).all()
    assert (first != other).any()


def test_the_area_is_that_of_the_plain_function_with_an_interval() -> None:
    """Ties count half; the interval holds the value; one kind alone is NaN."""
    scores, labels = [0.9, 0.4, 0.4, 0.1, 0.7, 0.2], [True, True, False, False, False, True]
    found = auroc(scores, labels, list("abcdef"))
    assert found.value == pytest.approx(area_under_roc(scores, labels))
    assert found.low < found.value < found.high
    assert math.isnan(auroc([0.1], [True], ["a"]).value)
