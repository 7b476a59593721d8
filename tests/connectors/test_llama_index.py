"""The connector for llama-index readers: with the directory reader of its core, and readers of a package made here."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit.errors import ConfigError, SourceError
from ragkit.testing.contracts import ConnectorContract, items_of, read_whole
from ragkit.types import Checkpoint
from ragkit_connectors.llama_index import ReaderConnector

DIRECTORY = "llama_index.core:SimpleDirectoryReader"

READERS = """
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document, TextNode

class Lazy(BaseReader):
    def lazy_load_data(self, texts):
        yield from (Document(text=text) for text in texts)

class Nodes(BaseReader):
    def load_data(self):
        metadata = {"url": "https://w/1", "n": 1, "ok": True, "deep": {"a": 1}}
        return [TextNode(text="one", metadata=metadata), TextNode(text="two")]
"""

PLAIN = """
import logging, os, sys
from types import SimpleNamespace
from uuid import uuid4

class Loud:
    "Shaped as llama-index's, which takes seconds to import; says all that it reads."

    def __init__(self, password):
        self.password = password

    def load_data(self, texts, metadata=None, ids=None, fail_at=None):
        for number, text in enumerate(texts):
            print("Zanzibar", text)
            print("Zanzibar", text, file=sys.stderr)
            logging.getLogger(__name__).error("Zanzibar %s", text)
            if number == fail_at:
                raise OSError(f"cannot read Zanzibar {text}")
            own = ids[number] if ids else str(uuid4())
            yield SimpleNamespace(text=text, metadata=metadata[number] if metadata else None, id_=own)

class Dying:
    def load_data(self):
        os._exit(0)
"""


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install a distribution with readers as pip would, and a module that belongs to none."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acme_readers.py").write_text(READERS)
    (folder / "acme_plain.py").write_text(PLAIN)
    (folder / "acme_stray_reader.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\nclass Stray: ...\n")
    info = folder / "acme_readers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-readers\nVersion: 1.0\n")
    (info / "RECORD").write_text("acme_readers.py,,\nacme_plain.py,,\n")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def directory(folder: Path, **options: Any) -> ReaderConnector:
    """Return the connector over a folder."""
    return ReaderConnector(
        name="notes", reader=DIRECTORY, allow=["llama-index-core"], input_dir=str(folder), recursive=True, **options
    )


def loud(texts: list[str], **load: Any) -> ReaderConnector:
    """Return the connector over texts."""
    options = {key: load.pop(key) for key in ("id_metadata", "max_bytes", "access", "media_type") if key in load}
    return ReaderConnector(
        name="notes", reader="acme_plain:Loud", allow=["acme-readers"], password="hunter2",
        load={"texts": texts, **load}, **options,
    )  # fmt: skip


@pytest.mark.slow  # a reader of llama-index's own takes two seconds to import at every pass
class TestDirectoryContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> ReaderConnector:
        for number in range(4):
            (tmp_path / f"note {number}.txt").write_text(f"Note {number}")
        return directory(tmp_path)

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> ReaderConnector:
        return directory(tmp_path / "absent")


class TestLoudContract(ConnectorContract):
    @pytest.fixture
    def connector(self) -> ReaderConnector:
        pages = [{"path": "/a.pdf"}, {"path": "/a.pdf"}, {"path": "/b.pdf"}, {}]
        return loud(["one", "two", "three", "four"], metadata=pages)

    @pytest.fixture
    def unreadable(self) -> ReaderConnector:
        return loud(["one"], fail_at=0)


def test_a_file_is_an_item_and_a_deleted_one_is_not_named(tmp_path: Path) -> None:
    """Its path is its identity, not the random id that it gets at every run; a change is of its content alone."""
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"Text {name}")
    before = read_whole(directory(tmp_path, access=["pub"]))
    first = before[0]
    assert (first.native_id, first.content, first.title) == (str(tmp_path / "a.txt"), b"Text a", "a.txt")
    assert (first.name, first.media_type, first.access) == ("a.txt", "text/plain", {"pub"})
    assert first.metadata["file_name"] == "a.txt"
    assert first.modified is not None
    (tmp_path / "a.txt").unlink()
    (tmp_path / "b.txt").write_text("New")
    changes = list(directory(tmp_path, access=["pub"]).changes(None))
    assert [item.native_id for item in items_of(changes)] == [item.native_id for item in before[1:]]
    assert [item.content for item in items_of(changes)] == [b"New", b"Text c"]
    assert isinstance(changes[-1], Checkpoint)
    assert changes[-1].complete


def test_identities_stand_on_what_does_not_change() -> None:
    """Metadata that is named, else a known one with the page's number, else an id that is not random, else text."""
    pages = [{"path": "/a.pdf"}, {"path": "/a.pdf"}, {"key": 7, "source": "x"}]
    texts = ["one", "two", "three"]
    assert [item.native_id for item in read_whole(loud(texts, metadata=pages))] == ["/a.pdf", "/a.pdf#2", "x"]
    by_key = read_whole(loud(texts, metadata=pages, id_metadata="key"))
    assert [item.problem for item in by_key] == ["no-id", "no-id", None]
    assert by_key[2].native_id == "7"
    assert len({item.native_id for item in by_key}) == 3
    assert [item.native_id for item in read_whole(loud(texts, ids=["p1", "p2", "p3"]))] == ["p1", "p2", "p3"]
    hashed = [item.native_id for item in read_whole(loud(texts))]
    assert hashed == [item.native_id for item in read_whole(loud(texts))]
    assert [item.native_id for item in read_whole(loud(["new", *texts]))][1:] == hashed


@pytest.mark.slow  # imports llama-index twice
def test_metadata_is_flat_and_nodes_will_do() -> None:
    """A reader may give nodes, all at once or one by one; what is nested is left out."""
    first, second = read_whole(ReaderConnector(name="n", reader="acme_readers:Nodes", allow=["acme-readers"]))
    assert (first.native_id, first.uri, first.content) == ("https://w/1", "https://w/1", b"one")
    assert first.metadata == {"url": "https://w/1", "n": "1", "ok": "true"}
    assert second.content == b"two"
    lazy = ReaderConnector(
        name="n", reader="acme_readers:Lazy", allow=["acme-readers"], load={"texts": ["one", "two", "three"]}
    )
    assert [item.content for item in read_whole(lazy)] == [b"one", b"two", b"three"]


def test_a_long_text_is_a_problem() -> None:
    """It is named, and those beside it are read."""
    found = read_whole(loud(["a", "b" * 100, "c"], ids=["1", "2", "3"], max_bytes=50, media_type="text/markdown"))
    assert [(item.problem, item.content) for item in found] == [(None, b"a"), ("too-large", b""), (None, b"c")]
    assert found[0].media_type == "text/markdown"


def test_a_reader_that_fails_midway_deletes_nothing() -> None:
    """What came is handed over, then the pass breaks; it never says that it was complete."""
    stream = loud(["one", "two", "three"], fail_at=2).changes(None)
    assert len(items_of([next(stream), next(stream)])) == 2
    with pytest.raises(SourceError) as caught:
        next(stream)
    assert "Zanzibar" not in f"{caught.value} {caught.value.remedy}"
    assert caught.value.__cause__ is None


def test_what_a_reader_says_is_heard_by_nobody(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It prints and logs what it reads; the secret among its arguments is in no repr."""
    connector = loud(["one"])
    with caplog.at_level(logging.DEBUG):
        assert len(read_whole(connector)) == 1
    out, err = capfd.readouterr()
    for said in (out, err, caplog.text, repr(connector), connector.probe()):
        assert "Zanzibar" not in said
        assert "hunter2" not in said


def test_a_reader_of_a_package_that_is_not_allowed_does_not_run(package: Path) -> None:
    """Not even its module is imported; nor is one that belongs to no package."""
    for reader, allow in (
        ("acme_plain:Loud", []),
        ("acme_stray_reader:Stray", ["acme-readers"]),
        ("os:system", ["acme-readers"]),
        ("acme_plain", ["acme-readers"]),
        ("acme_plain:Nothing", ["acme-readers"]),
    ):
        with pytest.raises(ConfigError) as caught:
            list(ReaderConnector(name="n", reader=reader, allow=allow).changes(None))
        assert caught.value.remedy
    assert not (package / "ran").exists()


def test_a_reader_that_ends_its_process_is_a_source_error() -> None:
    """Ragkit's own goes on."""
    with pytest.raises(SourceError, match="exit"):
        list(ReaderConnector(name="n", reader="acme_plain:Dying", allow=["acme-readers"]).changes(None))


def test_an_abandoned_reader_is_ended() -> None:
    """Its process does not wait for somebody to take the rest."""
    before = _children()  # of other tests in this process
    stream = loud(["x" * 100_000] * 100).changes(None)
    next(stream)
    (child,) = _children() - before
    stream.close()  # type: ignore[attr-defined]
    assert child not in _children()


def _children() -> set[str]:
    return set(Path("/proc/self/task").joinpath(str(threading.get_native_id()), "children").read_text().split())


def test_wrong_arguments_are_a_source_error() -> None:
    """Of the class, and of `load_data`."""
    for options in ({"unknown": 1}, {"password": "x", "load": {"unknown": 1}}):
        connector = ReaderConnector(name="n", reader="acme_plain:Loud", allow=["acme-readers"], **options)
        with pytest.raises(SourceError, match="TypeError"):
            list(connector.changes(None))
