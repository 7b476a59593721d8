"""Kill -9 at every crash point of an erasure, then go on: nothing of the person is left, and the receipt is issued."""

from __future__ import annotations

import multiprocessing
import re
import signal
from pathlib import Path

import pytest

import ragkit
from ragkit import crashpoints
from ragkit.crypto import signing_public_key
from ragkit.lifecycle.bytescan import PatternScanner, spellings
from ragkit.lifecycle.erase_plan import STEPS
from ragkit.lifecycle.receipts import verify
from ragkit.store.receipts import Receipts
from ragkit.store.records import check
from ragkit.testing.erasable import ErasableIngest
from ragkit.testing.light import ANA, ROOT_KEY
from ragkit.types import Evidence

TERMS = {
    "Ada Byronova": "PERSON",
    "Grace Hopperton": "PERSON",
    "ada.byronova@mail.example": "EMAIL_ADDRESS",
    "grace@mail.example": "EMAIL_ADDRESS",
    "KD-471199": "CUSTOMER_NUMBER",
}
SOURCE = {
    "ada.txt": "Name: Ada Byronova\nE-mail: ada.byronova@mail.example\nCustomer number: KD-471199\n\nA marker of hers.",
    "grace.txt": "Name: Grace Hopperton\nE-mail: grace@mail.example",
    **{f"both{n}.txt": f"Ask Grace Hopperton, number {n}.\n\nOr Ada Byronova.\n\nOr nobody." for n in range(4)},
    "missed.txt": "Nobody saw that ada byronova was here.",
}
BEFORE = {name: f"{text}\n\nAda Byronova was here before." for name, text in SOURCE.items()}
GONE = ("ada byronova", "ada.byronova", "kd-471199", "a marker of hers")
REACHED = re.compile(r'\breach\("((?:erase|rewrite)\.\w+)"\)')
WRITTEN = {
    name
    for file in Path(ragkit.__file__).parent.joinpath("lifecycle").glob("*.py")
    for name in REACHED.findall(file.read_text())
}
PAST = {f"history.after_{what}" for what in ("fate", "keys", "rows")}
EVERY = sorted(WRITTEN | PAST | {f"erase.{when}_{step}" for step in STEPS for when in ("before", "after")})

POINTS = [  # what comes just before a step is nearly what comes just after the one before
    pytest.param(point, marks=pytest.mark.slow) if point.startswith("erase.before_") else point for point in EVERY
]


def erase(folder: Path, point: str = "") -> None:
    """Begin to erase Ada, or go on with it; die at a point if one is named."""
    if point:
        crashpoints._armed[point] = 1
    light = ErasableIngest(folder, TERMS)
    if not light.erasure.resume():
        light.erase("ada.byronova@mail.example")
    light.database.close()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced store with an older version of each document kept for replay, to be copied."""
    folder = tmp_path_factory.mktemp("begun")
    light = ErasableIngest(folder, TERMS, keeps_past=True)
    light.sync(BEFORE)
    light.sync(SOURCE)
    for number, hit in enumerate(light.hits()):
        kept = Evidence(collection="default", parts={"retrieved": hit.chunk.record.encode()})
        light.evidence.keep(kept, request=f"{number:020}", actor=ANA)
    light.evidence.close()
    for said in (f"I am {next(iter(TERMS))}.", "Is there a discount?"):
        talk = light.desk.conversations.begin(collection="default", subject="chat|1", disclosure="1")
        light.desk.conversations.add(talk.id, role="customer", kind="said", content={"text": said}, raw=said)
    light.desk.close()
    light.database.checkpoint_truncate()
    light.database.close()
    return folder


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_erasure_goes_on(point: str, begun: Path, tmp_path: Path) -> None:
    """Whatever the moment, the next run finishes: no byte of hers, others whole, a receipt that says so."""
    for file in begun.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    process = multiprocessing.get_context("fork").Process(target=erase, args=(tmp_path, point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "the point was never reached"
    left = ErasableIngest(tmp_path, TERMS)
    check(left.database)
    shown = left.shown().casefold()
    assert "grace hopperton" in shown
    if point not in {"erase.before_plan", "erase.after_plan", "erase.before_freeze"}:
        assert not [value for value in GONE if value in shown and value != "ada byronova"], "denied from the freeze on"
    left.database.close()
    if point not in {"erase.in_receipt", "erase.after_receipt"}:
        erase(tmp_path)
    left = ErasableIngest(tmp_path, TERMS)
    check(left.database)
    receipts = Receipts(left.database.key_file)
    verdicts = [verify(receipts.find(one) or "", public=signing_public_key(ROOT_KEY)) for one in receipts.requests()]
    assert verdicts
    assert all(verdict.ok for verdict in verdicts)
    assert all(one["reached"] == "true" for verdict in verdicts for one in verdict.receipt["levels"].values())
    assert not left.erasure.resume()
    shown = left.shown().casefold()
    assert not [value for value in GONE if value in shown]
    assert shown.count("ask grace hopperton") == 4
    assert left.store.history().kept().versions == 0
    kept = [part.decode().casefold() for _, parts in left.evidence.contents("default") for part in parts]
    assert len(kept) == len(left.evidence.requests("default"))
    assert "ask" in "".join(kept)
    assert not [text for text in kept if "ada byronova" in text]
    said = [held.raw for held in left.desk.held("default")]
    assert said == [("Is there a discount?",)]
    left.desk.close()
    left.database.close()
    patterns = [one for number, value in enumerate(GONE) for one in spellings(value, number)]
    assert PatternScanner(patterns).scan_tree(tmp_path) == []
