"""A whole attack on a small workspace: real masking, real index, a thief in a process of its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragkit import open_workspace
from ragkit.attack.run import attack_workspace
from ragkit.cli.main import app
from ragkit.config import load_config
from ragkit.errors import AccessDenied, EvaluationError
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace

STAFF = [
    ("Galina Yalmanova", "Leeds", "welder", "2011-03-14"),
    ("Henrik Thorvald", "Bremen", "auditor", "2012-07-02"),
    ("Ottavia Brunelli", "Turin", "planner", "2013-11-25"),
    ("Marcus Whitfield", "York", "buyer", "2014-01-09"),
    ("Annelise Krüger", "Kassel", "trainer", "2015-09-30"),
    ("Tomasz Wójcik", "Lille", "designer", "2016-05-18"),
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A file for each of six people, and one about nobody."""
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "documents").mkdir()
    for number, (name, city, role, joined) in enumerate(STAFF):
        text = f"Personnel file\n\nName: {name}\n\nThe {role} {name} joined on {joined} and works in {city}.\n"
        (folder / "documents" / f"file-{number}.txt").write_text(text)
    (folder / "documents" / "rules.txt").write_text("Rules\n\nThe kettle is emptied in the evening.\n")
    key = tmp_path_factory.mktemp("keys") / "root.key"
    (folder / "ragkit.toml").write_text(
        f'[workspace]\nname = "test"\nowner = "local|ana"\n[keys]\nsource = "file"\npath = "{key}"\n'
        '[collections.staff]\naccess = ["u:local|ana"]\nreveal = ["u:local|ana"]\n'
        '[[collections.staff.sources]]\nconnector = "files"\nname = "folder"\npath = "documents"\n'
    )
    load_config(folder)
    create_key_file(key)
    with (folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "city", "role", "joined"])
        rows.writerows(STAFF)
    with open_workspace(folder) as workspace:
        assert workspace.sync().exit_code == 0
        yield workspace


def test_what_stands_in_clear_links_people_and_names_do_not(here: Workspace) -> None:
    """Under the default policy cities, roles and dates stay: linkage finds all; looking names up finds nobody."""
    people = here.config.folder / "people.csv"
    report = attack_workspace(here, people, purpose="test", known=0)
    assert report.documents == 7
    assert report.masked["linkage"].targets == 6
    assert report.masked["linkage"].first.value == 1.0
    assert report.masked["words"].first.value < 0.5
    assert report.unmasked["words"].first.value == 1.0
    assert report.unmasked["vectors"].first.value == 1.0
    assert report.provider["question"][0].linked.value == 1.0
    assert report.provider["question-aliases"][0].linked.value < 1.0
    assert "`strict`" in " ".join(report.lines())


def test_the_run_is_recorded_by_counts(here: Workspace) -> None:
    """The event tells how many; the clear reading is recorded before it."""
    events = [
        json.loads(line)
        for path in sorted((here.config.data_folder / "events").glob("*"))
        for line in path.read_text().splitlines()
        if "attack.run" in line or "pii.unmasking" in line
    ]
    assert [event["type"] for event in events][:2] == ["pii.unmasking", "attack.run"]
    assert events[1]["data"]["people"] == 6


def test_scoring_wants_a_purpose_and_known_attacks(here: Workspace) -> None:
    """And a list with somebody on it who is there."""
    people = here.config.folder / "people.csv"
    with pytest.raises(AccessDenied):
        attack_workspace(here, people, purpose="")
    with pytest.raises(EvaluationError):
        attack_workspace(here, people, purpose="test", attacks=["guessing"])
    strangers = here.config.folder / "strangers.csv"
    strangers.write_text("name\nUma Nobody\nVic Nobody\n")
    with pytest.raises(EvaluationError) as refused:
        attack_workspace(here, strangers, purpose="test")
    assert "Nobody" not in str(refused.value).split()


def test_the_command_prints_shares_and_no_name(here: Workspace) -> None:
    """As text and as JSON; `--folder` needs no list and no key."""
    folder, run = str(here.config.folder), CliRunner().invoke
    ask = ["attack", "-w", folder, "--people", f"{folder}/people.csv", "--attacks", "linkage,sizes", "--no-baseline"]
    text = run(app, [*ask, "--purpose", "test"])
    assert text.exit_code == 0, text.output
    assert "finds the right file first for" in text.stdout
    shown = json.loads(run(app, [*ask, "--purpose", "test", "--json"]).stdout)
    assert shown["ragkit"] == "attack/1"
    assert shown["masked"]["linkage"]["first"]["value"] == 1.0
    assert not any(name.split()[1] in text.stdout + json.dumps(shown) for name, *_ in STAFF)
    found = run(app, ["attack", "--folder", f"{folder}/.ragkit", "--json"])
    assert {"vault", "mentions", "lexical index"} <= {one["where"] for one in json.loads(found.stdout)["findings"]}
    assert run(app, ["attack", "-w", folder]).exit_code == 2


def test_the_files_are_as_they_were(here: Workspace) -> None:
    """An attack writes nothing but events."""
    before = {
        p: p.read_bytes() for p in here.config.data_folder.rglob("*") if p.is_file() and p.parent.name != "events"
    }
    people: Path = here.config.folder / "people.csv"
    attack_workspace(here, people, purpose="test", attacks=["linkage"], baseline=False)
    skipped = ("-shm", "-wal")
    assert all(path.read_bytes() == raw for path, raw in before.items() if not path.name.endswith(skipped))
