"""A window of history on a real workspace: what was replaced is kept, told of, erased, restored and purged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.lifecycle.bytescan import PatternScanner, spellings
from ragkit.restoring import restore_workspace
from ragkit.store.records import check

from .conftest import MakeWorkspace

NAME, MAIL = "Galina Yalmanova", "galina.yalmanova@example.org"
LETTER = f"Name: {NAME}\nE-mail: {MAIL}\n\nDear Ms {NAME},\n\nthe zip of your tent will be repaired.\n"
RULES = '\n[policies.default]\ndetectors = []\n[audit]\nmode = "required"\n[audit.history]\ndays = 7\n'


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The data of the events of a kind, in order."""
    lines = [line for path in sorted((folder / ".ragkit" / "events").glob("*.jsonl")) for line in path.open()]
    return [event["data"] for event in map(json.loads, lines) if event["type"] == kind]


def figures(folder: Path) -> dict[str, Any]:
    """What the status tells of the collection."""
    with open_workspace(folder) as workspace:
        found: dict[str, Any] = workspace.status()["collections"]["shop"]
        return found


def test_the_life_of_an_older_version(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """Replaced, a letter is past: found as of then, counted, erased with its addressee, and in no backup after that."""
    folder = make_workspace(
        {"letter.txt": LETTER, "other.txt": "The stove has a burner."},
        collection='officers = ["u:local|ana"]',
        extra=RULES,
    )
    letter = folder / "documents" / "letter.txt"
    with open_workspace(folder) as workspace:
        workspace.sync()
        then = datetime.now(UTC)
        doc_id = next(hit.doc_id for hit in workspace.search("zip of the tent") if "zip" in hit.chunk.record)
    assert figures(folder)["past_versions"] == 0
    letter.write_text("The zip of a tent was repaired.\n")
    with open_workspace(folder) as workspace:
        workspace.sync()
        history = workspace._handles.known()["shop"].store.history()
        numbers = [row.chunk_id for row in history.rows_at(then, classes=None)]
        texts = [hit.chunk.record for hit in history.hits_at(numbers, at=then).values() if hit.doc_id == doc_id]
        assert NAME in workspace.reveal("\n".join(texts), purpose="test")
        assert history.covers(then)
        assert history.fate(doc_id, 1) == "past"
        assert all(NAME not in workspace.reveal(hit.chunk.record, purpose="test") for hit in workspace.search(NAME))
        workspace.keeping.backup(tmp_path / "backup")
    told = figures(folder)
    assert (told["past_versions"], told["documents"]) == (1, 2)
    assert told["past_bytes"] > 500
    assert told["replay_since"]

    with open_workspace(folder) as workspace:
        assert [one.past for one in workspace.subjects.find(MAIL, purpose="test")] == [1]
        done = workspace.subjects.erase(MAIL, purpose="request 1")
        assert (done.complete, done.past) == (True, 1)
        assert workspace._handles.known()["shop"].store.history().fate(doc_id, 1) == "erased"
    patterns = [*spellings(NAME, 0), *spellings(MAIL, 1)]
    assert PatternScanner(patterns).scan_tree(folder / ".ragkit") == []
    assert [one["cause"] for one in events(folder, "history.purged")] == ["erasure"]

    restore_workspace(tmp_path / "backup", to=folder)
    with open_workspace(folder) as workspace:
        part = workspace._handles.known()["shop"]
        assert part.store.history().kept().versions == 0
        assert part.store.history().fate(doc_id, 1) == "erased"
        assert part.store.history().fate(doc_id, 2) == "current"
        assert not part.store.history().covers(then)
        check(part.store.database)


@pytest.mark.slow
def test_a_window_that_is_closed(make_workspace: MakeWorkspace) -> None:
    """The first sync after history was turned off destroys what was kept; a retention run does too."""
    folder = make_workspace({"a.txt": "One tent."}, collection='officers = ["u:local|ana"]', extra=RULES)
    settings = folder / "ragkit.toml"
    for verb in ("sync", "retain"):
        settings.write_text(settings.read_text().replace("days = 0", "days = 7"))
        with open_workspace(folder) as workspace:
            workspace.sync()
        (folder / "documents" / "a.txt").write_text(f"Two tents, before the {verb}.")
        with open_workspace(folder) as workspace:
            workspace.sync()
        assert figures(folder)["past_versions"] == 1
        settings.write_text(settings.read_text().replace("days = 7", "days = 0"))
        with open_workspace(folder) as workspace:
            _ = workspace.sync() if verb == "sync" else workspace.keeping.retain()
        assert (figures(folder)["past_versions"], figures(folder)["replay_since"]) == (0, "")
    assert [one["cause"] for one in events(folder, "history.purged")] == ["age", "age"]
