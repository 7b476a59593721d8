from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from ragkit.store import past
from ragkit.store.denials import Denials
from ragkit.store.erasure import ErasureRows
from ragkit.store.history import Kept
from ragkit.store.keysweep import count_keys
from ragkit.store.records import check
from ragkit.store.schema import (
    bodies,
    documents,
    fates,
    items,
    links,
    mentions,
    past_chunks,
    past_mentions,
    periods,
    versions,
)
from ragkit.testing.erasable import ErasableIngest
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.served_store import only_sqlite
from ragkit.testing.stages import text_item


def large(mark: str, paragraphs: int) -> str:
    """A document of many chunks, one a paragraph."""
    return "\n\n".join(f"{mark} paragraph {number}" for number in range(paragraphs))


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


def test_intervals_meet(kept: LightIngest) -> None:
    """Where one version ends, the next begins, to the microsecond; at that moment it is the new one that answers."""
    kept.sync({"a": "one"})
    kept.sync({"a": "two"})
    history = kept.store.history()
    (old,) = history.rows_at(now(), classes=None)
    assert (old.version, old.valid_to) == (2, None)
    (before,) = history.rows_at(old.valid_from - timedelta(microseconds=1), classes=None)
    assert before.version == 1
    assert before.valid_to == old.valid_from
    assert [row.version for row in history.rows_at(old.valid_from, classes=None)] == [2]
    assert history.rows_at(before.valid_from - timedelta(microseconds=1), classes=None) == []
    assert history.changes_between(before.valid_from, old.valid_from) == [before.valid_from, old.valid_from]


def test_nothing_is_kept_without_a_window(light: LightIngest) -> None:
    """With history off a store holds what answers and nothing else, and says that it covers no time."""
    light.options["max_delete_share"] = 1.0
    light.sync({"a": "one", "b": "two"})
    before = now()
    light.sync({"a": text_item("a", "one", access=frozenset({"u:local|ben"})), "b": "three"})
    light.sync({"b": "three"})
    with light.database.read() as connection:
        for table in (periods, past_chunks, past_mentions, fates):
            assert connection.execute(table.select()).all() == []
        assert {row.state for row in connection.execute(versions.select())} == {"current"}
        (item,) = connection.execute(items.select().where(items.c.status == "absent")).all()
    assert (item.indexed_at, item.sealed_dates) == (None, None)
    assert not light.store.history().covers(before)
    assert light.store.history().kept() == Kept()
    assert light.store.history().fate(item.doc_id, 1) == "purged"


def test_a_change_of_access_ends_the_old_numbers_only(kept: LightIngest) -> None:
    """As of before, the chunks have the class of before under the numbers of before; no text was copied."""
    kept.sync({"a": "one of Ada\n\ntwo"})
    before, was = now(), [hit.chunk_id for hit in kept.hits(ANA)]
    kept.sync({"a": text_item("a", "one of Ada\n\ntwo", access=frozenset({f"u:{BEN.subject}"}))})
    history = kept.store.history()
    ana, ben = history.classes_of(ANA), history.classes_of(BEN)
    assert [row.chunk_id for row in history.rows_at(before, classes=ana)] == was
    assert history.rows_at(before, classes=ben) == []
    assert history.rows_at(now(), classes=ana) == []
    assert len(history.rows_at(now(), classes=ben)) == 2
    assert kept.hits(ANA) == []
    with kept.database.read() as connection:
        assert len(connection.execute(bodies.select()).all()) == 2
    assert history.kept().versions == 0
    check(kept.database)


def test_a_deleted_document_is_past(kept: LightIngest) -> None:
    """What its source deleted is found as of before, and counts in no figure of now."""
    kept.sync({"a": "one of Ada", "b": "two"})
    before, doc_id = now(), kept.hits()[0].doc_id
    kept.sync({"b": "two"})
    history = kept.store.history()
    assert sorted(texts_at(kept, before))[1] == "two"
    assert len(texts_at(kept, before)) == 2
    assert history.fate(doc_id, 1) == "past"
    inventory = kept.store.inventory()
    assert (inventory.documents, inventory.chunks) == (1, 1)
    counts = count_keys(kept.database, kept.collection.id)
    assert (counts.documents, counts.past, counts.dead_documents) == (1, 1, 0)
    check(kept.database)


def mentioned(light: LightIngest) -> set[int]:
    """The numbers of all values that past versions hold."""
    with light.database.read() as connection:
        return set(connection.execute(select(past_mentions.c.key)).scalars())


def test_a_question_recognises_nothing_of_the_past(tmp_path: Path) -> None:
    """A value that only a past version holds is not among those that a question may recognise."""
    light = ErasableIngest(tmp_path, {"Ada Byronova": "PERSON"}, keeps_past=True)
    light.sync({"a": "one of Ada Byronova"})
    with light.database.read() as connection:
        before = set(connection.execute(select(mentions.c.key)).scalars())
    assert before
    light.sync({"a": "one of nobody"})
    with light.database.read() as connection:
        assert connection.execute(mentions.select()).all() == []
        assert connection.execute(links.select()).all() == []
    assert mentioned(light) == before
    assert ErasureRows(light.database, light.collection).mentioning(before) == set()
    assert light.store.vault().count() > 0


def test_hits_are_those_of_then(kept: LightIngest) -> None:
    """Title, neighbours, metadata and text come back as they were, of large and small documents alike."""
    item = text_item("a", "one\n\ntwo of Ada\n\nthree", title="Title of Ada", metadata={"team": "blue"})
    kept.sync({"a": item, "large": large("old", 400)})
    seen, before = {hit.chunk_id: hit for hit in kept.hits()}, now()
    kept.sync({"a": "other", "large": large("new", 300)})
    assert kept.store.history().hits_at(list(seen), at=before) == seen
    assert kept.store.history().hits_at(list(seen), at=now()) == {}
    kept.store.sweep()
    check(kept.database)


def test_text_comes_on_request_only(kept: LightIngest) -> None:
    """Without it no text is opened; with it, it is what the index had."""
    kept.sync({"a": "one of Ada"})
    indexed = [row.text for row in kept.store.index_source().rows()]
    before = now()
    kept.sync({})
    history = kept.store.history()
    assert [row.text for row in history.rows_at(before, classes=None)] == [""]
    (row,) = history.rows_at(before, classes=None, with_text=True)
    assert [row.text] == indexed
    assert (row.encoder, row.policy) == (kept.embedder.fingerprint, kept.masker.policy)
    assert "Ada" not in repr(row)


def test_the_window_is_known(kept: LightIngest) -> None:
    """Covered is what lies between the first sync that kept everything and now; turned off, nothing is."""
    early = now()
    kept.sync({"a": "one"})
    kept.store.sweep()
    started = now()
    history = kept.store.history()
    assert (history.covers(early), history.covers(started)) == (False, True)
    kept.store.keeps_past = False
    kept.store.sweep()
    assert not history.covers(started)
    with pytest.raises(ValueError, match="zone"):
        history.covers(datetime(2026, 1, 1))


def test_a_clock_that_jumps_back_makes_no_overlap(kept: LightIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of a document stay in order when the machine's clock is set back between two syncs."""
    kept.sync({"a": "one"})
    late = past.moment()
    for module in ("ragkit.store.writer", "ragkit.store.past"):
        monkeypatch.setattr(f"{module}.moment", lambda: late - 60_000_000)
    kept.sync({"a": "two"})
    kept.sync({"a": text_item("a", "two", access=frozenset({"u:x"}))})
    with kept.database.read() as connection:
        spans = connection.execute(select(periods.c.valid_from, periods.c.valid_to).order_by(periods.c.period_id)).all()
        (since,) = connection.execute(select(documents.c.valid_from)).scalars()
    assert [span.valid_from < span.valid_to for span in spans] == [True, True]
    assert spans[0].valid_to == spans[1].valid_from
    assert spans[1].valid_to == since


def test_what_is_denied_is_not_shown_as_of_then_either(kept: LightIngest) -> None:
    """A document or token that is denied now is left out of the hits of then."""
    kept.sync({"a": "one of Ada", "b": "two"})
    before, hits = now(), kept.hits()
    kept.sync({})
    history = kept.store.history()
    numbers = [hit.chunk_id for hit in hits]
    Denials(kept.database.key_file, kept.collection).add("r", documents=[hits[0].doc_id])
    assert list(history.hits_at(numbers, at=before)) == [numbers[1]]


@only_sqlite
def test_an_old_store_knows_from_when_on_its_versions_answer(tmp_path: Path) -> None:
    """The migration takes the making of a version for the beginning of its time."""
    old = LightIngest(tmp_path)
    old.sync({"a": "one"})
    with old.database.write() as connection:
        for table in ("past_chunks", "past_mentions", "periods", "fates"):
            connection.execute(text(f"DROP TABLE {table}"))
        connection.execute(text("ALTER TABLE collections DROP COLUMN kept_since"))
        connection.execute(text("ALTER TABLE documents DROP COLUMN valid_from"))
        connection.execute(text("ALTER TABLE sources DROP COLUMN trust"))
        connection.execute(text("DROP INDEX ix_items_body"))
        for column in ("version_mac", "body_mac", "came_pass"):
            connection.execute(text(f"ALTER TABLE items DROP COLUMN {column}"))
        connection.execute(text("DELETE FROM migrations WHERE number >= 5"))
        made = connection.execute(select(versions.c.created_at)).scalar_one()
    old.database.close()
    migrated = LightIngest(tmp_path)
    (row,) = migrated.store.history().rows_at(now(), classes=None)
    assert row.valid_from == datetime.fromisoformat(made)
    assert not migrated.store.history().covers(now())
    migrated.database.close()
