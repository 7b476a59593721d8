"""``ragkit audit checkpoint|anchor|prove|key`` on a real workspace that never saw a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ragkit.assets import ragkit_verify
from ragkit.audit.notes import VerifierKey, parse_note
from ragkit.cli.main import app
from ragkit.rootkey import create_key_file, default_key_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with an anchor that works and one that does not."""
    (tmp_path / "ragkit.toml").write_text(
        f'[workspace]\nname = "test"\nid = "abc"\nowner = "local|ana"\n[keys]\npath = "{tmp_path}/root.key"\n'
        f'[collections.shop]\naccess = ["u:local|ana"]\n'
        f'[[audit.anchors]]\nname = "disk"\nkind = "file"\npath = "{tmp_path}/kept.txt"\n'
        '[[audit.anchors]]\nname = "mail"\nkind = "command"\ncommand = ["sh", "-c", "exit 4"]\n'
    )
    create_key_file(tmp_path / "root.key")
    return tmp_path


@pytest.fixture
def audit(folder: Path) -> Any:
    """Runs a verb of ``ragkit audit`` in it."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, arguments), "--workspace", str(folder)])

    return run


def test_checkpoint_prints_the_note(audit: Any) -> None:
    """As it is to be handed on, with nothing around it; or as JSON."""
    shown = audit("checkpoint")
    assert shown.exit_code == 0
    note = parse_note(shown.stdout.encode())
    told = json.loads(audit("checkpoint", "--json").stdout)
    assert told["ragkit"] == "audit_checkpoint/1"
    assert (told["origin"], told["aside"]) == ("test/ragkit/abc", "")
    assert told["size"] > note.checkpoint.size
    assert parse_note(told["note"].encode()).checkpoint.size == told["size"]


def test_a_log_is_accepted_with_a_purpose_only(audit: Any, folder: Path) -> None:
    """Without one it is refused; with one, the old checkpoints are aside, and the new key has to be handed on."""
    audit("checkpoint")
    default_key_path("abc").with_name("abc.audit.key").unlink()
    refused = audit("checkpoint")
    assert refused.exit_code != 0
    assert "--accept-log" in refused.output
    assert audit("checkpoint", "--accept-log").exit_code != 0
    done = audit("checkpoint", "--accept-log", "--purpose", "the key is lost")
    assert done.exit_code == 0
    assert "left-1" in done.stderr
    parse_note(done.stdout.encode())
    again = audit("checkpoint", "--accept-log", "--purpose", "once more")
    assert "nothing had to be accepted" in again.stderr


def test_anchor_says_what_became_of_it_and_fails_if_a_place_did(audit: Any, folder: Path) -> None:
    """Exit status 1 when one place did not take it; 0 for the one that did; what is anchored is shown."""
    both = audit("anchor", "--json")
    assert both.exit_code == 1
    told = json.loads(both.stdout)
    assert [(one["anchor"], one["code"]) for one in told["anchors"]] == [("disk", ""), ("mail", "exit-4")]
    one = audit("anchor", "--to", "disk")
    assert one.exit_code == 0
    assert "taken" in one.stdout
    state = json.loads(audit("anchor", "--show", "--json").stdout)
    assert state["unanchored"] == state["lines"] - state["anchored"] > 0
    assert [place["anchor"] for place in state["places"]] == ["disk", "mail"]
    assert "rest on this machine" in audit("anchor", "--show").stdout


def test_a_proof_is_checked_elsewhere(audit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `prove --json` prints, the stand-alone verifier takes with the key alone."""
    size = json.loads(audit("checkpoint", "--json").stdout)["size"]
    key = audit("key", "show").stdout.strip()
    for name, arguments in (("one", ("2",)), ("two", ("--from", size))):
        (tmp_path / name).write_text(audit("prove", *arguments, "--json").stdout)
        assert ragkit_verify.main(["--key", key, "--proof", str(tmp_path / name)]) == 0
        assert "proven" in capsys.readouterr().out
    assert "Event 2 is line 2 of" in audit("prove", 2).stdout
    assert "unchanged" in audit("prove", "--from", size).stdout
    assert audit("prove").exit_code != 0
    assert audit("prove", 2, "--from", size).exit_code != 0


def test_the_key_is_shown_and_changed(audit: Any, tmp_path: Path) -> None:
    """The verifier key on standard output; after a change the new one, and since when."""
    missing = audit("key", "show")
    assert missing.exit_code == 1
    assert missing.stdout == ""
    audit("checkpoint")
    first = audit("key", "show").stdout.strip()
    done = json.loads(audit("key", "rotate", "--json").stdout)
    assert (done["old"], done["kept"]) == (first, True)
    shown = json.loads(audit("key", "show", "--json").stdout)
    assert shown["verifier_key"] == done["new"]
    assert [one["verifier_key"] for one in shown["changes"]] == [done["new"]]
    create_key_file(tmp_path / "new.key", bytes(range(32)))
    last = audit("key", "rotate", "--new-key-file", tmp_path / "new.key", "--destroy-old")
    assert last.exit_code == 0
    assert str(VerifierKey.of("test/ragkit/abc", bytes(range(32)))) in last.stdout
    assert "since line" in audit("key", "show").stderr
