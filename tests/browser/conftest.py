"""One browser and one service with a chatbot for these tests; the documents are those of a shop and of an attacker.

They end with the last of them: while Playwright is there, no loop can be run in this thread, and while a service is,
the sockets of this machine are open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from ragkit.testing import sockets
from ragkit.testing.browser import ABSENT, Visit, chromium, chromium_path, visiting
from ragkit.testing.markup_attacks import ATTACKS
from ragkit.testing.service import KEYED, Served, make_shop, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHAT = """
[chat]
collection = "shop"
title = "Tarn & Ember"
messages_per_minute = 600
quick_replies = ["How long is the warranty on a tent?", "When can goods be returned?"]
[chat.handoff]
after_refusals = 20
"""
FEW = slice(3, None, 5)
"""The attacks whose documents lie in the shop of all tests; `make test-all` tries every one."""

Open = Callable[..., Visit]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if chromium_path() is None:
        pytest.skip(ABSENT)
    with chromium() as made:
        yield made


@pytest.fixture(scope="package")
def service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The shop's service, with keys; some documents of the attacker are among those that visitors may see."""
    folder = tmp_path_factory.mktemp("browser")
    shop = make_shop(folder, extra=KEYED + CHAT, further=hostile_documents(FEW))
    with sockets.loopback(), served(shop) as running:
        yield running


@pytest.fixture(scope="module")
def hostile_service(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service among whose documents are those of every attack."""
    shop = make_shop(tmp_path_factory.mktemp("hostile"), extra=KEYED + CHAT, further=hostile_documents(slice(None)))
    with sockets.loopback(), served(shop) as running:
        yield running


@pytest.fixture(scope="package")
def hostile_questions() -> Mapping[str, str]:
    """The question that finds the document of each attack, by attack."""
    return {attack: f"How long does the {word} lantern last?" for word, attack in zip(WORDS, ATTACKS, strict=True)}


@pytest.fixture(scope="package")
def keys(service: Served) -> Mapping[str, str]:
    """API keys: of an agent, who may also reveal, and of the owner, who is the operator here."""
    made = service.tenants.first.workspace.api_keys
    return {
        "agent": made.create("crm|rosa", groups=["crm|agents"], scopes=["agent", "reveal"]).key,
        "operator": made.create("local|ana", scopes=["operate"]).key,
    }


@pytest.fixture
def visit(browser: Browser, service: Served) -> Iterator[Open]:
    """Open a window on the service; closed after the test."""
    with ExitStack() as stack:

        def opened(path: str, **how: Any) -> Visit:
            window: AbstractContextManager[Visit] = visiting(browser, service.url, **how)
            made = stack.enter_context(window)
            made.page.goto(path)
            return made

        yield opened


WORDS = (
    *("walnut", "copper", "granite", "velvet", "cedar", "marble", "willow", "amber", "cobalt", "linen", "bamboo"),
    *("ivory", "maple", "bronze", "slate", "cotton", "birch", "crystal", "leather", "silver", "poplar", "brass"),
    *("ceramic", "wool", "chestnut", "nickel", "basalt", "satin", "spruce", "quartz", "juniper", "pewter", "flint"),
    *("felt", "mahogany", "zinc", "limestone", "canvas", "larch", "opal", "wicker", "steel", "porcelain", "hemp"),
    *("hazel", "titanium", "sandstone", "denim", "alder", "pearl", "cork", "chrome"),
)
"""What tells the documents of the attacks apart."""


def hostile_documents(which: slice) -> dict[str, str]:
    """One document an attack, which has it in its file name, title, heading and text."""
    made = {}
    for word, attack in list(zip(WORDS, ATTACKS, strict=True))[which]:
        name = "".join(letter for letter in attack if letter not in "/\n\r\0")[:80]
        fact = f"The {word} lantern lasts for twelve hours on one charge"
        made[f"{word} {name}.txt"] = f"The {word} lantern {attack}\n\n{fact} {attack}.\n\nIt is waterproof. {attack}\n"
    return made
