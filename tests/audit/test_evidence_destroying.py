"""Evidence is lost for good with any of its keys, and nothing else with it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ragkit.audit.evidence import EvidenceStore
from ragkit.testing.light import ANA, BEN
from ragkit.testing.parties import ADA, BOB, SECRET, MemoryPeople, cause, evidence, token
from ragkit.types import Evidence


def test_erasing_a_person_shreds_every_turn_they_stand_in(store: EvidenceStore, people: MemoryPeople) -> None:
    """Their key is in none of the files here: it is destroyed elsewhere, and every copy of this file is unreadable."""
    store.keep(evidence(f"{token(ADA)} and {token(BOB)}"), request="a" * 20, actor=ANA)
    store.keep(evidence(f"{token(BOB)} alone"), request="b" * 20, actor=ANA)
    people.erase(ADA)
    assert cause(store, "a" * 20) == "erasure"
    assert store.read("b" * 20) == {"question": f"{token(BOB)} alone".encode()}


def test_a_later_turn_goes_with_whom_an_earlier_one_named(store: EvidenceStore, people: MemoryPeople) -> None:
    """Its prompt holds the history; a turn of another conversation stays."""
    mine, other = "c" * 32, "d" * 32
    store.keep(evidence(f"Who is {token(ADA)}?", conversation=mine), request="1" * 20, actor=ANA)
    store.keep(evidence("And how old?", conversation=mine), request="2" * 20, actor=ANA)
    store.keep(evidence("How late is it?", conversation=other), request="3" * 20, actor=ANA)
    people.erase(ADA)
    assert [cause(store, name * 20) for name in "12"] == ["erasure", "erasure"]
    assert store.read("3" * 20)


def test_who_comes_up_only_in_the_answer_is_among_the_keys(store: EvidenceStore, people: MemoryPeople) -> None:
    """A turn's key is wrapped anew when a later part names more people."""
    store.keep(evidence("Who leads it?"), request="a" * 20, actor=ANA)
    store.keep(evidence(f"{token(BOB)} does.", role="answer"), request="a" * 20, actor=ANA)
    assert len(store.read("a" * 20)) == 2
    people.erase(BOB)
    assert cause(store, "a" * 20) == "erasure"


def test_people_behind_aliases_are_told_beside_the_bytes(store: EvidenceStore, people: MemoryPeople) -> None:
    """A request body holds aliases and no token; whom they stand for comes with it."""
    store.keep(
        evidence("[PERSON_1·k3] is late", role="request_body", tokens=frozenset({ADA})), request="a" * 20, actor=None
    )
    people.erase(ADA)
    assert cause(store, "a" * 20) == "erasure"


def test_what_is_kept_too_late_is_not_kept(store: EvidenceStore, people: MemoryPeople) -> None:
    """An answer that was under way while a person in it was erased leaves its commitment and no byte."""
    conversation = "c" * 32
    store.keep(evidence(f"{token(ADA)}?", conversation=conversation), request="a" * 20, actor=ANA)
    number = people.erase(ADA)
    store.destroy(store.requests("care", numbers=[number]), cause="erasure")
    entry = store.keep(evidence("late", role="answer", conversation=conversation), request="a" * 20, actor=ANA)[0]
    assert entry["len"] == 4
    store.keep(evidence("And then?", conversation=conversation), request="b" * 20, actor=ANA)
    assert [cause(store, name * 20) for name in "ab"] == ["erasure", "erasure"]
    assert store.counts()["parts"] == 0


def test_destroying_a_conversation_takes_its_turns_and_nothing_else(store: EvidenceStore) -> None:
    """Its key goes with the last of them."""
    for number in range(3):
        store.keep(evidence(conversation="c" * 32), request=f"{number}" * 20, actor=ANA)
    store.keep(evidence(conversation="d" * 32), request="9" * 20, actor=ANA)
    gone = store.forget_conversation("c" * 32)
    assert gone.counts() == {"conversations": 1, "turns": 3, "parts": 3}
    assert cause(store, "0" * 20) == "request"
    assert store.read("9" * 20)


def test_forgetting_who_asked_leaves_what_others_asked(store: EvidenceStore) -> None:
    """Also of the same conversation; the asker's key is gone, and a later question gets a new one."""
    for name, asker in (("a", ANA), ("b", BEN), ("c", ANA)):
        store.keep(evidence(conversation="c" * 32), request=name * 20, actor=asker)
    assert store.forget_principal(ANA.subject).turns == 2
    assert [cause(store, name * 20) for name in "ac"] == ["request", "request"]
    assert store.read("b" * 20)
    store.keep(evidence("again"), request="d" * 20, actor=ANA)
    assert store.read("d" * 20) == {"question": b"again"}


def test_each_cause_is_told_apart(store: EvidenceStore) -> None:
    """Expired, erased, gone with a document, destroyed by an officer, and never there: a replay says which."""
    for name in ("age", "erasure", "document", "request"):
        store.keep(evidence(), request=name * 8, actor=ANA)
        store.destroy([name * 8], cause=name)
        assert cause(store, name * 8) == name
    assert cause(store, "never" * 8) == "missing"


def test_age_counts_from_the_beginning_of_a_turn(tmp_path: Path, people: MemoryPeople) -> None:
    """Turns before a moment are listed with whom and what they hold, so that a hold can keep them."""
    now = [1_000.0]
    store = EvidenceStore(tmp_path / "evidence.db", secret=SECRET, people=lambda _: people, clock=lambda: now[0])
    store.keep(evidence(f"{token(ADA)}", documents=(("d" * 20, 1),)), request="a" * 20, actor=ANA)
    now[0] = 2_000.0
    store.keep(evidence(), request="b" * 20, actor=ANA)
    (aged,) = store.older_than(2_000.0, "care")
    assert (aged.request, aged.numbers, aged.doc_ids) == ("a" * 20, frozenset({1}), frozenset({"d" * 20}))
    assert not store.older_than(2_000.0, "other")
    assert store.held(["a" * 20, "b" * 20]).oldest == 1_000


def test_turns_are_found_by_person_and_by_document(store: EvidenceStore, people: MemoryPeople) -> None:
    """Of one collection only."""
    store.keep(evidence(f"{token(ADA)}"), request="a" * 20, actor=ANA)
    store.keep(evidence("x", documents=(("d" * 20, 2),)), request="b" * 20, actor=ANA)
    store.keep(Evidence(collection="other", parts={"question": token(ADA).encode()}), request="c" * 20, actor=ANA)
    assert store.requests("care", numbers=[1]) == ["a" * 20]
    assert store.requests("care", doc_ids=["d" * 20]) == ["b" * 20]
    assert store.requests("care", numbers=[1], doc_ids=["d" * 20]) == ["a" * 20, "b" * 20]
    assert store.requests("other") == ["c" * 20]


def test_no_byte_of_what_was_destroyed_is_left(store: EvidenceStore, tmp_path: Path) -> None:
    """Wrapped keys and sealed parts are in none of the files after the log is emptied and the file written anew."""
    for number in range(40):
        store.keep(evidence(os.urandom(2_000).hex()), request=f"{number:020}", actor=ANA)
    doomed = [f"{number:020}" for number in range(0, 40, 2)]
    wrapped = store.traces(doomed)
    assert len(wrapped) == 20
    store.destroy(doomed, cause="age")
    store.write_anew()
    assert store.empty_log()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not [one for one in wrapped if one in held]
    assert store.traces([f"{1:020}"])[0] in held
    assert store.read(f"{1:020}")


def test_a_corrected_value_hands_its_turns_on(store: EvidenceStore, people: MemoryPeople) -> None:
    """Its key is destroyed though nobody is erased: what it sealed is bound to the value that came instead."""
    store.keep(evidence(f"{token(ADA)}"), request="a" * 20, actor=ANA)
    assert store.rebind("care", [1], 2) == 1
    people.erase(ADA)
    assert store.read("a" * 20) == {"question": token(ADA).encode()}
    people.erase(BOB)
    assert cause(store, "a" * 20) == "erasure"


def damage(path: Path, statement: str, *values: object) -> None:
    """Change the file as no ragkit does."""
    with closing(sqlite3.connect(path / "evidence.db")) as database, database:
        assert database.execute(statement, values).rowcount == 1


def test_what_is_damaged_stops_nothing(store: EvidenceStore, tmp_path: Path, people: MemoryPeople) -> None:
    """A part, a turn's key, or an empty one: those are told apart, and the others are read and handed on."""
    for name in "abcd":
        store.keep(evidence(f"{token(ADA)} {name}"), request=name * 20, actor=ANA)
    store.close()
    damage(tmp_path, "UPDATE parts SET sealed = zeroblob(length(sealed)) WHERE id = 1")
    damage(tmp_path, "UPDATE turns SET wrapped = zeroblob(length(wrapped)) WHERE request = ?", "b" * 20)
    damage(tmp_path, "UPDATE turns SET wrapped = x'' WHERE request = ?", "c" * 20)
    damaged = list[str]()
    assert [request for request, _ in store.contents("care", damaged)] == ["d" * 20]
    assert damaged == ["a" * 20, "b" * 20, "c" * 20]
    assert store.rebind("care", [1], 2) == 2  # the keys of one that lacks a part are whole
    people.erase(ADA)
    assert store.read("d" * 20)


def test_destroying_looks_at_no_conversation_of_others(store: EvidenceStore, people: MemoryPeople) -> None:
    """A batch takes as long with many conversations as with few; none without a turn is left all the same."""
    for name in "ab":
        store.keep(evidence(conversation=name * 32), request=name * 20, actor=ANA if name == "a" else BEN)
    looked = list[str]()
    with store._file.held():
        database = store._file._connected()
        database.set_trace_callback(looked.append)
        assert store.destroy(["a" * 20], cause="age").conversations == 1
        database.set_trace_callback(None)
        plans = [
            detail
            for statement in looked
            if statement.lstrip().startswith("DELETE")
            for *_, detail in database.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert plans
    assert not [detail for detail in plans if detail.startswith("SCAN") and "CONSTANT" not in detail]
    people.erase(ADA)
    store.keep(evidence(token(ADA), conversation="e" * 32), request="e" * 20, actor=ANA)
    with store._file.reading() as database:
        assert database.execute("SELECT name FROM conversations").fetchall() == [("b" * 32,)]
        assert database.execute("SELECT COUNT(*) FROM subjects").fetchone() == (1,)
