"""``/v1/ask`` and ``/v1/conversations`` over HTTP, as callers of several kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ragkit.testing.keyed_shop import KeyedShop

pytestmark = pytest.mark.usefixtures("loopback")

QUESTION = "How long is the warranty on a tent?"
TICKET = "What is the e-mail address in ticket 1042?"
MAIL = "galina.yalmanova@example.org"


class Asker:
    """A caller with a key."""

    def __init__(self, shop: KeyedShop, name: str) -> None:
        self._client = httpx.Client(base_url=shop.url, headers=shop.as_(name), timeout=30)

    def __call__(self, question: str = QUESTION, **more: Any) -> httpx.Response:
        """Ask."""
        return self._client.post("/v1/ask", json={"question": question, **more})

    def events(self, question: str = QUESTION, **more: Any) -> list[tuple[str, Any]]:
        """Ask for a stream, and return its events."""
        reply = self(question, stream=True, **more)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["cache-control"] == "no-store"
        found = []
        for block in reply.text.strip().split("\n\n"):
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        return found

    def conversation(self, id: str, method: str = "GET") -> httpx.Response:
        """Show or forget a dialogue."""
        return self._client.request(method, f"/v1/conversations/{id}")


@pytest.fixture
def ana(keyed: KeyedShop) -> Asker:
    """The owner, who knows of two collections, may reveal, and is on the collection's list."""
    return Asker(keyed, "ana")


@pytest.fixture
def staff(keyed: KeyedShop) -> Asker:
    """May read tickets, and reveal nothing."""
    return Asker(keyed, "staff")


@pytest.fixture
def agent(keyed: KeyedShop) -> Asker:
    """May read tickets and reveal them."""
    return Asker(keyed, "agent")


@pytest.fixture
def customer(keyed: KeyedShop) -> Asker:
    """May read what everybody may."""
    return Asker(keyed, "customer")


def _error(reply: httpx.Response) -> tuple[int, str, str | None]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["param"]


def test_an_answer_by_sentences(customer: Asker) -> None:
    """Each sentence has the markers of its citations, each citation its place in the document."""
    body = customer().json()
    assert "five years" in body["text"]
    assert [one["citations"] for one in body["sentences"] if "lasts five years" in one["text"]] == [[1]]
    assert "[1]" not in "".join(one["text"] for one in body["sentences"])
    (cited,) = body["citations"]
    assert (cited["marker"], cited["title"], cited["heading"]) == (1, "Warranty", "Warranty > Tents")
    assert cited["end"] - cited["start"] == len(cited["quote"])
    assert (body["collection"], body["generator"], body["location"]) == ("shop", "extractive", "in-process")
    assert not body["revealed"]
    assert body["conversation"] is None


@pytest.mark.parametrize("generator", ["extractive", "house"])
def test_a_stream_of_pieces_and_the_whole(customer: Asker, generator: str) -> None:
    """The pieces joined are the answer's text; the end is told."""
    *pieces, (answer, whole), (done, _) = customer.events(generator=generator)
    assert {name for name, _ in pieces} == {"piece"}
    assert "".join(data["text"] for _, data in pieces) == whole["text"]
    assert (answer, done) == ("answer", "done")
    assert whole["generator"] == generator


def test_a_refusal(customer: Asker) -> None:
    """Nothing found is an answer, not an error."""
    body = customer("What is the boiling point of tungsten?").json()
    assert (body["refused"], body["citations"]) == (True, [])
    assert body["reason"]


def test_a_dialogue_is_remembered(customer: Asker, keyed: KeyedShop) -> None:
    """The model is shown the first turn with the second; whose dialogue it is may read it and forget it."""
    first = customer(QUESTION, conversation="new").json()
    id = first["conversation"]
    second = customer("And on a boat?", conversation=id, generator="house").json()
    assert second["conversation"] == id
    assert QUESTION in keyed.prompt()
    shown = customer.conversation(id).json()
    assert [turn["question"] for turn in shown["turns"]] == [QUESTION, "And on a boat?"]
    assert shown["turns"][0]["answer"] == first["text"]
    assert shown["collection"] == "shop"
    assert customer.conversation(id, "DELETE").status_code == 204
    assert customer.conversation(id).status_code == 404
    assert _error(customer("And now?", conversation=id))[:2] == (404, "not_found")


def test_somebody_elses_dialogue_is_not_there(customer: Asker, staff: Asker, ana: Asker) -> None:
    """Reading, adding, forgetting: the same reply as for an id that was never given."""
    id = staff(QUESTION, conversation="new").json()["conversation"]
    for other in (customer, ana):
        told = set()
        for one in (id, "0" * 32, "x"):
            for reply in (
                other.conversation(one),
                other.conversation(one, "DELETE"),
                other(QUESTION, conversation=one, collection="shop"),
            ):
                body = reply.json()["error"]
                told.add((reply.status_code, json.dumps({**body, "request_id": ""})))
        assert len(told) == 1, told
    assert staff.conversation(id).status_code == 200


def test_a_dialogue_stays_with_its_collection(ana: Asker) -> None:
    """Naming another is refused; naming none takes the dialogue's own."""
    id = ana(QUESTION, conversation="new", collection="shop").json()["conversation"]
    assert ana("And on a stove?", conversation=id).json()["collection"] == "shop"
    assert _error(ana(QUESTION, conversation=id, collection="vault"))[:2] == (400, "other_collection")


def test_earlier_questions_can_be_sent_along(customer: Asker, keyed: KeyedShop) -> None:
    """Without a dialogue, by ``history``; only the last few take part."""
    asked = [f"Earlier question number {number} of mine?" for number in range(6)]
    assert customer("And on a stove?", history=asked, generator="house").status_code == 200
    assert [one in keyed.prompt() for one in asked] == [False] * 3 + [True] * 3


def test_clear_text_for_the_entitled(agent: Asker) -> None:
    """Text, sentences and quotes are in clear, once the purpose is given; without it all is masked."""
    body = agent(TICKET, reveal={"purpose": "case 7"}).json()
    assert body["revealed"]
    assert MAIL in body["text"]
    assert any(MAIL in one["text"] for one in body["sentences"])
    assert any(MAIL in one["quote"] for one in body["citations"])
    assert "[EMAIL_ADDRESS:" in agent(TICKET).json()["text"]
    assert MAIL not in agent(TICKET).text


def test_clear_text_in_a_stream(agent: Asker) -> None:
    """No piece holds half a token, and the pieces joined are the answer in clear."""
    *pieces, (_, whole), _ = agent.events(TICKET, reveal={"purpose": "case 7"})
    text = "".join(data["text"] for _, data in pieces)
    assert MAIL in text
    assert text == whole["text"]
    assert "[EMAIL_ADDRESS:" not in json.dumps(whole)


@pytest.mark.parametrize("stream", [False, True])
def test_no_clear_text_for_others(staff: Asker, ana: Asker, keyed: KeyedShop, stream: bool) -> None:
    """Without the scope, without being named by the collection, or without a purpose."""
    reveal = {"purpose": "case 7"}
    assert _error(staff(TICKET, reveal=reveal, stream=stream))[:2] == (403, "insufficient_scope")
    refused = ana(TICKET, reveal=reveal, collection="vault", stream=stream)
    assert refused.status_code in {403, 503}  # nothing was ever synced there, and nobody is named
    assert _error(ana(TICKET, reveal={"purpose": "  "}, collection="shop", stream=stream))[0] == 400
    assert _error(ana(TICKET, reveal={}, collection="shop", stream=stream))[:2] == (400, "invalid_request")


def test_what_a_caller_may_not_know_of_is_not_there(customer: Asker, ana: Asker) -> None:
    """A hidden collection and one that never was are the same; a generator likewise."""
    told = {customer(collection=name).text.partition('"request_id"')[0] for name in ("vault", "nothing", "x|y")}
    assert len(told) == 1
    assert customer(collection="vault").status_code == 404
    for name in ("far", "nothing"):
        assert _error(customer(generator=name))[:2] == (404, "model_not_found")
    assert _error(ana())[:2] == (400, "collection_unnamed")


def test_a_question_longer_than_the_encoder_reads(customer: Asker) -> None:
    """A pasted letter is searched for like any question."""
    letter = "Dear shop, our tent leaks, and I ask for the warranty on the tent, how long it is in years. " * 40
    assert "five years" in customer(letter, generator="house").json()["text"]


BAD: list[dict[str, Any]] = [
    {"question": ""},
    {"question": " \n\t"},
    {"question": "x" * 8_001},
    {"question": "a\x00b"},
    {"question": "a\x08b"},
    {"question": "a\ud800b"},
    {"question": None},
    {"question": 7},
    {},
    {"question": "x", "history": ["a\x00b"]},
    {"question": "x", "history": ["a"] * 51},
    {"question": "x", "history": ["a"], "conversation": "new"},
    {"question": "x", "k": 0},
    {"question": "x", "k": 101},
    {"question": "x", "filters": {}},
    {"question": "x", "filters": {"unknown": "Galina Yalmanova"}},
    {"question": "x", "filters": {"a\ud800": "b"}},
    {"question": "x", "filters": {str(number): "x" for number in range(17)}},
    {"question": "x", "unknown": 1},
    {"question": "x", "reveal": "yes"},
    {"question": "x", "conversation": ""},
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", BAD, ids=lambda body: ascii(body)[:40])
def test_what_is_no_question_is_refused(customer: Asker, keyed: KeyedShop, body: dict[str, Any], stream: bool) -> None:
    """400 with a remedy, and nothing of what was sent comes back."""
    reply = httpx.post(
        f"{keyed.url}/v1/ask",
        content=json.dumps({**body, "stream": stream}),
        headers={**keyed.as_("customer"), "Content-Type": "application/json"},
    )
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["remedy"]
    assert "Yalmanova" not in reply.text


def test_a_break_in_the_middle_is_told(ana: Asker) -> None:
    """Pieces, then the error in the shape of every other, then the end."""
    *before, (name, said), (done, _) = ana.events(f"{QUESTION} break", generator="house", collection="shop")
    assert before[0][0] == "piece"
    assert (name, done) == ("error", "done")
    assert said["error"]["code"].startswith("generator_")
    assert said["error"]["type"] == "server_error"
    assert said["error"]["request_id"]


@pytest.fixture
def slow(keyed: KeyedShop) -> Iterator[tuple[Asker, Iterator[str]]]:
    """A dialogue in which a question is being answered."""
    asker = Asker(keyed, "customer")
    id = asker(QUESTION, conversation="new").json()["conversation"]
    body = {"question": f"{QUESTION} slowly", "conversation": id, "generator": "house", "stream": True}
    with httpx.stream("POST", f"{keyed.url}/v1/ask", json=body, headers=keyed.as_("customer"), timeout=30) as reply:
        lines = reply.iter_lines()
        next(lines)
        yield asker, iter([id])


def test_one_question_of_a_dialogue_at_a_time(slow: tuple[Asker, Iterator[str]]) -> None:
    """The second is told to wait."""
    asker, ids = slow
    assert _error(asker(QUESTION, conversation=next(ids)))[:2] == (409, "conversation_busy")
