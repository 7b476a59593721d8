"""Checkpoints of a workspace: signed by itself, by command, under a new key, and of a log that was put back."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.assets import ragkit_verify
from ragkit.audit.note_file import NoteFile
from ragkit.audit.notes import VerifierKey
from ragkit.audit.reading import read_events
from ragkit.doctor import _signed, _try
from ragkit.errors import AccessDenied, CheckpointRefused, ConfigError
from ragkit.rootkey import create_key_file, default_key_path
from ragkit.types import Principal
from ragkit.workspace import Workspace

BEN = Principal("local|ben")


def write_config(folder: Path, more: str = "") -> None:
    """A ragkit.toml without documents."""
    (folder / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
id = "abc"
owner = "local|ana"
[keys]
path = "{folder.parent / "root.key"}"
{more}
[collections.shop]
access = ["u:local|ana"]
"""
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that recorded and signed a little."""
    create_key_file(tmp_path / "root.key")
    here = tmp_path / "here"
    here.mkdir()
    write_config(here)
    record(here, 5)
    return here


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    """It, opened again."""
    with open_workspace(folder) as here:
        yield here


def record(folder: Path, count: int) -> None:
    """Record so many events in a process of their own, as it were."""
    with open_workspace(folder) as here:
        for _ in range(count):
            here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})


def events_of(folder: Path) -> Path:
    """Where its log is."""
    return folder / ".ragkit" / "events"


def kinds(folder: Path, family: str) -> list[dict[str, Any]]:
    """Events of a family."""
    return list(read_events(events_of(folder), kind=family))


def verdict(folder: Path, *keys: str) -> list[str]:
    """What a verifier that knows nothing of ragkit finds, by code."""
    run = ragkit_verify.Verification(events_of(folder), [ragkit_verify.parse_key(key) for key in keys])
    run.run()
    return [one.code for one in run.findings if one.level == "finding"]


def trusted(folder: Path) -> str:
    """The verifier key of now."""
    with open_workspace(folder) as here:
        return here.audit.signing_key().verifier_key


def test_every_process_signs_when_it_ends(folder: Path) -> None:
    """Two processes, two notes, the last over every line; key and memory are outside the data directory."""
    record(folder, 3)
    notes = list(NoteFile(events_of(folder) / "checkpoints.txt").read())
    lines = (events_of(folder) / "00000001.jsonl").read_bytes().count(b"\n")
    assert [note.checkpoint.origin for note in notes] == ["test/ragkit/abc"] * 2
    assert notes[-1].checkpoint.size == lines
    key = default_key_path("abc").with_name("abc.audit.key")
    assert key.exists()
    assert key.with_name("abc.audit.seen").exists()
    assert verdict(folder, trusted(folder)) == []


def test_a_checkpoint_by_command_covers_what_was_just_recorded(workspace: Workspace, folder: Path) -> None:
    """It is over the event that tells of it, and the note is the one in the file."""
    done = workspace.audit.checkpoint()
    assert (done.origin, done.aside) == ("test/ragkit/abc", "")
    lines = (events_of(folder) / "00000001.jsonl").read_bytes().splitlines()
    assert len(lines) == done.size
    assert json.loads(lines[-2])["data"]["verb"] == "audit.checkpoint"
    assert json.loads(lines[-1])["data"]["size"] == done.size
    assert (events_of(folder) / "checkpoints.txt").read_text().endswith(done.note + "\n")


def test_who_may(workspace: Workspace) -> None:
    """Signing and proving are an auditor's, keys and anchors an operator's."""
    for call in (
        lambda: workspace.audit.checkpoint(principal=BEN),
        lambda: workspace.audit.accept_log(purpose="because", principal=BEN),
        lambda: workspace.audit.signing_key(principal=BEN),
        lambda: workspace.audit.rotate_key(principal=BEN),
        lambda: workspace.audit.anchor(principal=BEN),
        lambda: workspace.audit.anchored(principal=BEN),
        lambda: workspace.audit.prove(1, principal=BEN),
        lambda: workspace.audit.prove_growth(1, principal=BEN),
    ):
        with pytest.raises(AccessDenied):
            call()


def test_nothing_is_signed_where_nothing_is_recorded(folder: Path) -> None:
    """The unsafe mode has no checkpoint, and says so."""
    write_config(folder, '[audit]\nmode = "unsafe_off"')
    with open_workspace(folder) as here, pytest.raises(ConfigError, match="nothing is recorded"):
        here.audit.checkpoint()


def test_a_key_in_the_data_directory_is_refused(folder: Path) -> None:
    """The key, and the memory of what was seen, lie outside what they protect, or nothing is done."""
    for more in ('[audit.key]\npath = ".ragkit/audit.key"', '[audit.checkpoints]\nseen = ".ragkit/events/seen"'):
        write_config(folder, more)
        with open_workspace(folder) as here, pytest.raises(ConfigError, match="inside the data directory"):
            here.audit.checkpoint()


def test_without_the_key_recording_goes_on_and_says_so(folder: Path) -> None:
    """No new key is made; the log tells once a process that it is not signed; the key back, all is signed again."""
    key = default_key_path("abc").with_name("abc.audit.key")
    before = trusted(folder)
    key.rename(key.with_name("away"))
    record(folder, 3)
    with open_workspace(folder) as here:
        with pytest.raises(CheckpointRefused, match="is not there") as found:
            here.audit.checkpoint()
        assert found.value.code == "no-key"
        assert here.audit.signing_key().verifier_key == ""
    assert not key.exists()
    assert {(one["outcome"], one["reason"]) for one in kinds(folder, "checkpoint.failed")} == {("error", "no-key")}
    key.with_name("away").rename(key)
    record(folder, 1)
    assert verdict(folder, before) == []


def test_a_log_goes_on_under_its_old_name(folder: Path) -> None:
    """Another name of the workspace is another log; with the old origin written down it is the same one."""
    key = trusted(folder)
    text = (folder / "ragkit.toml").read_text()
    (folder / "ragkit.toml").write_text(text.replace('name = "test"', 'name = "renamed"'))
    with open_workspace(folder) as here, pytest.raises(CheckpointRefused) as found:
        here.audit.checkpoint()
    assert found.value.code == "other-origin"
    shutil.rmtree(folder / ".ragkit")
    write_config(folder, '[audit.checkpoints]\norigin = "test/ragkit/abc"')
    default_key_path("abc").with_name("abc.audit.seen").unlink()
    (folder / "ragkit.toml").write_text(
        (folder / "ragkit.toml").read_text().replace('name = "test"', 'name = "renamed"')
    )
    record(folder, 2)
    assert verdict(folder, key) == []


def test_the_doctor_finds_a_log_that_is_not_signed(folder: Path) -> None:
    """Well, it signs; with the key gone it says what is wrong and what to do."""
    with open_workspace(folder) as here:
        assert _signed(here.config, here._handles.recorder).startswith("signed")
    default_key_path("abc").with_name("abc.audit.key").unlink()
    with open_workspace(folder) as here:
        here._handles.recorder.record("auth.ok", data={"verb": "doctor", "via": "local"})
        found = _try("checkpoints", lambda: _signed(here.config, here._handles.recorder))
    assert not found.ok
    assert "--accept-log" in found.remedy


def test_a_key_is_changed_and_the_chain_holds(folder: Path) -> None:
    """Whoever trusts the first key verifies through two changes; the old keys stay beside the new."""
    first = trusted(folder)
    with open_workspace(folder) as here:
        one = here.audit.rotate_key()
        assert one.old == first
        assert one.kept is not None
        assert one.kept.exists()
        two = here.audit.rotate_key(new_key=bytes(range(32)), keep_old=False)
        assert (two.old, two.new) == (one.new, str(VerifierKey.of("test/ragkit/abc", bytes(range(32)))))
        assert two.kept is None
        assert f"next-key {two.new}\n" in two.note
        state = here.audit.signing_key()
        assert state.verifier_key == two.new
        assert [key for _, key in state.changes] == [one.new, two.new]
    record(folder, 2)
    assert verdict(folder, first) == []
    told = kinds(folder, "key.rotated")
    assert [event["data"]["scope"] for event in told] == ["audit", "audit"]
    assert [event["data"]["key"] for event in told] == [VerifierKey.parse(key).mark for key in (one.new, two.new)]


def test_the_same_key_is_no_change(folder: Path, tmp_path: Path) -> None:
    """A new key that is the old one is refused before anything is signed by it."""
    with open_workspace(folder) as here:
        key = here._handles.recorder.signer.key.read()  # type: ignore[union-attr]
        with pytest.raises(ConfigError, match="is the old one"):
            here.audit.rotate_key(new_key=key)


def test_a_key_from_a_variable_is_changed_by_its_owner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a next key there is a remedy; with one, both sign, and the old one is done with."""
    write_config(folder, '[audit.key]\nsource = "env"')
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 32)
    shutil.rmtree(folder / ".ragkit")
    default_key_path("abc").with_name("abc.audit.seen").unlink()
    with open_workspace(folder) as here:
        with pytest.raises(ConfigError, match="which ragkit cannot change"):
            here.audit.rotate_key()
        monkeypatch.setenv("RAGKIT_AUDIT_KEY_NEXT", "22" * 32)
        done = here.audit.rotate_key()
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "22" * 32)
    monkeypatch.delenv("RAGKIT_AUDIT_KEY_NEXT")
    record(folder, 1)
    assert verdict(folder, done.old) == []


def test_a_directory_that_was_put_back_is_not_signed_until_somebody_says_why(folder: Path, tmp_path: Path) -> None:
    """Rolled back: refused and recorded. Accepted: a new line under a new key, the old one aside, all of it told."""
    old = trusted(folder)
    shutil.copytree(folder / ".ragkit", tmp_path / "copy")
    record(folder, 60)
    shutil.rmtree(folder / ".ragkit")
    shutil.copytree(tmp_path / "copy", folder / ".ragkit")
    record(folder, 2)
    assert [event["reason"] for event in kinds(folder, "checkpoint.refused")] == ["rolled-back"]
    with open_workspace(folder) as here:
        with pytest.raises(CheckpointRefused, match="cut or put back") as found:
            here.audit.checkpoint()
        assert "--accept-log" in found.value.remedy
        with pytest.raises(AccessDenied, match="purpose"):
            here.audit.accept_log(purpose=" ")
        done = here.audit.accept_log(purpose="the disk of 3 May was restored")
    assert done.aside == "left-1"
    (event,) = kinds(folder, "checkpoint.accepted")
    assert event["reason"] == "rolled-back"
    assert event["data"]["seen"] > event["data"]["size"]
    assert event["data"]["purpose"].startswith("h:")
    assert "3 May" not in json.dumps(event)
    beside = sorted(path.name for path in default_key_path("abc").parent.iterdir())
    assert beside == ["abc.audit.key", "abc.audit.key.left-1", "abc.audit.seen", "abc.audit.seen.left-1"]
    assert (events_of(folder) / "checkpoints.left-1.txt").exists()
    record(folder, 2)
    new = trusted(folder)
    assert new != old
    assert verdict(folder, new) == []  # somebody answered for it
    assert any(code.startswith("note-") for code in verdict(folder, old))  # who trusts the old key is not followed


def test_a_log_that_continues_is_only_signed_by_accepting_it(folder: Path) -> None:
    """There was nothing to accept: no new key, nothing aside."""
    old = trusted(folder)
    with open_workspace(folder) as here:
        assert here.audit.accept_log(purpose="to be sure").aside == ""
    assert trusted(folder) == old
    assert kinds(folder, "checkpoint.accepted") == []


def test_a_lost_key_is_replaced_by_accepting_the_log(folder: Path) -> None:
    """The key is gone for good: an auditor takes the log as it is, and it is signed under a new one."""
    default_key_path("abc").with_name("abc.audit.key").unlink()
    with open_workspace(folder) as here:
        assert here.audit.accept_log(purpose="the key is lost").aside == "left-1"
    record(folder, 1)
    assert verdict(folder, trusted(folder)) == []


def test_a_key_from_elsewhere_is_not_used_again_after_accepting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old key never signs two things that contradict each other: a new one has to be given first."""
    write_config(folder, '[audit.key]\nsource = "env"')
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 32)
    seen = default_key_path("abc").with_name("abc.audit.seen")
    with open_workspace(folder) as here:
        with pytest.raises(CheckpointRefused):
            here.audit.checkpoint()  # the file's key signed before
        assert here.audit.accept_log(purpose="the key is kept elsewhere now").aside == "left-1"
    segment = events_of(folder) / "00000001.jsonl"
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:4]))
    with open_workspace(folder) as here:
        with pytest.raises(ConfigError, match="needs a new key"):
            here.audit.accept_log(purpose="cut")
        monkeypatch.setenv("RAGKIT_AUDIT_KEY", "33" * 32)
        assert here.audit.accept_log(purpose="cut").aside == "left-2"
    assert seen.with_name("abc.audit.seen.left-2").exists()


ACCEPTING = """
import sys, ragkit
with ragkit.open_workspace(sys.argv[1]) as here:
    here.audit.accept_log(purpose="killed")
"""


@pytest.mark.parametrize("point", ["checkpoints.key_aside", "checkpoints.left", "checkpoints.left:2"])
def test_killed_while_accepting_it_is_done_again(folder: Path, point: str) -> None:
    """Whatever was put aside already: the next one who accepts gets through, and the log verifies."""
    segment = events_of(folder) / "00000001.jsonl"
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:4]))
    done = subprocess.run(
        [sys.executable, "-c", ACCEPTING, str(folder)],
        env={**os.environ, "RAGKIT_CRASH_POINT": point},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with open_workspace(folder) as here:
        here.audit.accept_log(purpose="again")
    record(folder, 1)
    assert verdict(folder, trusted(folder)) == []


RECORDING = """
import sys, ragkit
with ragkit.open_workspace(sys.argv[1]) as here:
    for _ in range(3):
        here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})
"""


@pytest.mark.parametrize(
    "point", ["checkpoints.announced", "checkpoints.seen", "checkpoints.torn_note", "checkpoints.appended"]
)
def test_a_process_killed_while_it_signs_leaves_a_log_that_verifies(folder: Path, point: str) -> None:
    """Between the announcement and the end of the note: nothing to repair, and the next process signs it all."""
    old = trusted(folder)
    done = subprocess.run(
        [sys.executable, "-c", RECORDING, str(folder)],
        env={**os.environ, "RAGKIT_CRASH_POINT": point},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    record(folder, 1)
    assert verdict(folder, old) == []
    newest = NoteFile(events_of(folder) / "checkpoints.txt").newest()
    assert newest is not None
    assert newest.checkpoint.size == len((events_of(folder) / "00000001.jsonl").read_bytes().splitlines())


def test_a_long_process_signs_on_its_way_and_while_it_rests(folder: Path) -> None:
    """After so many events, and after so many seconds also when nothing more comes."""
    write_config(folder, "[audit.checkpoints]\nevery_events = 5\nevery_seconds = 1")
    notes = NoteFile(events_of(folder) / "checkpoints.txt")
    before = len(list(notes.read()))
    with open_workspace(folder) as here:
        for _ in range(30):
            here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})
        until = time.monotonic() + 30
        while time.monotonic() < until:
            newest = notes.newest()
            lines = len((events_of(folder) / "00000001.jsonl").read_bytes().splitlines())
            if newest is not None and newest.checkpoint.size == lines and len(list(notes.read())) > before + 1:
                break
            time.sleep(0.1)
        else:
            pytest.fail("the end of the log was not signed while the process rested")
    assert verdict(folder, trusted(folder)) == []


def work(folder: str, count: int) -> None:
    """Record and sign, over and over, as a short process does."""
    for number in range(count):
        with open_workspace(folder) as here:
            here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})
            if number % 3 == 0:
                here.audit.checkpoint()


def test_several_processes_sign_in_turn(folder: Path) -> None:
    """Four processes at once: sizes grow, every note fits its lines, and nobody refuses."""
    old = trusted(folder)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(str(folder), 8)) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(120)
    assert [one.exitcode for one in workers] == [0] * 4
    sizes = [note.checkpoint.size for note in NoteFile(events_of(folder) / "checkpoints.txt").read()]
    assert sizes == sorted(set(sizes))
    assert len(sizes) > 8  # one that finds everything signed by another signs nothing
    assert verdict(folder, old) == []
    assert kinds(folder, "checkpoint.refused") == kinds(folder, "checkpoint.failed") == []
