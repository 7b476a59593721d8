"""Takes the pictures of the documentation from a running chatbot: ``python -m ragkit.testing.screenshots URL docs``.

The service is that of ``examples/customer_care/chatbot.py``, open on this machine and freshly made, since the pictures
show what its figures say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ragkit.testing.browser import DESKTOP, PHONE, chromium, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_WARRANTY = "How long is the warranty on a Coldwell flask?"
_RETURN = "How many days do I have to send back an unused article?"
_HOLE = "What should I do if my tent has a small hole?"
_NOBODY_KNOWS = "Do you rent out canoes by the weekend?"
_COMPLAINT = "I am Tamsin Arkwright, tamsin.arkwright@example.org. My parcel is three weeks late, I want to complain."


def take(url: str, folder: Path) -> list[Path]:
    """Take all pictures and return where they are.

    Args:
        url: Of the service.
        folder: Where to write them.
    """
    with chromium() as browser:
        return [
            _chat(browser, url, folder / "chat-desktop.png", "light"),
            _chat(browser, url, folder / "chat-dark.png", "dark"),
            _phone(browser, url, folder / "chat-phone.png"),
            _agent(browser, url, folder / "agent.png"),
            _operator(browser, url, folder / "operator.png"),
        ]


def _say(page: Page, *texts: str) -> None:
    for text in texts:
        before = page.locator(".message.assistant:not(.draft)").count()
        page.get_by_label("Your message").fill(text)
        page.keyboard.press("Enter")
        page.locator(".message.assistant:not(.draft)").nth(before).wait_for()


def _chat(browser: Browser, url: str, picture: Path, scheme: Literal["light", "dark"]) -> Path:
    """A conversation with the passage of a source beside it."""
    with visiting(browser, url, scheme=scheme) as visit:
        visit.page.goto("/chat")
        _say(visit.page, _RETURN, _HOLE)
        visit.page.get_by_role("button", name="Helpful", exact=True).last.click()
        visit.page.locator("button.marker").first.click()
        visit.page.locator("#side mark").wait_for()
        visit.page.screenshot(path=picture)
    return picture


def _phone(browser: Browser, url: str, picture: Path) -> Path:
    """The privacy panel on a telephone."""
    with visiting(browser, url, size=PHONE, scale=1.5) as visit:
        visit.page.goto("/chat")
        _say(visit.page, _WARRANTY, _NOBODY_KNOWS)
        visit.page.get_by_role("button", name="Not helpful").last.click()
        visit.page.get_by_label("It is about something else").check()
        visit.page.get_by_role("button", name="Send", exact=True).first.click()
        visit.page.get_by_role("button", name="Privacy").click()
        visit.page.get_by_label("A message of yours").fill(_COMPLAINT)
        visit.page.get_by_role("button", name="Show what the model sees").click()
        visit.page.locator(".seen").wait_for()
        visit.page.screenshot(path=picture)
    return picture


def _agent(browser: Browser, url: str, picture: Path) -> Path:
    """A ticket in the inbox, answered."""
    for text in ("I want to talk to a person", _COMPLAINT):
        with visiting(browser, url) as customer:
            customer.page.goto("/chat")
            _say(customer.page, _RETURN, text)
    with visiting(browser, url, size=(DESKTOP[0], 900)) as visit:
        visit.page.goto("/agent")
        visit.page.locator(".list button").last.click()
        visit.page.get_by_role("button", name="Take this ticket").click()
        field = visit.page.get_by_label("Reply to the customer")
        field.fill("I am sorry about that. Your parcel is found, and will be with you on Friday.")
        visit.page.get_by_role("button", name="Send reply").click()
        visit.page.locator(".message.agent").wait_for()
        visit.page.locator(".reading").evaluate("reading => reading.scrollTo(0, 0)")
        visit.page.screenshot(path=picture)
    return picture


def _operator(browser: Browser, url: str, picture: Path) -> Path:
    """The figures."""
    with visiting(browser, url) as visit:
        visit.page.goto("/operator")
        visit.page.get_by_role("heading", name="Day by day").wait_for()
        visit.page.screenshot(path=picture, full_page=True)
    return picture


if __name__ == "__main__":
    for made in take(sys.argv[1], Path(sys.argv[2])):
        print(made, f"{made.stat().st_size / 1000:.0f} kB")
