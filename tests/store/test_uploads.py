"""Rows of uploads: what a change is, in which order changes come, and what becomes of keys and files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import crypto
from ragkit.errors import KeyMismatch, StoreError
from ragkit.store.key_schema import record_keys
from ragkit.store.keysweep import count_keys, reconcile
from ragkit.store.originals import Originals, OriginalWriter
from ragkit.store.uploads import UploadRow, UploadRows
from ragkit.testing.light import LightIngest


@pytest.fixture
def rows(light: LightIngest) -> UploadRows:
    """The uploads of a collection."""
    return UploadRows(light.database.key_file, light.collection)


@pytest.fixture
def files(tmp_path: Path) -> Originals:
    """A folder of originals."""
    return Originals(tmp_path / "uploads" / "collection")


def put(rows: UploadRows, upload: str, file: str = "") -> UploadRow:
    """Enter an original."""
    name = file or f"{upload}-{rows.last()}"
    rows.add(source="uploads", upload=upload, doc_id=f"doc-{upload}", file=name, key=crypto.new_key())
    found = rows.of(f"doc-{upload}")
    assert found is not None
    return found


def keys(light: LightIngest) -> set[str]:
    """The files whose keys are there."""
    with light.database.key_file.read() as connection:
        places = connection.execute(record_keys.select()).all()
    return {row.place.removeprefix("u/") for row in places if row.place.startswith("u/")}


def test_changes_come_in_their_order_and_once_each(rows: UploadRows) -> None:
    """Of each upload the newest row; after a number only what changed since."""
    first, second = put(rows, "a"), put(rows, "b")
    again = put(rows, "a")
    assert [row.upload for row in rows.changed("uploads")] == ["b", "a"]
    assert rows.changed("uploads", after=second.seq) == [again]
    assert rows.changed("elsewhere") == []
    assert first.seq < second.seq < again.seq == rows.last()


def test_no_number_is_given_twice(rows: UploadRows) -> None:
    """Whatever goes, the next change has a higher number: a pass that goes on after the last one misses nothing."""
    given = [put(rows, "a").seq]
    for _ in range(3):
        row = rows.of("doc-a")
        assert row is not None
        rows.remove(row)
        given.append(rows.last())
        given.append(put(rows, "a").seq)
        newest = rows.of("doc-a")
        assert newest is not None
        rows.refuse(newest)
        given.append(rows.last())
    assert given == sorted(set(given))


def test_what_is_kept_replaces_what_was_before(rows: UploadRows, light: LightIngest) -> None:
    """The old key goes when the new original was taken in, and not before."""
    old = put(rows, "a", "old")
    rows.keep(old)
    new = put(rows, "a", "new")
    assert keys(light) == {"old", "new"}
    assert rows.keep(new) == ["old"]
    assert keys(light) == {"new"} == rows.files()
    kept = rows.of("doc-a")
    assert kept is not None
    assert (kept.state, kept.file) == ("kept", "new")


def test_what_is_refused_leaves_what_was_before(rows: UploadRows, light: LightIngest) -> None:
    """The newest goes, the one before it is a change again; where there is none, the document is to go."""
    rows.keep(put(rows, "a", "old"))
    second, third = put(rows, "a", "second"), put(rows, "a", "third")
    assert rows.refuse(third) == ["third"]
    assert keys(light) == {"old", "second"}
    now = rows.of("doc-a")
    assert now is not None
    assert (now.file, now.state, now.seq > third.seq > second.seq) == ("second", "new", True)
    assert rows.changed("uploads") == [now], "one row of an upload is the newest"
    alone = put(rows, "b", "alone")
    rows.refuse(alone)
    gone = rows.of("doc-b")
    assert gone is not None
    assert (gone.state, gone.file) == ("gone", "")


def test_a_removed_upload_has_no_key_and_tells_what_is_to_become_of_its_document(
    rows: UploadRows, light: LightIngest
) -> None:
    """All keys go at once; the row stays, and says whether the document is to go too."""
    rows.keep(put(rows, "a", "old"))
    newest = put(rows, "a", "new")
    assert sorted(rows.remove(newest)) == ["new", "old"]
    assert sorted(rows.remove(put(rows, "b", "named"), indexed=True)) == ["named"]
    assert keys(light) == set() == rows.files()
    assert {row.upload: row.state for row in rows.every()} == {"a": "gone", "b": "destroyed"}


def test_keys_of_uploads_are_none_of_the_record_stores_business(rows: UploadRows, light: LightIngest) -> None:
    """Comparing keys with records neither counts nor releases them: they would be pruned with old backups."""
    light.sync({"a": "Ada wrote"})
    before = count_keys(light.database, light.collection.id)
    row = put(rows, "x", "original")
    assert reconcile(light.database, light.collection.id) == 0
    assert reconcile(light.database, light.collection.id, thorough=True) == 0
    assert count_keys(light.database, light.collection.id) == before
    assert rows.key(row.file) is not None


@pytest.fixture
def written(files: Originals) -> Iterator[OriginalWriter]:
    """An original of several frames."""
    with files.create() as writer:
        writer.write(b"Ottermere " * 60_000)
        writer.finish({"name": "kayak.txt", "by": "x" * 300_000})
        yield writer


def test_an_original_comes_back_as_it_was(files: Originals, written: OriginalWriter) -> None:
    """Content over several frames and a long header; above a limit the content stays out."""
    assert files.read(written.file, written.key) == (
        {"name": "kayak.txt", "by": "x" * 300_000},
        b"Ottermere " * 60_000,
    )
    found = files.read(written.file, written.key, limit=10)
    assert found is not None
    assert found[1] == b""
    assert files.read("nothing", written.key) is None


def test_nothing_of_it_is_readable_on_the_disk(files: Originals, written: OriginalWriter, tmp_path: Path) -> None:
    """Neither content nor header, and the file is private."""
    file = tmp_path / "uploads" / "collection" / written.file
    assert b"Ottermere" not in file.read_bytes()
    assert b"kayak" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(KeyMismatch):
        files.read(written.file, crypto.new_key())


@pytest.mark.parametrize("damage", ["cut", "swap", "shorten", "header", "longer"])
def test_a_damaged_original_is_not_read(files: Originals, written: OriginalWriter, tmp_path: Path, damage: str) -> None:
    """Frames that are missing, exchanged, cut or altered are told; no part of a document passes for the whole."""
    path = tmp_path / "uploads" / "collection" / written.file
    raw = path.read_bytes()
    frames, at = list[bytes](), 0
    while at < len(raw):
        size = 4 + int.from_bytes(raw[at : at + 4], "big")
        frames.append(raw[at : at + size])
        at += size
    assert len(frames) > 4
    made = {
        "cut": b"".join(frames[:-1]),
        "swap": b"".join([frames[1], frames[0], *frames[2:]]),
        "shorten": b"".join([frames[0], *frames[2:]]),
        "header": b"".join(frames[:-1]) + frames[-1][:-1] + bytes([frames[-1][-1] ^ 1]),
        "longer": (2**31).to_bytes(4, "big") + raw[4:],
    }[damage]
    path.write_bytes(made)
    with pytest.raises((StoreError, KeyMismatch)):
        files.read(written.file, written.key)


def test_a_sweep_deletes_what_nobody_knows_and_nobody_writes(files: Originals, tmp_path: Path) -> None:
    """An upload under way stays, a known file stays, what a killed upload left goes."""
    folder = tmp_path / "uploads" / "collection"
    with files.create() as under_way, files.create() as known:
        under_way.write(b"x" * 600_000)
        known.finish({})
        known.keep()
        (folder / "left").write_bytes(b"of a killed upload")
        assert files.sweep(lambda: {known.file}) == 1
        assert {path.name for path in folder.iterdir()} == {under_way.file, known.file}
    assert {path.name for path in folder.iterdir()} == {known.file}, "what is not kept goes with its writer"
    assert files.sweep(set) == 1
