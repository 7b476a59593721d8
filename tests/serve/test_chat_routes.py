"""The chat over HTTP, as its page calls it: visit, conversation, stream, sources, feedback, a person, the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")


class Page:
    """A browser that opened the page."""

    def __init__(self, served: Served, *, begin: bool = True) -> None:
        self.http = httpx.Client(base_url=served.url, headers={"Origin": served.url}, timeout=60)
        self.visit = self.http.post("/chat/session", json={}).json()
        self.number = self.begin() if begin else ""

    def begin(self) -> str:
        reply = self.http.post("/chat/conversations", json={"disclosure": self.visit["disclosure"]["version"]})
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def at(self, rest: str = "") -> str:
        return f"/chat/conversations/{self.number}{rest}"

    def say(self, text: str) -> list[tuple[str, Any]]:
        reply = self.http.post(self.at("/messages"), json={"text": text})
        assert reply.status_code == 200, reply.text
        return list(events(reply.text))

    def last(self, text: str) -> dict[str, Any]:
        return next(data for name, data in reversed(self.say(text)) if name in ("answer", "message"))

    def messages(self, after: int = 0) -> list[dict[str, Any]]:
        return list(self.http.get(self.at(), params={"after": after}).json()["messages"])


def events(text: str) -> Iterator[tuple[str, Any]]:
    """Name and data of every event of a stream."""
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n", 1)
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.fixture
def page(open_service: Served) -> Iterator[Page]:
    """A visitor who began a conversation."""
    made = Page(open_service)
    yield made
    made.http.close()


def test_a_visit_says_that_an_ai_answers(page: Page) -> None:
    """Title, disclosure, who answers where, and what may be said of an answer."""
    assert page.visit["title"] == "Tarn & Ember"
    assert "AI" in page.visit["disclosure"]["text"]
    assert page.visit["generator"] == {"name": "extractive", "location": "in-process"}
    assert page.visit["quick_replies"] == ["How long is the warranty on a tent?"]
    assert {"wrong", "outdated", "other"} <= set(page.visit["feedback_reasons"])


def test_without_a_visit_there_is_nothing(open_service: Served) -> None:
    """Nobody begins a conversation without the cookie, nor without the disclosure that is shown now."""
    with httpx.Client(base_url=open_service.url, headers={"Origin": open_service.url}) as bare:
        assert bare.post("/chat/conversations", json={"disclosure": "1"}).status_code == 401
        bare.post("/chat/session", json={})
        refused = bare.post("/chat/conversations", json={"disclosure": "0"})
        assert refused.status_code == 400
        assert refused.json()["error"]["code"] == "other_disclosure"


def test_an_answer_streams_and_each_sentence_has_its_sources(page: Page) -> None:
    """First the customer's message, pieces, the whole with its markers, and the end."""
    told = page.say("How long is the warranty on a tent?")
    names = [name for name, _ in told]
    assert names[0] == "message"
    assert names[-2:] == ["answer", "done"]
    assert "piece" in names
    answer = told[-2][1]
    assert (answer["role"], answer["kind"], answer["seq"]) == ("assistant", "answer", 2)
    assert "five years" in answer["sentences"][0]["text"]
    assert "[1]" not in answer["sentences"][0]["text"]
    markers = {marker for sentence in answer["sentences"] for marker in sentence["sources"]}
    assert markers == {source["marker"] for source in answer["sources"]}
    assert answer["sources"][0]["title"] == "Warranty"


def test_a_source_opens_with_its_quotation_marked(page: Page) -> None:
    """What was cited stands between start and end; what was not cited is not there."""
    answer = page.last("How long is the warranty on a tent?")
    shown = page.http.get(page.at(f"/passages/{answer['sources'][0]['passage']}")).json()
    assert "five years" in shown["text"][shown["start"] : shown["end"]]
    for wrong in ("2-99", "99-1", "x", "1-1", "2-1-1"):
        assert page.http.get(page.at(f"/passages/{wrong}")).status_code == 404


def test_a_conversation_is_one_visitors_alone(page: Page, open_service: Served) -> None:
    """Another's is answered as one that is not there, to the letter, whatever is asked of it."""
    answer = page.last("How long is the warranty on a tent?")
    other = Page(open_service, begin=False)
    calls = [
        ("GET", "", None),
        ("GET", f"/passages/{answer['sources'][0]['passage']}", None),
        ("POST", "/messages", {"text": "hello"}),
        ("POST", f"/messages/{answer['id']}/feedback", {"rating": "up"}),
        ("POST", "/handoff", {}),
        ("DELETE", "", None),
    ]
    for method, rest, body in calls:
        said = []
        for number in (page.number, "0" * 32):
            reply = other.http.request(method, f"/chat/conversations/{number}{rest}", json=body)
            assert reply.status_code == 404, (method, rest)
            said.append({**reply.json()["error"], "request_id": ""})
        assert said[0] == said[1]
    assert page.messages()


def test_small_talk_is_no_question(page: Page) -> None:
    """It is answered without a source, and marked."""
    said = page.last("Hello there!")
    assert (said["kind"], said["sources"]) == ("said", [])
    assert "AI" in page.last("are you a human?")["text"]


def test_a_refusal_offers_a_way_on_and_the_second_hands_over(page: Page) -> None:
    """The first says so and offers; the second in a row gives the conversation to a person."""
    first = page.last("What is the boiling point of tungsten?")
    assert first["kind"] == "refusal"
    assert "Talk to a person" in first["quick_replies"]
    second = page.last("Who won the football world cup in 1954?")
    assert second["kind"] == "handoff"
    assert page.http.get(page.at()).json()["status"] == "waiting"


def test_while_it_waits_for_a_person_the_assistant_is_silent(page: Page) -> None:
    """The message is taken and nothing answers."""
    page.http.post(page.at("/handoff"), json={"contact": "+44 20 7946 0100"})
    assert [name for name, _ in page.say("How long is the warranty on a tent?")] == ["message", "done"]


def test_feedback_comes_back_with_the_message(page: Page) -> None:
    """Of two thumbs the last; a message that is no answer has none."""
    answer = page.last("How long is the warranty on a tent?")
    for body in ({"rating": "up"}, {"rating": "down", "reason": "outdated", "comment": "changed in spring"}):
        assert page.http.post(page.at(f"/messages/{answer['id']}/feedback"), json=body).status_code == 200
    asked, answered = page.messages()
    assert answered["feedback"] == {"rating": "down", "reason": "outdated"}
    assert page.http.post(page.at(f"/messages/{asked['id']}/feedback"), json={"rating": "up"}).status_code == 404
    assert page.http.post(page.at(f"/messages/{answer['id']}/feedback"), json={"rating": "no"}).status_code == 400


def test_what_a_customer_typed_comes_back_masked(page: Page) -> None:
    """Name and number of a message are tokens in all that is read of it."""
    page.say("My name is Gundula Weberknecht, my phone number is +44 20 7946 0321. How long is the warranty on a tent?")
    kept = json.dumps(page.messages())
    assert "Weberknecht" not in kept
    assert "7946" not in kept
    assert "[PHONE_NUMBER:" in kept


def test_the_preview_shows_what_the_model_would_see(page: Page) -> None:
    """Aliases in place of names, counts, and that nothing leaves."""
    shown = page.http.post("/chat/preview", json={"text": "Write to gundula@example.org please"}).json()
    assert "gundula" not in shown["text"]
    assert "[EMAIL_ADDRESS_1·" in shown["text"]
    assert shown["entities"] == {"EMAIL_ADDRESS": 1}
    assert (shown["leaves"], shown["location"], shown["destination"]) == (False, "in-process", "")


def test_forgotten_is_gone(page: Page) -> None:
    """Messages, passages and the conversation itself."""
    page.say("How long is the warranty on a tent?")
    assert page.http.delete(page.at()).status_code == 204
    assert page.http.get(page.at()).status_code == 404
    assert page.http.post(page.at("/messages"), json={"text": "hello"}).status_code == 404
    assert page.http.delete(page.at()).status_code == 404


def test_only_what_came_after_is_read(page: Page) -> None:
    """A page that polls gets what is new."""
    page.say("Hello")
    page.say("Thanks")
    assert [one["seq"] for one in page.messages(after=2)] == [3, 4]


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "a\x00b"}, {"text": "a", "more": 1}, {"text": "x" * 8001}])
def test_a_message_that_cannot_be_read_is_refused_before_the_stream(page: Page, body: dict[str, Any]) -> None:
    """With a status of its own, and nothing of it is kept."""
    assert page.http.post(page.at("/messages"), json=body).status_code == 400
    assert page.messages() == []
