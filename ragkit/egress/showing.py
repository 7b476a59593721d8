"""A door that sends nothing and keeps what would have been sent, for `ragkit egress explain`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NoReturn

from ragkit.errors import EgressRefused
from ragkit.protocols import Door, ReplyStream
from ragkit.types import Location, ModelCall, Reply


@dataclass(frozen=True, slots=True)
class Shown:
    """What would have gone: path below the URL, the very bytes, names of headers, since one may hold a key."""

    path: str
    body: bytes = field(repr=False)
    headers: tuple[str, ...] = ()


class NotSent(EgressRefused):
    """Raised in place of a reply."""


class ShowingDoor:
    """Implements :class:`ragkit.protocols.Door` in front of another, which is never used.

    Attributes:
        shown: The last call, ``None`` before one.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self.shown: Shown | None = None

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._door.name

    @property
    def location(self) -> Location:
        """Where it is."""
        return self._door.location

    def post(self, path: str, body: bytes, *, headers: Mapping[str, str], call: ModelCall) -> Reply:  # noqa: ARG002
        """Keep it."""
        self._keep(path, body, headers)

    def stream(
        self,
        path: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        call: ModelCall,  # noqa: ARG002
    ) -> AbstractContextManager[ReplyStream]:
        """Keep it."""
        self._keep(path, body, headers)

    def get(self, path: str, *, headers: Mapping[str, str]) -> Reply:
        """Keep it."""
        self._keep(path, b"", headers)

    def _keep(self, path: str, body: bytes, headers: Mapping[str, str]) -> NoReturn:
        self.shown = Shown(path, body, tuple(sorted(headers)))
        raise NotSent("nothing was sent", remedy="This door only shows.")
