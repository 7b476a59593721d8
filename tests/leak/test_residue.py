"""The scanner that judges an erasure finds what is left, however it is written."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.residue import Marks, search

NAME = "Ana\u00efs Sj\u00f6blom-Nyembe"
WRITTEN: dict[str, Callable[[str], bytes]] = {
    "utf-8": lambda text: text.upper().encode(),
    "utf-16": lambda text: b"x" + text.encode("utf-16-be"),
    "json": lambda text: json.dumps([text]).encode(),
    "hex": lambda text: text.encode().hex().upper().encode(),
    "base64": lambda text: base64.b64encode(b"ab" + text.encode() + b"c"),
    "no accents": lambda _: b"anais sjoblom-nyembe",
    "gzip": lambda text: gzip.compress(b"a" * 99 + text.encode()),
    "zlib inside": lambda text: b"\0" * 77 + zlib.compress(b"a" * 99 + text.encode()) + b"tail",
}


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN.keys())
def test_a_text_is_found_however_it_is_written(write: Callable[[str], bytes], tmp_path: Path) -> None:
    """In the middle of other bytes; and another text is not."""
    (tmp_path / "file").write_bytes(write(NAME))
    assert {one.label for one in search(tmp_path, Marks({"own": NAME, "other": "Bo Ek-Larsson"}))} == {"own"}


def test_deleted_rows_are_found_until_they_are_overwritten(tmp_path: Path) -> None:
    """Free pages of a database hold what was deleted, also where a row was cut in two by a page."""
    for secure in (0, 1):
        folder = tmp_path / str(secure)
        folder.mkdir()
        database = sqlite3.connect(folder / "rows.db", isolation_level=None)
        database.execute(f"pragma secure_delete = {secure}")
        database.execute("create table rows (text)")
        for more in range(0, 4100, 9):  # where the page of 4,096 bytes ends depends on how long the row is
            database.execute("insert into rows values (?)", ("." * 900 + NAME + "." * (5000 + more),))
        database.execute("delete from rows")
        database.close()
        how = {one.how for one in search(folder, Marks({"own": NAME}))}
        assert how == (set() if secure else {"utf-8", "across pages"})


def test_vectors_are_found_at_any_place_and_scale(tmp_path: Path) -> None:
    """As float32 at odd offsets, normalised again, in part; and a vector that is not there is not found."""
    dice = np.random.default_rng(5)
    own, other, third = (one / np.linalg.norm(one) for one in dice.standard_normal((3, 384)).astype(np.float32))
    noise = dice.bytes(5001)
    (tmp_path / "whole").write_bytes(noise + (own * np.float32(1.00001)).tobytes() + noise)
    (tmp_path / "end").write_bytes(noise + other[200:].tobytes())
    found = search(tmp_path, Marks(vectors=[own, other, third]))
    assert {(one.label, one.file) for one in found} == {("vector 0", "whole"), ("vector 1", "end")}


def test_names_of_files_and_raw_bytes_are_searched(tmp_path: Path) -> None:
    """A path that spells a name, a sealed row in hexadecimal."""
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "log").write_text(f"row {bytes(range(40)).hex()}")
    found = search(tmp_path, Marks({"own": NAME}, {"row": bytes(range(40))}))
    assert {one.label for one in found} == {"own", "row"}
