"""Retention: what is too old goes with its keys and values, stays away while unchanged, and a hold keeps it."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ragkit import crashpoints
from ragkit.audit.schema import check as check_event
from ragkit.store.items import open_dates
from ragkit.store.recordkeys import document_place, value_place
from ragkit.store.records import check
from ragkit.store.schema import bodies, items, vault, versions
from ragkit.testing.kept import LightWorkspace
from ragkit.testing.stages import text_item
from ragkit.types import SourceItem

NOW = datetime.now(UTC)
WORDS = ("Ada", "Grace", "Alan")


def old(name: str, text: str, days: float, **metadata: str) -> SourceItem:
    """A text that was last changed so many days ago."""
    return text_item(name, text, modified=NOW - timedelta(days=days), metadata=metadata)


SOURCE: dict[str, str | SourceItem] = {
    "new": old("new", "Ada is new.", 1),
    "old": old("old", "Ada met Grace.", 200),
    "older": old("older", "Alan left.", 400),
    "undated": "Grace has no date.",
}
RULE = {"days": 100}


def names(light: LightWorkspace) -> set[str]:
    """The documents that answer, by the source's own id."""
    return set(light.texts())


@pytest.fixture
def light(tmp_path: Path) -> LightWorkspace:
    """The source, taken in before there was a rule; then opened with one."""
    first = LightWorkspace(tmp_path, words=WORDS)
    first.sync(SOURCE)
    first.database.close()
    return LightWorkspace(tmp_path, words=WORDS, rules=[RULE])


def test_a_dry_run_tells_and_does_nothing(light: LightWorkspace) -> None:
    """Counts and dates by rule, an event, and no row less."""
    report = light.retention().run(dry_run=True)
    (rule,) = report.rules
    assert (rule.documents, rule.held, rule.undated) == (2, 0, 1)
    assert rule.oldest is not None
    assert rule.newest is not None
    assert rule.oldest[:10] == (NOW - timedelta(days=400)).date().isoformat()
    assert rule.newest[:10] == (NOW - timedelta(days=200)).date().isoformat()
    assert names(light) == set(SOURCE)
    (event,) = [one for one in light.recorder.events if one.kind == "retention.purged"]
    assert event.data["dry_run"] is True
    check_event(event.kind, event.data)


def test_what_is_too_old_goes_with_keys_and_values(light: LightWorkspace) -> None:
    """Documents, their keys, and values that stand nowhere else; a value that stands elsewhere stays."""
    doc_ids = {name: hit.doc_id for hit in light.hits() for name in light.store.native_ids([hit.doc_id]).values()}
    report = light.retention().run()
    assert (report.documents, report.values) == (2, 1)
    assert names(light) == {"new", "undated"}
    records = light.collection.records
    assert not records.has(document_place(doc_ids["old"], 1))
    assert records.has(document_place(doc_ids["new"], 1))
    assert not records.has(value_place(light.masker.number("Alan")))
    assert records.has(value_place(light.masker.number("Ada")))
    with light.database.read() as connection:
        assert len(connection.execute(vault.select()).all()) == 2
        assert len(connection.execute(versions.select()).all()) == 2
        kept = connection.execute(select(items).where(items.c.status == "expired")).all()
    assert len(kept) == 2
    assert all(row.sealed_native_id is None and row.sealed_dates is None for row in kept)
    check(light.database)


def test_it_stays_away_while_it_is_too_old(light: LightWorkspace) -> None:
    """The next syncs count it and take nothing in, nor anything new of that age; a newer change comes back."""
    light.retention().run()
    late = {**SOURCE, "late": old("late", "Old, and seen first now.", 300)}
    for _ in range(2):
        report = light.sync(late)
        assert (report.added, report.expired, report.deleted) == (0, 3, 0)
        assert names(light) == {"new", "undated"}
    again = {**late, "old": old("old", "Ada met Grace again.", 2)}
    assert light.sync(again).added == 1
    assert names(light) == {"new", "undated", "old"}


def test_by_the_date_of_taking_in(tmp_path: Path) -> None:
    """With `by = indexed` age counts from the first reading of this content, through masking again and syncs."""
    rules = [{"days": 10, "by": "indexed"}]
    light = LightWorkspace(tmp_path, words=WORDS, rules=rules)
    light.sync({"a": "Ada one.", "b": "Grace two."})
    light.masker._policy = "words-2"
    light.sync({"a": "Ada one.", "b": "Grace two, changed."})
    with light.database.write() as connection:
        ten = (NOW - timedelta(days=11)).isoformat(timespec="seconds")
        connection.execute(items.update().values(indexed_at=ten))
    light.masker._policy = "words-3"
    light.sync({"a": "Ada one.", "b": "Grace two, changed again."})
    assert light.retention().run().documents == 1
    assert names(light) == {"b"}
    assert light.sync({"a": "Ada one.", "b": "Grace two, changed again."}).expired == 1
    assert light.sync({"a": "Ada one, changed.", "b": "Grace two, changed again."}).added == 1


def test_by_a_metadata_key(tmp_path: Path) -> None:
    """With `at`, age counts from a date in the metadata; what has none stays, and the dates are sealed."""
    source = {
        "closed": text_item("closed", "Ada closed.", metadata={"closed_at": "2001-02-03"}),
        "open": text_item("open", "Grace open.", metadata={"closed_at": "not yet"}),
    }
    light = LightWorkspace(tmp_path, words=WORDS)
    light.sync(source)
    light.database.close()
    light = LightWorkspace(tmp_path, words=WORDS, rules=[{"days": 30, "at": "closed_at"}])
    assert light.retention().run(dry_run=True).rules[0].undated == 2  # not read since there is a rule
    light.sync(source)
    with light.database.read() as connection:
        rows = connection.execute(select(items.c.doc_id, items.c.sealed_dates)).all()
    assert {open_dates(light.collection, *row).get("at.closed_at") for row in rows} == {
        None,
        "2001-02-03T00:00:00+00:00",
    }
    assert not any(b"2001" in (row.sealed_dates or b"") for row in rows)
    assert light.retention().run().documents == 1
    assert names(light) == {"open"}


def test_rules_of_other_sources_and_collections_do_nothing(tmp_path: Path) -> None:
    """A rule is about its source; two rules let a document go once, under the first."""
    rules = [{"days": 300, "source": None}, {"days": 100}]
    light = LightWorkspace(tmp_path, words=WORDS)
    light.sync(SOURCE)
    light.database.close()
    light = LightWorkspace(tmp_path, words=WORDS, rules=rules)
    report = light.retention().run()
    assert [rule.documents for rule in report.rules] == [1, 1]
    assert report.documents == 2


def test_a_hold_beats_a_rule(light: LightWorkspace) -> None:
    """A held document stays, with its values, and is counted; released, it goes."""
    hold = light.holds.place("value", reason="case 7", numbers=[light.masker.number("Grace")])
    report = light.retention().run()
    assert (report.documents, report.held) == (1, 1)
    assert names(light) == {"new", "old", "undated"}
    light.holds.release(hold.hold, reason="over")
    assert light.retention().run().documents == 1
    assert names(light) == {"new", "undated"}


def test_old_keys_are_pruned(tmp_path: Path) -> None:
    """The key of a replaced version goes when it is older than backups are kept, and not before."""
    light = LightWorkspace(tmp_path, words=WORDS)
    light.sync({"a": "Ada one."})
    (hit,) = light.hits()
    light.sync({"a": "Ada two."})
    light.store.sweep()
    place = document_place(hit.doc_id, 1)
    assert light.retention().run(keep_days=35).pruned == 0
    assert light.collection.records.has(place)
    assert light.retention(now=NOW + timedelta(days=40)).run(keep_days=35).pruned == 1
    assert not light.collection.records.has(place)
    assert light.collection.records.has(document_place(hit.doc_id, 2))
    assert names(light) == {"a"}


def run_and_die(folder: Path, point: str) -> None:
    """Let go of what is too old, and die at a point."""
    crashpoints._armed[point] = 1
    LightWorkspace(folder, words=WORDS, rules=[RULE]).retention().run()


@pytest.mark.parametrize("point", ["before_keys", "after_values", "after_keys", "after_rows"])
def test_a_kill_leaves_nothing_half_done_after_the_next_run(point: str, light: LightWorkspace, tmp_path: Path) -> None:
    """Killed at any step: nobody is shown what has no key, and another run ends as an uninterrupted one."""
    light.database.close()
    process = multiprocessing.get_context("fork").Process(target=run_and_die, args=(tmp_path, f"retention.{point}"))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    left = LightWorkspace(tmp_path, words=WORDS, rules=[RULE])
    assert names(left) >= {"new", "undated"}
    left.retention().run()
    assert names(left) == {"new", "undated"}
    check(left.database)
    rows: Mapping[str, int] = {}
    with left.database.read() as connection:
        rows = {t.name: len(connection.execute(t.select()).all()) for t in (versions, bodies, vault)}
    assert rows == {"versions": 2, "bodies": 2, "vault": 2}
