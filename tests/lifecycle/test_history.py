from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ragkit.audit.schema import check as check_event
from ragkit.errors import HeldBack
from ragkit.lifecycle import correct
from ragkit.lifecycle.history import Purged, purge_past
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.replay import replay
from ragkit.lifecycle.restore_reconcile import carry_fates, drop_unreadable
from ragkit.lifecycle.retention import Retention
from ragkit.lifecycle.retention_rules import Rule
from ragkit.lifecycle.subject import describe
from ragkit.store.dialect_sqlite import SqliteFile
from ragkit.store.pastrows import PastRows
from ragkit.store.records import check
from ragkit.store.schema import fates, items, past_mentions, periods, versions
from ragkit.testing.erasable import ErasableIngest

TERMS = {
    "Ada Byronova": "PERSON",
    "Grace Hopperton": "PERSON",
    "ada.byronova@mail.example": "EMAIL_ADDRESS",
    "grace@mail.example": "EMAIL_ADDRESS",
}
FIRST = {
    "ada.txt": "Name: Ada Byronova\nE-mail: ada.byronova@mail.example\n\nA marker of hers.",
    "both.txt": "Ask Grace Hopperton.\n\nOr Ada Byronova.",
    "was.txt": "Once Ada Byronova wrote this.",
    "missed.txt": "Nobody saw that ada byronova was here.",
    "grace.txt": "Name: Grace Hopperton\nE-mail: grace@mail.example",
}
SECOND = {
    "ada.txt": "Name: Ada Byronova\nE-mail: ada.byronova@mail.example\n\nAnother marker.",
    "both.txt": "Ask Grace Hopperton first.\n\nOr Ada Byronova.",
    "was.txt": "Somebody wrote this.",
    "missed.txt": "Nobody was here.",
    "grace.txt": "Name: Grace Hopperton\nE-mail: grace@mail.example\n\nMore.",
}


@pytest.fixture
def light(tmp_path: Path) -> Iterator[ErasableIngest]:
    """A store with two versions of each document, and the ids of the documents in `ids`."""
    made = ErasableIngest(tmp_path, TERMS, keeps_past=True, max_delete_share=1.0)
    made.sync(FIRST)
    made.sync(SECOND)
    yield made
    made.database.close()


def ids(light: ErasableIngest) -> dict[str, str]:
    """Document ids by the source's own id."""
    doc_ids = sorted({hit.doc_id for hit in light.hits()})
    return {name: doc_id for doc_id, name in light.store.native_ids(doc_ids).items()}


def past_of(light: ErasableIngest) -> set[str]:
    """The documents that have past versions."""
    return {one.doc_id for one in PastRows(light.database, light.collection).ended_before(None)}


def events(light: ErasableIngest, kind: str = "history.purged") -> list[dict[str, object]]:
    """The data of the events of a kind, each checked against the catalogue."""
    for event in light.recorder.events:
        check_event(event.kind, event.data)
    return [event.data for event in light.recorder.events if event.kind == kind]


def test_a_person_is_erased_from_what_is_past(light: ErasableIngest) -> None:
    """Past versions that hold her, masked or not, and those of documents deleted or redacted go with rows and keys."""
    known, numbers = ids(light), {}
    with light.database.read() as connection:
        for row in connection.execute(select(versions).where(versions.c.state == "past")):
            numbers[row.doc_id] = row.number
    report = light.erase("ada.byronova@mail.example")
    assert report.levels == {"L0": "true", "L1": "true", "L2": "true", "L3": "true"}
    assert report.past == 4
    assert past_of(light) == {known["grace.txt"]}
    history = light.store.history()
    for name in ("ada.txt", "both.txt", "was.txt", "missed.txt"):
        assert history.fate(known[name], numbers[known[name]]) == "erased"
        assert not light.collection.records.has(f"d/{known[name]}/1")
    assert history.fate(known["grace.txt"], 1) == "past"
    assert history.fate(known["both.txt"], 2) == "erased", "what answered was redacted"
    assert history.fate(known["both.txt"], 3) == "current"
    assert history.fate(known["was.txt"], 2) == "current"
    assert [one["cause"] for one in events(light)] == ["erasure"]
    assert events(light)[0]["versions"] == 4
    assert '"past":4' in report.receipt
    check(light.database)


def test_nothing_of_the_person_can_be_replayed(light: ErasableIngest) -> None:
    """As of before her erasure, her chunks are not among the rows, nor the hits."""
    early = light.store.history().changes_between(datetime(2000, 1, 1, tzinfo=UTC), datetime.now(UTC))
    moments = [*early, datetime.now(UTC)]
    seen = {row.chunk_id for at in moments for row in light.store.history().rows_at(at, classes=None)}
    light.erase("ada.byronova@mail.example")
    history = light.store.history()
    for at in moments:
        hits = history.hits_at(sorted(seen), at=at).values()
        shown = "\n".join(light.vault.reveal(hit.chunk.record)[0] for hit in hits).casefold()
        assert "ada" not in shown
        assert "marker" not in shown
    assert any(history.rows_at(at, classes=None) for at in moments), "that of others is there"


def test_who_asks_is_told_how_much_is_past(light: ErasableIngest) -> None:
    """A person's older versions are counted; those in which nothing was detected, or only others stand, are not."""
    (found,) = describe(light.store, light.find("ada.byronova@mail.example"), lambda _: [])
    assert found.past == 3


def test_a_preview_counts_what_is_past(light: ErasableIngest) -> None:
    """A dry run tells how many past versions would go, and destroys none."""
    before = past_of(light)
    assert light.erasure.preview(light.find("ada.byronova@mail.example")[0]).past == 4
    assert past_of(light) == before


def test_an_erasure_without_history_notes_what_it_destroyed(tmp_path: Path) -> None:
    """With the window off, what an erasure destroys is told apart from what was merely replaced."""
    light = ErasableIngest(tmp_path, TERMS)
    light.sync(FIRST)
    light.sync({**FIRST, "ada.txt": SECOND["ada.txt"]})
    known = ids(light)
    light.erase("ada.byronova@mail.example")
    history = light.store.history()
    assert [history.fate(known["ada.txt"], number) for number in (1, 2, 3)] == ["purged", "erased", "current"]
    assert history.fate(known["both.txt"], 1) == "erased"
    assert [history.fate(known["ada.txt"], 4), history.fate("nothing", 1)] == ["unknown", "unknown"]


def test_somebody_who_is_only_past_can_be_erased(tmp_path: Path) -> None:
    """Whom only a past version still names is found by a value of theirs, and the version goes."""
    light = ErasableIngest(tmp_path, TERMS, keeps_past=True, max_delete_share=1.0)
    light.sync({"a": "Write to ada.byronova@mail.example.", "b": "Grace Hopperton"})
    doc_id = ids(light)["a"]
    light.sync({"b": "Grace Hopperton"})
    assert past_of(light) == {doc_id}
    report = light.erase("ada.byronova@mail.example")
    assert report.complete
    assert past_of(light) == set()
    assert light.store.history().fate(doc_id, 1) == "erased"


def test_a_correction_destroys_what_held_the_old_value(light: ErasableIngest) -> None:
    """After her address is corrected, no past version holds the old one; the others stay."""
    known = ids(light)
    tools = correct.Tools(light.store, light.vault, light.rulings, light.embedder, light.recorder)
    person = light.find("ada.byronova@mail.example")[0]
    plan = correct.plan_correction(person, "ada.byronova@mail.example", "ada@new.example")
    with light.database.write():
        pass
    correct.begin(tools, "c" * 32, plan)
    correct.carry_out(tools, "c" * 32)
    assert past_of(light) == {known[name] for name in ("both.txt", "was.txt", "missed.txt", "grace.txt")}
    assert light.store.history().fate(known["ada.txt"], 1) == "erased"
    assert light.store.history().fate(known["ada.txt"], 2) == "erased"
    assert events(light)[-1]["cause"] == "erasure"


def test_the_window_ends(light: ErasableIngest) -> None:
    """At its end rows go; keys stay as long as backups may need them, counted from when a version was replaced."""
    known, holds = ids(light), Holds(light.database, light.collection)
    present = datetime.now(UTC)
    nothing = purge_past(light.store, holds, light.recorder, days=30, keep_days=35, now=present + timedelta(days=29))
    assert nothing == Purged()
    assert events(light) == []
    started = present
    assert light.store.history().covers(started)
    then = present + timedelta(days=31)
    assert purge_past(light.store, holds, light.recorder, days=30, keep_days=35, now=then) == Purged(5, 0)
    assert events(light) == [{"collection": "default", "versions": 5, "days": 30, "cause": "age"}]
    assert past_of(light) == set()
    history, records = light.store.history(), light.collection.records
    assert history.fate(known["ada.txt"], 1) == "purged"
    assert not history.covers(started - timedelta(hours=1))
    assert records.has(f"d/{known['ada.txt']}/1")
    light.store.sweep()
    records.prune(present - timedelta(minutes=1))
    assert records.has(f"d/{known['ada.txt']}/1"), "replaced later than that"
    records.prune(present + timedelta(minutes=1))
    assert not records.has(f"d/{known['ada.txt']}/1")
    check(light.database)


def test_keys_go_at_once_where_no_backup_needs_them(light: ErasableIngest) -> None:
    """A version replaced longer ago than keys are kept loses its key with its rows."""
    known, then = ids(light), datetime.now(UTC) + timedelta(days=40)
    holds = Holds(light.database, light.collection)
    assert purge_past(light.store, holds, light.recorder, days=30, keep_days=35, now=then) == Purged(5, 5)
    assert not light.collection.records.has(f"d/{known['ada.txt']}/1")
    assert light.texts()


def test_fates_are_forgotten_with_the_log(light: ErasableIngest) -> None:
    """After as long as events are kept, it is no longer known what became of a version."""
    holds, present = Holds(light.database, light.collection), datetime.now(UTC)
    purge_past(light.store, holds, light.recorder, days=1, keep_days=1, now=present + timedelta(days=2))
    with light.database.read() as connection:
        assert len(connection.execute(fates.select()).all()) == 5
    purge_past(light.store, holds, light.recorder, days=1, keep_days=1, now=present + timedelta(days=184))
    with light.database.read() as connection:
        assert connection.execute(fates.select()).all() == []


def test_closing_the_window_destroys_all(light: ErasableIngest) -> None:
    """With history turned off, the next run destroys what was kept, whatever its age."""
    light.store.keeps_past = False
    light.store.sweep()
    holds = Holds(light.database, light.collection)
    assert purge_past(light.store, holds, light.recorder, days=0, keep_days=35).versions == 5
    with light.database.read() as connection:
        assert connection.execute(periods.select()).all() == []
        assert connection.execute(past_mentions.select()).all() == []


def test_a_hold_is_stronger_than_age(light: ErasableIngest) -> None:
    """A past version of a held document, or with a held value, stays beyond the window; the others go."""
    known, holds = ids(light), Holds(light.database, light.collection)
    person = light.find("Grace Hopperton")[0]
    holds.place("value", numbers={one.number for one in person.values}, reason="case 7")
    holds.place("document", doc_id=known["was.txt"], reason="case 8")
    then = datetime.now(UTC) + timedelta(days=100)
    assert purge_past(light.store, holds, light.recorder, days=30, keep_days=35, now=then).versions == 2
    assert past_of(light) == {known[name] for name in ("grace.txt", "both.txt", "was.txt")}
    with pytest.raises(HeldBack):
        light.erase("ada.byronova@mail.example")


def retention(light: ErasableIngest, days: int, now: datetime) -> Retention:
    """One rule for everything, by when it was taken in."""
    rule = Rule(number=1, source=None, days=days, clock="indexed")
    holds = Holds(light.database, light.collection)
    return Retention(light.store, [rule], vault=light.vault, holds=holds, recorder=light.recorder, now=now)


def test_retention_takes_the_past_along(light: ErasableIngest) -> None:
    """What a rule lets go of goes with its past versions at once; so do those of what its source deleted before."""
    known = ids(light)
    light.sync({name: text for name, text in SECOND.items() if name != "was.txt"})
    assert light.store.history().fate(known["was.txt"], 2) == "past"
    present = datetime.now(UTC)
    retention(light, 10, present).run()
    assert len(past_of(light)) == 5, "not too old yet"
    retention(light, 10, present + timedelta(days=11)).run()
    assert past_of(light) == set()
    history = light.store.history()
    assert {history.fate(doc_id, 1) for doc_id in known.values()} == {"purged"}
    assert {one["cause"] for one in events(light)} == {"retention"}
    assert not any(light.collection.records.present(f"d/{doc_id}/1" for doc_id in known.values()))
    with light.database.read() as connection:
        (gone,) = connection.execute(items.select().where(items.c.status == "absent")).all()
    assert (gone.indexed_at, gone.sealed_dates) == (None, None)
    check(light.database)


def test_retention_leaves_what_a_hold_names(light: ErasableIngest) -> None:
    """A document of which a held past version is kept does not expire, and is counted as held."""
    known, holds = ids(light), Holds(light.database, light.collection)
    number = next(
        one.number for one in light.find("ada.byronova@mail.example")[0].values if one.entity_type == "PERSON"
    )
    holds.place("value", numbers={number}, reason="case 9")
    report = retention(light, 1, datetime.now(UTC) + timedelta(days=3)).run()
    assert report.held == 3, "hers, theirs, and the one in which she stood once"
    assert {known["ada.txt"], known["both.txt"], known["was.txt"]} == past_of(light)


def restored(light: ErasableIngest, backup: bytes, **options: bool) -> ErasableIngest:
    """The store of a backup beside the key file of now, brought in step with it."""
    old = light.folder / "old.db"
    light.database.checkpoint_truncate()
    light.database.close()
    for name in ("records.db-wal", "records.db-shm"):
        (light.folder / name).unlink(missing_ok=True)
    old.write_bytes((light.folder / "records.db").read_bytes())
    (light.folder / "records.db").write_bytes(backup)
    again = ErasableIngest(light.folder, TERMS, max_delete_share=1.0, **options)
    drop_unreadable(again.store)
    replay(again.store, again.vault, again.rulings, again.embedder, recorder=again.recorder)
    carry_fates(SqliteFile(old), again.database)
    old.unlink()
    check(again.database)
    return again


def test_a_backup_brings_the_past_back_and_no_erased_person(light: ErasableIngest) -> None:
    """Keys decide: past versions of a backup are there again, but for those that were erased since, which stay so."""
    known = ids(light)
    light.database.checkpoint_truncate()
    backup = (light.folder / "records.db").read_bytes()
    before = datetime.now(UTC)
    light.erase("ada.byronova@mail.example")
    again = restored(light, backup, keeps_past=True)
    assert past_of(again) == {known["grace.txt"]}
    history = again.store.history()
    assert {history.fate(known[name], 1) for name in ("ada.txt", "both.txt", "was.txt", "missed.txt")} == {"erased"}
    assert history.fate(known["both.txt"], 2) == "erased", "it is dead in the backup, and the other store told why"
    assert [row.doc_id for row in history.rows_at(before, classes=None) if row.valid_to] == []
    assert not history.covers(before), "what came after the backup is not here"
    again.store.sweep()
    assert history.covers(datetime.now(UTC))
    again.sync(SECOND)
    check(again.database)
    again.database.close()


def test_a_version_of_a_backup_that_names_an_erased_person_goes(tmp_path: Path) -> None:
    """A version purged by age before she was erased is in a backup, and its key still exists: replayed, it goes."""
    light = ErasableIngest(tmp_path, TERMS, keeps_past=True, max_delete_share=1.0)
    light.sync(FIRST)
    light.sync(SECOND)
    known = ids(light)
    light.database.checkpoint_truncate()
    backup = (light.folder / "records.db").read_bytes()
    holds, then = Holds(light.database, light.collection), datetime.now(UTC) + timedelta(days=2)
    purge_past(light.store, holds, light.recorder, days=1, keep_days=35, now=then)
    light.erase("ada.byronova@mail.example", keep_documents=True)
    assert light.collection.records.has(f"d/{known['was.txt']}/1"), "no row was left by which it could be found"
    again = restored(light, backup, keeps_past=True)
    assert past_of(again) == {known["grace.txt"]}
    assert again.store.history().fate(known["was.txt"], 1) == "erased"
    again.database.close()


def test_a_backup_without_the_other_store_says_that_it_does_not_know(light: ErasableIngest) -> None:
    """Of versions without a key whose end nothing tells, nothing is claimed."""
    known = ids(light)
    light.database.checkpoint_truncate()
    backup = (light.folder / "records.db").read_bytes()
    light.collection.records.destroy_places([f"d/{known['grace.txt']}/1"])
    (light.folder / "records.db").unlink()
    light.database.close()
    for name in ("records.db-wal", "records.db-shm"):
        (light.folder / name).unlink(missing_ok=True)
    (light.folder / "records.db").write_bytes(backup)
    again = ErasableIngest(light.folder, TERMS, keeps_past=True)
    drop_unreadable(again.store)
    assert again.store.history().fate(known["grace.txt"], 1) == "unknown"
    assert known["grace.txt"] not in past_of(again)
    again.database.close()


def test_a_damaged_old_store_tells_nothing(tmp_path: Path) -> None:
    """What is no record store is passed over."""
    light = ErasableIngest(tmp_path, TERMS)
    (tmp_path / "broken.db").write_bytes(b"not a database at all" * 500)
    carry_fates(SqliteFile(tmp_path / "broken.db"), light.database)
    carry_fates(SqliteFile(tmp_path / "absent.db"), light.database)
    with light.database.read() as connection:
        assert connection.execute(fates.select()).all() == []
