"""Legal holds: what they reach, whom they stop, and that a sync keeps what is gone at its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragkit.audit.schema import check as check_event
from ragkit.errors import ConfigError, HeldBack
from ragkit.testing.kept import LightWorkspace

WORDS = ("Ada", "Grace", "Alan")
SOURCE = {"ada": "Ada wrote.", "both": "Ada met Grace.", "grace": "Grace read.", "alan": "Alan left."}


@pytest.fixture
def light(tmp_path: Path) -> LightWorkspace:
    """The source, taken in."""
    made = LightWorkspace(tmp_path, words=WORDS)
    made.sync(SOURCE)
    return made


def ids(light: LightWorkspace) -> dict[str, str]:
    """Document ids by the source's own."""
    doc_ids = sorted({hit.doc_id for hit in light.hits()})
    return {name: doc_id for doc_id, name in light.store.native_ids(doc_ids).items()}


def test_what_each_kind_reaches(light: LightWorkspace) -> None:
    """A value's hold keeps the documents with it and every value in them; a source's and a collection's keep all."""
    found, number = ids(light), light.masker.number
    holds = light.holds
    value = holds.place("value", reason="case 1", numbers=[number("Ada")])
    assert holds.held(found.values()) == {found["ada"], found["both"]}
    assert holds.held_numbers(map(number, WORDS)) == {number("Ada"), number("Grace")}
    assert holds.blocking(doc_ids=[found["alan"]], numbers=[number("Alan")]) == []
    assert [one.hold for one in holds.blocking(numbers=[number("Grace")])] == [value.hold]
    holds.release(value.hold, reason="over")
    document = holds.place("document", reason="case 2", doc_id=found["alan"])
    assert [one.hold for one in holds.blocking(numbers=[number("Alan")])] == [document.hold]
    assert holds.held(found.values()) == {found["alan"]}
    source = holds.place("source", reason="case 3", source="list")
    other = holds.place("source", reason="case 4", source="elsewhere")
    assert holds.held(found.values()) == set(found.values())
    assert {one.hold for one in holds.blocking(doc_ids=[found["ada"]])} == {source.hold}
    whole = holds.place("collection", reason="case 5")
    assert {one.hold for one in holds.blocking(numbers=[1])} == {whole.hold}
    assert other.hold not in {one.hold for one in holds.blocking(doc_ids=found.values())}


def test_who_is_stopped_is_told_by_which_hold_and_nothing_else(light: LightWorkspace) -> None:
    """The error names ids; neither it nor the key file tells the reason or what is held."""
    hold = light.holds.place("value", reason="the Lovelace case", numbers=[light.masker.number("Ada")])
    with pytest.raises(HeldBack) as caught:
        light.holds.require_free(numbers=[light.masker.number("Ada")])
    assert caught.value.holds == (hold.hold,)
    assert hold.hold in str(caught.value)
    assert "Lovelace" not in f"{caught.value}{caught.value.remedy}{hold!r}"
    light.database.close()
    assert b"Lovelace" not in (light.folder / ".ragkit" / "records.keys.db").read_bytes()
    (opened,) = LightWorkspace(light.folder, words=WORDS).holds.every()
    assert opened.reason == "the Lovelace case"
    assert opened.numbers == hold.numbers


def test_a_held_document_that_vanished_stays_and_comes_back(light: LightWorkspace) -> None:
    """It answers, is counted, is not told again each time, and is an ordinary document when its source has it again."""
    light.holds.place("value", reason="case", numbers=[light.masker.number("Ada")])
    left = {"grace": SOURCE["grace"]}
    report = light.sync(left)
    assert (report.deleted, report.held) == (1, 2)
    assert set(light.texts()) == {"ada", "both", "grace"}
    for event in light.recorder.events:
        check_event(event.kind, event.data)
    report = light.sync(left)
    assert (report.deleted, report.held) == (0, 0)
    report = light.sync({**left, "ada": SOURCE["ada"]})
    assert set(light.texts()) == {"ada", "both", "grace"}
    assert report.updated == 1


def test_a_released_hold_lets_go_of_what_vanished(light: LightWorkspace) -> None:
    """The next complete pass deletes it, unless another hold keeps it."""
    first = light.holds.place("value", reason="case 1", numbers=[light.masker.number("Ada")])
    second = light.holds.place("document", reason="case 2", doc_id=ids(light)["both"])
    light.sync({"alan": SOURCE["alan"]})
    assert set(light.texts()) == {"ada", "both", "alan"}
    light.holds.release(first.hold, reason="over")
    assert light.sync({"alan": SOURCE["alan"]}).deleted == 1
    assert set(light.texts()) == {"both", "alan"}
    light.holds.release(second.hold, reason="over")
    light.sync({"alan": SOURCE["alan"]})
    assert set(light.texts()) == {"alan"}
    assert [one.released_at is not None for one in light.holds.every()] == [True, True]
    assert [one.release_reason for one in light.holds.every()] == ["over", "over"]


def test_a_held_document_that_a_new_policy_refuses_stays(light: LightWorkspace) -> None:
    """It is in no index of the new policy, and its version and keys are there; one that nobody holds goes."""
    found = ids(light)
    light.holds.place("document", reason="case", doc_id=found["both"])
    light.masker._policy = "words-2"
    light.sync({**SOURCE, "both": "Ada met AKIA0000.", "alan": "Alan has AKIA0000."})
    assert light.store.stored(found["alan"]) is None
    kept = light.store.stored(found["both"])
    assert kept is not None
    assert kept.policy == "words-1"
    in_force = {row.text for row in light.store.index_source(in_force=True).rows()}
    assert not any("met" in text for text in in_force)


def test_many_held_documents_do_not_stop_a_pass(tmp_path: Path) -> None:
    """What a hold keeps does not count towards the share that a pass may delete."""
    light = LightWorkspace(tmp_path, words=WORDS, max_delete_share=0.5)
    light.sync({f"d{number}": f"Ada {number}" for number in range(40)} | {"last": "Alan"})
    light.holds.place("value", reason="case", numbers=[light.masker.number("Ada")])
    light.store.sync_state("list").mark_held([doc_id for name, doc_id in ids(light).items() if name != "last"])
    assert light.sync({"last": "Alan"}).held == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "value", "reason": " ", "numbers": [1]},
        {"scope": "value", "reason": "case"},
        {"scope": "document", "reason": "case", "doc_id": "nowhere"},
    ],
)
def test_a_hold_without_reason_or_object_is_refused(light: LightWorkspace, wrong: dict[str, object]) -> None:
    """Nothing is entered."""
    with pytest.raises(ConfigError):
        light.holds.place(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        light.holds.release("nowhere", reason="over")
    assert light.holds.every() == []
