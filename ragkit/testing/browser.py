"""Debian's Chromium under Playwright, and a record of everything that a page did: requests, console, dialogs.

::

    with chromium() as browser, visiting(browser, service.url) as visit:
        visit.page.goto("/chat")
        visit.quiet()                                # no error, and no request left the service
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

DESKTOP = (1280, 800)
PHONE = (390, 844)
ABSENT = "Chromium is absent"
"""The reason for which tests skip."""


def chromium_path() -> str | None:
    """Return where Debian's Chromium is, or ``None``."""
    return shutil.which("chromium")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run one browser. Chromium's own calls home are switched off, so that what is seen is the page's doing."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=quiet)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One browser window, with cookies of its own, and what happened in it.

    Attributes:
        origin: The only place that it may speak to.
        requests: Every address it asked for.
        complaints: Errors and warnings of its console, violations of the policy among them, and script errors.
        dialogs: What it popped up.
        expected: Parts of complaints that the test brought about itself.
    """

    page: Page
    origin: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note what a page does."""
        page.on("request", self._request)
        page.on("console", lambda one: self._complain(one.type, one.text) if one.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: self._complain("script", str(error)))
        page.on("dialog", self._dialog)

    def another(self) -> Page:
        """Open a second page with the same cookies, watched like the first."""
        page = self.page.context.new_page()
        page.set_default_timeout(self._timeout)
        self.watch(page)
        return page

    def elsewhere(self) -> list[str]:
        """Addresses outside the origin that were asked for."""
        own = (f"{self.origin}/", "blob:", "about:")
        return [one for one in self.requests if not one.startswith(own)]

    def quiet(self) -> None:
        """Fail unless every request stayed here and nothing complained."""
        complaints = [one for one in self.complaints if not any(part in one for part in self.expected)]
        assert (self.elsewhere(), complaints, self.dialogs) == ([], [], [])

    _timeout = 60_000

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _complain(self, kind: str, text: str) -> None:
        self.complaints.append(f"{kind}: {text}")

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def visiting(
    browser: Browser,
    origin: str,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
    scale: float = 1,
) -> Iterator[Visit]:
    """Open a window on a service; motion is reduced, so that pictures and clicks are steady."""
    width, height = size
    context = browser.new_context(
        base_url=origin,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        has_touch=width < 600,
        reduced_motion="reduce",
        device_scale_factor=scale,
        locale="en-GB",
        timezone_id="Europe/London",
    )
    try:
        visit = Visit(context.new_page(), origin)
        visit.page.set_default_timeout(visit._timeout)
        visit.watch(visit.page)
        yield visit
    finally:
        context.close()
