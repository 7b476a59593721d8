"""The scorer knows whose document is whose."""

from __future__ import annotations

import math

import pytest

from ragkit.attack.matching import Guess
from ragkit.attack.people import KnownPerson
from ragkit.attack.report import AttackReport, of_hundred
from ragkit.attack.truth import find_truth, score
from ragkit.metrics import Estimate

PEOPLE = [KnownPerson(name) for name in ("Ana Kovač", "Bo Li", "Cem Ek", "Dia Om", "Eli Ro", "Fay Su", "Gus Ti")]


def test_a_document_that_names_everybody_is_nobodys_own() -> None:
    """Names are found in either order and without accents; a table of seven people is no file of one."""
    texts = ["Letter to Ms ANA KOVAC.", "Li, Bo: file", ", ".join(one.name for one in PEOPLE)]
    truth = find_truth(PEOPLE, texts)
    assert truth.own == {0: {0}, 1: {1}}
    assert truth.named == set(range(7))


def test_shares_are_counted_over_who_is_looked_for() -> None:
    """Who was known beforehand, or has no document, does not count; chance is by the number of own documents."""
    truth = find_truth(PEOPLE, ["Ana Kovač", "Ana Kovač", "Bo Li", "Cem Ek"] + ["nobody"] * 196)
    guesses = [Guess(0, (1, 7), 3.0, sure=True), Guess(1, (9, 2), 2.0, sure=True), Guess(2, (3, 4), 9.0, sure=False)]
    guesses += [Guess(number, (5, 6), 0.5, sure=True) for number in range(3, 7)]
    found = score("linkage", guesses, truth, documents=200, known={2: 3}, absent=[3, 4, 5, 6])
    assert found.targets == 2
    assert (found.first.value, found.top.value, found.named.value, found.precision.value) == (0.5, 1.0, 1.0, 0.5)
    assert found.first_chance == pytest.approx((2 / 200 + 1 / 200) / 2)
    assert found.top_chance == pytest.approx((1 - 198 * 197 / (200 * 199) + 2 / 200) / 2)
    assert found.membership == 1.0


def test_the_report_says_it_in_plain_words() -> None:
    """Shares of a hundred people beside chance; and what nobody could find is said too."""
    assert of_hundred(Estimate(0.03, 0.02, 0.05)) == "3 of 100 (2 to 5)"
    assert of_hundred(Estimate(math.nan, math.nan, math.nan)) == "nobody"
    truth = find_truth(PEOPLE, ["Ana Kovač", "Bo Li", *["nobody"] * 98])
    guesses = [Guess(number, (number,), 5.0, sure=True) for number in range(2)]
    outcome = score("linkage", guesses, truth, documents=100)
    report = AttackReport("care", "", 7, 100, 0, 0, {"linkage": outcome}, {"linkage": outcome})
    lines = " ".join(report.lines())
    assert (
        "finds the right file for 100 of 100 (34 to 100) at best (linkage); by chance 1; without masking 100." in lines
    )
    assert "finds the right file first for 100 of 100" in lines
    assert "by chance 1; without masking 100" in lines
    assert "`strict`" in lines
