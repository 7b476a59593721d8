"""A change of policy, from the refusal to the new index, on a real workspace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.errors import ManifestMismatch
from ragkit.workspace import Workspace

from .conftest import DOCUMENTS, MakeWorkspace, write_documents

NARROW = '\n[policies.narrow]\ndetectors = []\n[policies.narrow.entities]\nEMAIL_ADDRESS = "token"\n'
WIDE = '\n[policies.wide]\ndetectors = []\n[policies.wide.entities]\nEMAIL_ADDRESS = "token"\nPERSON = "token"\n'
COUNTED = ("documents", "changed", "embedded", "chunks", "refused", "before", "after", "newly_masked", "newly_unmasked")
QUESTION = "Whose tent has a broken zip?"


def choose(folder: Path, policy: str) -> None:
    """Let the collection have this policy from now on."""
    file = folder / "ragkit.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("policy = ")]
    file.write_text("\n".join(lines).replace("[[collections", f'policy = "{policy}"\n[[collections', 1) + "\n")


def figures(workspace: Workspace) -> dict[str, object]:
    """What the workspace holds, and which index answers."""
    return dict(workspace.status()["collections"]["shop"])


def texts(workspace: Workspace, question: str = QUESTION) -> str:
    """All that is found for a question, in both views."""
    hits = workspace.search(question, k=20)
    return "\n".join(f"{hit.chunk.record}\n{hit.chunk.embedded}" for hit in hits)


def test_from_refusal_to_the_new_index(make_workspace: MakeWorkspace) -> None:
    """Refused with a remedy; told; told rightly; done; and what is newly masked is in clear nowhere."""
    folder = make_workspace(DOCUMENTS, extra=NARROW + WIDE)
    choose(folder, "narrow")
    old = open_workspace(folder)
    old.sync()
    assert "Yalmanova" in texts(old)
    choose(folder, "wide")
    with open_workspace(folder) as workspace:
        for ask in (workspace.ask, workspace.search):
            with pytest.raises(ManifestMismatch) as refused:
                ask(QUESTION)
            assert "ragkit remask" in refused.value.remedy
        with pytest.raises(ManifestMismatch, match="masked under another"):
            workspace.rebuild()
        before = figures(workspace)
        assert before["refuses"]
        failed = {check.name: check for check in workspace.doctor() if not check.ok}
        assert {"masking of shop", "index of shop"} <= set(failed)
        assert "ragkit remask" in failed["masking of shop"].remedy
        told = workspace.remask(dry_run=True)
        assert {**figures(workspace), "last_sync": ""} == {**before, "last_sync": ""}
        assert told.newly_masked["PERSON"] >= 3
        assert told.before == {"EMAIL_ADDRESS": 1}
        answered: list[str] = []

        def ask_meanwhile(stage: str, done: int, total: int | None) -> None:
            if (stage, total) != ("index", done):  # that is after the swap
                answered.append(texts(old))

        done = workspace.remask(progress=ask_meanwhile)
        assert {name: getattr(told, name) for name in COUNTED} == {name: getattr(done, name) for name in COUNTED}
        assert done.documents == 5
        assert done.embedded < 5, "documents without people are as they were"
        assert answered
        assert all("zip" in found for found in answered), "whoever asked under the old policy was answered meanwhile"
        found = texts(workspace)
        assert "zip" in found
        for name in ("Yalmanova", "Thorvald", "Ostrowsky"):
            assert name not in found
            assert name.encode() not in b"".join(
                path.read_bytes() for path in (folder / ".ragkit" / "index").rglob("*") if path.is_file()
            )
        assert "zip" in texts(workspace, "What was broken for Ms Galina Yalmanova?")
        assert not figures(workspace)["refuses"]
        assert all(check.ok for check in workspace.doctor())
        assert workspace.remask().documents == 0
    with pytest.raises(ManifestMismatch):
        old.search(QUESTION)
    old.close()


def test_an_unreachable_source_waits_hidden(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """It is named, its documents are found by nobody, also after a sync of the other source; then they are back."""
    second = tmp_path / "second"
    write_documents(second, {"letter.md": "# Letter\n\nDear Ms Galina Yalmanova, the lantern is mended.\n"})
    more = f'[[collections.shop.sources]]\nconnector = "files"\nname = "second"\npath = "{second}"\n'
    folder = make_workspace(DOCUMENTS, extra=more + NARROW + WIDE)
    choose(folder, "narrow")
    with open_workspace(folder) as workspace:
        workspace.sync()
        assert "lantern" in texts(workspace, "Who has a lantern?")
    choose(folder, "wide")
    shutil.move(second, tmp_path / "away")
    with open_workspace(folder) as workspace:
        done = workspace.remask()
        assert (done.hidden, list(done.unreachable), done.exit_code) == ({"second": 1}, ["second"], 1)
        assert "lantern" not in texts(workspace, "Who has a lantern?")
        workspace.sync(source="folder")
        workspace.rebuild()
        assert "lantern" not in texts(workspace, "Who has a lantern?")
        assert figures(workspace)["documents"] == 6
        shutil.move(tmp_path / "away", second)
        done = workspace.remask()
        assert (done.documents, done.hidden, done.exit_code) == (1, {}, 0)
        found = texts(workspace, "Who has a lantern?")
        assert "lantern" in found
        assert "Yalmanova" not in found
