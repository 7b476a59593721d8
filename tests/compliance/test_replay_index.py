"""The index as it was: what the real one answered at a moment is answered again, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ragkit.compliance.replay_index import PastGeneration, PastIndex, PastRow, PastSource
from ragkit.errors import IndexUnhealthy
from ragkit.index.collection import CollectionIndex
from ragkit.index.manifest import Fingerprints
from ragkit.testing.lived import without_graph
from ragkit.types import Masked

DIMENSION = 24
WORDS = ("tent", "stove", "warranty", "burner", "refund", "zip", "canvas", "pole", "peg", "rope", "lamp", "fuel")
START = datetime(2026, 11, 1, tzinfo=UTC)
CLASSES = ("everybody", "sales", "board")


def minute(number: float) -> datetime:
    """A moment of the history."""
    return START + timedelta(minutes=number)


def a_history(seed: int, *, chunks: int, minutes: int) -> list[PastRow]:
    """Chunks that came and mostly stayed; some went again, a few within the same minutes."""
    draw = random.Random(seed)
    made = np.random.default_rng(seed)
    rows = []
    for number in range(1, chunks + 1):
        came = minute(minutes * number / chunks)
        went = came + timedelta(minutes=draw.uniform(0.1, minutes / 2)) if draw.random() < 0.4 else None
        vector = made.standard_normal(DIMENSION).astype(np.float32)
        text = Masked(" ".join(draw.choices(WORDS, k=draw.randint(4, 40))))
        vector /= np.linalg.norm(vector)
        rows.append(PastRow(number, (f"doc{number}", 1), draw.choice(CLASSES), came, went, vector, text))
    return rows


class Lived:
    """A real index over a history that goes on under it, and what it answered."""

    def __init__(self, folder: Path, rows: list[PastRow]) -> None:
        self.rows = rows
        self.source = PastSource(rows, minute(0))
        made = Fingerprints(policy="p", encoder="e", chunker="c", dimension=DIMENSION)
        self.index = CollectionIndex(folder, self.source, made)
        self.built: datetime | None = None
        self.through = 0
        self.moments: list[datetime] = []

    def fold(self, at: datetime) -> None:
        """Build a generation."""
        self.source.at = at
        report = self.index.generations.fold()
        self.built, self.through, self.moments = at, report.built_through, []

    def answer(self, at: datetime, vector: np.ndarray, text: str, classes: frozenset[str]) -> list[object]:
        """Ask, as the retriever does."""
        self.source.at = at
        self.moments.append(at)
        return ask(self.index, vector, text, classes)

    def generation(self) -> PastGeneration | None:
        """The generation, built again from the rows."""
        if self.built is None:
            return None
        return PastGeneration.of(
            self.rows,
            number=self.index.generation,
            at=self.built,
            through=self.through,
            dimension=DIMENSION,
            language="en",
        )


def ask(index: CollectionIndex | PastIndex, vector: np.ndarray, text: str, classes: frozenset[str]) -> list[object]:
    """All that the retriever asks of an index, exactly."""
    question = Masked(text)
    return [
        index.lexical_bound(question),
        index.search_dense(vector, 40, classes),
        index.search_lexical(question, 40, classes),
        index.search_dense(vector, 5, classes, only=frozenset(range(1, 2000, 3))),
        index.search_lexical(question, 5, classes, only=frozenset(range(1, 2000, 3))),
        index.generation,
    ]


@pytest.fixture
def lived(tmp_path: Path) -> Iterator[Lived]:
    """A history of 800 chunks over a hundred minutes, and an index over it.

    The graph is left out.
    """
    one = Lived(tmp_path, a_history(7, chunks=800, minutes=100))
    with without_graph():
        yield one
    one.index.close()


def replayed(lived: Lived, moments: list[datetime], generation: PastGeneration | None) -> PastIndex:
    """The same index, from the rows alone."""
    past = PastIndex(lived.rows, generation, dimension=DIMENSION, language="en")
    for moment in moments:
        past.look(moment)
    return past


def test_every_answer_is_given_again(lived: Lived) -> None:
    """Without a generation, with one, with a delta and its dead rows, after a second fold: bit for bit."""
    draw, made = random.Random(3), np.random.default_rng(3)
    folds = {30: minute(30), 58: minute(58)}
    for number in range(2, 100, 4):
        if number in folds:
            lived.fold(folds[number])
        vector = made.standard_normal(DIMENSION).astype(np.float32)
        text = " ".join(draw.choices(WORDS, k=4))
        classes = frozenset(draw.sample(CLASSES, k=draw.randint(1, 3)))
        told = lived.answer(minute(number + 0.5), vector, text, classes)
        if number % 24 == 2:
            assert ask(replayed(lived, lived.moments, lived.generation()), vector, text, classes) == told


def test_statistics_of_the_delta_are_those_the_process_had(lived: Lived) -> None:
    """A process that reads the delta late never saw what died before; its scores are others, and are found too."""
    lived.fold(minute(20))
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[0] = 1
    early = [minute(number) for number in range(21, 60, 3)]
    asked = (vector, "warranty burner refund", frozenset(CLASSES))
    for moment in early:
        lived.answer(moment, *asked)
    told = lived.answer(minute(61), *asked)
    generation = lived.generation()
    assert ask(replayed(lived, lived.moments, generation), *asked) == told
    late = replayed(lived, lived.moments[-1:], generation)
    assert ask(late, *asked) != told


def test_nobody_sees_anything_without_a_class(lived: Lived) -> None:
    """No classes, no candidates."""
    lived.fold(minute(50))
    lived.answer(minute(60), np.ones(DIMENSION, dtype=np.float32), "tent", frozenset(CLASSES))
    past = replayed(lived, lived.moments, lived.generation())
    assert past.search_dense(np.ones(DIMENSION, dtype=np.float32), 5, frozenset()) == []
    assert past.search_lexical(Masked("tent"), 5, frozenset()) == []


def test_the_source_is_what_was_live_then() -> None:
    """Rows, live, count and the highest number all follow the moment."""
    rows = a_history(1, chunks=50, minutes=10)
    source = PastSource(rows, minute(5))
    there = [row.chunk_id for row in rows if row.valid_from <= minute(5) and (row.valid_to or minute(9)) > minute(5)]
    assert [row.chunk_id for row in source.rows()] == there
    assert [row.chunk_id for row in source.rows(after=10, through=20)] == [n for n in there if 10 < n <= 20]
    assert source.live(range(1, 51)) == set(there)
    assert source.count_live() == len(there)
    assert source.last_chunk_id() == max(row.chunk_id for row in rows if row.valid_from <= minute(5))
    source.at = minute(-1)
    assert source.last_chunk_id() == 0


def test_a_generation_that_is_still_there_is_opened(lived: Lived, tmp_path: Path) -> None:
    """Where the history of its rows is gone, its files give the same scores."""
    lived.fold(minute(40))
    asked = (np.full(DIMENSION, 0.2, dtype=np.float32), "tent refund", frozenset(CLASSES[:2]))
    told = lived.answer(minute(55), *asked)
    folder = tmp_path / str(lived.index.generation)
    generation = PastGeneration.on_disk(folder, through=lived.through, language="en")
    assert ask(replayed(lived, lived.moments, generation), *asked) == told
    assert len(generation) == len(lived.generation() or ())
    with pytest.raises(IndexUnhealthy):
        PastGeneration.on_disk(tmp_path / "77", through=1, language="en")
