"""The JSON lines connector: the contract, bad lines, gzip, resuming, flat memory."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from ragkit.errors import SourceError
from ragkit.testing.contracts import ConnectorContract, items_of
from ragkit.types import Checkpoint, SourceItem
from ragkit_connectors.jsonl import JsonlConnector


def rows(count: int, start: int = 0) -> str:
    """Return JSON lines."""
    return "".join(
        json.dumps({"id": f"d{n}", "title": f"T {n}", "text": f"text {n}", "meta": {"guide": "g", "n": n}}) + "\n"
        for n in range(start, start + count)
    )


def read(path: Path, **options) -> list[SourceItem]:
    """Return the items of one pass."""
    return items_of(JsonlConnector(name="x", path=str(path), **options).changes(None))


class TestJsonlContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> JsonlConnector:
        (tmp_path / "a.jsonl").write_text(rows(5) + "no json\n" + rows(3, 5))
        (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(rows(4, 100).encode()))
        return JsonlConnector(name="corpus", path=str(tmp_path / "*.jsonl*"), checkpoint_every=2)

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> JsonlConnector:
        return JsonlConnector(name="corpus", path=str(tmp_path / "*.nothing"))


def test_a_line_becomes_an_item(tmp_path: Path) -> None:
    """Fields are named by the configuration; metadata is flat text."""
    row = {
        "key": 7,
        "body": "Hi",
        "head": "Title",
        "more": {"a": 1.5, "b": True, "c": [1], "d": None},
        "uri": "https://x",
    }
    (tmp_path / "a.jsonl").write_text("\ufeff".encode().decode() and json.dumps(row))
    (item,) = read(
        tmp_path / "a.jsonl", id_field="key", text_field="body", title_field="head", meta_field="more",
        media_type="text/markdown", access=["pub"],
    )  # fmt: skip
    assert (item.native_id, item.content, item.title, item.uri) == ("7", b"Hi", "Title", "https://x")
    assert item.metadata == {"a": "1.5", "b": "true"}
    assert (item.media_type, item.access, item.problem) == ("text/markdown", frozenset({"pub"}), None)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "bad-line"),
        (b"[1]", "bad-line"),
        (b'"x"', "bad-line"),
        (b'{"id": "a"}', "bad-line"),
        (b'{"text": "a"}', "bad-line"),
        (b'{"id": "", "text": "a"}', "bad-line"),
        (b'{"id": true, "text": "a"}', "bad-line"),
        (b'{"id": "a", "text": 5}', "bad-line"),
        (b'{"id": "a", "text": "\\ud800"}', "bad-line"),
        (b'{"id": "a", "text": "\xff"}', "bad-line"),
        (b"[" * 100_000, "bad-line"),
        (b'{"id": "d0", "text": "again"}', "duplicate-id"),
        (b'{"id": "a", "text": "' + b"x" * 200_000 + b'"}', "too-large"),
    ],
)
def test_a_bad_line_is_quarantined_and_the_run_goes_on(tmp_path: Path, line: bytes, problem: str) -> None:
    """The line is an item with a problem; those around it are read."""
    (tmp_path / "a.jsonl").write_bytes(rows(1).encode() + line + b"\n\n" + rows(1, 1).encode())
    items = read(tmp_path / "a.jsonl", max_bytes=150_000)
    assert [item.problem for item in items] == [None, problem, None]
    assert items[1].content == b""
    assert "2" in items[1].native_id


def test_of_equal_ids_the_first_counts(tmp_path: Path) -> None:
    """Otherwise the document would change back and forth at every sync."""
    (tmp_path / "a.jsonl").write_text('{"id": 1, "text": "first"}\n{"id": "1", "text": "second"}\n')
    first, second = read(tmp_path / "a.jsonl")
    assert (first.content, second.problem) == (b"first", "duplicate-id")
    assert first.native_id != second.native_id


def test_a_cursor_into_a_changed_file_starts_over(tmp_path: Path) -> None:
    """Line numbers mean nothing in other content; starting over loses nothing."""
    path = tmp_path / "a.jsonl"
    path.write_text(rows(10))
    connector = JsonlConnector(name="x", path=str(path), checkpoint_every=4)
    cursor = next(c.cursor for c in connector.changes(None) if isinstance(c, Checkpoint))
    assert len(items_of(connector.changes(cursor))) == 6
    path.write_text(rows(1, 50) + rows(10))
    assert len(items_of(connector.changes(cursor))) == 11
    assert len(items_of(connector.changes("no cursor of ours"))) == 11


def test_a_torn_gzip_is_a_source_error(tmp_path: Path) -> None:
    """Half a corpus must not look like a whole one, or the other half would be deleted."""
    whole = gzip.compress(rows(5000).encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError) as caught:
        read(tmp_path / "a.gz")
    assert "a.gz" not in str(caught.value)


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    """The corpus is a regular file."""
    (tmp_path / "real").write_text(rows(1))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("link", "."):
        with pytest.raises(SourceError):
            read(tmp_path / name)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """Twenty megabytes of text pass through in under four."""
    with gzip.open(tmp_path / "a.gz", "wt") as file:
        for number in range(2_000):
            file.write(json.dumps({"id": number, "text": "word " * 2_000}) + "\n")
    tracemalloc.start()
    try:
        assert sum(1 for _ in JsonlConnector(name="x", path=str(tmp_path / "a.gz")).changes(None)) > 2_000
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
