"""Markup in documents, answers and messages is shown as text: nothing executes, nothing loads, on any page.

Every attack goes two ways: as what the API replies with, in every field of it, and as a real document, customer's
message or agent's reply through the running service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ragkit.testing.browser import Visit
from ragkit.testing.markup_attacks import ATTACKS, CANARY, LOADED
from ragkit.testing.service import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Open = Callable[..., Visit]
AT = "2026-11-22T10:00:00+00:00"
SCOPES = ["agent", "operate", "reveal"]
FEW = ATTACKS[3::5]


def unharmed(visit: Visit, *pages: Page) -> None:
    """Fail if anything ran, loaded, popped up or complained, or if an element stands there that we did not make."""
    for page in (visit.page, *pages):
        assert page.evaluate(f"typeof window.{CANARY}") == "undefined"
        made = "script:not([src^='/assets/']), iframe, object, embed, video, base, marquee, form[action*=attack]"
        assert page.locator(f"{made}, main a, main style, main link, main meta, main img").count() == 0
    assert [one for one in visit.requests if LOADED in one.split("?")[0]] == []
    visit.quiet()


def message(number: int, text: str, **more: Any) -> dict[str, Any]:
    """A message of the API with an attack in every field that is text."""
    source = {"marker": 1, "passage": "p1", "title": text, "heading": f"{text} > {text}", "page": 1}
    made = {"id": f"m{number}", "seq": number, "role": "assistant", "at": AT, "kind": "answer", "text": f"{text} [1]"}
    made |= {"sentences": [{"text": text, "sources": [1]}], "sources": [source], "quick_replies": [text]}
    return made | {"feedback": None} | more


def conversation() -> list[dict[str, Any]]:
    """A conversation in which everybody attacks."""
    made = []
    for attack in ATTACKS:
        for role, kind in (("assistant", "answer"), ("customer", "said"), ("agent", "said"), ("notice", "notice")):
            made.append(message(len(made) + 1, attack, role=role, kind=kind))
    return made


EVERYTHING = "\n\n".join(ATTACKS)


def answer_with_attacks(route: Route) -> None:
    """Reply as the API does, hostile in every field."""
    path = route.request.url.split("/", 3)[3].split("?")[0]
    state = {"id": "c1", "status": "agent", "messages": conversation()}
    summary = {"why": EVERYTHING, "asked": list(ATTACKS)}
    summary["tried"] = [{"question": one, "answer": one, "titles": [one]} for one in ATTACKS]
    row = {"id": "t1", "status": "taken", "created": AT, "taken_by": EVERYTHING, "mine": True, "has_contact": True}
    rows = [row | {"id": f"t{number}", "topic": one, "asked": one} for number, one in enumerate(ATTACKS)]
    each = dict.fromkeys(ATTACKS, 1)
    day = dict.fromkeys(("conversations", "messages", "answered", "refused", "clarified", "handed_over"), 1)
    passage = dict.fromkeys(("title", "heading", "before", "text", "after"), EVERYTHING)
    seen = dict.fromkeys(("text", "generator", "location", "destination"), EVERYTHING)
    ticket = row | {"id": "t0", "topic": EVERYTHING, "outcome": EVERYTHING, "summary": summary}
    replies: dict[str, Any] = {
        "chat/session": {
            "title": EVERYTHING,
            "disclosure": {"text": EVERYTHING, "version": "1"},
            "quick_replies": list(ATTACKS),
            "generator": {"name": EVERYTHING, "location": "in-process"},
            "feedback_reasons": list(ATTACKS),
        },
        "chat/conversations": state,
        "chat/conversations/c1": state,
        "chat/conversations/c1/messages/m1/feedback": {},
        "chat/conversations/c1/passages/p1": passage | {"page": 1, "start": 3, "end": 400},
        "chat/preview": seen | {"entities": each, "leaves": True},
        "session": {"tenant": EVERYTHING, "subject": EVERYTHING, "scopes": SCOPES, "via": "key"},
        "desk/tickets": {"tickets": rows},
        "desk/tickets/t0": ticket | {"messages": conversation()},
        "desk/tickets/t0/reveal": {
            "messages": [{"id": f"m{number}", "text": EVERYTHING} for number in range(1, 9)],
            "contact": EVERYTHING,
        },
        "desk/figures": {
            "days": [day | {"date": one} for one in ATTACKS],
            "totals": day,
            "topics": each,
            "feedback": {"up": 1, "down": 1, "reasons": each},
            "cost": {"micro": 1, "currency": EVERYTHING, "tokens": 1},
            "response_ms": {"p50": 1, "p95": 1},
            "unanswered": [{"question": one, "times": 1, "last": one} for one in ATTACKS],
            "sources": [{"title": one, "answers": 1, "down": 1, "up": 0} for one in ATTACKS],
            "tickets": {"open": 1, "waiting_minutes": 1},
        },
    }
    route.fulfill(json=replies[path])


API = (
    "**/chat/session",
    "**/chat/conversations*",
    "**/chat/conversations/**",
    "**/chat/preview",
    "**/session",
    "**/desk/**",
)


@pytest.fixture
def hostile(visit: Open) -> Callable[[str], Visit]:
    """Open a page whose API replies with attacks alone."""

    def opened(path: str) -> Visit:
        made = visit("/healthz")
        for pattern in API:
            made.page.route(pattern, answer_with_attacks)
        made.page.goto(path)
        return made

    return opened


def test_the_chat_shows_hostile_replies_as_text(hostile: Callable[[str], Visit]) -> None:
    """Title, disclosure, suggestions, answers, sources, a passage, the preview, feedback's reasons."""
    opened = hostile("/chat")
    page = opened.page
    page.get_by_role("button", name="I understand").click()
    page.locator(".message").nth(4 * len(ATTACKS) - 1).wait_for()
    assert ATTACKS[0] in page.locator(".message.assistant").first.inner_text().replace("\u2060", "")
    page.locator(".message.assistant button.marker").first.click()
    page.locator("#side mark").wait_for()
    assert ATTACKS[10] in page.locator(".passage").inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Not helpful").first.click()
    page.get_by_role("button", name="Privacy").click()
    page.get_by_label("A message of yours").fill("x")
    page.get_by_role("button", name="Show what the model sees").click()
    page.locator(".seen").wait_for()
    page.get_by_role("button", name="AI assistant").first.dispatch_event("click")
    page.get_by_role("heading", name="About this assistant").wait_for()
    unharmed(opened)


def test_the_inbox_shows_hostile_replies_as_text(hostile: Callable[[str], Visit]) -> None:
    """The list, a ticket with its summary and transcript, the customer's own words."""
    opened = hostile("/agent")
    page = opened.page
    page.get_by_role("button", name="Mine").click()
    page.locator(".list button").first.click()
    page.get_by_role("heading", name="Summary").wait_for()
    page.get_by_role("button", name="Show the customer's words").click()
    page.get_by_label("What do you need it for?").fill("x")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator(".own").first.wait_for()
    assert ATTACKS[0] in page.locator(".own").first.inner_text()
    unharmed(opened)


def test_the_figures_show_hostile_replies_as_text(hostile: Callable[[str], Visit]) -> None:
    """Days, questions, titles, topics and reasons."""
    opened = hostile("/operator")
    opened.page.get_by_role("heading", name="Day by day").wait_for()
    opened.page.get_by_text("The figures as a table").click()
    assert ATTACKS[0] in opened.page.locator("main").inner_text()
    unharmed(opened)


def converse(visit: Visit, questions: Mapping[str, str], attacks: tuple[str, ...]) -> None:
    """Ask for hostile documents and open their sources; a conversation each, as who asks alike gets a person."""
    page, sources = visit.page, 0
    for attack in attacks:
        page.evaluate("sessionStorage.clear()")
        page.goto("/chat")
        page.get_by_label("Your message").fill(questions[attack])
        page.keyboard.press("Enter")
        page.locator(".message.assistant:not(.draft)").wait_for()
        if page.locator("button.source").count():
            sources += 1
            page.locator("button.source").first.click()
            page.locator("#side .passage").wait_for()
            page.keyboard.press("Escape")
        unharmed(visit)
    assert sources > len(attacks) // 2


def test_hostile_documents_and_messages_are_only_shown(
    visit: Open, keys: Mapping[str, str], hostile_questions: Mapping[str, str]
) -> None:
    """A real service with hostile documents, a customer and an agent who write attacks, and the operator's figures."""
    customer = visit("/chat")
    converse(customer, hostile_questions, FEW)
    page = customer.page
    for attack in (*FEW[:4], "I want to talk to a person"):
        before = page.locator(".message.customer:not(.sending)").count()
        page.get_by_label("Your message").fill(attack)
        page.keyboard.press("Enter")
        page.locator(".message.customer:not(.sending)").nth(before).wait_for()
        page.locator(".draft").wait_for(state="detached")
    page.get_by_text("A person has been asked").wait_for()
    unharmed(customer)
    agent = visit("/agent")
    agent.expected.append("401")
    agent.page.get_by_label("API key").fill(keys["agent"])
    agent.page.keyboard.press("Enter")
    agent.page.locator(".list button").last.click()
    agent.page.get_by_role("button", name="Take this ticket").click()
    agent.page.get_by_label("Reply to the customer").fill(FEW[1])
    agent.page.get_by_role("button", name="Send reply").click()
    agent.page.locator(".message.agent").wait_for()
    unharmed(agent)
    page.locator(".message.agent").wait_for()
    unharmed(customer)
    operator = visit("/operator")
    operator.expected.append("401")
    operator.page.get_by_label("API key").fill(keys["operator"])
    operator.page.keyboard.press("Enter")
    operator.page.get_by_role("heading", name="Day by day").wait_for()
    unharmed(operator)


@pytest.mark.slow
def test_no_attack_works_from_a_document(
    browser: Any, hostile_service: Served, hostile_questions: Mapping[str, str]
) -> None:
    """All of them, each as a real document: asked for, answered from, its passage opened."""
    from ragkit.testing.browser import visiting

    with visiting(browser, hostile_service.url) as opened:
        opened.page.goto("/chat")
        converse(opened, hostile_questions, ATTACKS)
        unharmed(opened)
