"""People's requests over a whole workspace and the command line: for officers, recorded, effective at once."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragkit import open_workspace
from ragkit.audit.reading import read_events
from ragkit.cli.main import app
from ragkit.errors import AccessDenied
from ragkit.types import Principal
from tests.end_to_end.conftest import MakeWorkspace

MAIL = "galina.yalmanova@example.org"
DOCUMENTS = {
    "warranty.md": "# Warranty\n\nThe warranty on every tent lasts five years from purchase.\n",
    "tickets/1042.txt": "Ticket 1042\n\nDear Ms Galina Yalmanova,\n\nthe zip of your Tarn tent will be repaired. Your "
    f"e-mail address is {MAIL} and your phone number is +44 20 7946 0018.\n\nKind regards,\nPeter Ostrowsky\n",
    "tickets/1043.txt": "Ticket 1043\n\nDear Mr Henrik Thorvald,\n\nthe stove you sent us has a broken burner. Your "
    "e-mail address is h.thorvald@example.com.\n\nKind regards,\nPeter Ostrowsky\n",
}
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(make_workspace: MakeWorkspace) -> Path:
    """A shop with an officer, synced."""
    made = make_workspace(DOCUMENTS, collection='officers = ["u:local|ana"]\npurpose = "customer care"')
    with open_workspace(made) as workspace:
        assert workspace.sync().exit_code == 0
    return made


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a verb of ``ragkit subject`` in the workspace."""
    monkeypatch.setenv("COLUMNS", "200")

    def verb(*arguments: str, stdin: str = "", purpose: str = "request 17") -> Result:
        given = ["subject", *arguments, "--workspace", str(folder)]
        return CliRunner().invoke(app, [*given, "--purpose", purpose] if purpose else given, input=stdin)

    return verb


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The events of a type."""
    return list(read_events(folder / ".ragkit" / "events", kind=kind))


def test_only_officers_with_a_purpose_may(folder: Path, run: Run) -> None:
    """The refusal is the same whether or not the person is there, and it is recorded."""
    refused = [run("find", value, purpose="") for value in (MAIL, "nobody@example.org")]
    assert {one.exit_code for one in refused} == {2}
    assert refused[0].stderr == refused[1].stderr
    with open_workspace(folder) as workspace:
        for act in (
            lambda ben: workspace.subjects.find(MAIL, purpose="x", principal=ben),
            lambda ben: workspace.subjects.export(MAIL, purpose="x", principal=ben),
            lambda ben: workspace.subjects.correct(MAIL, "x@example.org", purpose="x", principal=ben),
            lambda ben: workspace.subjects.restrict(MAIL, reason="x", purpose="x", principal=ben),
            lambda ben: workspace.subjects.lift("0" * 32, reason="x", purpose="x", principal=ben),
        ):
            with pytest.raises(AccessDenied):
                act(Principal("local|ben"))
    verbs = {event["data"]["verb"] for event in events(folder, "auth.denied")}
    assert verbs == {"subject-find", "subject-export", "subject-correct", "subject-restrict", "subject-lift"}


def test_find_takes_the_value_from_standard_input(folder: Path, run: Run) -> None:
    """It counts, shows no value, and says by the exit status whether anybody was found."""
    done = run("find", "-", "--json", "--native-ids", stdin=f"{MAIL}\n")
    assert done.exit_code == 0
    one = json.loads(done.stdout)["people"][0]
    assert one["types"]["EMAIL_ADDRESS"] == 1
    assert set(one["names"].values()) == {"tickets/1042.txt"}
    assert run("find", "nobody@example.org").exit_code == 1
    assert "Yalmanova" not in run("find", MAIL).stdout
    found = events(folder, "subject.found")[-1]["data"]
    assert found["purpose"].startswith("h:")
    assert (found["people"], found["documents"]) == (1, 1)


def test_an_export_is_a_new_private_file(folder: Path, run: Run, tmp_path: Path) -> None:
    """Everything of one person, nothing of others, and it is never overwritten."""
    with open_workspace(folder) as workspace:
        workspace.search("zip of the tent", k=1)
    to = tmp_path / "export.json"
    assert run("export", MAIL, "--to", str(to)).exit_code == 0
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    held = json.loads(to.read_text())
    assert held["ragkit"] == "subject_export/1"
    assert held["purpose"] == "customer care"
    assert "Dear Ms Galina Yalmanova" in held["documents"][0]["passages"][0]["text"]
    assert not any(name in to.read_text() for name in ("Ostrowsky", "Thorvald"))
    assert held["recipients"]["log_whole"]
    assert held["recipients"]["destinations"] == []
    assert [one["who"] for one in held["recipients"]["readers"]] == ["local|ana"]
    before = to.read_bytes()
    assert run("export", MAIL, "--to", str(to)).exit_code == 2
    assert to.read_bytes() == before


def test_restricting_acts_at_once_in_an_open_process_and_survives(folder: Path, run: Run) -> None:
    """No sync, rebuild or masking again brings the person back; lifting does."""
    with open_workspace(folder) as reader:

        def seen() -> set[str]:
            hits = reader.search(f"Galina Yalmanova {MAIL} zip Tarn tent", k=9)
            return {reader.reveal(hit.chunk.record, purpose="x") for hit in hits}

        assert any("Galina" in text for text in seen())
        done = run("restrict", MAIL, "--reason", "contested", "--json")
        request = json.loads(done.stdout)["request"]
        assert not any("Galina" in text for text in seen())
        assert any("Thorvald" in text for text in seen())
        answer = reader.ask("What is the phone number of Galina Yalmanova?")
        assert "+44" not in reader.reveal(answer.text, purpose="x")
        with open_workspace(folder) as writer:
            writer.sync()
            writer.rebuild()
            writer.remask()
        assert not any("Galina" in text for text in seen())
        assert request in run("find", MAIL).stdout
        assert run("lift", request, "--reason", "settled").exit_code == 0
        assert any("Galina" in text for text in seen())
    assert "contested" not in "".join(map(str, events(folder, "subject.restricted")))


def test_correcting_changes_what_is_answered_and_what_is_read_later(folder: Path, run: Run) -> None:
    """By the new value it is found, and a source that still has the old one gives the new."""
    done = run("correct", "-", "--to", "-", "--json", stdin=f"{MAIL}\ngalina@new.example.org\n")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert (told["sources"], told["forgotten"], told["shared"]) == ({"folder": 1}, True, False)
    (folder / "documents" / "new.txt").write_text(f"The stove is ready. Write to {MAIL} about the stove.\n")
    with open_workspace(folder) as workspace:
        workspace.sync()
        answer = workspace.ask("To whom must one write about the stove?")
        assert "galina@new.example.org" in workspace.reveal(answer.text, purpose="x")
        assert workspace.subjects.find(MAIL, purpose="x") == []
        assert len(workspace.subjects.find("galina@new.example.org", purpose="x")[0].documents) == 2
