"""Sizes of what is sealed: they tell people apart as they are, and not when they are filled up."""

from __future__ import annotations

import numpy as np
import pytest

from ragkit.attack.loot import FILLED_TO, Loot, SealedValue
from ragkit.attack.people import KnownPerson
from ragkit.attack.postings import Postings
from ragkit.attack.sealed import by_sizes
from ragkit.crypto import pad

PEOPLE = [
    KnownPerson(f"Given {'x' * number}", {"email": f"{'y' * (40 - number)}@a.example"}) for number in range(3, 19)
]


@pytest.mark.parametrize(("filled", "linked"), [(False, False), (False, True), (True, True)])
def test_lengths_single_people_out_unless_they_are_filled_up(filled: bool, linked: bool) -> None:
    """A document a person, with the name and address of that person in the vault."""
    values: dict[int, SealedValue] = {}
    mentions = []
    for document, person in enumerate(PEOPLE):
        for kind, text in (("PERSON", person.name), ("EMAIL_ADDRESS", person.facts["email"])):
            raw = text.encode()
            values[len(values)] = SealedValue("value", kind, len(pad(raw)) if filled else len(raw))
            mentions.append((len(values) - 1, document))
    count = len(PEOPLE)
    loot = Loot(
        documents=tuple(map(str, range(count))),
        chunk_documents=np.arange(count, dtype=np.int32),
        vectors=np.zeros((count, 4), dtype=np.float32),
        terms=Postings((), documents=count),
        numbers=Postings(mentions, documents=count),
        values=values,
        groups=[(n, frozenset({2 * n, 2 * n + 1})) for n in range(count)] if linked else [],
    )
    scores = by_sizes(loot, PEOPLE)
    right = sum(int(own.argmax()) == n and bool((own < own.max()).any()) for n, own in enumerate(scores))
    assert right == (0 if filled else count)
    assert len(pad(b"x")) == FILLED_TO
