"""The byte scanner finds what was planted, in every encoding, and nothing else."""

from __future__ import annotations

import base64
import gzip
import json
import os
import pickle
import sqlite3
import urllib.parse
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ragkit.testing.bytescan import ByteScanner
from ragkit.testing.canaries import MIN_NEEDLE, Canary, entity_types, make_canaries, make_people

ENCODERS: dict[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "upper case": lambda text: text.upper().encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "utf-16 with odd start": lambda text: b"x" + text.encode("utf-16-le"),
    "json": lambda text: json.dumps({"text": text}).encode(),
    "json in json": lambda text: json.dumps(
        json.dumps({"text": text}, ensure_ascii=False), ensure_ascii=False
    ).encode(),
    "percent": lambda text: urllib.parse.quote(text).encode(),
    "hex": lambda text: text.encode().hex().upper().encode(),
    "pickle": lambda text: pickle.dumps({"text": text}),
    "base64 +0": lambda text: base64.b64encode(text.encode()),
    "base64 +1": lambda text: base64.b64encode(b"." + text.encode()),
    "base64 +2": lambda text: base64.urlsafe_b64encode(b".." + text.encode()),
    "base64 of utf-16": lambda text: base64.b64encode(text.encode("utf-16-le")),
}


@pytest.fixture(scope="module")
def canaries() -> list[Canary]:
    """Three canaries of every type."""
    return make_canaries(3 * len(entity_types()), seed=11)


@pytest.fixture(scope="module")
def scanner(canaries: list[Canary]) -> ByteScanner:
    """A scanner for them."""
    return ByteScanner(canaries)


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS.keys())
def test_every_encoding_is_found(encode: Callable[[str], bytes], canaries: list[Canary], scanner: ByteScanner) -> None:
    """A canary of every type is found in the middle of other bytes, in each encoding, and no other canary is."""
    for number, canary in enumerate(canaries):
        data = os.urandom(999) + encode(f"before {canary.sentence} after") + os.urandom(999)
        assert {finding.canary for finding in scanner.scan_bytes(data, where="memory")} == {number}


def test_nothing_is_found_where_nothing_is(scanner: ByteScanner) -> None:
    """Random bytes, other canaries and an empty text hold no canary."""
    others = "\n".join(canary.sentence for canary in make_canaries(500, seed=12)).encode()
    for data in (b"", b"short", os.urandom(1 << 20), others, base64.b64encode(others)):
        assert scanner.scan_bytes(data, where="memory") == []


def test_files_names_and_packed_files_are_scanned(tmp_path: Path, canaries: list[Canary], scanner: ByteScanner) -> None:
    """A tree is scanned through file names, databases, gzip and zip."""
    texts = [canary.sentence for canary in canaries]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / f"letter {canaries[0].value}.txt").write_text("nothing")
    database = sqlite3.connect(tmp_path / "rows.db")
    database.execute("create table rows (text)")
    database.execute("insert into rows values (?)", (texts[1],))
    database.commit()
    database.close()
    (tmp_path / "log.gz").write_bytes(gzip.compress(texts[2].encode() * 50))
    with zipfile.ZipFile(tmp_path / "book.docx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("document.xml", texts[3] * 50)
    assert {finding.canary for finding in scanner.scan_tree(tmp_path)} == {0, 1, 2, 3}


def test_a_value_across_two_reads_is_found(tmp_path: Path, canaries: list[Canary], scanner: ByteScanner) -> None:
    """Large files are read in parts that overlap."""
    edge = 16 * 1024 * 1024
    (tmp_path / "large").write_bytes(b"\0" * (edge - 5) + canaries[0].sentence.encode() + b"\0" * 99)
    assert {finding.canary for finding in scanner.scan_file(tmp_path / "large")} == {0}


def test_canaries_are_seeded_distinct_and_long_enough() -> None:
    """The same seed gives the same canaries; no needle repeats or is part of another canary's sentence."""
    canaries = make_canaries(400, seed=5)
    assert canaries == make_canaries(400, seed=5) != make_canaries(400, seed=6)
    needles = [needle for canary in canaries for needle in canary.needles]
    assert len(set(needles)) == len(needles)
    assert min(map(len, needles)) >= MIN_NEEDLE
    assert all(any(needle in canary.sentence for needle in canary.needles) for canary in canaries)
    assert {canary.entity_type for canary in canaries} == set(entity_types())


def test_canaries_pass_the_checks_of_detectors() -> None:
    """Card numbers, IBANs and Bitcoin addresses have right check digits, so a detector has no reason to miss them."""
    from stdnum import iban, luhn

    for canary in make_canaries(30, seed=3, entity_types=["CREDIT_CARD"]):
        assert luhn.is_valid(canary.value.replace(" ", ""))
    for canary in make_canaries(30, seed=3, entity_types=["IBAN_CODE"]):
        assert iban.is_valid(canary.value, check_country=False)


def test_findings_and_canaries_hide_values(canaries: list[Canary], scanner: ByteScanner) -> None:
    """Neither a finding nor a canary prints the value, so a failing test leaks nothing into its log."""
    finding = scanner.scan_bytes(canaries[0].sentence.encode(), where="memory")[0]
    shown = f"{finding!r} {canaries[0]!r}"
    assert not any(needle in shown for needle in canaries[0].needles)


def test_people_in_prose_have_no_cue_and_are_in_no_pool() -> None:
    """Nothing but a learned detector can find them, and a stand-in from the pools never looks like one of them."""
    from ragkit.folding import fold
    from ragkit.wordlists import folded

    others = make_canaries(60, seed=5, entity_types=["PERSON"])
    people = make_people(60, seed=5, avoid=others)
    assert people == make_people(60, seed=5, avoid=others)
    assert not any(one.cued or "Ms " in one.sentence or "Mr " in one.sentence for one in people)
    assert {needle for one in people for needle in one.needles}.isdisjoint(n for one in others for n in one.needles)
    given, family = (folded(name) for name in ("given", "family"))
    assert not any(fold(one.value.split()[1]) in family for one in people)
    assert 15 <= sum(fold(one.value.split()[0]) not in given for one in people) <= 45
