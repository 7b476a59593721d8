from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragkit.store import past
from ragkit.store.records import check
from ragkit.testing.light import LightIngest


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[LightIngest]:
    """A store that keeps what it replaces; Ada and Grace are people."""
    made = LightIngest(tmp_path, words=["Ada", "Grace"], keeps_past=True, max_delete_share=1.0)
    yield made
    made.database.close()


def now() -> datetime:
    """A time that is after everything that was done, and before everything that follows."""
    return datetime.fromtimestamp(past.moment() / 1_000_000 + 0.000_5, tz=UTC)


def texts_at(light: LightIngest, at: datetime, classes: frozenset[str] | None = None) -> list[str]:
    """What could be found at a time, in order."""
    history = light.store.history()
    numbers = [row.chunk_id for row in history.rows_at(at, classes=classes)]
    hits = history.hits_at(numbers, at=at)
    return [hits[number].chunk.record for number in numbers]


def test_an_update_puts_the_old_version_aside(kept: LightIngest) -> None:
    """As of before the update the old text is found, whole, with its own numbers; now only the new one is."""
    kept.sync({"a": "one\n\ntwo", "b": "same"})
    (old_ids, before) = ([hit.chunk_id for hit in kept.hits()], now())
    seen = kept.hits()
    kept.sync({"a": "three", "b": "same"})
    assert kept.texts() == {"a": ["three"], "b": ["same"]}
    assert texts_at(kept, before) == ["one", "two", "same"]
    assert texts_at(kept, now()) == ["same", "three"]
    history = kept.store.history()
    rows = history.rows_at(before, classes=None)
    assert [row.chunk_id for row in rows] == old_ids
    assert history.hits_at(old_ids, at=before) == {hit.chunk_id: hit for hit in seen}
    assert rows[0].valid_to is not None
    assert rows[0].valid_from <= before < rows[0].valid_to
    assert rows[2].valid_to is None
    check(kept.database)
