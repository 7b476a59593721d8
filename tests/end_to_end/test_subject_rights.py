"""A person asks: what do you have of me, correct it, stop using it, delete it. The whole story, by the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.company.generate import Company, generate
from benchmarks.company.marks import left, take
from benchmarks.company.people import Person
from benchmarks.company.setting import KEY_COPY, KEY_VARIABLE, prepare, root_key
from benchmarks.company.truth import Truth
from ragkit import open_workspace
from ragkit.cli.main import app

PAPERS = 30
WHY = ("--purpose", "letter of 3 March")


def ragkit(*command: str, folder: Path | None = None, status: int = 0) -> str:
    """Run a command and return what it said on standard output; the status must be as told."""
    where = ["--workspace", str(folder)] if folder else []
    done = CliRunner().invoke(app, [*command, *where])
    assert done.exit_code == status, f"{command[:2]}: {done.exit_code}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Truth, Person]]:
    """A company of fifty with thirty papers, and a customer who stands in three of them at least, one her own."""
    whole = generate(50, 11)
    person = next(
        one
        for one in whole.people
        if not one.employee and one.group == "unique" and len(whole.of(one.id)) >= 3
        and any(paper.wholly == one.id for paper in whole.of(one.id))
    )  # fmt: skip
    hers = whole.of(person.id)
    papers = [*hers, *(paper for paper in whole.documents if paper not in hers)][:PAPERS]
    company = Company(whole.people, papers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, "unset")
        folder = prepare(company, tmp_path_factory.mktemp("house") / "workspace")
        ragkit("sync", folder=folder)
        yield folder, Truth(company), person


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the company, in the environment of each test."""
    monkeypatch.setenv(KEY_VARIABLE, root_key())


def shown(folder: Path, person: Person) -> str:
    """All that is found for questions about a person, revealed."""
    with open_workspace(folder) as workspace:
        hits = [
            hit
            for question in (f"What did {person.full} ask?", f"Who has the number {person.number}?")
            for hit in workspace.search(question, k=20)
        ]
        return "\n".join(workspace.reveal(f"{hit.title}\n{hit.chunk.record}", purpose="test") for hit in hits)


def test_the_whole_story(house: tuple[Path, Truth, Person], tmp_path: Path) -> None:
    """Found, exported, corrected, restricted, held, erased, proven; and she stays away, whatever is done next."""
    folder, truth, person = house
    found = json.loads(ragkit("subject", "find", person.email, *WHY, "--json", folder=folder))["people"]
    assert len(found) == 1
    ragkit("subject", "find", person.email, folder=folder, status=2)
    assert person.number in shown(folder, person)

    export = tmp_path / "export.json"
    ragkit("subject", "export", person.email, "--to", str(export), *WHY, folder=folder)
    text = export.read_text(encoding="utf-8")
    assert export.stat().st_mode & 0o077 == 0
    assert all(value in text for value in (person.full, person.email, person.number))
    strange = {value for _, value in truth.strange(person.id) if re.search(rf"\b{re.escape(value)}\b", text)}
    assert strange == set()

    fresh = "moved.somewhere@mail.example.com"
    ragkit("subject", "correct", person.email, "--to", fresh, *WHY, folder=folder)
    assert fresh in shown(folder, person)
    assert person.email not in shown(folder, person)

    restricted = json.loads(ragkit("subject", "restrict", fresh, "--reason", "disputed", *WHY, "--json", folder=folder))
    assert person.number not in shown(folder, person)
    ragkit("subject", "lift", restricted["request"], "--reason", "settled", *WHY, folder=folder)
    assert person.number in shown(folder, person)

    backup, restored = tmp_path / "backup", tmp_path / "restored"
    ragkit("backup", str(backup), folder=folder)
    hold = json.loads(ragkit("hold", "place", fresh, "--reason", "a lawsuit", "--json", folder=folder))
    assert "hold" in ragkit("subject", "erase", fresh, "--yes", *WHY, folder=folder, status=2)
    ragkit("hold", "release", hold["hold"], "--reason", "it is over", folder=folder)

    with open_workspace(folder) as workspace:
        gone = take(workspace, truth, [person])
    assert left(folder, gone)
    planned = json.loads(ragkit("subject", "erase", fresh, "--dry-run", "--json", *WHY, folder=folder))
    done = json.loads(ragkit("subject", "erase", fresh, "--yes", "--json", *WHY, folder=folder))
    assert (planned["deleted"], planned["redacted"]) == (done["deleted"], done["redacted"])
    assert done["levels"] == dict.fromkeys(("L0", "L1", "L2", "L3"), "true")
    assert left(folder, gone) == []
    receipt = json.loads(ragkit("subject", "receipt", done["request"], "--json", folder=folder))
    assert receipt["ok"]

    assert_gone(folder, person, fresh)
    for path in (folder / "source" / "files").rglob("*.txt"):
        path.write_text(path.read_text() + "\nLooked at again.\n")
    ragkit("sync", folder=folder)
    assert_gone(folder, person, fresh)
    ragkit("rebuild", folder=folder)
    assert_gone(folder, person, fresh)
    ragkit("restore", str(backup), "--to", str(restored), "--keys", str(folder / KEY_COPY), "--yes")
    (restored / "source").symlink_to(folder / "source")
    assert_gone(restored, person, fresh)
    assert left(restored, gone) == []
    ragkit("sync", folder=restored)
    assert_gone(restored, person, fresh)


def assert_gone(folder: Path, person: Person, fresh: str) -> None:
    """Nobody finds her, and nothing shown names her."""
    for value in (person.email, person.number, fresh):
        ragkit("subject", "find", value, *WHY, folder=folder, status=1)
    text = shown(folder, person)
    assert not [value for value in (person.full, person.email, person.number, fresh) if value in text]


def test_a_stranger_is_refused_every_request(house: tuple[Path, Truth, Person], tmp_path: Path) -> None:
    """Who is no officer gets the same refusal whether or not the person is there."""
    from ragkit.errors import AccessDenied
    from ragkit.types import Principal

    folder, _, person = house
    stranger = Principal("local|stranger")
    told: set[str] = set()
    with open_workspace(folder) as workspace:
        verbs: list[Any] = [
            lambda value: workspace.subjects.find(value, purpose="x", principal=stranger),
            lambda value: workspace.subjects.export(value, purpose="x", principal=stranger),
            lambda value: workspace.subjects.erase(value, purpose="x", principal=stranger),
            lambda value: workspace.subjects.restrict(value, reason="x", purpose="x", principal=stranger),
            lambda value: workspace.keeping.place_hold(value=value, reason="x", principal=stranger),
        ]
        for verb in verbs:
            for value in (person.phone, "Nobody Atall"):
                with pytest.raises(AccessDenied) as refused:
                    verb(value)
                told.add(f"{refused.value} {refused.value.remedy}")
    assert not any(person.phone in one for one in told)
