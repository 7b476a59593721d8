"""An evidence store about two people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit.audit.evidence import EvidenceStore
from ragkit.testing.parties import ADA, BOB, MemoryPeople, store_of


@pytest.fixture
def people() -> MemoryPeople:
    """Two people."""
    return MemoryPeople(ADA, BOB)


@pytest.fixture
def store(tmp_path: Path, people: MemoryPeople) -> Iterator[EvidenceStore]:
    """A store about them."""
    made = store_of(tmp_path, people)
    yield made
    made.close()
