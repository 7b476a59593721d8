"""The connector of uploads, by the contract of connectors and by what is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragkit.errors import SourceError
from ragkit.ingest.uploads import Kept, UploadsConnector
from ragkit.store.originals import Originals
from ragkit.store.uploads import UploadRows
from ragkit.testing.contracts import ConnectorContract, items_of
from ragkit.testing.light import LightIngest
from ragkit.types import Checkpoint, Delete

Put = Callable[..., None]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Originals of an empty collection."""
    light = LightIngest(tmp_path, words=[])
    yield Kept(UploadRows(light.database.key_file, light.collection), Originals(tmp_path / "uploads" / "one"))
    light.database.close()


@pytest.fixture
def put(kept: Kept) -> Put:
    """Hand a document in."""

    def add(upload: str, content: bytes = b"text", **header: object) -> None:
        said = {
            "name": f"{upload}.txt", "media_type": "text/plain", "title": "", "access": None, "metadata": {},
            "at": "2026-11-22T10:00:00+00:00", "by": "h", "size": len(content),
        }  # fmt: skip
        with kept.files.create() as writer:
            writer.write(content)
            writer.finish(said | header)
            kept.rows.add(source="uploads", upload=upload, doc_id=f"d-{upload}", file=writer.file, key=writer.key)
            writer.keep()

    return add


class TestUploads(ConnectorContract):
    """The suite for every connector."""

    @pytest.fixture
    def connector(self, kept: Kept, put: Put) -> UploadsConnector:
        for number in range(7):
            put(f"upload-{number}", metadata={"n": str(number)}, access=["u:crm|bo"] if number % 2 else None)
        return UploadsConnector(name="uploads", access=["g:crm|staff"], kept=kept, checkpoint_every=2)

    @pytest.fixture
    def unreadable(self) -> UploadsConnector:
        return UploadsConnector(name="uploads")


def test_a_pass_gives_only_what_changed(kept: Kept, put: Put) -> None:
    """After the last cursor come new uploads, replaced ones and deletions; a cursor from the future starts over."""
    connector = UploadsConnector(name="uploads", kept=kept)
    put("a"), put("b")
    *_, last = connector.changes(None)
    assert isinstance(last, Checkpoint)
    assert not last.complete, "a deletion is a change of its own"
    assert list(connector.changes(last.cursor)) == [last]
    put("b", b"another text")
    row = kept.rows.of("d-a")
    assert row is not None
    kept.files.unlink(kept.rows.remove(row))
    put("c")
    changes = list(connector.changes(last.cursor))
    assert [item.native_id for item in items_of(changes)] == ["b", "c"]
    assert Delete("a") in changes
    assert [item.native_id for item in items_of(connector.changes("999"))] == ["b", "c"]


def test_access_is_the_uploads_own_or_the_sources(kept: Kept, put: Put) -> None:
    """An empty list means nobody, and is not the same as none."""
    put("own", access=["u:crm|bo"]), put("none"), put("nobody", access=[])
    found = items_of(UploadsConnector(name="uploads", access=["pub"], kept=kept).changes(None))
    assert [item.access for item in found] == [frozenset({"u:crm|bo"}), frozenset({"pub"}), frozenset()]
    without = items_of(UploadsConnector(name="uploads", kept=kept).changes(None))
    assert [item.access for item in without][1] is None


def test_another_access_list_in_the_configuration_gives_all_again(kept: Kept, put: Put) -> None:
    """A list that shrank takes effect in the next pass, and no pass after it reads more than what changed."""
    put("one"), put("two", access=["u:crm|bo"])
    wide, narrow = replace(kept, access=frozenset({"pub"})), replace(kept, access=frozenset({"g:crm|staff"}))
    *_, last = UploadsConnector(name="uploads", kept=wide).changes(None)
    assert isinstance(last, Checkpoint)
    assert list(UploadsConnector(name="uploads", kept=wide).changes(last.cursor)) == [last]
    *changes, now = UploadsConnector(name="uploads", kept=narrow).changes(last.cursor)
    assert [item.native_id for item in items_of(changes)] == ["one", "two"]
    assert isinstance(now, Checkpoint)
    assert list(UploadsConnector(name="uploads", kept=narrow).changes(now.cursor)) == [now]
    own = UploadsConnector(name="uploads", kept=narrow, access=["pub"])
    assert len(items_of(own.changes(now.cursor))) == 2


def test_what_cannot_be_read_is_told_and_what_is_destroyed_is_not(kept: Kept, put: Put, tmp_path: Path) -> None:
    """A damaged original and one that is too large are items with a problem; a destroyed one is no change at all."""
    put("fine"), put("damaged"), put("large", b"x" * 100), put("destroyed"), put("lost")
    rows = {row.upload: row for row in kept.rows.every()}
    (tmp_path / "uploads" / "one" / rows["damaged"].file).write_bytes(b"\x00\x00\x00\x05hello")
    kept.rows.remove(rows["destroyed"], indexed=True)
    kept.files.unlink([rows["lost"].file])
    found = items_of(UploadsConnector(name="uploads", max_bytes=50, kept=kept).changes(None))
    assert {item.native_id: item.problem for item in found} == {
        "fine": None, "damaged": "unreadable", "large": "too-large",
    }  # fmt: skip


def test_without_a_workspace_it_says_so() -> None:
    """A connector that was made by hand has nothing to read."""
    with pytest.raises(SourceError, match="through the workspace"):
        list(UploadsConnector(name="uploads").changes(None))
