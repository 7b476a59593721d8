"""Evidence adds up by rarity, and equals are drawn by lot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ragkit.attack.matching import evidence, guess, top_count
from ragkit.attack.postings import Postings


def test_rare_facts_weigh_more_and_all_words_of_a_fact_must_be_there() -> None:
    """A city of two words in one document of four weighs log 4; each word alone counts nothing."""
    postings = Postings([("new", 0), ("york", 0), ("new", 1), ("york", 2), ("york", 3), ("head", 1)], documents=4)
    scores = evidence([[["new", "york"]], [["head"]]], postings)
    assert scores.tolist() == pytest.approx([math.log(4), math.log(4), 0, 0])


def test_of_several_ways_to_write_a_fact_the_rarest_counts_once() -> None:
    """A date as day and month, or as the year alone."""
    postings = Postings([("1984", 0), ("1984", 1), ("march", 0)], documents=4)
    scores = evidence([[["1984", "march"], ["1984"]]], postings)
    assert scores.tolist() == pytest.approx([math.log(4), math.log(2), 0, 0])


def test_a_thief_names_only_who_stands_out() -> None:
    """One best document is named; equals are not, and come in an order that the lot decides."""
    dice = np.random.default_rng(0)
    assert guess(0, np.array([0, 2, 1], dtype=np.float32), dice).sure
    firsts = {guess(0, np.zeros(50, dtype=np.float32), dice).documents[0] for _ in range(60)}
    assert len(firsts) > 10
    assert not guess(0, np.zeros(50, dtype=np.float32), dice).sure


def test_a_guess_holds_a_hundredth_and_one_at_least() -> None:
    """Of 5,000 documents fifty, of three one."""
    assert [top_count(number) for number in (3, 100, 5_000)] == [1, 1, 50]
