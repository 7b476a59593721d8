"""``eval answers`` on a real workspace: masked facts, revealed ones, several generators, going on, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.cli.shapes import SHAPES
from ragkit.config import load_config
from ragkit.rootkey import create_key_file

DOCUMENTS = {
    "warranty.md": "# Warranty\n\nThe warranty on every tent lasts five years from purchase.\n",
    "contact.md": "# Contact\n\nThe head of the repair workshop is Ms Galina Yalmanova. Write to "
    "galina.yalmanova@example.org about repairs.\n",
}
QUESTIONS = [
    {
        "id": "q1",
        "question": "How long is the warranty on a tent?",
        "facts": [["five years"]],
        "evidence": ["warranty.md"],
    },
    {
        "id": "q2",
        "question": "Who is the head of the repair workshop?",
        "facts": [["Galina Yalmanova"]],
        "evidence": ["contact.md"],
    },
    {"id": "q3", "question": "What is the boiling point of tungsten?", "answerable": False},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced workspace with a person in it, and two generators beside the default."""
    made = tmp_path_factory.mktemp("workspace")
    key = tmp_path_factory.mktemp("keys") / "root.key"
    (made / "documents").mkdir()
    for name, text in DOCUMENTS.items():
        (made / "documents" / name).write_text(text)
    (made / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{key}"
[generators.bold]
kind = "extractive"
min_support = 0.0
[generators.shy]
kind = "extractive"
min_support = 1.0
[collections.shop]
access = ["u:local|ana"]
reveal = ["u:local|ana"]
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
"""
    )
    load_config(made)
    create_key_file(key)
    with open_workspace(made) as workspace:
        workspace.sync()
    (made / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return made


def _run(ragkit_cli: Any, folder: Path, *arguments: str) -> Any:
    return ragkit_cli("eval", "answers", "--questions", str(folder / "questions.jsonl"), "-w", str(folder), *arguments)


def test_the_default_generator_is_measured(ragkit_cli: Any, folder: Path) -> None:
    """The documented shape; the person's name is found in the masked answer; nothing of it is printed."""
    done = _run(ragkit_cli, folder, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["ragkit"] == "answers/1"
    [one] = found["generators"]
    assert [*one] == [*SHAPES["answers_generator"].fields]
    assert (one["generator"], one["questions"], one["answerable"], one["supplied"]) == ("extractive", 3, 2, 2)
    assert one["fact_recall"]["value"] == 1.0
    assert one["fact_recall"]["low"] < 1.0
    assert one["cite_id_recall"]["value"] == 1.0
    assert found["comparisons"] == []
    assert "Yalmanova" not in done.output


def test_facts_can_be_compared_in_clear(ragkit_cli: Any, folder: Path) -> None:
    """With a purpose answers are revealed for the comparison, and still nothing is printed."""
    done = _run(ragkit_cli, folder, "--json", "--purpose", "to measure answers")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["generators"][0]["fact_recall"]["value"] == 1.0
    assert "Yalmanova" not in done.output


def test_two_generators_are_compared(ragkit_cli: Any, folder: Path) -> None:
    """One that never refuses against one that always does, by name, on a table."""
    done = _run(ragkit_cli, folder, "-g", "bold", "-g", "shy")
    assert done.exit_code == 0, done.output
    for part in ("3 questions", "bold", "shy", "refusal F1", "shy: refused: weak-support 3", "first is"):
        assert part in done.stdout
    assert "Yalmanova" not in done.output


def test_a_run_is_kept_and_gone_on_with(ragkit_cli: Any, folder: Path, tmp_path: Path) -> None:
    """The file is private and holds figures; a second run needs --resume and asks nothing again."""
    out = tmp_path / "rows.jsonl"
    first = _run(ragkit_cli, folder, "--json", "--out", str(out))
    assert first.exit_code == 0, first.output
    assert out.stat().st_mode & 0o777 == 0o600
    content = out.read_text()
    assert not any(word in content for word in ("Yalmanova", "tent", "contact.md", "tungsten"))
    assert "there already" in _run(ragkit_cli, folder, "--out", str(out)).output
    again = _run(ragkit_cli, folder, "--json", "--out", str(out), "--resume")
    assert again.stdout == first.stdout, "latencies too: nothing was asked"
    assert out.read_text() == content


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--resume",), "name it"),
        (("-g", "no-such"), "no generator of that name"),
        (("-c", "other"), "no such collection"),
        (("--questions", "absent.jsonl"), "cannot be read"),
        (("--questions", "bad.jsonl"), "line 1 of the questions file"),
    ],
)
def test_what_does_not_fit_is_refused(ragkit_cli: Any, folder: Path, arguments: tuple[str, ...], told: str) -> None:
    """With status 2, before anything is asked."""
    Path("bad.jsonl").write_text('{"id": "q1", "question": "Who is Yalmanova?"}\n')
    done = _run(ragkit_cli, folder, *arguments)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert "Yalmanova" not in done.output
