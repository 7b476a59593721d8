"""Gateways to servers that the tests start themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ragkit.config_answering import DestinationSection
from ragkit.egress.attempts import Chances
from ragkit.egress.gateway import EgressGateway
from ragkit.testing import sockets
from ragkit.testing.egress_parts import Events, OneName


@pytest.fixture(autouse=True)
def own_servers() -> Iterator[None]:
    """Let tests reach the servers they start."""
    with sockets.loopback():
        yield


@pytest.fixture
def events() -> Events:
    """What is recorded."""
    return Events()


@pytest.fixture
def door(events: Events) -> Iterator[Callable[..., EgressGateway]]:
    """Make gateways with small limits."""
    made: list[EgressGateway] = []

    def make(url: str, *, chances: Chances | None = None, key: bytes = b"k" * 32, **settings: Any) -> EgressGateway:
        written = {
            "url": url, "location": "on-prem", "provider": "own", "max_data_class": "internal", "region": "eu north",
            "connect_seconds": 2, "idle_seconds": 0.3, "total_seconds": 1.0, "max_reply_bytes": 1_000_000, "retries": 2,
        } | settings  # fmt: skip
        section = DestinationSection(**written)
        gateway = EgressGateway(
            "box", section, scanner=OneName(), recorder=events, key=key,
            chances=chances or Chances(draw=lambda: 0.02),
        )  # fmt: skip
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        gateway.close()
