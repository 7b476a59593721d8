"""The example's chatbot: one command starts it, it answers from the public documents, and from no others."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ragkit.config import load_config

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer_care"
PRIVATE = ("Marchbank", "Nightjar", "carrier penalty", "returns desk")


@pytest.fixture(scope="module")
def chatbot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The script, started as README says, in a place of the test; a client that opened its page."""
    from ragkit.testing import sockets

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tmp_path_factory.mktemp("chatbot")
    command = [sys.executable, str(EXAMPLE / "chatbot.py"), "--place", str(place), "--port", str(port)]
    output = place / "output.txt"
    with output.open("w") as file:
        running = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        with sockets.loopback(), httpx.Client(base_url=url, headers={"Origin": url}, timeout=60) as client:
            for _ in range(600):
                assert running.poll() is None, output.read_text()
                try:
                    if client.get("/healthz").status_code == 200:
                        break
                except httpx.ConnectError:
                    time.sleep(0.2)
            assert f"{url}/chat" in output.read_text()
            yield client
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


def ask(client: httpx.Client, text: str) -> dict[str, object]:
    """Ask in a conversation of its own and return the last message."""
    client.post("/chat/session", json={}).raise_for_status()
    number = client.post("/chat/conversations", json={"disclosure": "1"}).json()["id"]
    reply = client.post(f"/chat/conversations/{number}/messages", json={"text": text})
    assert reply.status_code == 200, reply.text
    events = [block.split("\n", 1) for block in reply.text.strip().split("\n\n")]
    found = [json.loads(data.removeprefix("data: ")) for name, data in events if name == "event: answer"]
    assert len(found) == 1, reply.text
    assert isinstance(found[0], dict)
    return found[0]


def test_every_suggestion_is_answered(chatbot: httpx.Client) -> None:
    """The page's own suggestions find an answer with a source."""
    settings = load_config(EXAMPLE).chat
    assert settings is not None
    for question in settings.quick_replies:
        answer = ask(chatbot, question)
        assert (question, answer["kind"]) == (question, "answer")
        assert answer["sources"]


def test_it_asks_which_of_the_two_stoves_is_meant(chatbot: httpx.Client) -> None:
    """The question of README: it fits two things of the shop; the one that is chosen answers."""
    asked = ask(chatbot, "How do I light the stove?")
    assert asked["kind"] == "clarify"
    assert set(asked["quick_replies"]) == {"Kestrel 2 gas stove: user manual", "Kestrel Solo gas stove: guide"}  # type: ignore[call-overload]
    for named in ("How do I light the Kestrel Solo?", "How long is the warranty on the stove?"):
        assert ask(chatbot, named)["kind"] != "clarify"


@pytest.mark.parametrize(
    "question",
    [
        "What did Mrs Odile Marchbank complain about?",
        "What is Project Nightjar?",
        "Which penalty did the carrier have to pay?",
    ],
)
def test_a_visitor_sees_nothing_of_the_desk(chatbot: httpx.Client, question: str) -> None:
    """Letters, tickets and memos are found by no question of a visitor."""
    answer = ask(chatbot, question)
    titles = " ".join(str(source["title"]) for source in answer["sources"])  # type: ignore[attr-defined]
    assert not any(word.lower() in f"{answer['text']} {titles}".lower() for word in PRIVATE)


def test_the_pages_are_there(chatbot: httpx.Client) -> None:
    """The three addresses that the script prints."""
    for page in ("/chat", "/agent", "/operator"):
        assert chatbot.get(page).headers["content-type"].startswith("text/html")
