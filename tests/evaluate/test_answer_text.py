"""Facts, words in common and numbers of an answer, by worked examples."""

from __future__ import annotations

import math

import pytest

from ragkit.evaluate.answer_text import (
    exact,
    fact_share,
    lexical_support,
    normal,
    numbers,
    says,
    token_f1,
    without_markers,
)


def test_the_golden_f1() -> None:
    """The value of modelchoice.md: six sevenths."""
    assert token_f1("The warranty lasts 24 months", ["Warranty: 24 months."]) == pytest.approx(0.857143, abs=1e-6)
    assert token_f1("months months", ["months"]) == pytest.approx(2 / 3), "repeats count"
    assert (token_f1("", [""]), token_f1("x", [])) == (0.0, 0.0)


def test_a_fact_is_bounded_by_words() -> None:
    """1 is not in 2019; case, articles and punctuation do not matter; any accepted string will do."""
    assert not says("Founded in 2019.", ["1"])
    assert says("The total was $39,669 million.", ["39669"])
    assert says("In the Summer of 1990, it closed", ["summer of 1990"])
    assert not says("anything", ["", "the", "?"])
    assert fact_share("24 months for tents", [["two years", "24 months"], ["stoves"]]) == 0.5
    assert math.isnan(fact_share("x", []))


def test_text_is_compared_as_in_squad() -> None:
    """Lower case, no punctuation of any script, no articles; tokens of masked text stay one word."""
    assert normal("The «Café»,  an   [PERSON:K7F3QX9M2T-4B]!") == "café personk7f3qx9m2t4b"
    assert exact("The Athens, Greece", ["athens greece"])
    assert without_markers("Yes [1]. No [12]") == "Yes  . No  "


def test_numbers_have_one_spelling() -> None:
    """Thousands, trailing zeros and currency signs do not make another number; tokens and addresses are whole."""
    assert numbers("$1,024.50 and 1024.5") == {"1024.5"}
    assert numbers("on 2022-06-25 at 2:13:09, 007") == {"2022-06-25", "2:13:09", "7"}
    assert numbers("Ask [PERSON:K7F3QX9M2T-4B] at a.b2@x.org, Q3") == {"[person:k7f3qx9m2t-4b]", "a.b2@x.org", "q3"}
    assert numbers("24-month warranty, no. 1,2 or 30%") == {"24", "1,2", "30"}
    assert numbers("nothing") == set()


def test_lexical_support_takes_the_best_sentence() -> None:
    """A sentence of a source is supported wholly, an unrelated one not at all, and rare words weigh more."""
    sources = ["The tent lasts five years. The stove lasts two years.", "| a | b |\n| --- | --- |\n| 1 | 2 |"]
    assert lexical_support("The tent lasts five years. [1]", sources) == pytest.approx(1.0)
    assert lexical_support("Penguins swim.", sources) == 0.0
    half = lexical_support("Tent penguins.", sources)
    assert 0 < half < 0.5, "a word that no source has weighs most"
    assert math.isnan(lexical_support("[1]", sources))
    assert lexical_support("Something.", []) == 0.0
