"""Doctor on detectors: which are configured, for whom, and whether their files are there."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ragkit.config import parse_config
from ragkit.doctor import Check, examine

TOML = """
[workspace]
name = "care"
owner = "local|ana"

[detectors.clinical]
kind = "spacy"
path = "models/Qvortrup"

[detectors.unused]
kind = "spacy"
path = "models/unused"

[policies.ours]
detectors = ["clinical"]
[policies.ours.entities]
PERSON = "token"

[policies.numbers]
detectors = ["clinical"]
[policies.numbers.entities]
IBAN_CODE = "token"

[collections.care]
access = []
policy = "ours"

[collections.accounts]
access = []
policy = "numbers"
"""


class Quiet:
    """Stands for the encoder and the recorder: what they say is not in question here."""

    dimension = max_tokens = 1

    def load(self) -> None: ...

    def flush(self) -> None: ...

    def record(self, kind: str, **_: Any) -> None: ...


def detectors(folder: Path, text: str = TOML) -> dict[str, Check]:
    """The checks of detectors, by name."""
    (folder / ".ragkit").mkdir(mode=0o700, exist_ok=True)
    config = parse_config(tomllib.loads(text), folder=folder)
    checks = examine(config, {}, embedder=Quiet(), recorder=Quiet())  # type: ignore[arg-type]
    return {check.name: check for check in checks if check.name.startswith("detector")}


def test_a_detector_without_its_files_is_wrong(tmp_path: Path) -> None:
    """Only those that a collection's policy names are looked at; the remedy says what to do, no path is shown."""
    found = detectors(tmp_path)
    assert list(found) == ["detector clinical"]
    check = found["detector clinical"]
    assert not check.ok
    assert check.remedy
    assert "Qvortrup" not in check.detail + check.remedy


def test_a_detector_that_no_policy_needs_is_said_to_be(tmp_path: Path) -> None:
    """Its files are not asked for, then."""
    found = detectors(
        tmp_path,
        TOML.replace('kind = "spacy"\npath = "models/Q', 'entities = ["MONEY"]\nkind = "spacy"\npath = "models/Q'),
    )
    assert found["detector clinical"].ok
    assert found["detector clinical"].detail == "spacy, not needed by a policy"


def test_a_detector_with_its_files_is_fine(tmp_path: Path) -> None:
    """A spaCy pipeline in a folder of the workspace."""
    import spacy

    pipeline = spacy.blank("en")
    pipeline.add_pipe("entity_ruler").add_patterns([{"label": "PERSON", "pattern": "Ana"}])
    (tmp_path / "models").mkdir()
    pipeline.to_disk(tmp_path / "models" / "Qvortrup")
    check = detectors(tmp_path)["detector clinical"]
    assert check.ok, check
    assert check.detail.startswith("spacy, files there")
