"""A customer leaves a real workspace, through the command line, and stays away whatever is done then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragkit import open_workspace
from ragkit.audit.reading import read_events
from ragkit.cli.main import app
from ragkit.errors import AccessDenied, SubjectUnclear
from ragkit.lifecycle.bytescan import PatternScanner, spellings

from .conftest import DOCUMENTS, MakeWorkspace

OFFICERS = 'officers = ["u:local|ana"]'
NAME, MAIL = "Galina Yalmanova", "galina.yalmanova@example.org"
RULES = "\n[policies.default]\ndetectors = []\n"
MORE = {
    "people/galina yalmanova.md": f"# {NAME}\n\nName: {NAME}\nE-mail: {MAIL}\nPhone: +44 20 7946 0018\n\nA tent.\n",
    "contacts.md": f"# Contacts\n\n## Repairs\n\nAsk Peter Ostrowsky, or in his absence Ms {NAME}.\n\n## Else\n\nNo.\n",
}
GONE = (NAME, "Yalmanova", MAIL, "+44 20 7946 0018")


def run(*words: str) -> dict[str, object]:
    """Run a verb with ``--json`` and return what it printed."""
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def left(folder: Path) -> list[str]:
    """Values of hers in the bytes of the data directory, or in what is shown and revealed."""
    patterns = [one for number, value in enumerate(GONE) for one in spellings(value, number)]
    found = [f"{GONE[one.item]} ({one.encoding})" for one in PatternScanner(patterns).scan_tree(folder / ".ragkit")]
    with open_workspace(folder) as workspace:
        for question in (*GONE, "Whose tent?", "Whom to ask for repairs?"):
            for hit in workspace.search(question, k=20):
                text = workspace.reveal(f"{hit.title}\n{hit.uri}\n{hit.chunk.record}", purpose="test")
                found += [f"{value} shown" for value in GONE if value.casefold() in text.casefold()]
    return found


@pytest.mark.slow
def test_from_the_command_line_to_the_next_sync(make_workspace: MakeWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told, refused without a word of assent, done, receipt checked, and absent after sync, rebuild and remask."""
    folder = make_workspace({**DOCUMENTS, **MORE}, collection=OFFICERS, extra=RULES)
    monkeypatch.setenv("RAGKIT_WORKSPACE", str(folder))
    with open_workspace(folder) as workspace:
        workspace.sync()
        with pytest.raises(AccessDenied):
            workspace.subjects.erase(MAIL, purpose=" ")
        with pytest.raises(SubjectUnclear):
            workspace.subjects.erase("Nobody Atall", purpose="test")
    assert left(folder)
    told = run("subject", "erase", MAIL, "--purpose", "request 9", "--dry-run")
    assert [event["data"]["people"] for event in read_events(folder / ".ragkit/events", kind="subject.found")] == [1]
    refused = CliRunner().invoke(app, ["subject", "erase", MAIL, "--purpose", "request 9"])
    assert refused.exit_code == 2
    assert "--yes" in refused.output
    done = run("subject", "erase", MAIL, "--purpose", "request 9", "--yes")
    assert done["complete"]
    assert {done["levels"][level] for level in ("L0", "L1", "L2", "L3")} == {"true"}  # type: ignore[index]
    assert {name: told[name] for name in ("deleted", "redacted", "destroyed")} == {
        name: done[name] for name in ("deleted", "redacted", "destroyed")
    }
    checked = run("subject", "receipt", str(done["request"]), "--verify")
    assert checked["ok"]
    receipt = folder / "receipt.json"
    receipt.write_text(str(done["receipt"]).replace("partly", "true").replace("folder", "elsewhere"))
    assert CliRunner().invoke(app, ["subject", "receipt", str(receipt), "--verify"]).exit_code == 1
    assert left(folder) == []
    page = folder / "documents" / "people" / "galina yalmanova.md"
    page.write_text(page.read_text() + "\nTouched.\n")
    with open_workspace(folder) as workspace:
        assert workspace.sync().exit_code == 0
        workspace.rebuild()
        workspace.remask()
        assert workspace.subjects.find(MAIL, purpose="test") == []
        assert workspace.begun == 0
        assert "Peter Ostrowsky" in workspace.reveal(
            "\n".join(hit.chunk.record for hit in workspace.search("Whom to ask for repairs?")), purpose="test"
        )
    assert left(folder) == []
