"""Doors to servers of our own: real egress gateways, with nothing in them to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ragkit.config_answering import DestinationSection
from ragkit.egress.gateway import EgressGateway
from ragkit.testing import sockets


class Events:
    """Remembers the events."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def record(self, kind: str, **_: Any) -> None:
        self.kinds.append(kind)

    def flush(self) -> None:
        """Nothing waits."""


class Blind:
    """Finds nothing."""

    def scan(self, text: str) -> Mapping[str, int]:
        return {}


@pytest.fixture
def gateway() -> Iterator[Callable[..., EgressGateway]]:
    """Return what makes a gateway to a URL; other keys go to the destination's section."""
    made: list[EgressGateway] = []

    def make(url: str, **section: Any) -> EgressGateway:
        facts: dict[str, Any] = {
            "location": "on-prem", "provider": "test", "max_data_class": "restricted", "idle_seconds": 5, "retries": 0,
        }  # fmt: skip
        door = EgressGateway("box", DestinationSection(url=url, **facts | section), scanner=Blind(), recorder=Events())
        made.append(door)
        return door

    with sockets.loopback():
        yield make
        for door in made:
            door.close()
