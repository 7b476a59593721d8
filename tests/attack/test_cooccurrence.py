"""Stand-ins that always stand for the same word are decoded by their company; those drawn anew each time are not."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np

from ragkit.attack.cooccurrence import decode
from ragkit.attack.postings import Postings

PEOPLE = 120
KNOWN = 8


def _right(stand_in: Callable[[str, int], str], hints: float) -> float:
    """Share of the people whose own document scores best; document n is that of person n.

    ``hints`` is the share of the people of whom something else is known too, that fits three documents alike.
    """
    dice = random.Random(1)
    given = [f"g{number}" for number in range(15)]
    names = [[dice.choice(given), f"f{number // 2}"] for number in range(PEOPLE)]
    postings = Postings(
        ((stand_in(part, document), document) for document, name in enumerate(names) for part in name),
        documents=PEOPLE,
    )
    priors = []
    for person in range(PEOPLE):
        prior = np.zeros(PEOPLE, dtype=np.float32)
        if dice.random() < hints:
            prior[[person, *dice.sample(range(PEOPLE), 2)]] = 3.0
        priors.append(prior)
    scores = decode(names, postings, priors, known={number: number for number in range(KNOWN)})
    judged = range(KNOWN, PEOPLE)
    return sum(int(scores[person].argmax()) == person for person in judged) / len(judged)


def test_a_few_known_people_and_hints_give_the_stand_ins_away() -> None:
    """From hints that are right one time in three, most people are found."""
    assert _right(lambda part, _document: f"s-{part}", hints=0.9) > 0.6


def test_stand_ins_drawn_anew_in_each_document_tell_nothing_more() -> None:
    """Only the hints are left, one right in three."""
    assert _right(lambda part, document: f"s-{part}-{document}", hints=0.9) < 0.5
