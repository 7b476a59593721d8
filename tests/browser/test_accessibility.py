"""axe-core finds no serious or critical fault in any state of any page, light and dark, at desktop and phone width."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from ragkit.testing.browser import DESKTOP, PHONE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

Open = Callable[..., Visit]
LOOKS = [
    pytest.param(DESKTOP, "light", id="desktop-light"),
    pytest.param(PHONE, "dark", id="phone-dark"),
    pytest.param(DESKTOP, "dark", id="desktop-dark", marks=pytest.mark.slow),
    pytest.param(PHONE, "light", id="phone-light", marks=pytest.mark.slow),
]
WEIGHTY = {"serious", "critical"}


def faults(page: Page) -> list[str]:
    """The weighty faults of the page as it is, with where they are."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'])}"
        for one in found
        if one["impact"] in WEIGHTY
    ]


def check(page: Page, state: str) -> None:
    """Fail with the faults of this state."""
    assert (state, faults(page)) == (state, [])


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_chat(visit: Open, size: tuple[int, int], scheme: Literal["light", "dark"]) -> None:
    """At the start, with an answer, its source, feedback, the privacy panel, both dialogs, an error, a refusal."""
    page = visit("/chat", size=size, scheme=scheme).page
    page.get_by_role("button", name="I understand").wait_for()
    check(page, "start")
    page.get_by_role("button", name="How long is the warranty on a tent?").click()
    page.locator(".message.answer").wait_for()
    page.get_by_role("button", name="Not helpful").click()
    page.get_by_text("What was wrong?").wait_for()
    check(page, "answer and feedback")
    page.locator("button.marker").first.click()
    page.locator("#side mark").wait_for()
    check(page, "source")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Privacy").click()
    page.get_by_label("A message of yours").fill("Write to b@example.org")
    page.get_by_role("button", name="Show what the model sees").click()
    page.locator(".seen").wait_for()
    check(page, "privacy")
    page.keyboard.press("Escape")
    page.get_by_label("Your message").fill("Who painted the ceiling of the Sistine Chapel?")
    page.keyboard.press("Enter")
    page.locator(".message.refusal").wait_for()
    page.route("**/messages", lambda route: route.abort(), times=1)
    page.get_by_label("Your message").fill("My address is b@example.org")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Try again").wait_for()
    check(page, "refusal and error")
    page.get_by_role("button", name="Forget this conversation").click()
    check(page, "forget")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Talk to a person").first.click()
    page.get_by_label("E-mail or telephone").wait_for()
    check(page, "hand over")
    page.get_by_role("button", name="Hand over").click()
    page.get_by_text("A person has been asked").wait_for()
    check(page, "waiting")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_desk(
    visit: Open, keys: Mapping[str, str], size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """Signing in, the list, a ticket, its dialogs, and the operator's figures."""
    customer = visit("/chat").page
    customer.get_by_label("Your message").fill("My address is b@example.org, I want to talk to a person")
    customer.keyboard.press("Enter")
    customer.get_by_text("A person has been asked").wait_for()
    page = visit("/agent", size=size, scheme=scheme).page
    page.get_by_label("API key").wait_for()
    check(page, "sign in")
    page.get_by_label("API key").fill(keys["agent"])
    page.keyboard.press("Enter")
    page.locator(".list button").last.click()
    page.get_by_role("button", name="Take this ticket").click()
    page.get_by_label("Reply to the customer").wait_for()
    check(page, "ticket")
    page.get_by_role("button", name="Show the customer's words").click()
    check(page, "reveal")
    page.get_by_label("What do you need it for?").fill("a test")
    page.get_by_role("button", name="Show", exact=True).click()
    page.locator(".own").first.wait_for()
    page.get_by_role("button", name="Close ticket").click()
    check(page, "close")
    operator = visit("/operator", size=size, scheme=scheme).page
    operator.get_by_label("API key").fill(keys["operator"])
    operator.keyboard.press("Enter")
    operator.get_by_text("The figures as a table").click()
    check(operator, "figures")
