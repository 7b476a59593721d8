"""Tells the last look what came out of the masker, before a generator's prompt is put together of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ragkit.protocols import Generator
from ragkit.types import Generation, GenerationRequest, Location, Masked, ModelCall

Vouch = Callable[[GenerationRequest], None]
"""Remembers the masked texts of a request: see :mod:`ragkit.mask.rescan`."""


class VouchedGenerator:
    """Another generator, whose requests are vouched for first.

    Args:
        generator: Does the work; one with ``prepare(request)``.
        vouch: Called with every request.
    """

    def __init__(self, generator: Generator, vouch: Vouch) -> None:
        self._inner = generator
        self._vouch = vouch

    @property
    def name(self) -> str:
        """The other's."""
        return self._inner.name

    @property
    def location(self) -> Location:
        """The other's."""
        return self._inner.location

    def load(self) -> None:
        """Load it."""
        self._inner.load()

    def prepare(self, request: GenerationRequest) -> ModelCall:
        """Return the very call that would be made."""
        self._vouch(request)
        call: ModelCall = self._inner.prepare(request)  # type: ignore[attr-defined]
        return call

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer."""
        self._vouch(request)
        return self._inner.generate(request)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Answer in pieces."""
        self._vouch(request)
        yield from self._inner.stream(request)
