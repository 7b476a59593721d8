"""Checkpoints in a backup: restored elsewhere, a log is signed on where it stopped, if its key came along."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.assets import ragkit_verify
from ragkit.audit.note_file import NoteFile
from ragkit.audit.reading import read_events
from ragkit.errors import CheckpointRefused
from ragkit.restoring import restore_workspace
from ragkit.rootkey import default_key_path
from ragkit.testing.light import ROOT_KEY, LightIngest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose record store was filled by light stages, and whose log has two checkpoints."""
    here = tmp_path / "here"
    (here / ".ragkit").mkdir(mode=0o700, parents=True)
    key = tmp_path / "root.key"
    key.touch(mode=0o600)
    key.write_text(base64.b64encode(ROOT_KEY).decode())
    (here / "ragkit.toml").write_text(
        f'[workspace]\nname = "a"\nowner = "local|ana"\nid = "abc"\n[keys]\npath = "{key}"\n[collections.care]\n'
        'access = []\nofficers = ["u:local|ana"]\n'
    )
    light = LightIngest(here / ".ragkit", words=["Ada"], name="care")
    light.sync({"a": "Ada wrote", "b": "two\n\nthree"})
    light.database.close()
    for _ in range(2):
        record(here)
    return here


def record(folder: Path) -> None:
    """Record an event and sign."""
    with open_workspace(folder) as here:
        here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})


def notes(folder: Path) -> list[int]:
    """Sizes of the checkpoints."""
    return [note.checkpoint.size for note in NoteFile(folder / ".ragkit/events/checkpoints.txt").read()]


def verdict(folder: Path) -> list[str]:
    """What the verifier finds, trusting the key of now."""
    with open_workspace(folder) as here:
        key = here.audit.signing_key().verifier_key
    run = ragkit_verify.Verification(folder / ".ragkit/events", [ragkit_verify.parse_key(key)])
    run.run()
    return [one.code for one in run.findings if one.level == "finding"]


def test_a_workspace_that_moves_with_its_keys_is_signed_on(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, with the signing key brought there: the checkpoints go on, and the log verifies."""
    with open_workspace(folder) as here:
        here.keeping.backup(tmp_path / "backup")
    before = notes(folder)
    key = default_key_path("abc").with_name("abc.audit.key")
    shutil.copytree(folder / ".ragkit", tmp_path / "moved/.ragkit", ignore=lambda at, names: {"events"} & set(names))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other home"))
    there = default_key_path("abc").with_name("abc.audit.key")
    there.parent.mkdir(mode=0o700, parents=True)
    shutil.copy(key, there)
    restore_workspace(tmp_path / "backup", to=tmp_path / "moved")
    record(tmp_path / "moved")
    after = notes(tmp_path / "moved")
    assert after[:2] == before[:2]
    assert len(after) > 3
    assert verdict(tmp_path / "moved") == []


def test_a_workspace_that_moves_without_its_signing_key_waits_for_an_auditor(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is signed under a key that came from nowhere, until an auditor takes the log as it is."""
    with open_workspace(folder) as here:
        here.keeping.backup(tmp_path / "backup")
    shutil.copytree(folder / ".ragkit", tmp_path / "moved/.ragkit", ignore=lambda at, names: {"events"} & set(names))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other home"))
    restore_workspace(tmp_path / "backup", to=tmp_path / "moved")
    moved = tmp_path / "moved"
    failed = list(read_events(moved / ".ragkit/events", kind="checkpoint.failed"))
    assert {event["reason"] for event in failed} == {"no-key"}
    with open_workspace(moved) as here:
        assert here.audit.accept_log(purpose="moved to the new machine").aside == "left-1"
    assert verdict(moved) == []


def test_a_copy_of_a_workspace_that_goes_on_is_not_signed(folder: Path, tmp_path: Path) -> None:
    """A restore drill on the same machine: the original has signed more since, so the copy's log is an older one."""
    with open_workspace(folder) as here:
        here.keeping.backup(tmp_path / "backup")
    record(folder)
    shutil.copytree(folder / ".ragkit", tmp_path / "drill/.ragkit", ignore=lambda at, names: {"events"} & set(names))
    restore_workspace(tmp_path / "backup", to=tmp_path / "drill")
    with open_workspace(tmp_path / "drill") as here, pytest.raises(CheckpointRefused) as found:
        here.audit.checkpoint()
    assert found.value.code in {"rolled-back", "edited"}
    record(folder)  # the original is as it was
    assert verdict(folder) == []
