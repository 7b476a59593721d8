"""Doors to servers of our own: real egress gateways, with nothing in them to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ragkit.config_answering import DestinationSection
from ragkit.egress.gateway import EgressGateway
from ragkit.testing import sockets
from ragkit.testing.local_servers import LocalServer, llama_cpp_server, transformers_serve
from ragkit.testing.tiny_models import make_gguf, make_llama


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


TINY_SAYS = "The warranty on every tent of 東é😀 lasts five years [1]."
"""What the model of :func:`tiny_models` says to everything; three of its letters are several tokens each."""


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model for both libraries: ``tiny`` in safetensors format, and ``tiny.gguf``."""
    folder = tmp_path_factory.mktemp("models")
    make_gguf(make_llama(folder / "tiny", says=TINY_SAYS), folder / "tiny.gguf")
    return folder


@pytest.fixture(scope="session")
def transformers_server(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """``transformers serve`` over it; it takes five seconds to start, so it is started once."""
    with transformers_serve(tiny_models / "tiny", cache=tmp_path_factory.mktemp("cache") / "hub") as server:
        yield server


@pytest.fixture(scope="session")
def llama_server(tiny_models: Path) -> Iterator[LocalServer]:
    """llama.cpp's server over it."""
    with llama_cpp_server(tiny_models / "tiny.gguf", context=2048) as server:
        yield server
