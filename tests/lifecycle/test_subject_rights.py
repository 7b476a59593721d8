"""What is done for a person: all of theirs is given and nobody else's, corrected everywhere, set aside at once."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import crashpoints
from ragkit.errors import ConfigError, SubjectUnclear
from ragkit.lifecycle.correct import Correction, Tools, begin, carry_out, plan_correction, unfinished
from ragkit.lifecycle.export import disclosed, held_documents, held_values
from ragkit.lifecycle.people import Person
from ragkit.lifecycle.recipients import recipients_of
from ragkit.lifecycle.restrict import extend, in_force, lift, requests_of, restrict
from ragkit.lifecycle.subject import choose, describe, people_of
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.rulings import Rulings
from ragkit.store.denials import Denials
from ragkit.store.records import check
from ragkit.testing.named import NamedIngest

TERMS = {
    **dict.fromkeys(("Ada Byron", "ADA BYRON", "Max Byron", "Grace Hopper", "Ada Lovelace", "Lucy Stone"), "PERSON"),
    **dict.fromkeys(("ada@mail.example", "max@mail.example", "lucy@mail.example"), "EMAIL_ADDRESS"),
    **dict.fromkeys(("ada@new.example", "lucy@other.example"), "EMAIL_ADDRESS"),
    **dict.fromkeys(("+44 20 7946 0018", "+44 20 7946 0020", "+44 20 7946 0999"), "PHONE_NUMBER"),
}
PHONE, NEW_PHONE = "+44 20 7946 0018", "+44 20 7946 0999"
HEADER = "| name | email | phone |\n| --- | --- | --- |\n"
SOURCE = {
    "card": f"Name: Ada Byron\nE-mail: ada@mail.example\nPhone: {PHONE}\n\nShe likes lamps.",
    "max": f"Name: Max Byron\nE-mail: max@mail.example\nPhone: {PHONE}\n\nHe likes tents.",
    "both": f"{HEADER}| Ada Byron | ada@mail.example | {PHONE} |\n| Max Byron | max@mail.example | {PHONE} |",
    "letter": "Dear Grace Hopper,\n\nthe lamp of Ada Byron is ready.\n\nIt is red.",
    "two": f"{HEADER}| Lucy Stone | lucy@mail.example | {NEW_PHONE} |\n"
    "| Lucy Stone | lucy@other.example | +44 20 7946 0020 |",
    "page": "Nothing of anybody.",
}


def made(folder: Path) -> NamedIngest:
    """An ingest whose masker keeps to rulings."""
    light = NamedIngest(folder, TERMS)
    rulings = Rulings(light.collection.keys, light.vault, light.store.rulings())
    masker = light.masker
    light.masker = CollectionMasker(masker.rules, masker.detectors, light.vault, collection="default", rulings=rulings)
    return light


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documents of a family and some others, stored once."""
    folder = tmp_path_factory.mktemp("begun")
    light = made(folder)
    light.sync(SOURCE)
    light.database.close()
    return folder


@pytest.fixture
def light(begun: Path, tmp_path: Path) -> Iterator[NamedIngest]:
    """A copy of it."""
    shutil.copytree(begun, tmp_path / "store")
    one = made(tmp_path / "store")
    yield one
    one.database.close()


def person(light: NamedIngest, value: str) -> Person:
    """The one who has a value."""
    return choose(people_of(light.store, light.vault, value), None)


def names(light: NamedIngest, doc_ids: list[str]) -> set[str]:
    """The native ids of documents."""
    return set(light.store.native_ids(doc_ids).values())


def shown(light: NamedIngest) -> dict[str, list[str]]:
    """What Ana may read, revealed."""
    return {name: [light.vault.reveal(text)[0] for text in texts] for name, texts in light.texts().items()}


# --- find ----------------------------------------------------------------------------------------------------------


def test_a_person_is_found_by_any_value_and_counted(light: NamedIngest) -> None:
    """Counts by type, shared ones marked, documents by id."""
    by_mail, by_name = (
        describe(light.store, [person(light, v)], lambda _: []) for v in ("ada@mail.example", "Ada Byron")
    )
    assert by_mail == by_name
    one = by_mail[0]
    assert one.types == {"EMAIL_ADDRESS": 1, "PERSON": 1, "PHONE_NUMBER": 1}
    assert one.shared == {"PHONE_NUMBER": 1}
    assert names(light, list(one.documents)) == {"card", "both", "letter"}
    assert one.sources == {"list": 3}
    assert "Ada" not in repr(one)


def test_several_of_one_name_are_told_apart(light: NamedIngest) -> None:
    """Each with values that only they have; and one must be named."""
    people = people_of(light.store, light.vault, "Lucy Stone")
    found = describe(light.store, people, lambda _: [])
    assert [{value for _, value in one.apart} & {"lucy@mail.example", "lucy@other.example"} for one in found] == [
        {value for kind, value in one.apart if kind == "EMAIL_ADDRESS"} for one in found
    ]
    assert len({one.subject for one in found}) == len(found) == 2
    with pytest.raises(SubjectUnclear, match="2 people"):
        choose(people, None)
    assert choose(people, found[1].subject).subject == found[1].subject
    with pytest.raises(SubjectUnclear, match="nobody"):
        choose([], None)


# --- export --------------------------------------------------------------------------------------------------------


def test_an_export_has_all_of_the_person_and_nothing_of_others(light: NamedIngest) -> None:
    """Every passage that holds a value of theirs, in clear; others as types alone, without tokens."""
    ada = person(light, "ada@mail.example")
    documents = list(held_documents(light.store, ada))
    text = json.dumps(documents, ensure_ascii=False)
    assert names(light, [one["doc_id"] for one in documents]) == {"card", "both", "letter"}
    assert {"Ada Byron", "ada@mail.example", PHONE} == {one["value"] for one in held_values(ada)}
    assert all(other not in text for other in ("Max", "max@", "Grace", "Hopper", "Lucy"))
    assert ":" not in "".join(part.partition("]")[0] for part in text.split("[PERSON")[1:])
    tables = [p["text"] for one in documents for p in one["passages"] if p["text"].startswith("|")]
    assert tables == [f"{HEADER}| Ada Byron | ada@mail.example | {PHONE} |\n| … |"]
    passages = {p["text"] for one in documents for p in one["passages"]}
    assert "the lamp of Ada Byron is ready." in passages
    assert "It is red." not in passages
    assert f"Name: Ada Byron\nE-mail: ada@mail.example\nPhone: {PHONE}" in passages
    assert not any("likes tents" in passage for passage in passages)


def test_a_restricted_person_is_exported_too(light: NamedIngest) -> None:
    """Restriction hides from readers, not from the person (Art. 18(2))."""
    before = list(held_documents(light.store, person(light, "ada@mail.example")))
    restrict(light.store, person(light, "ada@mail.example"), request="0" * 32, reason="x")
    assert list(held_documents(light.store, person(light, "ada@mail.example"))) == before


def test_recipients_come_from_the_log_and_none_needs_a_whole_log(tmp_path: Path) -> None:
    """Destinations outside the process, readers, and who revealed; other documents' events count for nothing."""

    def event(seq: int, kind: str, data: dict[str, object], request: str = "") -> str:
        actor = {"kind": "user", "id": f"h:{seq}"}
        about = {"ts": f"2026-01-0{seq}T00:00:00.000000Z", "type": kind, "actor": actor, "outcome": "ok"}
        return json.dumps({**about, "data": {"collection": "shop", **data}, "request": request})

    lines = [
        event(1, "retrieval.done", {"chunks": [{"doc": "other"}]}, "r0"),
        event(2, "egress.intent", {"destination": "big", "location": "remote"}, "r0"),
        event(3, "retrieval.done", {"chunks": [{"doc": "mine"}]}, "r1"),
        event(4, "egress.intent", {"destination": "big", "location": "remote"}, "r1"),
        event(5, "answer.released", {"generator": "small", "location": "in-process"}, "r1"),
        event(6, "pii.unmasked", {"tokens": 3}),
    ]
    (tmp_path / "00000001.jsonl").write_text("\n".join(lines[:2]) + "\n")
    found = recipients_of(tmp_path, collection="shop", doc_ids={"mine"})
    told = disclosed(found, since="2026-01-02T00:00:00+00:00", names={}, audit="required")
    assert told["none"]
    assert told["log_whole"]
    assert not disclosed(found, since="2025-12-31T00:00:00+00:00", names={}, audit="required")["none"]
    assert not disclosed(found, since="2026-01-02T00:00:00+00:00", names={}, audit="best_effort")["none"]
    (tmp_path / "00000001.jsonl").write_text("\n".join(lines) + "\n")
    found = recipients_of(tmp_path, collection="shop", doc_ids={"mine"})
    told = disclosed(found, since="2026-01-02T00:00:00+00:00", names={"h:3": "local|ana"}, audit="required")
    assert [(one["who"], one["count"]) for one in told["destinations"]] == [("big (remote)", 1)]
    assert [one["who"] for one in told["readers"]] == ["local|ana"]
    assert [one["who"] for one in told["revealers"]] == ["h:6"]
    assert not told["none"]
    with (tmp_path / "00000001.jsonl").open("a") as log:
        log.write(event(7, "log.dropped", {}) + "\n")
    assert not recipients_of(tmp_path, collection="shop", doc_ids={"mine"}).is_whole("2026-02-01")


# --- restrict ------------------------------------------------------------------------------------------------------


def test_a_restricted_person_is_shown_nowhere_until_it_is_lifted(light: NamedIngest) -> None:
    """The rest of the documents stays, and so does what Max shares with her in his own."""
    before = shown(light)
    done = restrict(light.store, person(light, "Ada Byron"), request="1" * 32, reason="contested")
    assert "contested" not in repr(done)
    now = shown(light)
    assert not any("Ada" in text or "ada@" in text for texts in now.values() for text in texts)
    assert now["max"] == before["max"]
    assert now["letter"] == ["Dear Grace Hopper,", "It is red."]
    assert now["page"] == before["page"]
    assert requests_of(light.store, light.vault, person(light, "Ada Byron")) == ["1" * 32]
    assert requests_of(light.store, light.vault, person(light, "Max Byron")) == []
    lift(light.store, "1" * 32, reason="settled", before=lambda: None)
    assert shown(light) == before
    assert in_force(light.store) == []
    with pytest.raises(ConfigError, match="no such restriction"):
        lift(light.store, "1" * 32, reason="again", before=lambda: None)


def test_a_later_sync_brings_nothing_of_a_restricted_person(light: NamedIngest) -> None:
    """A new spelling is denied when it is made; a value that was not known, at the end of the sync."""
    restrict(light.store, person(light, "Ada Byron"), request="1" * 32, reason="contested")
    more = {
        **SOURCE,
        "new": "ADA BYRON came again.\n\nIt rained.",
        "mail": "Name: Ada Byron\nE-mail: ada@new.example\nPhone: +44 20 7946 0018",
        "last": "Write to ada@new.example soon.",
    }
    light.sync(more)
    assert shown(light)["new"] == ["It rained."]
    assert "mail" not in shown(light)
    extend(light.store, light.vault)
    assert "last" not in shown(light)


def test_reasons_are_needed(light: NamedIngest) -> None:
    """Neither set aside nor lifted without."""
    with pytest.raises(ConfigError):
        restrict(light.store, person(light, "Ada Byron"), request="1" * 32, reason=" ")
    with pytest.raises(ConfigError):
        lift(light.store, "1" * 32, reason="", before=lambda: None)
    assert not Denials(light.database.key_file, light.collection).current()


# --- correct -------------------------------------------------------------------------------------------------------


def tools(light: NamedIngest) -> Tools:
    """What a correction needs."""
    rulings = light.masker.rulings
    return Tools(light.store, light.vault, rulings, light.embedder, light.recorder)


def correct(light: NamedIngest, whose: str, old: str, new: str) -> Correction:
    """Correct a value whole."""
    plan = plan_correction(person(light, whose), old, new)
    begin(tools(light), "2" * 32, plan)
    return carry_out(tools(light), "2" * 32)


def test_a_corrected_value_is_the_new_one_everywhere(light: NamedIngest) -> None:
    """Every view, the vault, and a later sync of a source that still has the old one."""
    done = correct(light, "ada@mail.example", "ada byron", "Ada Lovelace")
    assert names(light, list(done.documents)) == {"card", "both", "letter"}
    assert done.sources == {"list": 3}
    assert done.forgotten
    now = shown(light)
    assert "the lamp of Ada Lovelace is ready." in now["letter"]
    assert not any("Ada Byron" in text for texts in now.values() for text in texts)
    assert people_of(light.store, light.vault, "Ada Byron") == []
    assert {v.value for v in person(light, "Ada Lovelace").values} == {"Ada Lovelace", "ada@mail.example", PHONE}
    light.sync({**SOURCE, "more": "Ada Byron came, and so did Max Byron."})
    assert shown(light)["more"] == ["Ada Lovelace came, and so did Max Byron."]
    assert unfinished(light.store) == []
    check(light.database)


def test_a_shared_value_is_corrected_for_one_person_only(light: NamedIngest) -> None:
    """In the table only in her row; in his card not at all; and so again when the sources are read later."""
    done = correct(light, "ada@mail.example", PHONE, "+44 20 7946 0020")
    assert done.shared
    assert not done.forgotten
    now = shown(light)
    assert now["card"][0].endswith("+44 20 7946 0020")
    assert now["max"][0].endswith(PHONE)
    rows = [line for line in now["both"][0].splitlines() if "Byron" in line]
    assert [row.split("|")[3].strip() for row in rows] == ["+44 20 7946 0020", PHONE]
    values = {v.value for v in person(light, "max@mail.example").values}
    assert PHONE in values
    assert "+44 20 7946 0020" not in values
    light.sync({**SOURCE, "card": SOURCE["card"] + "\n\nNew.", "max": SOURCE["max"] + "\n\nNew."})
    again = shown(light)
    assert again["card"][0].endswith("+44 20 7946 0020")
    assert again["max"][0].endswith(PHONE)


def test_what_is_not_theirs_is_not_corrected(light: NamedIngest) -> None:
    """Nor to nothing, nor to itself."""
    ada = person(light, "Ada Byron")
    for old, new, bad in (
        ("Max Byron", "Max", SubjectUnclear),
        ("Ada Byron", " ", ConfigError),
        ("Ada Byron", "Ada Byron", ConfigError),
    ):
        with pytest.raises(bad):
            plan_correction(ada, old, new)


POINTS = ["correct.after_plan", "rewrite.before_embed", "rewrite.before_publish", "sync.before_commit"]
POINTS += ["rewrite.after_publish", "correct.after_rewrite", "correct.after_forget"]


def begin_and_die(folder: Path, point: str) -> None:
    """Correct in another process, which is killed on the way."""
    crashpoints._armed[point] = 1
    correct(made(folder), "ada@mail.example", "Ada Byron", "Ada Lovelace")


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_correction_goes_on(light: NamedIngest, point: str) -> None:
    """From wherever it was, to the same end."""
    folder = light.database.key_file.path.parent
    light.database.close()
    child = multiprocessing.get_context("fork").Process(target=begin_and_die, args=(folder, point))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    left = unfinished(light.store)
    assert [one.request for one in left] == ["2" * 32]
    done = carry_out(tools(light), left[0].request)
    assert done.forgotten
    assert len(done.documents) == 3
    assert not any("Ada Byron" in text for texts in shown(light).values() for text in texts)
    assert "the lamp of Ada Lovelace is ready." in shown(light)["letter"]
    check(light.database)
