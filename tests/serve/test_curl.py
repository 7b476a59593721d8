"""``curl``: what a shell script or a person with a terminal sends."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping

import pytest

from ragkit.testing.keyed_shop import LONG, KeyedShop

pytestmark = pytest.mark.usefixtures("loopback")


def _curl(keyed: KeyedShop, path: str, body: Mapping[str, object] | None = None, *, key: str = "") -> list[str]:
    auth = f"Authorization: Bearer {key or keyed.keys['customer']}"
    sent = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body is not None else []
    return ["curl", "-sS", "--max-time", "30", "-H", auth, *sent, f"{keyed.url}{path}"]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_a_question_in_one_line(keyed: KeyedShop) -> None:
    """The answer is JSON with citations."""
    body = {"model": "ragkit", "messages": [{"role": "user", "content": "How long is the warranty on a tent?"}]}
    reply = json.loads(_run(_curl(keyed, "/v1/chat/completions", body)))
    assert "five years" in reply["choices"][0]["message"]["content"]
    assert reply["ragkit"]["citations"][0]["title"] == "Warranty"


def test_a_stream_is_written_as_it_comes(keyed: KeyedShop) -> None:
    """With ``-N`` the first words are on the terminal long before the last."""
    body = {"question": "How long is the warranty on a tent, slowly?", "generator": "house", "stream": True}
    command = [*_curl(keyed, "/v1/ask", body)]
    command.insert(1, "-N")
    times, lines = [], []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            lines.append(line.strip())
            times += [time.perf_counter()] if line.startswith("data:") else []
    assert running.returncode == 0
    assert lines.count("event: piece") >= 3
    assert [line for line in lines if line.startswith("event:")][-2:] == ["event: answer", "event: done"]
    assert times[-1] - times[0] > 0.3
    said = [
        json.loads(line[6:])["text"] for line in lines if line.startswith('data: {"text":') and "citations" not in line
    ]
    assert "".join(said).count("five years") == LONG.count("five years")


def test_a_wrong_key_is_told_in_json(keyed: KeyedShop) -> None:
    """A person at a terminal reads what to do."""
    error = json.loads(_run(_curl(keyed, "/v1/models", key="nothing")))["error"]
    assert error["code"] == "invalid_api_key"
    assert error["request_id"]
