"""`ragkit audit verify`: the auditor's file on the workspace's own log, and what only the workspace can tell."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ragkit import open_workspace
from ragkit.cli.main import app
from ragkit.compliance.verifying import VERIFIER, own_key, verify_log
from ragkit.errors import AccessDenied, ConfigError
from ragkit.rootkey import create_key_file
from ragkit.testing.tampering import WITHOUT_KEY
from ragkit.types import Evidence, Principal
from ragkit.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace in the compliance mode, never synced, with a signed log of some events and evidence."""
    (tmp_path / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
id = "abc"
owner = "local|ana"
[keys]
source = "file"
path = "{tmp_path / "root.key"}"
[audit]
mode = "compliance"
[roles]
auditors = ["u:local|ana"]
[collections.shop]
access = ["u:local|ana"]
officers = ["u:local|ana"]
"""
    )
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as here:
        for number in range(40):
            here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"}, request=f"{number:032x}")
    return tmp_path


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    """It, opened again."""
    with open_workspace(folder) as here:
        yield here


def log_of(workspace: Workspace) -> Path:
    """Where its log is."""
    return workspace.config.data_folder / "events"


def codes(found: object) -> list[str]:
    """What was found."""
    return [one["code"] for one in found.findings]  # type: ignore[attr-defined]


def test_a_log_that_was_left_alone_is_well(workspace: Workspace) -> None:
    """The workspace's own key proves it; the checkpoint that the signer remembers is nobody else's word."""
    found = workspace.audit.verify()
    assert (found.status, found.findings, found.lost) == (0, [], None)
    assert (found.report["signed"] > 40, found.report["anchored"]) == (True, 0)
    assert found.keys == (own_key(workspace._handles),)


def test_a_checkpoint_from_before_a_change_of_keys_is_no_alarm(workspace: Workspace, tmp_path: Path) -> None:
    """Its lines are compared, its signature cannot be: a notice says so. Of a log that was cut it still tells."""
    kept = tmp_path / "anchor.txt"
    kept.write_bytes((log_of(workspace) / "checkpoints.txt").read_bytes())
    first = own_key(workspace._handles)
    workspace.audit.rotate_key()
    found = workspace.audit.verify(checkpoints=[kept])
    assert (found.status, found.report["anchored"]) == (0, 0)
    assert {one["code"] for one in found.report["findings"]} == {"note-before", "kept-before"}
    assert [one["code"] for one in found.report["findings"]].count("note-before") == 1
    by_first = workspace.audit.verify(checkpoints=[kept], keys=[first])
    assert (by_first.status, by_first.report["findings"]) == (0, [])
    assert by_first.report["anchored"] > 40


def test_verifying_is_an_event(workspace: Workspace) -> None:
    """The event tells how much was verified and what came of it; the next verification covers it."""
    workspace.audit.verify()
    last = json.loads((log_of(workspace) / "00000001.jsonl").read_bytes().splitlines()[-1])
    assert (last["type"], last["outcome"], last["data"]["findings"]) == ("verify.run", "ok", 0)
    assert last["data"]["lines"] > 40
    assert workspace.audit.verify().report["events"] > last["data"]["lines"]


def test_only_auditors_verify(workspace: Workspace) -> None:
    """Anybody else is refused."""
    with pytest.raises(AccessDenied):
        workspace.audit.verify(principal=Principal("local|eve"))


def test_progress_is_told_in_bytes(workspace: Workspace) -> None:
    """The last step is all of them."""
    steps: list[tuple[str, int, int | None]] = []
    workspace.audit.verify(progress=lambda *step: steps.append(step))
    assert steps[-1][0] == "verify"
    assert steps[-1][1] == steps[-1][2] > 10_000


@pytest.mark.parametrize("way", ["edited", "deleted and renumbered", "note changed"])
def test_tampering_is_found_and_recorded(way: str, folder: Path) -> None:
    """What the stand-alone verifier finds is found here, and is an event."""
    WITHOUT_KEY[way](folder / ".ragkit" / "events", random.Random(4))
    with open_workspace(folder) as here:
        found = verify_log(here._handles)
        assert found.status == 1
        assert found.findings
        last = json.loads((log_of(here) / "00000001.jsonl").read_bytes().splitlines()[-1])
    assert (last["type"], last["outcome"]) == ("verify.run", "error")
    assert last["reason"] in codes(found)


def test_a_log_put_back_is_noticed_by_what_is_remembered_outside(folder: Path) -> None:
    """An older copy of the whole data directory is well by itself; the memory beside the key is newer."""
    shutil.copytree(folder / ".ragkit", folder / "older")
    with open_workspace(folder) as here:
        here._handles.recorder.record("auth.ok", data={"via": "local"})
    shutil.rmtree(folder / ".ragkit")
    (folder / "older").rename(folder / ".ragkit")
    with open_workspace(folder) as here:
        found = verify_log(here._handles)
    assert found.status == 1
    assert set(codes(found)) & {"rolled-back", "rewritten", "refused"}


def test_lost_evidence_is_found_and_destroyed_evidence_is_not(workspace: Workspace) -> None:
    """A request whose event commits to evidence has it, or it was destroyed by ragkit, or that is a finding."""
    with workspace._handles.writing("sync") as database:
        workspace._handles.collection("shop", database, create=True)
    recorder, store = workspace._handles.recorder, workspace._handles.evidence
    for number in (1, 2, 3):
        evidence = Evidence(collection="shop", parts={"question": b"How long is the warranty?"})
        recorder.record("query.received", request=f"{number:032x}", data={"collection": "shop"}, evidence=evidence)
    assert workspace.audit.verify().lost == 0
    store.destroy([f"{2:032x}"], cause="age")
    assert workspace.audit.verify().lost == 0
    with store._file.writing() as database:
        (row,) = database.execute("SELECT id FROM turns WHERE request = ?", (f"{3:032x}",)).fetchone()
        database.execute("DELETE FROM parts WHERE turn = ?", (row,))
        database.execute("DELETE FROM turns WHERE id = ?", (row,))
    found = workspace.audit.verify()
    assert (found.status, found.lost, codes(found)) == (1, 1, ["evidence"])
    assert f"{3:032x}" in found.findings[0]["message"]


def test_another_key_is_told_from_a_wrong_one(workspace: Workspace) -> None:
    """A key that is none is refused before anything is read; a stranger's proves nothing."""
    with pytest.raises(ConfigError):
        workspace.audit.verify(keys=["acme+00000000+AAAA"])
    stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert workspace.audit.verify(keys=[stranger]).status == 1


def test_without_the_key_it_says_that_nothing_was_proven(folder: Path) -> None:
    """A signing key that cannot be read is no finding, and no success."""
    text = (folder / "ragkit.toml").read_text()
    (folder / "ragkit.toml").write_text(text + '[audit.key]\nsource = "env"\nvariable = "ABSENT"\n')
    with open_workspace(folder) as here:
        found = verify_log(here._handles)
    assert found.status == 2
    assert any("no key was given" in one for one in found.report["unchecked"])


def test_the_command_prints_the_same_and_its_status(folder: Path) -> None:
    """`ragkit audit verify --json` has the counts; the exit status is 1 after an edit."""
    run = CliRunner().invoke(app, ["audit", "verify", "-w", str(folder), "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert (told["status"], told["findings"], told["unchecked"]) == (0, [], [])
    assert told["signed"] > 40
    WITHOUT_KEY["edited"](folder / ".ragkit" / "events", random.Random(1))
    run = CliRunner().invoke(app, ["audit", "verify", "-w", str(folder)])
    assert run.exit_code == 1
    assert "finding tree" in run.stdout


def test_the_proofs_that_ragkit_prints_are_checked(folder: Path, tmp_path: Path) -> None:
    """`audit prove --json` and `audit verify --proof` are of two hands: of an event, and of a log that goes on."""
    proofs = []
    for number, arguments in enumerate((["7"], ["--from", "@"])):
        with open_workspace(folder) as here:
            size = min(int(one.split(b"\n")[1]) for one in notes_of(here))
        run = CliRunner().invoke(app, ["audit", "prove", *(one.replace("@", str(size)) for one in arguments),
                                       "-w", str(folder), "--json"])  # fmt: skip
        assert run.exit_code == 0, run.output
        proofs.append(tmp_path / f"proof-{number}.json")
        proofs[-1].write_text(run.stdout)
    with open_workspace(folder) as here:
        found = here.audit.verify(proofs=proofs)
    assert found.status == 0
    assert "the line stands at" in found.report["proven"][0]
    assert "unchanged" in found.report["proven"][1]
    proofs[0].write_text(proofs[0].read_text().replace('\\"outcome\\":\\"ok', '\\"outcome\\":\\"no'))
    with open_workspace(folder) as here:
        assert codes(here.audit.verify(proofs=proofs)) == ["proof"]


def notes_of(workspace: Workspace) -> list[bytes]:
    """The notes of its log."""
    return (log_of(workspace) / "checkpoints.txt").read_bytes().split(b"\n\n")[:-1:2]


def test_the_auditor_gets_a_file_that_needs_no_ragkit(folder: Path, tmp_path: Path) -> None:
    """The copied file verifies a copy of the log, alone, in an interpreter that cannot import ragkit."""
    out = tmp_path / "auditor" / "ragkit_verify.py"
    out.parent.mkdir()
    run = CliRunner().invoke(app, ["audit", "verify", "-w", str(folder), "--out-verifier", str(out)])
    assert run.exit_code == 0, run.output
    assert out.read_bytes() == VERIFIER.read_bytes()
    with open_workspace(folder) as here:
        key = own_key(here._handles)
    program = (
        "import runpy, sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'ragkit':\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    log = shutil.copytree(folder / ".ragkit" / "events", tmp_path / "auditor" / "log")
    command = [sys.executable, "-c", program, str(out), str(log), "--key", key, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["signed"] > 40
    again = CliRunner().invoke(app, ["audit", "verify", "-w", str(folder), "--out-verifier", str(out)])
    assert again.exit_code != 0
