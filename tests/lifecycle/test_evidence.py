"""Evidence goes with the documents that a rule lets go, and stays with a value that is only corrected."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ragkit.audit.evidence import EvidenceStore
from ragkit.audit.evidence_destroying import Destroyed
from ragkit.errors import EvidenceGone
from ragkit.lifecycle.evidence import count_quoting, drop_quoting, end_evidence, erase_evidence
from ragkit.lifecycle.holds import Holds
from ragkit.testing.erasable import ErasableIngest
from ragkit.testing.light import ANA, ROOT_KEY
from ragkit.testing.parties import MemoryPeople
from ragkit.types import Evidence

TERMS = {"Ada Byron": "PERSON", "ada@mail.example": "EMAIL_ADDRESS", "Bob Carr": "PERSON"}
DOCUMENTS = {
    "ada.txt": "Name: Ada Byron\nE-mail: ada@mail.example",
    "bob.txt": "Name: Bob Carr",
    "rules.txt": "Nothing but rules.",
}


class Kept:
    """A light ingest with an evidence store beside it, one question about each document."""

    def __init__(self, folder: Path) -> None:
        self.light = ErasableIngest(folder, TERMS)
        self.light.sync(DOCUMENTS)
        self.store = self.light.evidence
        self.requests: dict[str, str] = {}
        names = self.light.store.native_ids(sorted({hit.doc_id for hit in self.light.hits()}))
        for number, hit in enumerate(self.light.hits()):
            name = names[hit.doc_id]
            self.requests[name] = f"{number:020}"
            self.keep(f"{number:020}", hit.chunk.record, documents=((hit.doc_id, hit.version),))
        self.doc_ids = {name: doc_id for doc_id, name in names.items()}

    def keep(self, request: str, text: str, *, documents: tuple[tuple[str, int], ...] = ()) -> None:
        """Keep a text."""
        evidence = Evidence(collection="default", parts={"retrieved": text.encode()}, documents=documents)
        self.store.keep(evidence, request=request, actor=ANA)

    def readable(self) -> set[str]:
        """The documents whose evidence can be read."""
        found = set()
        for name, request in self.requests.items():
            try:
                self.store.read(request)
            except EvidenceGone:
                continue
            found.add(name)
        return found


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """Three questions, two of them about people."""
    return Kept(tmp_path)


def test_an_erasure_reaches_every_form_in_which_a_person_stands(kept: Kept) -> None:
    """By key, by document, in clear where nothing was detected, and by a token from before the value was known."""
    (token,) = [one.token for one in kept.light.find("Ada Byron")[0].values if one.entity_type == "PERSON"]
    kept.keep("c" * 20, '{"text":"Is ada byron still\\nwith us?"}')
    kept.keep("d" * 20, "Is Bob still with us?")
    folder = kept.store._file.path
    before = EvidenceStore(folder, secret=ROOT_KEY, people=lambda _: MemoryPeople())
    early = Evidence(collection="default", parts={"question": f"Who is {token}?".encode()})
    before.keep(early, request="e" * 20, actor=ANA)
    report = kept.light.erase("Ada Byron")
    assert report.complete
    assert report.levels == {"L0": "true", "L1": "true", "L2": "true", "L3": "true"}
    assert kept.readable() == {"bob.txt", "rules.txt"}
    assert kept.store.requests("default") == [*(kept.requests[name] for name in ("bob.txt", "rules.txt")), "d" * 20]
    told = [event.data for event in kept.light.recorder.events if event.kind == "evidence.destroyed"]
    assert [(data["cause"], data["turns"]) for data in told] == [("erasure", 3)]


def test_keys_alone_make_it_unreadable(kept: Kept) -> None:
    """Before any row is deleted, and in every copy: the record key of the value is gone."""
    numbers = [one.number for one in kept.light.find("Ada Byron")[0].values]
    kept.light.collection.records.destroy_values(numbers)
    assert kept.readable() == {"bob.txt", "rules.txt"}
    assert len(kept.store.requests("default")) == 3


def test_a_proof_finds_evidence_that_was_left(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure whose step did nothing does not reach L1, and says so."""
    monkeypatch.setattr("ragkit.lifecycle.erase_steps.erase_evidence", lambda *_, **__: {"turns": 0})
    report = kept.light.erase("Ada Byron")
    assert report.levels["L1"] == "false"
    assert not report.complete


def test_a_damaged_part_stops_no_erasure_and_goes_with_it(kept: Kept) -> None:
    """Whom it was about cannot be told, so it is not kept; the receipt counts it."""
    with kept.store._file.writing() as database:
        turn = database.execute("SELECT id FROM turns WHERE request = ?", (kept.requests["rules.txt"],)).fetchone()[0]
        database.execute("UPDATE parts SET sealed = zeroblob(length(sealed)) WHERE turn = ?", (turn,))
    report = kept.light.erase("Ada Byron")
    assert report.complete
    assert json.loads(report.receipt)["receipt"]["steps"]["evidence"]["counts"]["unreadable"] == 1
    assert kept.readable() == {"bob.txt"}
    assert kept.store.requests("default") == [kept.requests["bob.txt"]]


def test_a_killed_step_is_done_again(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed before its rows were deleted is finished by the next run; the receipt comes then."""
    calls: list[int] = []

    def fail_once(*arguments: object, **named: object) -> dict[str, int]:
        calls.append(1)
        if len(calls) == 1:
            raise OSError(5, "no disk")
        return erase_evidence(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("ragkit.lifecycle.erase_steps.erase_evidence", fail_once)
    with pytest.raises(OSError, match="no disk"):
        kept.light.erase("Ada Byron")
    (report,) = kept.light.erasure.resume()
    assert report.complete
    assert kept.readable() == {"bob.txt", "rules.txt"}


def test_what_quotes_a_document_goes_with_it(kept: Kept) -> None:
    """As a retention rule lets it go; of an unknown document nothing does."""
    gone = drop_quoting(kept.store, "default", [kept.doc_ids["rules.txt"], "0" * 26], kept.light.recorder)
    assert gone.counts() == {"conversations": 1, "turns": 1, "parts": 1}
    with pytest.raises(EvidenceGone) as why:
        kept.store.read(kept.requests["rules.txt"])
    assert why.value.cause == "document"
    assert kept.readable() == {"ada.txt", "bob.txt"}


def test_what_a_rule_let_go_is_not_left_in_the_log(kept: Kept) -> None:
    """Where a reader is in the way, the next run empties it, though nothing is due then."""
    path, light = kept.store._file.path, kept.light
    log, holds = path.with_name(f"{path.name}-wal"), Holds(light.store.database, light.collection)

    def run() -> Destroyed:
        return end_evidence(kept.store, "default", holds, light.recorder, days=183)

    traces = kept.store.traces([kept.requests["rules.txt"], kept.requests["bob.txt"]])
    assert drop_quoting(kept.store, "default", [kept.doc_ids["rules.txt"]], light.recorder).emptied
    assert traces[0] not in path.read_bytes() + log.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM turns").fetchone()
        assert not drop_quoting(kept.store, "default", [kept.doc_ids["bob.txt"]], light.recorder).emptied
        assert traces[1] in path.read_bytes() + log.read_bytes()
        assert not run().emptied
    assert run() == Destroyed(emptied=True)
    assert traces[1] not in path.read_bytes() + log.read_bytes()


def test_what_is_held_of_a_person_counts_their_questions(kept: Kept) -> None:
    """With the days of the first and the last."""
    numbers = [one.number for one in kept.light.find("Ada Byron")[0].values]
    held = count_quoting(kept.store, "default", numbers=numbers, days=183)
    assert (held["dialogues"], held["questions"], held["days"]) == (1, 1, 183)
    assert held["first"] == held["last"] != ""
    assert count_quoting(kept.store, "default", numbers=[1], days=183)["first"] == ""
