"""What goes wrong is said in plain words, nothing typed is lost, and there is a way on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from ragkit.testing.browser import Visit
from ragkit.testing.service import Served

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Open = Callable[..., Visit]
QUESTION = "How long is the warranty on a tent?"


def send(page: Page, text: str = QUESTION) -> None:
    """Type a message and send it."""
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def refuse(page: Page, status: int, *, path: str = "**/messages", after: int = 0) -> None:
    """Answer the next request to a path with an error."""
    error = {"error": {"message": "no", "code": "x", "remedy": "", "type": "server_error"}}
    headers = {"Retry-After": str(after)} if after else {}
    page.route(path, lambda route: route.fulfill(status=status, json=error, headers=headers), times=1)


def test_too_many_messages_wait_as_long_as_the_service_says(visit: Open) -> None:
    """429: the text is still in the field, the button counts down, and sends it then."""
    page = visit("/chat").page
    refuse(page, 429, after=2)
    send(page)
    page.get_by_text("That was a lot at once.").wait_for()
    assert page.get_by_label("Your message").input_value() == QUESTION
    assert page.get_by_role("button", name="Try again in").is_disabled()
    page.get_by_role("button", name="Try again", exact=True).click()
    page.locator(".message.answer").wait_for()
    assert page.locator(".message.customer").count() == 1
    assert page.locator("#trouble").inner_text() == ""


@pytest.mark.parametrize(("status", "words"), [(503, "busy or restarting"), (500, "went wrong on our side")])
def test_a_service_at_fault_can_be_tried_again(visit: Open, status: int, words: str) -> None:
    """The error is told without its inner workings."""
    page = visit("/chat").page
    refuse(page, status)
    send(page)
    page.get_by_text(words).wait_for()
    page.get_by_role("button", name="Try again").click()
    page.locator(".message.answer").wait_for()


def test_without_a_network_the_text_stays(visit: Open) -> None:
    """The field holds what was typed, and it goes out when the network is back."""
    page = visit("/chat").page
    page.get_by_role("button", name="I understand").click()
    page.get_by_role("button", name="I understand").wait_for(state="hidden")
    page.context.set_offline(True)
    send(page)
    page.get_by_text("The service cannot be reached.").wait_for()
    assert page.get_by_label("Your message").input_value() == QUESTION
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.locator(".message.answer").wait_for()


def test_a_stream_that_is_cut_is_no_answer(visit: Open) -> None:
    """Half an answer is taken away and said to be cut; trying again asks once more, as none was kept."""
    page = visit("/chat").page
    said = {"id": "c", "seq": 1, "role": "customer", "at": "2026-11-22T10:00:00+00:00", "kind": "said"}
    said |= {"text": QUESTION, "sentences": [], "sources": [], "quick_replies": [], "feedback": None}
    body = f'event: message\ndata: {json.dumps(said)}\n\nevent: piece\ndata: {{"text": "The warranty on every"}}\n\n'
    page.route("**/messages", lambda route: route.fulfill(body=body, content_type="text/event-stream"), times=1)
    send(page)
    page.get_by_text("The answer was cut off.").wait_for()
    assert page.get_by_text("The warranty on every").count() == 0
    page.get_by_role("button", name="Try again").click()
    page.locator(".message.answer").wait_for()
    assert "five years" in page.locator(".message.answer").inner_text()


def test_an_answer_that_came_after_the_cut_is_shown_and_not_asked_for_again(visit: Open) -> None:
    """The service finished what the network did not bring: trying again fetches it."""
    page = visit("/chat").page
    sent: list[str] = []

    def cut(route: object) -> None:
        reply = route.fetch()  # type: ignore[attr-defined]
        sent.append(reply.text())
        half = reply.text().split("event: answer")[0]
        route.fulfill(body=half, content_type="text/event-stream")  # type: ignore[attr-defined]

    page.route("**/messages", cut)
    send(page)
    page.get_by_text("The answer was cut off.").wait_for()
    page.get_by_role("button", name="Try again").click()
    page.locator(".message.answer").wait_for()
    assert len(sent) == 1
    assert page.locator(".message.customer").count() == 1


def test_an_error_in_the_stream_is_told(visit: Open) -> None:
    """The service says in the stream that it could not go on."""
    page = visit("/chat").page
    body = (
        'event: error\ndata: {"code": "x", "message": "the model is away", "remedy": ""}\n\nevent: done\ndata: {}\n\n'
    )
    page.route("**/messages", lambda route: route.fulfill(body=body, content_type="text/event-stream"), times=1)
    send(page)
    page.get_by_text("the model is away").wait_for()
    assert page.get_by_label("Your message").input_value() == QUESTION


def test_a_model_that_is_away_is_told_in_a_customers_words(visit: Open) -> None:
    """What a generator is, no customer knows; they may try again, or ask for a person."""
    page = visit("/chat").page
    body = (
        'event: error\ndata: {"code": "generator_unavailable", "message": "the generator does not answer", '
        '"remedy": ""}\n\nevent: done\ndata: {}\n\n'
    )
    page.route("**/messages", lambda route: route.fulfill(body=body, content_type="text/event-stream"), times=1)
    send(page)
    page.get_by_text("The assistant cannot answer at the moment.").wait_for()
    assert page.get_by_role("button", name="Try again").is_visible()
    assert page.get_by_role("button", name="Talk to a person").first.is_enabled()


def test_what_is_forgotten_while_it_is_answered_stays_forgotten(visit: Open) -> None:
    """The reply that comes after it is neither shown nor told as trouble."""
    page = visit("/chat").page
    held: list[Route] = []
    page.route("**/messages", lambda route: held.append(route), times=1)
    send(page)
    page.locator("#forget:not([disabled])").wait_for()
    page.locator("#forget").click()
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("The conversation was forgotten.").wait_for()
    held[0].continue_()
    page.wait_for_timeout(1500)
    assert page.get_by_text("The conversation was forgotten.").is_visible()
    assert page.locator(".message").count() == 0


def test_a_conversation_that_is_gone_begins_anew(visit: Open) -> None:
    """404: said so, the text kept, and the next message begins another one, after the disclosure."""
    page = visit("/chat").page
    send(page)
    page.locator(".message.answer").wait_for()
    refuse(page, 404)
    send(page, "When can goods be returned?")
    page.get_by_text("The conversation has ended").wait_for()
    assert page.get_by_role("button", name="I understand").is_visible()
    assert page.get_by_label("Your message").input_value() == "When can goods be returned?"
    page.get_by_role("button", name="Send").click()
    page.locator(".message.answer").wait_for()


def test_the_page_opens_once_the_service_is_back(visit: Open) -> None:
    """Where the first call fails, the page says so and tries again when asked."""
    opened = visit("/healthz")
    refuse(opened.page, 503, path="**/chat/session")
    opened.page.goto("/chat")
    opened.page.get_by_role("button", name="Try again").click()
    opened.page.get_by_role("button", name="I understand").wait_for()


def test_a_wrong_key_opens_nothing(visit: Open) -> None:
    """The inbox says that the key is not valid, and forgets it."""
    page = visit("/agent").page
    page.get_by_label("API key").fill("rk_abcdefghijklmnop_" + "A" * 43)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("This key is not valid").wait_for()
    assert page.get_by_label("API key").input_value() == ""


def test_a_key_of_another_kind_opens_nothing(visit: Open, keys: dict[str, str]) -> None:
    """An agent's key does not show the operator's figures."""
    page = visit("/operator").page
    page.get_by_label("API key").fill(keys["agent"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("does not open this page").wait_for()
    assert page.get_by_role("link", name="Inbox").is_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").wait_for()


def test_an_operator_without_the_role_is_told_what_is_missing(visit: Open, service: Served) -> None:
    """The key has the scope and its bearer no role: the page says where the role is given."""
    key = service.tenants.first.workspace.api_keys.create("crm|bo", scopes=["operate"]).key
    page = visit("/operator").page
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("under [roles] in ragkit.toml").wait_for()
