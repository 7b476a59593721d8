"""The desk over HTTP: an agent takes and answers, an operator reads figures, and who may not is turned away."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")
PHONE = "+44 20 7946 0321"


class Desk:
    """A customer who asked for a person, and an agent."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.customer = httpx.Client(base_url=served.url, headers={"Origin": served.url}, timeout=60)
        visit = self.customer.post("/chat/session", json={}).json()
        begun = self.customer.post("/chat/conversations", json={"disclosure": visit["disclosure"]["version"]})
        self.conversation = f"/chat/conversations/{begun.json()['id']}"
        self.say("How long is the warranty on a tent?")
        self.say(f"I want to talk to a person, my phone number is {PHONE}")
        self.agent = httpx.Client(base_url=f"{served.url}/desk", timeout=60)
        self.ticket = self.agent.get("/tickets", params={"status": "open"}).json()["tickets"][-1]["id"]

    def say(self, text: str) -> str:
        return self.customer.post(f"{self.conversation}/messages", json={"text": text}).text


@pytest.fixture
def desk(open_service: Served) -> Iterator[Desk]:
    """An open ticket."""
    made = Desk(open_service)
    yield made
    made.customer.close()
    made.agent.close()


def test_a_ticket_tells_why_what_was_asked_and_what_was_tried(desk: Desk) -> None:
    """Masked, with the whole conversation."""
    ticket = desk.agent.get(f"/tickets/{desk.ticket}").json()
    assert (ticket["status"], ticket["topic"], ticket["mine"]) == ("open", "person", False)
    assert ticket["summary"]["asked"][0] == "How long is the warranty on a tent?"
    assert ticket["summary"]["tried"][0]["titles"] == ["Warranty"]
    assert "five years" in ticket["summary"]["tried"][0]["answer"]
    assert [one["role"] for one in ticket["messages"]] == ["customer", "assistant"] * 2
    assert "7946" not in json.dumps(ticket)


def test_taking_answering_and_closing_reach_the_customer(desk: Desk) -> None:
    """Each step is told in the conversation; the second agent is too late."""
    taken = desk.agent.post(f"/tickets/{desk.ticket}/take", json={}).json()
    assert (taken["status"], taken["mine"], taken["conversation"]) == ("taken", True, "agent")
    assert desk.agent.post(f"/tickets/{desk.ticket}/reply", json={"text": "Good morning!"}).status_code == 200
    seen = desk.customer.get(desk.conversation, params={"after": 4}).json()
    assert [(one["role"], one["kind"]) for one in seen["messages"]] == [("notice", "notice"), ("agent", "said")]
    assert seen["messages"][1]["text"] == "Good morning!"
    assert desk.agent.post(f"/tickets/{desk.ticket}/close", json={"outcome": "gone"}).status_code == 400
    closed = desk.agent.post(f"/tickets/{desk.ticket}/close", json={"outcome": "solved"}).json()
    assert (closed["status"], closed["outcome"], closed["conversation"]) == ("closed", "solved", "closed")
    late = desk.agent.post(f"/tickets/{desk.ticket}/reply", json={"text": "And?"})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")


def test_clear_words_need_a_purpose_and_are_not_kept_by_the_browser(desk: Desk) -> None:
    """The telephone number that the customer typed, for who may reveal."""
    assert desk.agent.post(f"/tickets/{desk.ticket}/reveal", json={"purpose": " "}).status_code == 400
    shown = desk.agent.post(f"/tickets/{desk.ticket}/reveal", json={"purpose": "call back"})
    assert shown.headers["Cache-Control"] == "no-store"
    assert PHONE in shown.json()["messages"][-1]["text"]


def test_a_ticket_goes_with_the_conversation_that_is_forgotten(desk: Desk) -> None:
    """What the customer has forgotten is not there for agents either."""
    assert desk.customer.delete(desk.conversation).status_code == 204
    for rest, body in (("", None), ("/take", {}), ("/reply", {"text": "a"}), ("/reveal", {"purpose": "a"})):
        reply = desk.agent.request("GET" if body is None else "POST", f"/tickets/{desk.ticket}{rest}", json=body)
        assert reply.status_code == 404, rest
    assert desk.ticket not in desk.agent.get("/tickets").text


def test_figures_count_what_happened(desk: Desk) -> None:
    """Conversations, answers, hand-overs, unanswered questions, sources by their thumbs."""
    before = desk.agent.get("/figures", params={"days": 2}).json()
    assert len(before["days"]) == 2
    other = Desk(desk.served)
    begun = other.customer.post("/chat/conversations", json={"disclosure": "1"}).json()
    other.conversation = f"/chat/conversations/{begun['id']}"
    other.say("What is the boiling point of tungsten?")
    other.say("How long is the warranty on a tent?")
    answer = other.customer.get(other.conversation).json()["messages"][-1]
    rated = f"{other.conversation}/messages/{answer['id']}/feedback"
    other.customer.post(rated, json={"rating": "down", "reason": "outdated"})
    after = desk.agent.get("/figures", params={"days": 2}).json()
    more = {name: after["totals"][name] - before["totals"][name] for name in after["totals"]}
    assert more == {
        "conversations": 2, "messages": 4, "answered": 2, "refused": 1, "clarified": 0, "handed_over": 1,
    }  # fmt: skip
    assert after["topics"]["person"] == before["topics"]["person"] + 1
    assert after["feedback"]["reasons"]["outdated"] == before["feedback"]["reasons"].get("outdated", 0) + 1
    unanswered = {one["question"]: one["times"] for one in after["unanswered"]}
    assert unanswered["What is the boiling point of tungsten?"] >= 1
    [warranty] = [one for one in after["sources"] if one["title"] == "Warranty"]
    assert warranty["down"] >= 1
    assert warranty["answers"] > warranty["down"]
    assert after["response_ms"]["p50"] <= after["response_ms"]["p95"]
    assert after["tickets"]["open"] == before["tickets"]["open"] + 1


def test_no_such_ticket(open_service: Served) -> None:
    """The same for every verb."""
    with httpx.Client(base_url=f"{open_service.url}/desk/tickets") as agent:
        assert agent.get("/nope").status_code == 404
        assert agent.post("/nope/take", json={}).status_code == 404
        assert agent.post("/nope/close", json={"outcome": "solved"}).status_code == 404
