"""A change of keys leaves the index, the vectors, the masked texts and the answers as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ragkit import open_workspace
from ragkit.workspace import Workspace

from .conftest import DOCUMENTS, MakeWorkspace

QUESTION = "How long is the warranty on a tent?"


def index_files(folder: Path) -> dict[str, str]:
    """Every file of the index, with a digest of its content."""
    index = folder / ".ragkit" / "index"
    files = sorted(path for path in index.rglob("*") if path.is_file())
    return {str(path.relative_to(index)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def answer_of(workspace: Workspace) -> tuple[str, str]:
    """The answer and a masked value revealed."""
    shown = workspace.search("What was repaired for Galina Yalmanova?", k=1)[0].chunk.record
    return workspace.ask(QUESTION).text, workspace.reveal(shown, purpose="test")


def test_new_keys_index_nothing_again(make_workspace: MakeWorkspace) -> None:
    """Root key and wrapping keys: every file of the index is the same, and a sync finds nothing to do."""
    folder = make_workspace(DOCUMENTS)
    with open_workspace(folder) as workspace:
        workspace.sync()
        before, files = answer_of(workspace), index_files(folder)
        workspace.keys.rotate_wrapping()
        workspace.keys.rotate()
        assert answer_of(workspace) == before, "with what was open before"
    assert any(name.endswith("manifest.json") for name in files)
    with open_workspace(folder) as workspace:
        assert answer_of(workspace) == before
        report = workspace.sync()
        assert (report.added, report.updated, report.unchanged) == (0, 0, 5)
    assert index_files(folder) == files
