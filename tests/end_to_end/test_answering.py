"""Answers in pieces, in conversations, by a named generator, and what would be sent for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.errors import AccessDenied, ConfigError, SecretUnavailable
from ragkit.testing import sockets
from ragkit.testing.recording_server import RecordingServer
from ragkit.types import Answer, Conversation, Location, Principal
from ragkit.workspace import Workspace

from .conftest import DOCUMENTS, MakeWorkspace

EXTRA = """
[generators.far]
kind = "openai_compatible"
model = "large"
destination = "far"

[destinations.far]
url = "http://127.0.0.1:{port}/v1"
location = "remote"
provider = "somebody"
region = "eu-central-1"
contract = "DPA-17"
max_data_class = "{ceiling}"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[RecordingServer]:
    """A provider that keeps every byte."""
    with sockets.loopback(), RecordingServer() as running:
        yield running


@pytest.fixture(scope="module")
def shop(make_workspace: MakeWorkspace, server: RecordingServer) -> Path:
    """A synced workspace of internal content, with a provider that may receive public content only."""
    folder = make_workspace(
        DOCUMENTS, collection='data_class = "internal"', extra=EXTRA.format(port=server.port, ceiling="public")
    )
    with open_workspace(folder) as here:
        here.sync()
    return folder


@pytest.fixture
def here(shop: Path) -> Iterator[Workspace]:
    """The workspace, open."""
    with open_workspace(shop) as workspace:
        yield workspace


def test_the_pieces_of_an_answer_are_its_text(here: Workspace) -> None:
    """What is shown on the way is what the answer says at the end, and the same as in one go."""
    *pieces, answer = here.ask_stream("How long is the warranty on a tent?")
    assert isinstance(answer, Answer)
    assert "".join(map(str, pieces)) == answer.text
    assert answer.text == here.ask("How long is the warranty on a tent?").text
    assert answer.citations


def test_an_answer_says_who_gave_it(here: Workspace) -> None:
    """The account names the generator, and costs nothing in process."""
    account = here.ask("How long is the warranty on a tent?").account
    assert (account.backend, account.location, account.route) == ("extractive", Location.IN_PROCESS, "only")
    assert account.latency_ms > 0


def test_a_conversation_finds_what_the_turn_before_was_about(here: Workspace) -> None:
    """A follow-up that names nothing is looked up together with the question before it."""
    conversation = Conversation()
    here.ask("What does the warranty say about stoves?", conversation=conversation)
    followed = here.ask("And for tents?", conversation=conversation)
    assert [turn.question.record for turn in conversation.turns] == [
        "What does the warranty say about stoves?",
        "And for tents?",
    ]
    assert "five years" in " ".join(hit.chunk.record for hit in followed.hits[:2])


def test_a_conversation_belongs_to_one_principal(here: Workspace) -> None:
    """Its turns hold what one may read; another begins a conversation of their own."""
    conversation = Conversation()
    here.ask("What does the warranty say about stoves?", conversation=conversation)
    with pytest.raises(AccessDenied):
        here.ask("And for tents?", conversation=conversation, principal=Principal("local|ben"))
    assert len(conversation.turns) == 1


def test_a_generator_that_is_not_there_is_named(here: Workspace) -> None:
    """The remedy lists those that are."""
    with pytest.raises(ConfigError) as refused:
        here.ask("Anything?", generator="nowhere")
    assert "extractive" in refused.value.remedy
    assert "far" in refused.value.remedy


def test_explaining_shows_what_may_not_leave_and_sends_nothing(here: Workspace, server: RecordingServer) -> None:
    """The very bytes are shown, with the rule that keeps them here; the provider hears nothing."""
    before = server.received
    (far,) = here.egress.explain("What is the e-mail address of Galina Yalmanova?", generator="far")
    assert not far.allowed
    assert far.reason == "data-class"
    assert far.destination is not None
    assert (far.destination.name, far.destination.contract, far.destination.region) == ("far", "DPA-17", "eu-central-1")
    said = json.loads(far.body)["messages"][-1]["content"]
    assert "[PERSON_" in said
    assert "Yalmanova" not in far.body
    assert "galina" not in far.body
    assert server.received == before


def test_explaining_the_default_says_that_nothing_leaves(here: Workspace) -> None:
    """The extractive generator has no prompt and no destination."""
    (own,) = here.egress.explain("How long is the warranty on a tent?")
    assert (own.generator, own.location, own.allowed, own.reason) == (
        "extractive",
        Location.IN_PROCESS,
        True,
        "in-process",
    )
    assert own.destination is None
    assert own.body == ""


def test_a_stream_that_is_left_says_so_in_the_log(here: Workspace, shop: Path) -> None:
    """What was given of an abandoned answer is on record."""
    pieces = here.ask_stream("How long is the warranty on a tent?")
    first = next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    events = [
        json.loads(line)
        for file in sorted((shop / ".ragkit" / "events").glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    last = [one for one in events if one["type"].startswith("answer.")][-2:]
    assert [one["type"] for one in last] == ["answer.begun", "answer.abandoned"]
    assert last[0]["request"] == last[1]["request"]
    assert last[1]["data"]["characters"] == len(str(first))


def test_a_missing_key_of_a_generator_stops_no_search(make_workspace: MakeWorkspace) -> None:
    """The generator that wants it says so when it is asked; searching and other generators go on."""
    extra = EXTRA.format(port=9, ceiling="internal").replace(
        'model = "large"', 'model = "large"\napi_key = {env = "RAGKIT_TEST_NOT_SET"}'
    )
    folder = make_workspace(DOCUMENTS, collection='data_class = "internal"', extra=extra + '[generator]\nuse = "far"\n')
    with open_workspace(folder) as here:
        here.sync()
        assert here.search("warranty on a tent")
        assert here.ask("How long is the warranty on a tent?", generator="extractive").citations
        with pytest.raises(SecretUnavailable):
            here.ask("How long is the warranty on a tent?")
