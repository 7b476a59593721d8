"""``ragkit mcp`` as a real process, started by the official client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mcp.client import Client

from ragkit import open_workspace
from ragkit.testing.mcp_client import over_stdio, run
from ragkit.testing.service import KEYED

TICKET = "What was written to Ms Galina Yalmanova about her zip?"


def _events(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / ".ragkit" / "events").rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def _everything(client: Client) -> list[dict[str, Any]]:
    found = (await client.call_tool("search", {"question": TICKET, "k": 20})).structured_content
    answer = (await client.call_tool("ask", {"question": "How long is the warranty on a tent?"})).structured_content
    number = found["passages"][0]["document"]
    document = (await client.call_tool("get_document", {"document": number})).structured_content
    return [found, answer, document]


def test_without_a_key_the_owner_asks(make_copy: Any, tmp_path: Path) -> None:
    """All tools work over pipes, for the owner, masked; standard error holds nothing of it, the log what was done."""
    folder, said = make_copy(""), tmp_path / "said"
    before = len(_events(folder))
    found, answer, document = run(over_stdio(folder, said), _everything)
    assert any("[EMAIL_ADDRESS:" in one["text"] for one in found["passages"])
    assert "five years" in answer["text"]
    assert document["passages"]
    assert "Yalmanova" not in json.dumps([found, answer, document])
    assert "Yalmanova" not in said.read_text()
    kinds = {event["type"] for event in _events(folder)[before:]}
    assert {"retrieval.done", "doc.shown"} <= kinds


def test_with_a_key_its_bearer_asks(make_copy: Any, tmp_path: Path) -> None:
    """The key in the environment says who asks; once it is revoked, the running process opens nothing."""
    folder, said = make_copy(KEYED), tmp_path / "said"
    with open_workspace(folder) as workspace:
        made = workspace.api_keys.create("web|dan", scopes=("search", "ask"))

        async def work(client: Client) -> None:
            found = (await client.call_tool("search", {"question": TICKET, "k": 20})).structured_content
            assert found["passages"]
            assert not any("[EMAIL_ADDRESS:" in one["text"] for one in found["passages"])
            denied = await client.call_tool("get_document", {"document": found["passages"][0]["document"]})
            assert "[insufficient_scope]" in str(denied.content)
            workspace.api_keys.revoke(made.record.id)
            after = await client.call_tool("search", {"question": TICKET})
            assert "[invalid_api_key]" in str(after.content)

        run(over_stdio(folder, said, RAGKIT_API_KEY=made.key), work)
    assert made.key not in said.read_text()
    kinds = [event["type"] for event in _events(folder)]
    assert "auth.ok" in kinds
    assert "auth.denied" in kinds


def test_a_key_that_opens_nothing_ends_the_start(make_copy: Any) -> None:
    """A wrong key is refused before the protocol begins, with a remedy, and is repeated nowhere."""
    done = subprocess.run(
        [sys.executable, "-m", "ragkit", "mcp", "--workspace", str(make_copy(KEYED))],
        input="",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAGKIT_API_KEY": "rk_wrong_key"},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "ragkit keys create" in done.stderr
    assert "rk_wrong" not in done.stderr
