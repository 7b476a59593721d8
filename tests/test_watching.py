"""Files that change, by the real operating system: which source it is, and what does not count."""

from __future__ import annotations

import builtins
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.config import parse_config
from ragkit.errors import ConfigError, MissingDependency, RagkitError
from ragkit.watching import Watching, places_of


def wait_for(watching: Watching, place: str, *, seconds: float = 15) -> set[str]:
    """Return what changed until this place was told."""
    until, told = time.monotonic() + seconds, set[str]()
    while place not in told and time.monotonic() < until:
        told |= watching.pause(0.5)
    return told


def test_a_change_is_told_of_the_source_it_is_in(tmp_path: Path) -> None:
    """A new file deep in a folder and a file that is replaced; the data directory and a neighbour do not count."""
    docs, data = tmp_path / "docs", tmp_path / "docs" / ".ragkit"
    (docs / "deep").mkdir(parents=True)
    data.mkdir()
    rows = tmp_path / "rows.jsonl"
    rows.write_text("{}\n")
    roots = {docs: frozenset({"shop/docs"}), rows: frozenset({"shop/rows"})}
    with Watching(roots, ignore=data) as watching:
        time.sleep(0.5)
        (data / "records.db").write_text("x")
        (tmp_path / "neighbour.txt").write_text("x")
        assert watching.pause(2.0) == set()
        (docs / "deep" / "new.md").write_text("# New")
        assert wait_for(watching, "shop/docs") == {"shop/docs"}
        (tmp_path / "next.jsonl").write_text("{}\n{}\n")
        (tmp_path / "next.jsonl").replace(rows)
        assert wait_for(watching, "shop/rows") == {"shop/rows"}


@pytest.mark.parametrize("goes", ["renamed", "deleted"])
def test_a_folder_in_the_place_of_another_is_watched(tmp_path: Path, goes: str) -> None:
    """A share is mounted anew, a tree is swapped for a fresh copy: what happens in the new one is told."""
    docs, rows = tmp_path / "place" / "docs", tmp_path / "place" / "rows.jsonl"
    docs.mkdir(parents=True)
    (docs / "old.md").write_text("# Old")
    rows.write_text("{}\n")
    roots = {docs: frozenset({"shop/docs"}), rows: frozenset({"shop/rows"})}
    with Watching(roots, ignore=tmp_path / "data") as watching:
        for place, folder in (("shop/docs", docs), ("shop/rows", rows.parent)):
            if goes == "renamed":
                folder.rename(tmp_path / f"{folder.name} before")
            else:
                shutil.rmtree(folder)
            watching.pause(3.0)
            docs.mkdir(parents=True)
            rows.write_text("{}\n")
            assert wait_for(watching, place) >= {place}
            while watching.pause(3.0):
                continue
            (docs / "new.md" if folder == docs else rows).write_text("{}\n{}\n")
            assert wait_for(watching, place) >= {place}


def test_what_is_watched_is_what_has_files_here(tmp_path: Path) -> None:
    """Folders, files, the folder above a pattern; two sources of one folder; nothing elsewhere."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "rows").mkdir()
    (tmp_path / "one.jsonl").write_text("")
    sources = [
        {"connector": "files", "name": "docs", "path": "docs"},
        {"connector": "files", "name": "again", "path": "docs"},
        {"connector": "jsonl", "name": "rows", "path": "rows/*/2026-*.jsonl"},
        {"connector": "jsonl", "name": "one", "path": "one.jsonl"},
        {"connector": "web", "name": "wiki", "url": "https://wiki.example"},
    ]
    config = _config(tmp_path, sources)
    assert places_of(config, [("shop", config.collections["shop"].sources)]) == {
        tmp_path / "docs": {"shop/docs", "shop/again"},
        tmp_path / "rows": {"shop/rows"},
        tmp_path / "one.jsonl": {"shop/one"},
    }


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ({"connector": "files", "name": "docs", "path": "absent"}, "not there"),
        ({"connector": "web", "name": "wiki", "url": "https://wiki.example"}, "none of these"),
    ],
)
def test_what_cannot_be_watched_is_said(tmp_path: Path, source: dict[str, Any], says: str) -> None:
    """A folder that is not mounted, sources that are elsewhere: an error with a remedy, not a wait for ever."""
    config = _config(tmp_path, [source])
    with pytest.raises(ConfigError, match=says) as refused:
        places_of(config, [("shop", config.collections["shop"].sources)])
    assert refused.value.remedy


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without watchfiles the error says what to install."""
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name == "watchfiles":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependency) as missing, Watching({tmp_path: frozenset("x")}, ignore=tmp_path / "d"):
        pass
    assert "ragkit[watch]" in missing.value.remedy


def test_a_watch_that_breaks_is_not_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the system watches no more, the wait ends with an error that names no folder."""

    def breaks(*_: object, **__: object) -> Any:
        raise OSError(28, "no space left on device", str(tmp_path))

    monkeypatch.setattr("watchfiles.watch", breaks)
    with Watching({tmp_path: frozenset("x")}, ignore=tmp_path / "d") as watching:
        with pytest.raises(RagkitError, match="watched any more") as failed:
            watching.pause(10)
        assert str(tmp_path) not in str(failed.value)


def _config(folder: Path, sources: list[dict[str, Any]]) -> Any:
    tables = {
        "workspace": {"name": "w", "owner": "local|ana"},
        "collections": {"shop": {"access": ["u:local|ana"], "sources": sources}},
    }
    return parse_config(tables, folder=folder)
