"""A served shop with callers of several kinds and a model server behind it, for tests of clients.

::

    with keyed_shop(folder) as shop:                     # a copy of the shop with `EXTRA` at its end
        httpx.post(f"{shop.url}/v1/ask", json={...}, headers=shop.as_("customer"))

A question to the generator ``house`` decides what its server does: with the word "slowly" it takes its time, with
"break" the connection is lost in the middle.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit import open_workspace
from ragkit.testing.model_dialects import OpenAI, Turns
from ragkit.testing.model_servers import ModelServer
from ragkit.testing.service import KEYED, Served, served

SAYS = "The warranty on every tent lasts five years [1]."
BREAK = "\u2020"
"""Where the connection is lost."""
LONG = " ".join([SAYS] * 4)
CALLERS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "ana": ("local|ana", (), ("search", "ask", "embed", "feedback", "reveal")),
    "staff": ("crm|ben", ("crm|staff",), ("search", "ask", "embed", "feedback")),
    "agent": ("crm|cleo", ("crm|staff", "crm|agents"), ("ask", "reveal")),
    "customer": ("web|dan", (), ("search", "ask", "embed", "feedback")),
    "searcher": ("crm|ed", (), ("search",)),
}
"""Subject, groups and scopes of each key."""
GENERATORS = """
[generators.house]
kind = "openai_compatible"
model = "tiny"
destination = "house"

[generators.far]
kind = "openai_compatible"
model = "tiny"
destination = "far"

[destinations.house]
url = "{house}"
location = "on-prem"
provider = "house"
max_data_class = "restricted"

[destinations.far]
url = "https://far.example.com/v1"
location = "remote"
provider = "somebody"
max_data_class = "public"
"""
"""Tables of two; ``{house}`` is the model server's address. What is confidential may not go to ``far``."""
EXTRA = KEYED + '\n[collections.vault]\naccess = ["u:local|ana"]\n' + GENERATORS
"""Tables of the copy."""


@dataclass(frozen=True, slots=True)
class KeyedShop:
    """A service that runs, its callers' keys, and the model server behind it."""

    service: Served
    keys: Mapping[str, str] = field(repr=False)
    house: ModelServer
    folder: Path

    @property
    def url(self) -> str:
        """Root of the service."""
        return self.service.url

    def as_(self, name: str) -> dict[str, str]:
        """Headers of a caller."""
        return {"Authorization": f"Bearer {self.keys[name]}"}

    def prompt(self) -> str:
        """What the model server was told last."""
        return str(self.house.requests[-1].json["messages"])


class _Breaking(OpenAI):
    """Loses the connection at a mark."""

    def stream(self, asked: Any, answer: Any) -> Iterator[bytes]:
        for piece in super().stream(asked, answer):
            if BREAK.encode() in piece or b"\\u2020" in piece:
                raise ConnectionError
            yield piece
            time.sleep(0.03 if answer.text == LONG else 0)


def _answer(turns: Turns) -> str:
    question = turns[-1][1].rsplit("Question", 1)[-1]
    if "slowly" in question:
        return LONG
    return f"{SAYS} {SAYS} {BREAK} {SAYS}" if "break" in question else SAYS


@contextmanager
def house_model() -> Iterator[ModelServer]:
    """The model server; its address goes into :data:`EXTRA`."""
    server = ModelServer(_answer)
    server.dialect = _Breaking(server.model, None, server.context_tokens)
    with server:
        yield server


@contextmanager
def keyed_shop(folder: Path, house: ModelServer) -> Iterator[KeyedShop]:
    """Make a key for each of :data:`CALLERS` and serve the shop."""
    with open_workspace(folder) as workspace:
        keys = {
            name: workspace.api_keys.create(subject, groups=groups, scopes=scopes).key  # type: ignore[arg-type]
            for name, (subject, groups, scopes) in CALLERS.items()
        }
    with served(folder) as service:
        yield KeyedShop(service, keys, house, folder)
