"""Comparing two generators: golden values, clusters, what is said when it could be luck."""

from __future__ import annotations

import math

import pytest

from ragkit.evaluate.answer_judging import AnswerRow
from ragkit.evaluate.answer_pairs import (
    compare,
    compare_all,
    detectable,
    holm,
    mcnemar,
    sample_size,
    sign_flip,
)


def _run(name: str, facts: list[float], *, clusters: int = 0) -> list[AnswerRow]:
    return [
        AnswerRow(
            question=f"q{place}", generator=name, cluster=str(place % clusters if clusters else place),
            status="answered", answerable=True, supplied=True, facts=value,
        )
        for place, value in enumerate(facts)
    ]  # fmt: skip


def test_the_golden_mcnemar_and_sample_sizes() -> None:
    """The values of modelchoice.md."""
    assert mcnemar(10, 2) == pytest.approx(0.0386, abs=5e-5)
    assert mcnemar(15, 5) == pytest.approx(0.0414, abs=5e-5)
    assert (mcnemar(0, 0), mcnemar(3, 3)) == (1.0, 1.0)
    sizes = {0.03: (2172, 969), 0.05: (777, 349), 0.10: (188, 87)}
    for delta, (binary, miller) in sizes.items():
        assert abs(sample_size(delta, 0.25 - delta**2) - binary) <= 1
        assert abs(sample_size(delta, 1 / 9) - miller) <= 1


def test_a_clear_difference_is_found_and_none_is_not() -> None:
    """Twenty of a hundred questions better: said so. The same rows twice: no difference, p of 1."""
    weak, strong = _run("weak", [0.0] * 50 + [1.0] * 50), _run("strong", [0.0] * 30 + [1.0] * 70)
    found = compare(strong, weak)
    assert (found.score.value, found.only_first, found.only_second) == (pytest.approx(0.2), 20, 0)
    assert found.score.low > 0.1
    assert found.calibrated_f1.value == pytest.approx(0.2)
    assert found.p < 0.001
    assert found.verdict == "better"
    assert compare(weak, strong).verdict == "worse"
    same = compare(weak, weak)
    assert (same.p, same.p_mcnemar, same.score.value, same.verdict) == (1.0, 1.0, 0.0, "no difference")


def test_few_documents_cannot_tell() -> None:
    """The same difference on three documents is not shown, and the set says that it is too small."""
    weak, strong = _run("weak", [0.0] * 60, clusters=3), _run("strong", [1.0] * 10 + [0.0] * 50, clusters=3)
    found = compare(strong, weak)
    assert found.p > 0.05
    mixed = compare(_run("a", [1.0, 0.0] * 4), _run("b", [0.0, 1.0] * 4))
    assert mixed.verdict == "too few"
    assert mixed.detectable > 0.5


def test_p_flips_whole_clusters() -> None:
    """Six questions of one document are one sign: p is 1; of six documents it is two in 64."""
    assert sign_flip([1.0] * 6, ["a"] * 6) == 1.0
    assert sign_flip([1.0] * 6, list("abcdef")) == pytest.approx(2 / 64, abs=0.006)
    assert sign_flip([], []) == 1.0


def test_several_pairs_are_corrected() -> None:
    """Holm by hand, in the order given; three generators make three pairs."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    runs = [
        _run(name, [float(place < right) for place in range(40)]) for name, right in (("a", 10), ("b", 20), ("c", 30))
    ]
    found = compare_all(runs)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(one.p_holm >= one.p for one in found)
    assert all(one.as_json()["verdict"] == "worse" for one in found)


def test_what_can_be_detected_shrinks_with_the_questions() -> None:
    """Four times the questions halve it; one cluster alone tells nothing."""
    few, many = ([1.0, -1.0] * count for count in (10, 40))
    names = [str(place) for place in range(80)]
    assert detectable(few, names) / detectable(many, names) == pytest.approx(2, rel=0.03)
    assert math.isnan(detectable([1.0, 0.0], ["a", "a"]))
