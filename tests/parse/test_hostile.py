"""The hostile set: each file ends as text or as one typed problem, in time, and nothing gets out of the child.

The fast half runs what somebody had to think of but for the slowest kinds, and a few broken files; the slow test all.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import pytest

from ragkit.parse.ocr_setup import Ocr, find_ocr
from ragkit.parse.problems import _PARSE, _REFUSED
from ragkit.parse.sandbox import SandboxedParser
from ragkit.testing.hostile import broken_files, hostile_files, hostile_folder
from ragkit.testing.hostile_archives import offices, zips
from ragkit.testing.hostile_binaries import pdfs
from ragkit.testing.hostile_samples import Hostile, honest_pdf, samples
from ragkit.testing.hostile_texts import encodings, names
from ragkit.testing.light import LightIngest
from ragkit.types import Document, SourceItem
from ragkit_connectors.files import FilesConnector

LIMIT_S = 30.0
"""Longest that an item may take; the parser's own limit is a little less."""


def run(files: Iterable[Hostile], ocr: Ocr | None = None) -> Counter[str]:
    """Parse them; check each, and return how often each outcome came."""
    outcomes: Counter[str] = Counter()
    with SandboxedParser(ocr=ocr, timeout_s=25) as parser:
        for file in files:
            began = time.monotonic()
            item = SourceItem(native_id="1", content=file.content, name=file.name)
            ((_, result),) = parser.parse_all([item])
            assert time.monotonic() - began < LIMIT_S, file
            if isinstance(result, Document):
                assert "root:x:0" not in result.text, file  # /etc/passwd
                outcomes["text" if result.text.strip() else "empty"] += 1
            else:
                assert result.code in {*_PARSE, *_REFUSED}, file
                assert result.code != "bad-answer", file
                outcomes[result.code] += 1
        ((_, after),) = parser.parse_all([SourceItem(native_id="1", content=b"good", name="a.txt")])
        assert isinstance(after, Document)
    return outcomes


def test_the_honest_samples_are_read() -> None:
    """What the broken files were made from comes out as text when whole."""
    with SandboxedParser(ocr=find_ocr()) as parser:
        items = [SourceItem(native_id=kind, content=content, name=f"a.{kind}") for kind, content in samples().items()]
        unread = {item.native_id for item, result in parser.parse_all(items) if not isinstance(result, Document)}
    assert unread <= {"png", "jpg", "tiff", "gif", "webp"}  # without OCR


def test_what_is_made_to_harm_comes_to_nothing() -> None:
    """Bombs, loops, lies about size, encodings and names, but for those that take seconds to end."""
    loops = (file for file in pdfs() if file.kind != "pdf bomb" and file.name != "form.pdf")
    outcomes = run([*zips(), *offices(), *loops, *encodings(), *names()])
    assert outcomes["archive-bomb"] >= 5
    assert outcomes["encrypted"] >= 4
    assert outcomes["text"] > 40
    assert outcomes["parser-timeout"] == 0


def test_what_is_broken_comes_to_nothing() -> None:
    """Honest files cut, with bits turned, and under another's name: a part of the set."""
    outcomes = run(islice(broken_files(cuts=4, flips=1), 0, None, 2))
    assert outcomes["text"] > 10
    assert outcomes["parser-timeout"] == outcomes["parser-crashed"] == 0


@pytest.mark.slow
def test_the_whole_set() -> None:
    """Over four hundred files of over twenty kinds."""
    files = list(hostile_files())
    assert len({(file.name, file.content) for file in files}) > 400
    assert len({file.kind for file in files}) > 20
    assert sum(run(files, find_ocr()).values()) == len(files)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "code"), [(50 * 1024**2, "too-large"), (2 * 1024**3, "parser-memory")])
def test_a_line_of_a_gigabyte(tmp_path: Path, limit: int, code: str) -> None:
    """As it comes it is too large to read; allowed in, it costs one record and no second copy of it."""
    folder, store = tmp_path / "folder", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    (folder / "good.txt").write_text("good")
    with (folder / "line.txt").open("wb") as line:
        for _ in range(1_024):
            line.write(b"word" * (256 * 1024))
    light = LightIngest(store)
    with SandboxedParser() as parser:
        light.parser = parser  # type: ignore[assignment]
        light.sync(FilesConnector(name="folder", path=str(folder), max_bytes=limit), "folder")
    assert quarantined(light) == {"line.txt": code}
    assert set(light.texts()) == {"good.txt"}


def test_a_sync_goes_on_past_everything(tmp_path: Path) -> None:
    """A folder of hostile files, pipes, devices and loops: what can be read is indexed, all else is one record each."""
    folder, store = tmp_path / "folder", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    expected = hostile_folder(folder)
    some = {"locked.pdf": "encrypted", "bomb.zip": "archive-bomb", "cut.pdf": "malformed", "zero.pdf": "no-text"}
    bomb = next(iter(zips()))
    for name, content in (
        ("locked.pdf", next(file.content for file in pdfs() if file.name == "locked.pdf")),
        ("bomb.zip", bomb.content),
        ("cut.pdf", honest_pdf()[:40]),
        ("zero.pdf", b""),
    ):
        (folder / name).write_bytes(content)
    before = {path.name for path in tmp_path.iterdir()}
    light = LightIngest(store)
    connector = FilesConnector(name="folder", path=str(folder))
    with SandboxedParser() as parser:
        light.parser = parser  # type: ignore[assignment]
        report = light.sync(connector, "folder")
        found = quarantined(light)
        light.sync(connector, "folder")
    refused = {name: code for name, code in (expected | some).items() if code}
    assert found == refused == quarantined(light)
    assert len(light.store.quarantined()) == len(refused)
    assert set(light.texts()) == {name for name, code in expected.items() if code is None}
    assert report.added + report.refused == len(expected | some)
    assert {path.name for path in tmp_path.iterdir()} == before


def quarantined(light: LightIngest) -> dict[str, str]:
    """Code by item of what was refused."""
    codes = {doc_id: code for _, doc_id, code in light.store.quarantined()}
    return {name: codes[doc_id] for doc_id, name in light.store.native_ids(sorted(codes)).items()}
