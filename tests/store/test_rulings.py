"""Rulings, requests and receipts in the key file: opaque, resumable, wiped when they are done."""

from __future__ import annotations

from pathlib import Path

from ragkit.store.receipts import Receipts
from ragkit.store.requests import Requests, unfinished
from ragkit.testing.light import LightIngest
from ragkit.types import RulingRow

REQUEST = "a" * 32


def test_rulings_are_written_once_and_lifted_whole(tmp_path: Path) -> None:
    """The same again changes nothing; a request takes back its own only."""
    light = LightIngest(tmp_path)
    rulings = light.store.rulings()
    rows = [RulingRow(REQUEST, "erase", "own", number, b"x") for number in range(3)]
    rulings.add(rows)
    before = rulings.mark()
    rulings.add([RulingRow("b" * 32, "correct", "own", 1, b"y")])
    assert rulings.mark() != before
    rulings.add(rows)
    assert rulings.count() == 4
    assert rulings.lift(REQUEST) == 3
    assert [row.request for row in rulings.rows()] == ["b" * 32]


def test_documents_stay_away_by_a_number_that_tells_nothing(tmp_path: Path) -> None:
    """Only who has the collection's key can tell which document is meant."""
    light = LightIngest(tmp_path)
    rulings = light.store.rulings()
    rulings.keep_away(REQUEST, ["doc-one"])
    assert rulings.kept_away(["doc-one", "doc-two"]) == ["doc-one"]
    assert list(rulings.away().values()) == [frozenset({REQUEST})]
    other = LightIngest(tmp_path, name="other").store.rulings()
    assert other.document_number("doc-one") != rulings.document_number("doc-one")
    assert other.kept_away(["doc-one"]) == []
    assert b"doc-one" not in (tmp_path / "records.keys.db").read_bytes()


def test_a_plan_is_sealed_and_wiped(tmp_path: Path) -> None:
    """It is found again step by step, never in clear, and is nowhere once the request is closed."""
    light = LightIngest(tmp_path)
    requests = Requests(light.database.key_file, light.collection)
    requests.open(REQUEST, "erase", {"value": "Galina Yalmanova"}, step="planned")
    assert unfinished(light.database.key_file, "erase") == 1
    requests.note(REQUEST, "freeze", plan={"value": "Galina Yalmanova", "more": 1})
    found = requests.unfinished("erase")[0]
    assert (found.step, found.plan["more"]) == ("freeze", 1)
    assert "Galina" not in repr(found)
    sealed = light.database.key_file.look("SELECT sealed FROM requests")[0][0]
    requests.close(REQUEST)
    assert requests.unfinished() == []
    closed = requests.find(REQUEST)
    assert closed is not None
    assert (closed.step, closed.plan) == ("done", {})
    assert sealed[:24] not in (tmp_path / "records.keys.db").read_bytes()
    light.database.key_file.vacuum()
    assert unfinished(light.database.key_file, "erase") == 0


def test_the_last_receipt_of_a_request_is_kept(tmp_path: Path) -> None:
    """A later one, which says that more was reached, takes the place of the first."""
    receipts = Receipts(LightIngest(tmp_path).database.key_file)
    assert receipts.find(REQUEST) is None
    receipts.put(REQUEST, "partly")
    receipts.put(REQUEST, "true")
    assert receipts.find(REQUEST) == "true"
    assert receipts.requests() == [REQUEST]
