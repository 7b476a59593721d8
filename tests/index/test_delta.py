"""The tails after a generation: they follow the record store and forget what died."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ragkit.index.delta import ExactVectors, RecentTerms
from ragkit.index.lexical import search_lexical

EVERYONE = {"everyone", "sales"}


def test_exact_vectors_are_the_oracle(source: Any) -> None:
    """Every search equals a sort over all live rows of the classes, scores included."""
    vectors = ExactVectors(source, after=0, dimension=16)
    vectors.refresh()
    for number in (1, 77, 300):
        vector = source.held[number].vector
        for classes in (EVERYONE, {"everyone"}, {"sales"}, set()):
            found = vectors.search(vector, 12, classes)
            assert [chunk for chunk, _ in found] == source.nearest(vector, 12, classes)
            assert all(abs(score - float(source.held[chunk].vector @ vector)) < 1e-5 for chunk, score in found)


def test_only_what_came_after_is_held(source: Any) -> None:
    """A tail after a generation holds the newer chunks, and takes in each new one once."""
    vectors, terms = ExactVectors(source, after=290, dimension=16), RecentTerms(source, after=290, language="en")
    for expected in (10, 11, 11):
        vectors.refresh()
        terms.refresh()
        assert (len(vectors), len(terms)) == (expected, expected)
        if expected == 10:
            source.add("zebra")
    assert terms.index is not None
    assert search_lexical([terms.index], "zebra", 5) != []
    assert search_lexical([terms.index], "number289", 5) == []


def test_dead_rows_are_dropped(source: Any) -> None:
    """A sweep drops what died; growing sweeps by itself, so that a long sync does not answer from the dead."""
    vectors, terms = ExactVectors(source, after=0, dimension=16), RecentTerms(source, after=0, language="en")
    vectors.refresh()
    terms.refresh()
    gone = source.held.pop(9)
    vectors.refresh(sweep=True)
    assert 9 not in [chunk for chunk, _ in vectors.search(gone.vector, 300, EVERYONE)]
    for _ in range(400):
        source.add("more")
    terms.refresh()
    assert terms.index is not None
    assert search_lexical([terms.index], "number9", 5) == []
    assert len(terms) == len(terms.index) == 699


def test_tail_grows_while_it_is_searched(source: Any) -> None:
    """A thread that asks while another adds and deletes always finds its own chunk first."""
    vectors = ExactVectors(source, after=0, dimension=16)
    vectors.refresh()
    stop, troubles = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            vectors.refresh()
            if vectors.search(source.held[5].vector, 3, EVERYONE)[0][0] != 5:
                troubles.append(5)

    thread = threading.Thread(target=ask)
    thread.start()
    for number in range(100, 200):
        for _ in range(10):
            source.add("more")
        del source.held[number]
        vectors.refresh(sweep=number % 10 == 0)
    stop.set()
    thread.join()
    assert not troubles
    vectors.refresh(sweep=True)
    assert len(vectors) == source.count_live() == 1_200


def test_empty_tail_finds_nothing(source: Any) -> None:
    """Nothing after the generation: no rows, no index, no error."""
    vectors, terms = ExactVectors(source, after=300, dimension=16), RecentTerms(source, after=300, language="en")
    vectors.refresh()
    terms.refresh()
    assert vectors.search(np.ones(16, np.float32), 5, EVERYONE) == []
    assert terms.index is None
