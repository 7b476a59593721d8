"""Whoever is shown values in clear is entitled, gave a purpose, and stands in the log before they are shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit import Principal, open_workspace
from ragkit.errors import AccessDenied, AuditUnavailable
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace

STRANGER = Principal("local|eve")
TEXT = "Dear Ms Oduya Nakamura, call +44 20 7946 0999 or write to o.nakamura@example.net.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose owner may reveal; nothing is synced."""
    (tmp_path / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{tmp_path / "root.key"}"
[policies.forms]
profile = "default"
detectors = []
[collections.shop]
policy = "forms"
access = ["u:local|ana"]
reveal = ["u:local|ana"]
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "."
"""
    )
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as opened:
        yield opened


def events(workspace: Workspace) -> list[dict[str, Any]]:
    """What the log says of clear text."""
    folder = workspace.config.data_folder / "events"
    lines = [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]
    return [line for line in lines if line["type"].startswith(("pii.", "auth."))]


def test_a_stream_is_recorded_before_its_first_value_and_counted_at_its_end(workspace: Workspace) -> None:
    """Who, why and that it begins stand on the disk before a piece is read; how much, when it ended."""
    masked = workspace.mask_text(TEXT)[0].record
    read: list[int] = []

    def pieces() -> Iterator[str]:
        for at, char in enumerate(masked):
            read.append(at)
            yield char

    shown = workspace.reveal_stream(pieces(), purpose="a call")
    assert not read
    assert not events(workspace), "nothing was shown yet"
    first = next(shown)
    assert [event["type"] for event in events(workspace)] == ["pii.unmasking"]
    assert first + "".join(shown) == TEXT == workspace.reveal(masked, purpose="a call")
    begun, ended, whole = events(workspace)
    assert ended["type"] == whole["type"] == "pii.unmasked"
    assert ended["data"] == whole["data"], "as if it had been revealed whole"
    assert ended["data"]["tokens"] == 3
    assert begun["data"]["purpose"] == ended["data"]["purpose"]
    assert "Nakamura" not in json.dumps([begun, ended, whole])


def test_a_stream_that_is_left_early_counts_what_was_shown(workspace: Workspace) -> None:
    """The end is recorded when nobody reads on."""
    masked = workspace.mask_text(TEXT)[0].record
    shown = workspace.reveal_stream([masked[:60], masked[60:]], purpose="a call")
    next(shown)
    shown.close()  # type: ignore[attr-defined]
    assert [event["type"] for event in events(workspace)] == ["pii.unmasking", "pii.unmasked"]
    assert events(workspace)[-1]["data"]["characters"] == 60


@pytest.mark.parametrize("asked", [{"purpose": "curious", "principal": STRANGER}, {"purpose": " \t"}])
def test_who_may_not_is_told_the_same_whether_or_not_the_tokens_exist(workspace: Workspace, asked: Any) -> None:
    """At once, by every way to clear values, before a piece is read; the log holds the refusal and no value."""
    masked = workspace.mask_text(TEXT)[0].record
    said = set()
    for text in (masked, "[PERSON:AAAAAAAAAA-AA]", "nothing"):
        for way in (
            lambda text=text: workspace.reveal(text, **asked),
            lambda text=text: workspace.reveal_stream(iter([text]), **asked),
            lambda: workspace.quarantined(**asked),
        ):
            with pytest.raises(AccessDenied) as refused:
                way()
            said.add(str(refused.value))
    assert len(said) == 1
    assert {event["type"] for event in events(workspace)} == {"auth.denied"}
    assert len({json.dumps(event["data"]) for event in events(workspace)}) == 1


def test_the_sources_own_ids_leave_a_mark(workspace: Workspace) -> None:
    """Ids that may name people are given out under an unsafe name only, and the log says so."""
    workspace.mask_text(TEXT)
    assert workspace.unsafe_native_ids(["a" * 26]) == {}
    assert [event["type"] for event in events(workspace)] == ["pii.unmasked"]
    assert not hasattr(workspace, "native_ids")


def test_what_cannot_be_recorded_is_not_shown(workspace: Workspace) -> None:
    """A log that cannot be written gives no clear text, whole or in pieces."""
    masked = workspace.mask_text(TEXT)[0].record
    folder = workspace.config.data_folder / "events"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(AuditUnavailable):
        next(workspace.reveal_stream([masked], purpose="a call"))
    with pytest.raises(AuditUnavailable):
        workspace.reveal(masked, purpose="a call")
    folder.unlink()
    folder.mkdir(mode=0o700)


def test_the_command_line_shows_text_as_it_comes(workspace: Workspace) -> None:
    """Behind a program that is still writing, what can be told is told; the token comes whole."""
    masked = workspace.mask_text(TEXT)[0].record
    at = masked.index("[PERSON:") + 5
    command = "import sys; from ragkit.cli.main import run; sys.argv[0] = 'ragkit'; run()"
    folder = str(workspace.config.folder)
    with subprocess.Popen(
        [sys.executable, "-c", command, "reveal", "--purpose", "a call", "-w", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(masked[:at].encode())
        running.stdin.flush()
        assert os.read(running.stdout.fileno(), 1_000).decode() == masked[: at - 5]
        running.stdin.write(masked[at:].encode())
        running.stdin.close()
        assert masked[: at - 5] + running.stdout.read().decode() == TEXT
    assert running.returncode == 0
