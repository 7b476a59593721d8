"""Services over copies of the synced shop; they end with the last of these tests, and so does the way to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit.testing import sockets
from ragkit.testing.keyed_shop import EXTRA, KeyedShop, house_model, keyed_shop
from ragkit.testing.service import CHAT, OPEN, Served, copy_shop, served

CopyShop = Callable[[str], Path]


@pytest.fixture
def make_copy(synced_shop: Path, tmp_path: Path) -> CopyShop:
    """Return a function that copies the shop and gives the copy these tables."""
    return lambda extra: copy_shop(synced_shop, tmp_path / f"shop-{len(list(tmp_path.iterdir()))}", extra=extra)


@pytest.fixture(scope="package")
def open_service(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service without authentication and with a chatbot, over a copy of the shop; for tests that only read."""
    folder = copy_shop(synced_shop, tmp_path_factory.mktemp("open") / "shop", extra=OPEN + CHAT)
    with sockets.loopback(), served(folder) as service:
        yield service


@pytest.fixture(scope="package")
def keyed(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedShop]:
    """A service with keys of several callers and a model server behind it; for tests that change no document."""
    with sockets.loopback(), house_model() as house:
        folder = copy_shop(
            synced_shop, tmp_path_factory.mktemp("keyed") / "shop", extra=EXTRA.replace("{house}", house.url)
        )
        with keyed_shop(folder, house) as shop:
            yield shop
