"""Anchors: where a checkpoint is taken, what is told of it, and places that hang, fail or are not there."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.assets import ragkit_verify
from ragkit.audit.notes import parse_note
from ragkit.audit.reading import read_events
from ragkit.compliance.anchoring import Anchoring
from ragkit.errors import ConfigError
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace


class Anchors:
    """A workspace folder whose anchors a test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = (
            f'[workspace]\nname = "test"\nid = "abc"\nowner = "local|ana"\n[keys]\npath = "{folder.parent}/root.key"\n'
            '[collections.shop]\naccess = ["u:local|ana"]\n'
        )
        create_key_file(folder.parent / "root.key")
        self.write()

    def write(self, *anchors: str) -> None:
        """Write the configuration with these anchors, each as lines of TOML."""
        tables = "".join(f"[[audit.anchors]]\n{lines}\n" for lines in anchors)
        (self.folder / "ragkit.toml").write_text(self.text + tables)

    def open(self) -> Workspace:
        """Open the workspace."""
        return open_workspace(self.folder)

    def take(self, *names: str) -> list[Anchoring]:
        """Take a checkpoint everywhere, or there."""
        with self.open() as here:
            return here.audit.anchor(*names)

    @property
    def events(self) -> Path:
        """Where the log is."""
        return self.folder / ".ragkit" / "events"


@pytest.fixture
def anchors(tmp_path: Path) -> Anchors:
    """It, empty."""
    (tmp_path / "here").mkdir()
    return Anchors(tmp_path / "here")


def command(name: str, script: str, **more: object) -> str:
    """An anchor that is a program."""
    extra = "".join(f"\n{key} = {value}" for key, value in more.items())
    return f'name = "{name}"\nkind = "command"\ncommand = ["sh", "-c", "{script}"]{extra}'


def test_a_file_gets_every_checkpoint_and_a_rewrite_is_told_by_it(anchors: Anchors, tmp_path: Path) -> None:
    """Notes stand in it one after the other, private; the log written anew does not fit them."""
    kept = tmp_path / "kept.txt"
    anchors.write(f'name = "disk"\nkind = "file"\npath = "{kept}"')
    (first,) = anchors.take()
    (second,) = anchors.take()
    assert (first.anchor, first.kind, first.code) == ("disk", "file", "")
    assert second.size > first.size
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    parts = [part + "\n" for part in kept.read_text().split("\n\n") if part]
    assert len(parts) == 4  # a text and its signature, twice
    told = list(read_events(anchors.events, kind="anchor.done"))
    assert [event["data"] for event in told] == [{"size": one.size, "anchor": "disk"} for one in (first, second)]

    def verdict() -> list[str]:
        with anchors.open() as here:
            key = here.audit.signing_key().verifier_key
        run = ragkit_verify.Verification(anchors.events, [ragkit_verify.parse_key(key)])
        run.run([("kept.txt", kept.read_bytes())])
        return [one.code for one in run.findings if one.level == "finding"]

    assert verdict() == []
    for path in (anchors.events, *anchors.events.parent.glob("*")):
        if path.is_dir():
            for one in path.iterdir():
                one.unlink()
    home = Path(os.environ["XDG_CONFIG_HOME"]) / "ragkit"
    (home / "abc.audit.seen").unlink()
    for _ in range(6):  # whoever has the key, and what was seen, writes a log anew that is well by itself
        with anchors.open() as here:
            here.audit.checkpoint()
    assert verdict() == ["rewritten"]


def test_a_program_reads_the_note_and_gets_no_secret(
    anchors: Anchors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its input; its environment holds its path and locale, and nothing of ours."""
    monkeypatch.setenv("RAGKIT_AUDIT_KEY", "11" * 32)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    anchors.write(command("mail", f"cat > {tmp_path}/note; env > {tmp_path}/env"))
    (done,) = anchors.take()
    assert done.code == ""
    note = parse_note((tmp_path / "note").read_bytes())
    assert note.checkpoint.size == done.size
    found = (tmp_path / "env").read_text()
    assert "RAGKIT_ANCHOR=mail\n" in found
    assert "11" * 32 not in found
    assert "secret" not in found


def test_a_syslog_server_gets_it(anchors: Anchors, tmp_path: Path) -> None:
    """As one message that holds the whole note."""
    address = tmp_path / "log"
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.bind(str(address))
    server.settimeout(10)
    anchors.write(f'name = "siem"\nkind = "syslog"\naddress = "unix:{address}"')
    (done,) = anchors.take()
    message = server.recv(65_536)
    server.close()
    assert done.code == ""
    assert b" checkpoint - " in message
    run = ragkit_verify.Verification(anchors.events)
    run.run([("syslog", message)])
    assert run.anchored == done.size


def test_each_failure_is_told_and_the_others_are_done(anchors: Anchors, tmp_path: Path) -> None:
    """A place that is not there, refuses, hangs or fails has its code; each is an event; nothing stops the rest."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    anchors.write(
        f'name = "nowhere"\nkind = "file"\npath = "{tmp_path}/not/there.txt"',
        f'name = "inside"\nkind = "file"\npath = "{anchors.events}/anchored.txt"',
        f'name = "linked"\nkind = "file"\npath = "{tmp_path}/link"',
        f'name = "silent"\nkind = "syslog"\naddress = "unix:{tmp_path}/nobody"',
        'name = "odd"\nkind = "syslog"\naddress = "carrier pigeon"',
        command("fails", "exit 3"),
        command("hangs", "sleep 60", timeout=0.3),
        'name = "absent"\nkind = "command"\ncommand = ["/no/such/program"]',
        f'name = "works"\nkind = "file"\npath = "{tmp_path}/kept.txt"',
    )
    began = time.monotonic()
    done = {one.anchor: one.code for one in anchors.take()}
    assert time.monotonic() - began < 20
    assert done == {
        "nowhere": "not-there",
        "inside": "in-data-directory",
        "linked": "unreachable",
        "silent": "not-there",
        "odd": "bad-address",
        "fails": "exit-3",
        "hangs": "timeout",
        "absent": "not-there",
        "works": "",
    }
    assert not (tmp_path / "elsewhere").exists()
    failed = {
        event["data"]["anchor"]: event["data"]["code"] for event in read_events(anchors.events, kind="anchor.failed")
    }
    assert failed == {name: code for name, code in done.items() if code}


def test_a_file_that_hangs_is_left(anchors: Anchors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that does not answer holds up nobody longer than its time."""
    monkeypatch.setattr("ragkit.compliance.anchors._to_file", lambda path, data: time.sleep(5))
    anchors.write(f'name = "nfs"\nkind = "file"\npath = "{tmp_path}/kept.txt"\ntimeout = 0.2')
    began = time.monotonic()
    assert anchors.take()[0].code == "timeout"
    assert time.monotonic() - began < 4


def test_what_is_anchored_where_and_since_when(anchors: Anchors, tmp_path: Path) -> None:
    """From the log: sizes, times, failures since, places that ragkit.toml names no more, and what is not anchored."""
    disk = f'name = "disk"\nkind = "file"\npath = "{tmp_path}/kept.txt"'
    anchors.write(disk, command("mail", "exit 1"))
    with anchors.open() as here:
        state = here.audit.anchored()
        assert state.anchored == 0
        assert state.unanchored == state.lines > 0
        assert [(one.anchor, one.size, one.at) for one in state.places] == [("disk", 0, None), ("mail", 0, None)]
    anchors.take()
    (taken,) = anchors.take("disk")
    anchors.write(command("mail", "exit 1"))
    with anchors.open() as here:
        state = here.audit.anchored()
    by_name = {one.anchor: one for one in state.places}
    assert by_name["disk"].size == taken.size == state.anchored
    assert by_name["disk"].at is not None
    assert (by_name["disk"].configured, by_name["mail"].configured) == (False, True)
    assert (by_name["mail"].failures, by_name["mail"].code) == (1, "exit-1")
    assert state.lines > state.signed > state.anchored
    assert state.unanchored == state.lines - taken.size


def test_a_place_that_is_not_configured(anchors: Anchors, tmp_path: Path) -> None:
    """No anchor at all, or none of that name: an error that says what to write."""
    with pytest.raises(ConfigError, match="no anchor is configured"):
        anchors.take()
    anchors.write(f'name = "disk"\nkind = "file"\npath = "{tmp_path}/kept.txt"')
    with pytest.raises(ConfigError, match="no anchor 'usb'"):
        anchors.take("usb")
