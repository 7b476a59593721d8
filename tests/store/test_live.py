from __future__ import annotations

import numpy as np

from ragkit.store import live
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import FakeEmbedder, text_item


def test_rows_come_in_order_with_text_and_vector(light: LightIngest, monkeypatch: object) -> None:
    """Every live chunk comes once, in order of its number, with its embedded text and its exact vector."""
    live._BATCH, before = 7, live._BATCH
    try:
        light.sync({f"d{n}": f"one {n}\n\ntwo {n} of Ada" for n in range(20)})
        rows = list(light.store.index_source().rows())
    finally:
        live._BATCH = before
    assert [row.chunk_id for row in rows] == sorted({row.chunk_id for row in rows})
    assert len(rows) == 40
    assert "Person" in rows[1].text
    assert "Ada" not in "".join(row.text for row in rows)
    for row in rows:
        assert row.vector.dtype == np.float32
        assert np.array_equal(row.vector, light.embedder.embed([row.text])[0])
    assert "Person" not in repr(rows[1])


def test_a_range_is_a_delta(light: LightIngest) -> None:
    """Everything after the last number of a build is exactly what was published since, and nothing before is missed."""
    source = light.store.index_source()
    light.sync({"a": "one", "b": "two"})
    through = source.last_chunk_id()
    built = [row.chunk_id for row in source.rows(through=through, with_text=False)]
    light.sync({"a": "one changed", "b": "two", "c": "three"})
    delta = [row.text.split("\n")[1] for row in source.rows(after=through)]
    assert sorted(delta) == ["one changed", "three"]
    assert len(source.live(built)) == 1, "the changed document's old chunk is dead"
    assert source.count_live() == 3
    assert len(list(source.rows())) == 3


def test_numbers_are_never_used_again(light: LightIngest) -> None:
    """Deleting the newest chunks does not free their numbers, and the last number does not shrink."""
    light.sync({"a": "one"})
    source = light.store.index_source()
    assert light.store.index_source().last_chunk_id() == 1
    light.sync({})
    assert (source.last_chunk_id(), source.count_live(), list(source.rows())) == (1, 0, [])
    light.sync({"b": "two"})
    assert [row.chunk_id for row in source.rows()] == [2]


def test_a_large_document_is_numbered_when_it_is_published(light: LightIngest) -> None:
    """Chunks staged before other documents were published still come after them: a delta misses no late swap."""
    store = light.store
    light.sync({"small": "first"})
    staging_seen: list[int] = []
    source = store.index_source()
    original = light.masker.flush

    def look() -> None:
        staging_seen.append(source.last_chunk_id())
        original()

    light.masker.flush = look  # type: ignore[method-assign]
    big = "\n\n".join(f"paragraph {n}" for n in range(700))
    light.sync({"small": "first", "big": big, "later": "later"})
    rows = list(source.rows(after=1))
    assert len(rows) == 701
    assert [row.chunk_id for row in rows] == list(range(2, 703))
    assert staging_seen[0] == 1, "staged slices have no numbers yet"


def test_an_access_change_gives_new_numbers(light: LightIngest) -> None:
    """Changed permissions appear in the delta with the new class and the same vector, without embedding."""
    light.sync({"a": "one\n\ntwo"})
    source = light.store.index_source()
    before = list(source.rows())
    light.sync({"a": text_item("a", "one\n\ntwo", access=frozenset({"pub"}))})
    after = list(source.rows(after=before[-1].chunk_id))
    assert [row.text for row in after] == [row.text for row in before]
    assert np.array_equal(after[0].vector, before[0].vector)
    assert {row.access_class for row in after}.isdisjoint({row.access_class for row in before})
    assert source.live([row.chunk_id for row in before]) == set()


def test_vectors_of_two_encoders_are_kept_apart(light: LightIngest) -> None:
    """While a collection is being embedded anew, each encoder sees its own vectors only."""
    light.sync({"a": "one"})
    old = light.embedder.fingerprint
    light.embedder = FakeEmbedder(8, name="new")
    light.sync({"b": "two"}, name="second")
    mine = light.store.index_source(encoder=light.embedder.fingerprint)
    assert [row.vector.shape for row in mine.rows()] == [(8,)]
    assert mine.count_live() == 1
    assert len(mine.live([1, 2])) == 1
    assert light.store.index_source(encoder=old).count_live() == 1
    assert light.store.index_source().count_live() == 2
