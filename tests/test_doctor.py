"""Doctor on detectors: which are configured, for whom, and whether their files are there."""

from __future__ import annotations

import os
import shutil
import time
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ragkit.config import parse_config
from ragkit.doctor import Check, examine
from ragkit.errors import CheckpointRefused
from ragkit.testing.logs import Signer, recorder

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


def event_log(folder: Path, recorder: Any) -> tuple[Check, Check]:
    """The checks of the event log and of its signing."""
    (folder / ".ragkit").mkdir(mode=0o700, exist_ok=True)
    config = parse_config(tomllib.loads(TOML), folder=folder)
    recorder.record("auth.ok", data={"via": "local"})
    checks = examine(config, {}, embedder=Quiet(), recorder=recorder)  # type: ignore[arg-type]
    found = {check.name: check for check in checks}
    return found["event log"], found["checkpoints"]


def test_the_event_log_is_looked_at_before_its_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mode, whether it is signed and was before, and, while there is still some, how little room is left."""
    events = tmp_path / ".ragkit" / "events"
    signer = Signer(events)
    log = recorder(events, signer=signer)
    assert [check.detail for check in event_log(tmp_path, log)] == ["mode required, writable", "signed"]
    assert signer.calls[-1].startswith("sign ")
    (events / "checkpoints.txt").touch()
    os.utime(events / "checkpoints.txt", (0, time.time() - 7_200))
    assert event_log(tmp_path, log)[1].detail == "signed, before that 2 hours ago"
    little = shutil.disk_usage(tmp_path)._replace(free=200 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: little)
    found, signed = event_log(tmp_path, log)
    assert (found.ok, found.detail, signed.ok) == (False, "200 MiB free for events", True)
    assert "before recording stops" in found.remedy


def test_a_log_that_is_not_signed_any_more(tmp_path: Path) -> None:
    """What keeps the log from being signed is what the check says."""
    signer = Signer(tmp_path / ".ragkit" / "events")
    log = recorder(tmp_path / ".ragkit" / "events", signer=signer)
    signer.failing = CheckpointRefused("the log was cut", code="rolled-back", remedy="Look at it.")
    written, found = event_log(tmp_path, log)
    assert written.ok
    assert (found.ok, found.detail, found.remedy) == (False, "the log was cut", "Look at it.")


def callers(folder: Path, text: str = TOML) -> Check:
    """The check of who could call a service."""
    (folder / ".ragkit").mkdir(mode=0o700, exist_ok=True)
    config = parse_config(tomllib.loads(text), folder=folder)
    checks = examine(config, {}, embedder=Quiet(), recorder=Quiet())  # type: ignore[arg-type]
    return next(check for check in checks if check.name == "callers")


def test_who_could_call_a_service_is_counted(tmp_path: Path) -> None:
    """Nobody, keys that are not revoked, or everybody here; a file that others may read is wrong."""
    from ragkit.auth.keystore import KeyRecord, KeyStore, new_id

    assert callers(tmp_path).detail.startswith("nobody: ")
    assert callers(tmp_path, TOML + '[serve]\nauthentication = "unsafe_none"\n').detail.startswith("no authentication")
    store = KeyStore(tmp_path / ".ragkit", bytes(32))
    for _ in range(3):
        number = new_id()
        nobody = frozenset[Any]()
        store.add(KeyRecord(id=number, subject="crm|ana", groups=nobody, scopes=nobody, created=0, expires=None))
    store.revoke(number, 1)
    store.close()
    assert callers(tmp_path).detail == "2 API keys that are not revoked, 0 issuers of tokens"
    (tmp_path / ".ragkit" / "callers.db").chmod(0o644)
    assert not callers(tmp_path).ok


def test_it_says_whether_pictures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off, absent and in which languages; none of them is a fault."""

    def said(section: str) -> str:
        config = parse_config(tomllib.loads(f"{TOML}\n[parser]\n{section}"), folder=tmp_path)
        checks = examine(config, {}, embedder=Quiet(), recorder=Quiet())  # type: ignore[arg-type]
        (pictures,) = (check for check in checks if check.name == "pictures")
        assert pictures.ok
        return pictures.detail

    (tmp_path / ".ragkit").mkdir(mode=0o700)
    (tmp_path / "abc.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert said('ocr = "off"') == "not read: `ocr` is off"
    assert said('ocr_languages = ["xyz"]') == "not read: `ragkit[ocr]` or Tesseract's data for xyz are absent"
    if find_spec("tesserocr"):
        assert said('ocr_languages = ["abc"]') == "read in abc"
