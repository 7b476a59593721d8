"""A record store in memory, as the index sees it, and a generation built once for all tests that read or break it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragkit.index.generations import Generations
from ragkit.index.manifest import Fingerprints
from ragkit.types import Masked

DIMENSION = 16


@dataclass(frozen=True, slots=True)
class Row:
    chunk_id: int
    access_class: str
    vector: NDArray[np.float32]
    text: Masked


class MemorySource:
    """Implements ``IndexSource``; chunk ids only grow."""

    def __init__(self) -> None:
        self.held: dict[int, Row] = {}
        self.last = 0
        self.policy = ""

    def add(self, text: str, access: str = "everyone") -> int:
        """Add a chunk whose vector depends on its number alone."""
        number = self.last + 1
        vector = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
        self.held[number] = Row(number, access, vector / np.linalg.norm(vector), Masked(text))
        self.last = number  # after the row, as a transaction would have it
        return number

    def last_chunk_id(self) -> int:
        return self.last

    def rows(self, *, after: int = 0, through: int | None = None, with_text: bool = True) -> Iterator[Row]:
        for number in range(after + 1, self.last + 1):
            row = self.held.get(number)
            if row is not None and (through is None or number <= through):
                yield row if with_text else Row(number, row.access_class, row.vector, Masked(""))

    def live(self, chunk_ids: Collection[int]) -> set[int]:
        return {number for number in chunk_ids if number in self.held}

    def count_live(self) -> int:
        return len(self.held)

    def nearest(self, vector: NDArray[np.float32], k: int, classes: Collection[str]) -> list[int]:
        """The oracle: exact search over what is live and allowed."""
        rows = [row for row in self.held.values() if row.access_class in classes]
        return [row.chunk_id for row in sorted(rows, key=lambda row: -float(row.vector @ vector))[:k]]


def fill(source: MemorySource, count: int) -> MemorySource:
    """Add chunks; every seventh is for the sales group only."""
    for _ in range(count):
        number = source.last + 1
        source.add(f"lamp number{number} costs {number} crowns", "sales" if number % 7 == 0 else "everyone")
    return source


def make_fingerprints(**changes: object) -> Fingerprints:
    """Fingerprints of the tests' index, with changes."""
    values: dict[str, object] = {"policy": "p1", "encoder": "e1", "chunker": "c1", "dimension": DIMENSION}
    return Fingerprints(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def source() -> MemorySource:
    """The record store that ``built`` was built from."""
    return fill(MemorySource(), 300)


@pytest.fixture
def make() -> Callable[..., Fingerprints]:
    """Makes fingerprints, with changes."""
    return make_fingerprints


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One published generation of 300 chunks; nobody writes to it."""
    directory = tmp_path_factory.mktemp("built") / "index"
    Generations(directory, fill(MemorySource(), 300), make_fingerprints()).fold()
    return directory


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A private copy of a published generation of ``source``, times of the files included."""
    return shutil.copytree(built_once, tmp_path / "index")
