"""Chatbots over copies of the synced shop."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ragkit import Principal, open_workspace
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.testing.desk import Chat
from ragkit.testing.service import CHAT, OPEN, copy_shop


@pytest.fixture(scope="session")
def helpdesk(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helpdesk]:
    """A chatbot that all tests share which look at nothing but their own conversation."""
    folder = copy_shop(synced_shop, tmp_path_factory.mktemp("shared") / "shop", extra=OPEN + CHAT)
    with open_workspace(folder) as workspace:
        assert workspace.config.chat is not None
        yield Helpdesk(workspace, workspace.config.chat)


@pytest.fixture
def chat(helpdesk: Helpdesk) -> Chat:
    """A conversation of a new visitor."""
    visitor = Principal(f"chat|{secrets.token_hex(8)}", groups=frozenset({"chat|visitors"}))
    return Chat(helpdesk, visitor).begin()


@pytest.fixture
def shop(synced_shop: Path, tmp_path: Path) -> Path:
    """A copy of the shop for a test that looks at its files."""
    return copy_shop(synced_shop, tmp_path / "shop", extra=OPEN + CHAT)


@pytest.fixture
def open_chat(shop: Path) -> Iterator[Callable[[], Chat]]:
    """Return a function that opens that copy, as a service does at its start, and gives its chatbot."""
    with ExitStack() as stack:

        def opened() -> Chat:
            workspace = stack.enter_context(open_workspace(shop))
            assert workspace.config.chat is not None
            visitor = Principal("chat|0123456789abcdef", groups=frozenset({"chat|visitors"}))
            return Chat(Helpdesk(workspace, workspace.config.chat), visitor)

        yield opened


@pytest.fixture
def own_chat(open_chat: Callable[[], Chat]) -> Chat:
    """A conversation in that copy."""
    return open_chat().begin()
