"""Intervals: against closed forms, at the ends, and the same for the same seed."""

from __future__ import annotations

import math

import pytest

from ragkit.evaluate.resampling import Counts, ResampledSums
from ragkit.metrics import f_beta, wilson

KEY = ("exact", "")


def summed(documents: list[Counts], batch: int = 10) -> ResampledSums:
    """Sums over documents, added batch by batch."""
    sums = ResampledSums()
    for at in range(0, len(documents), batch):
        sums.add([{KEY: counts} for counts in documents[at : at + batch]])
    return sums


def test_values_are_ratios_of_sums() -> None:
    """Precision, recall and both F are those of the summed counts, whatever the batches."""
    measure = summed([Counts(4, 3, 5, 2), Counts(6, 3, 5, 4)], batch=1).measure(KEY)
    assert measure.counts == Counts(10, 6, 10, 6)
    assert (measure.precision.value, measure.recall.value) == (0.6, 0.6)
    assert (measure.f1.value, measure.f2.value) == (pytest.approx(0.6), pytest.approx(0.6))


def test_intervals_of_single_spans_are_those_of_a_proportion() -> None:
    """Where each document has one span, resampling documents is resampling spans: Wilson's interval, nearly."""
    measure = summed([Counts(1, int(n % 5 > 0), 1, int(n % 4 > 0)) for n in range(1000)]).measure(KEY)
    assert measure.recall.value == 0.75
    for mine, exact in ((measure.recall, wilson(750, 1000)), (measure.precision, wilson(800, 1000))):
        assert mine.low == pytest.approx(exact.low, abs=0.01)
        assert mine.high == pytest.approx(exact.high, abs=0.01)
        assert mine.low <= exact.low
        assert mine.high >= exact.high


def test_documents_are_drawn_whole() -> None:
    """Spans missed together widen the interval beyond that of as many independent spans."""
    apart = summed([Counts(1, 1, 1, int(n % 2)) for n in range(400)]).measure(KEY).recall
    together = summed([Counts(20, 20, 20, 20 * (n % 2)) for n in range(20)]).measure(KEY).recall
    assert apart.value == together.value == 0.5
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_no_misses_leave_a_bound() -> None:
    """Nothing missed in 50 spans is compatible with 7 % missed, in one document as in fifty."""
    for documents in ([Counts(50, 50, 50, 50)], [Counts(1, 1, 1, 1)] * 50):
        measure = summed(documents).measure(KEY)
        assert (measure.recall.value, measure.recall.high) == (1.0, 1.0)
        assert measure.recall.low == pytest.approx(0.929, abs=0.001)
        assert 0.9 < measure.f2.low < 1.0


def test_what_is_undefined_is_none() -> None:
    """Nothing predicted: no precision, and F is 0. Nothing labelled: neither recall nor F."""
    shown = summed([Counts(0, 0, 3, 0)]).measure(KEY).as_json()
    assert (shown["precision"], shown["recall"], shown["f1"]) == (None, 0.0, 0.0)
    shown = summed([Counts(2, 0, 0, 0)]).measure(KEY).as_json()
    assert (shown["precision"], shown["recall"], shown["f2"], shown["f2_low"]) == (0.0, None, None, None)
    assert ResampledSums().measure(("no", "such")).as_json()["recall"] is None


def test_a_key_may_come_late() -> None:
    """A type first seen in the last batch has counted nothing before."""
    sums = ResampledSums()
    sums.add([{KEY: Counts(1, 1, 1, 1)}] * 30)
    sums.add([{("exact", "AGE"): Counts(2, 1, 2, 1)}])
    assert sums.measure(("exact", "AGE")).recall.value == 0.5
    assert sums.measure(KEY).counts.gold == 30


def test_the_same_seed_gives_the_same_intervals() -> None:
    """And bounds lie around the value."""
    documents = [Counts(3, n % 3, 4, n % 4) for n in range(60)]
    one, two = (summed(documents).measure(KEY) for _ in range(2))
    assert one == two
    for estimate in (one.precision, one.recall, one.f1, one.f2):
        assert estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("trials", [1, 7, 100])
def test_wilson_holds_at_the_ends(trials: int) -> None:
    """No success leaves an upper bound below 1, no failure a lower one above 0; both mirror each other."""
    none, every = wilson(0, trials), wilson(trials, trials)
    assert (none.low, every.high) == (0.0, 1.0)
    assert none.high == pytest.approx(1 - every.low)
    assert 0 < none.high < 1
    assert math.isnan(wilson(0, 0).value)
    with pytest.raises(ValueError, match="successes"):
        wilson(trials + 1, trials)


def test_wilson_gives_the_published_interval() -> None:
    """81 of 263: Newcombe 1998, table I, score method without correction: .2553 to .3662."""
    found = wilson(81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)


def test_f_weighs_recall() -> None:
    """F1 is the harmonic mean; F2 counts recall twice; nothing right is 0."""
    assert f_beta(0.5, 1.0) == pytest.approx(2 / 3)
    assert f_beta(0.733, 0.646, 2.0) == pytest.approx(0.661, abs=0.001)  # Presidio's own figures
    assert f_beta(0.0, 0.0) == 0.0
