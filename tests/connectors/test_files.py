"""The folder connector: the contract, and what only a file system does."""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path

import pytest

from ragkit.errors import SourceError
from ragkit.testing.contracts import ConnectorContract, items_of
from ragkit.types import Checkpoint, Unlisted, Upsert
from ragkit_connectors.files import FilesConnector


def plant(root: Path, **files: str) -> Path:
    """Write files; two underscores are a folder, ``_dot_`` a dot."""
    for name, text in files.items():
        target = root / name.replace("__", "/").replace("_dot_", ".")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return root


def read(root: Path, **options) -> dict[str, object]:
    """Return one pass by native id."""
    return {
        item.native_id: item for item in items_of(FilesConnector(name="x", path=str(root), **options).changes(None))
    }


class TestFilesContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> FilesConnector:
        plant(tmp_path, a_dot_md="# A", a__b_dot_txt="b", a__c__d_dot_txt="d", ab_dot_txt="x", z_dot_csv="1,2")
        (tmp_path / "link").symlink_to(tmp_path / "z.csv")
        return FilesConnector(name="docs", path=str(tmp_path), checkpoint_every=1)

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> FilesConnector:
        return FilesConnector(name="docs", path=str(tmp_path / "nowhere"))


def test_an_item_carries_what_the_file_system_knows(tmp_path: Path) -> None:
    """Relative path, folder, extension, media type, time with zone, declared access."""
    plant(tmp_path, hr__2026__Leave_dot_MD="# Leave")
    os.utime(tmp_path / "hr/2026/Leave.MD", (1_700_000_000, 1_700_000_000))
    item = read(tmp_path, access=["g:docs|staff"])["hr/2026/Leave.MD"]
    assert (item.content, item.name, item.media_type) == (b"# Leave", "Leave.MD", "text/markdown")
    assert item.metadata == {"folder": "hr/2026", "extension": "md"}
    assert item.modified.tzinfo is UTC
    assert item.modified.timestamp() == 1_700_000_000
    assert item.access == frozenset({"g:docs|staff"})
    assert str(tmp_path) not in f"{item.uri}{item.native_id}"


def test_globs_choose(tmp_path: Path) -> None:
    """``**`` crosses folders, ``*`` does not; exclude wins; hidden and lock files are left out by default."""
    plant(
        tmp_path, a_dot_md="", x__a_dot_md="", x__y__a_dot_md="", x__a_dot_txt="", _dot_git__config="", x___dot_env=""
    )
    (tmp_path / "~$a.docx").write_text("lock")
    assert set(read(tmp_path)) == {"a.md", "x/a.md", "x/a.txt", "x/y/a.md"}
    assert set(read(tmp_path, include=["*.md"])) == {"a.md"}
    assert set(read(tmp_path, include=["**/*.md"])) == {"a.md", "x/a.md", "x/y/a.md"}
    assert set(read(tmp_path, include=["x/**"], exclude=["**/y/**"])) == {"x/a.md", "x/a.txt", "x/.env"}
    assert set(read(tmp_path, include=["**/?.[mt][dx]*"], exclude=["x/**"])) == {"a.md"}


def test_what_cannot_be_read_is_seen_and_not_lost(tmp_path: Path) -> None:
    """Links, pipes and files over the limit are items with a problem and no content."""
    plant(tmp_path, small="12345", big="123456", folder__inside="x")
    (tmp_path / "link").symlink_to(tmp_path / "small")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "linked_folder").symlink_to(tmp_path / "folder", target_is_directory=True)
    os.mkfifo(tmp_path / "pipe")
    items = read(tmp_path, max_bytes=5)
    assert {name: item.problem for name, item in items.items()} == {
        "small": None,
        "big": "too-large",
        "folder/inside": None,
        "link": "symbolic-link",
        "dangling": "symbolic-link",
        "linked_folder": "symbolic-link",
        "pipe": "not-a-file",
    }
    assert all(item.content == b"" for item in items.values() if item.problem)


def test_a_file_that_vanishes_during_the_pass_is_not_there(tmp_path: Path) -> None:
    """Files and folders removed between listing and reading do not break the run."""
    plant(tmp_path, a="1", b="2", c__d="3", e="4")
    stream = FilesConnector(name="x", path=str(tmp_path)).changes(None)
    assert isinstance(next(stream), Upsert)
    (tmp_path / "b").unlink()
    (tmp_path / "c/d").unlink()
    (tmp_path / "c").rmdir()
    rest = list(stream)
    assert [item.native_id for item in items_of(rest)] == ["e"]
    assert rest[-1] == Checkpoint(None, complete=True)


def test_a_file_swapped_for_a_link_during_the_pass_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening the name may come to mean another file; the opening decides."""
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    root = plant(tmp_path / "root", a="harmless")
    real = os.open

    def swap_then_open(path, flags, *args, **kwargs):
        if path == "a":
            (root / "a").unlink()
            (root / "a").symlink_to(outside)
        return real(path, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", swap_then_open)
    item = read(root)["a"]
    assert (item.content, item.problem) == (b"", "unreadable")


def test_the_files_of_a_folder_that_may_not_be_read_are_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where it cannot be opened nor where its names cannot be looked up; it is named, and the rest is read."""
    plant(tmp_path, a="1", b__c="2", b__d="3", e__f="4", g="5")
    for refuses in ("open", "stat"):
        real = getattr(os, refuses)

        def refuse(path, *args, real=real, **kwargs):
            if path == "b":
                raise PermissionError(13, "no")
            return real(path, *args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(os, refuses, refuse)
            changes = list(FilesConnector(name="x", path=str(tmp_path)).changes(None))
        assert [change.within for change in changes if isinstance(change, Unlisted)] == ["b/"]
        assert [(item.native_id, item.problem) for item in items_of(changes)] == [
            ("a", None), ("b", "unreadable"), ("e/f", None), ("g", None)
        ]  # fmt: skip
        assert changes[-1] == Checkpoint(None, complete=True)


def test_a_name_that_is_no_utf8_becomes_text(tmp_path: Path) -> None:
    """Undecodable bytes in a name are escaped, so that the identity can be stored; the cursor still works."""
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")
    plant(tmp_path, zz="y")
    items = read(tmp_path)
    assert set(items) == {"caf\\xe9.txt", "zz"}
    after = items_of(FilesConnector(name="x", path=str(tmp_path)).changes("caf\\xe9.txt"))
    assert [item.native_id for item in after] == ["zz"]


def test_resuming_opens_nothing_before_the_cursor(tmp_path: Path) -> None:
    """Order is folder by folder, so one path is a position: a name that sorts between folder and file too."""
    plant(tmp_path, **{"a__z": "1", "a_dot_txt": "2", "a-b": "3", "b": "4"})
    order = list(read(tmp_path))
    assert order == ["a/z", "a-b", "a.txt", "b"]
    for position, cursor in enumerate(order):
        rest = items_of(FilesConnector(name="x", path=str(tmp_path)).changes(cursor))
        assert [item.native_id for item in rest] == order[position + 1 :]


def test_an_error_names_no_path(tmp_path: Path) -> None:
    """The folder's name may be a customer's."""
    for path in (tmp_path / "Ana Pérez", plant(tmp_path, file="x") / "file"):
        with pytest.raises(SourceError) as caught:
            list(FilesConnector(name="docs", path=str(path)).changes(None))
        assert str(tmp_path) not in f"{caught.value}{caught.value.remedy}"
        assert "Pérez" not in f"{caught.value}{caught.value!r}"
        assert caught.value.remedy
    assert str(tmp_path) not in repr(FilesConnector(name="docs", path=str(tmp_path)))


def test_no_handle_stays_open(tmp_path: Path) -> None:
    """Neither a whole nor an abandoned pass leaks descriptors."""
    plant(tmp_path, **{f"d{n}__f{n}": "x" for n in range(30)})
    before = len(list(Path("/proc/self/fd").iterdir()))
    read(tmp_path)
    stream = FilesConnector(name="x", path=str(tmp_path)).changes(None)
    next(stream)
    stream.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
