"""A customer's way through the chatbot, an agent's and an operator's beside it, at desktop and phone width."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest

from ragkit.testing.browser import DESKTOP, PHONE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., Visit]
DISCLOSURE = "You are talking to an AI system"


def ask(page: Page, text: str, kind: str = "answer") -> None:
    """Send a message and wait for what becomes of it."""
    before = page.locator(f".message.{kind}").count()
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")
    page.locator(f".message.{kind}").nth(before).wait_for()


def last(page: Page, kind: str = "answer") -> str:
    """The text of the last message of a kind."""
    return page.locator(f".message.{kind} > .text").last.inner_text().replace("\u2060", "")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_whole_conversation(visit: Open, keys: Mapping[str, str], size: tuple[int, int]) -> None:
    """From the disclosure over sources, refusals, a person, an agent and the figures to forgetting it all."""
    customer = visit("/chat", size=size)
    page = customer.page
    the_disclosure_comes_first(page)
    an_answer_shows_its_source(page)
    a_refusal(page)
    a_reload_keeps_the_conversation(page)
    feedback_with_a_reason(page)
    the_privacy_panel(page)
    a_person_is_asked(page)
    agent = visit("/agent", size=size)
    agent.expected.append("401")  # the browser's own word on a page that asks who is there
    the_agent_takes_and_answers(agent.page, keys["agent"])
    page.locator(".message.agent").get_by_text("the zip is on its way").wait_for()
    assert "You are talking to a person" in page.locator("#state").inner_text()
    the_agent_closes(agent.page)
    page.locator("#state").get_by_text("This conversation is closed.").wait_for()
    assert page.get_by_label("Your message").is_disabled()
    operator = visit("/operator", size=size)
    operator.expected.append("401")
    the_operator_sees_figures(operator.page, keys["operator"])
    it_is_forgotten(page)
    assert agent.page.request.get("/desk/tickets").status == 200
    for one in (customer, agent, operator):
        one.quiet()


def the_disclosure_comes_first(page: Page) -> None:
    """Before the first message the page says that an AI answers, and it can be read again at any time."""
    page.get_by_text(DISCLOSURE).wait_for()
    assert page.locator(".message").count() == 0
    page.get_by_role("button", name="I understand").click()
    page.get_by_role("button", name="I understand").wait_for(state="hidden")
    assert page.get_by_text(DISCLOSURE).is_visible()
    page.get_by_role("button", name="AI assistant").click()
    page.get_by_role("dialog", name="About this assistant").get_by_text(DISCLOSURE).wait_for()
    page.keyboard.press("Escape")


def an_answer_shows_its_source(page: Page) -> None:
    """The answer streams; its number opens the passage with the quote marked, and focus comes back to the number."""
    with page.expect_response("**/messages") as streamed:
        page.get_by_role("button", name="How long is the warranty on a tent?").click()
    assert streamed.value.headers["content-type"].startswith("text/event-stream")
    page.locator(".message.answer").wait_for()
    assert "five years" in last(page)
    assert "The assistant answers" in page.locator("#said").inner_text()
    number = page.get_by_role("button", name="Source 1: Warranty").first
    number.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name="Source")
    assert "five years" in panel.locator("mark").inner_text()
    assert panel.evaluate("panel => panel.contains(document.activeElement)")
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    assert number.evaluate("number => number === document.activeElement")


def a_refusal(page: Page) -> None:
    """What no document says is refused, with a way on; a press on a suggestion asks it."""
    ask(page, "Who painted the ceiling of the Sistine Chapel?", "refusal")
    assert "did not find" in last(page, "refusal")
    answers = page.locator(".message.answer").count()
    page.locator("#replies").get_by_role("button", name="When can goods be returned?").click()
    page.locator(".message.answer").nth(answers).wait_for()
    assert "thirty days" in last(page)


def a_reload_keeps_the_conversation(page: Page) -> None:
    """The same messages are there; the browser kept no word of them."""
    before = page.locator(".message > .text").all_inner_texts()
    page.reload()
    page.locator(".message").nth(len(before) - 1).wait_for()
    assert page.locator(".message > .text").all_inner_texts() == before
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert "warranty" not in kept.lower()
    assert "rk_" not in kept


def feedback_with_a_reason(page: Page) -> None:
    """A thumb down asks why; the thumb is still down after a reload."""
    answer = page.locator(".message.answer").last
    answer.get_by_role("button", name="Not helpful").click()
    answer.get_by_label("It is out of date").check()
    answer.get_by_label("Tell us more").fill("It is sixty days now.")
    answer.get_by_role("button", name="Send").click()
    answer.get_by_text("This helps us").wait_for()
    page.reload()
    thumb = page.locator(".message.answer").last.get_by_role("button", name="Not helpful")
    thumb.wait_for()
    assert thumb.get_attribute("aria-pressed") == "true"


def the_privacy_panel(page: Page) -> None:
    """It shows the message as the model sees it, what was masked, and that nothing leaves."""
    page.get_by_role("button", name="Privacy").click()
    panel = page.get_by_role("dialog", name="Privacy")
    panel.get_by_label("A message of yours").fill("Write to galina.yalmanova@example.org about my tent.")
    panel.get_by_role("button", name="Show what the model sees").click()
    seen = panel.locator(".seen")
    seen.wait_for()
    assert "galina.yalmanova" not in seen.inner_text()
    assert "about my tent" in seen.inner_text()
    facts = panel.locator(".facts").inner_text()
    assert "1 e-mail address" in facts
    assert "No." in facts
    panel.get_by_label("Show it while I type").check()
    panel.get_by_label("A message of yours").press_sequentially(" And mine is b@example.org", delay=5)
    panel.get_by_text("2 e-mail addresses").wait_for()
    panel.get_by_role("button", name="Close").click()
    assert page.get_by_role("button", name="Privacy").evaluate("one => one === document.activeElement")


def a_person_is_asked(page: Page) -> None:
    """The customer writes with an address, which is shown masked, and asks for a person with a way to be reached."""
    ask(page, "My zip broke, write to galina.yalmanova@example.org please", "customer")
    page.locator(".message.customer:not(.sending) .chip").last.wait_for()
    assert "galina" not in page.locator("#messages").inner_text()
    page.locator(".draft").wait_for(state="detached")
    page.get_by_role("button", name="Talk to a person").first.click()
    box = page.get_by_role("dialog", name="Talk to a person")
    box.get_by_label("E-mail or telephone").fill("+44 20 7946 0018")
    box.get_by_role("button", name="Hand over").click()
    page.get_by_text("A person has been asked").wait_for()


def the_agent_takes_and_answers(page: Page, key: str) -> None:
    """The key opens the inbox and is not kept; masked until revealed with a purpose; the reply goes to the customer."""
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".list button").first.wait_for()
    assert key not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    page.locator(".list button").filter(has_text="Asked for a person").last.click()
    ticket = page.get_by_role("region", name="Ticket", exact=True)
    ticket.get_by_role("heading", name="Summary").wait_for()
    ticket.get_by_role("button", name="Take this ticket").click()
    ticket.get_by_label("Reply to the customer").wait_for()
    assert "galina" not in ticket.inner_text()
    ticket.get_by_role("button", name="Show the customer's words").click()
    box = page.get_by_role("dialog", name="Show the customer's words")
    box.get_by_label("What do you need it for?").fill("to send the zip")
    box.get_by_role("button", name="Show", exact=True).click()
    ticket.get_by_text("galina.yalmanova@example.org").wait_for()
    assert "+44 20 7946 0018" in ticket.inner_text()
    ticket.get_by_label("Reply to the customer").fill("Good morning, the zip is on its way.")
    page.keyboard.press("Control+Enter")
    ticket.locator(".message.agent").wait_for()


def the_agent_closes(page: Page) -> None:
    """A ticket ends with how it ended."""
    page.get_by_role("button", name="Close ticket").click()
    box = page.get_by_role("dialog", name="Close this ticket")
    box.get_by_label("Solved").check()
    box.get_by_role("button", name="Close ticket").click()
    page.get_by_text("Closed: Solved").wait_for()


def the_operator_sees_figures(page: Page, key: str) -> None:
    """Volumes, what was not answered, feedback with its reason; no clear word of a customer."""
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Day by day").wait_for()
    text = page.locator("main").inner_text()
    assert "Sistine Chapel" in text
    assert "It is out of date" in text
    assert "galina" not in text
    page.get_by_role("button", name="30 days").click()
    page.get_by_role("button", name="30 days", pressed=True).wait_for()
    page.get_by_text("The figures as a table").click()
    assert page.get_by_role("region", name="Figures by day").get_by_role("row").count() == 31


def it_is_forgotten(page: Page) -> None:
    """The page says what it means; afterwards nothing of it is on the page or comes back, here or for the agent."""
    number = page.evaluate("sessionStorage.getItem('ragkit.conversation')")
    page.get_by_role("button", name="Forget this conversation").click()
    box = page.get_by_role("dialog", name="Forget this conversation?")
    assert "cannot be undone" in box.inner_text()
    box.get_by_role("button", name="Forget it").click()
    page.get_by_text("The conversation was forgotten.").first.wait_for()
    assert page.locator(".message").count() == 0
    assert page.request.get(f"/chat/conversations/{number}").status == 404
    page.reload()
    page.get_by_role("button", name="I understand").wait_for()
    assert page.locator(".message").count() == 0


def test_a_question_back_is_answered_by_a_press(visit: Open) -> None:
    """Where a question fits several things the page offers them, and sends the one that is pressed."""
    page = visit("/chat").page
    back = {"id": "b", "seq": 2, "role": "assistant", "at": "2026-11-22T10:00:00+00:00", "kind": "clarify"}
    back |= {"text": "Which of these do you mean?", "sentences": [], "sources": [], "feedback": None}
    back |= {"quick_replies": ["How long is the warranty on a tent?", "How long are stoves covered?"]}
    stream = f"event: answer\ndata: {json.dumps(back)}\n\nevent: done\ndata: {{}}\n\n"
    page.route("**/messages", lambda route: route.fulfill(body=stream, content_type="text/event-stream"), times=1)
    ask(page, "How long is the warranty?", "clarify")
    page.locator("#replies").get_by_role("button", name="How long are stoves covered?").click()
    page.locator(".message.answer").wait_for()
    assert "two years" in last(page)


def test_everything_is_reached_with_the_keyboard(visit: Open) -> None:
    """From the skip link to the field, a message, its source and back, without a pointer."""
    page = visit("/chat").page
    page.get_by_role("button", name="I understand").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.type("When can goods be returned?")
    page.keyboard.press("Enter")
    page.locator(".message.answer").wait_for()
    assert page.evaluate("document.activeElement.id") == "draft"
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.className") == "source":
            break
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Source").locator("mark").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "source"


@pytest.mark.parametrize("path", ["/chat", "/agent", "/operator"])
def test_nothing_is_wider_than_a_small_telephone(visit: Open, path: str) -> None:
    """At 320 pixels, which is also 400 % of a desktop, nothing has to be scrolled sideways."""
    page = visit(path, size=(320, 568)).page
    page.get_by_role("button", name="I understand" if path == "/chat" else "Sign in").wait_for()
    if path == "/chat":
        ask(page, "How long is the warranty on a tent?")
    assert page.evaluate("document.documentElement.scrollWidth") == 320
