"""``eval pii``: with a profile and with a workspace, in text and JSON, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragkit.cli.shapes import SHAPES

LINES = [
    {
        "text": "Dear Mr Galip Yalman, mail galip@acme.de or call Zagreb.",
        "spans": [
            {"start": 8, "end": 20, "label": "PER", "entity_id": "e1", "identifier_type": "DIRECT"},
            {"start": 27, "end": 40, "label": "EMAIL_ADDRESS"},
            {"start": 49, "end": 55, "label": "LOC"},
            {"start": 0, "end": 4, "label": "MISC"},
        ],
    },
    {"text": "Nothing here.", "spans": []},
]
WORKSPACE = """
[workspace]
name = "w"
owner = "local|me"
language = "en"
[keys]
source = "env"
variable = "NO_SUCH_KEY_IS_NEEDED"
[policies.mail.entities]
EMAIL_ADDRESS = "token"
[policies.mail]
detectors = []
[collections.c]
data_class = "internal"
policy = "mail"
access = ["u:local|me"]
[[collections.c.sources]]
connector = "files"
name = "docs"
path = "docs"
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A labelled file, its mapping and a workspace, in the folder where the command line runs."""
    (tmp_path / "labelled.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (tmp_path / "mapping.json").write_text('{"PER": "PERSON", "LOC": "LOCATION", "MISC": null}')
    (tmp_path / "ragkit.toml").write_text(WORKSPACE)
    return tmp_path


@pytest.mark.usefixtures("files")
def test_a_profile_is_measured(ragkit_cli: Any) -> None:
    """The documented keys, the named values first, and what the rules find."""
    done = ragkit_cli("eval", "pii", "labelled.jsonl", "--mapping", "mapping.json", "--profile", "default", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [*found] == ["ragkit", *SHAPES["pii"].fields]
    assert found["ragkit"] == "pii/1"
    for name in ("type_blind_iou75", "characters", "exact", "overlap", "fully_covered"):
        assert [*found[name]][:4] == ["precision", "recall", "f1", "f2"]
        assert found[name]["recall_low"] <= found[name]["recall"] <= found[name]["recall_high"]
    assert found["documents"] == 2
    assert found["by_type"]["PERSON"]["recall"] == found["by_type"]["EMAIL_ADDRESS"]["recall"] == 1.0
    assert found["fully_covered"]["entities"]["DIRECT"]["share"] == 1.0
    assert found["fully_covered"]["misses"] == []


@pytest.mark.usefixtures("files")
def test_a_collection_is_measured_without_its_key(ragkit_cli: Any) -> None:
    """The policy of the only collection, which masks addresses of mail alone; types it leaves are marked."""
    done = ragkit_cli("eval", "pii", "labelled.jsonl", "--mapping", "mapping.json", "--misses", "5")
    assert done.exit_code == 0, done.output
    for part in ("2 texts", "EMAIL_ADDRESS", "PERSON (the policy leaves it)", "1.000 (0.207 to 1.000)", "»[PERSON]«"):
        assert part in done.stdout
    for value in ("Galip", "Yalman", "acme", "Zagreb"):
        assert value not in done.output


@pytest.mark.usefixtures("files")
def test_a_limit_takes_the_first_lines(ragkit_cli: Any) -> None:
    """What comes after is not even read."""
    Path("labelled.jsonl").write_text(json.dumps(LINES[1]) + "\nnot json\n")
    found = json.loads(ragkit_cli("eval", "pii", "labelled.jsonl", "--limit", "1", "--json").stdout)
    assert found["documents"] == 1
    assert found["exact"]["recall"] is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--profile", "default"), "not mapped: LOC, MISC, PER"),
        (("--mapping", "wrong.json"), "that there are not: PERSONNE"),
        (("--profile", "no-such", "--mapping", "mapping.json"), "no policy profile"),
        (("--profile", "default", "-c", "c"), "give one"),
        (("-c", "other", "--mapping", "mapping.json"), "no such collection"),
    ],
)
def test_what_does_not_fit_is_refused(ragkit_cli: Any, files: Path, arguments: tuple[str, ...], told: str) -> None:
    """By names of labels, types, profiles and collections; never by text."""
    (files / "wrong.json").write_text('{"PER": "PERSONNE"}')
    done = ragkit_cli("eval", "pii", "labelled.jsonl", *arguments)
    assert done.exit_code == 2
    assert told in " ".join(done.output.split())
    assert "Galip" not in done.output
