"""Generators that are asked only after something has looked at the request: vouched for it, or held it to a ceiling."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ragkit.protocols import Generator
from ragkit.types import Generation, GenerationRequest, Location, Masked, ModelCall

Before = Callable[[GenerationRequest], None]
"""Called with every request first; what it raises ends the call."""


class GuardedGenerator:
    """Another generator, each of whose requests is looked at first.

    Args:
        generator: Does the work.
        before: Looks.
    """

    def __init__(self, generator: Generator, before: Before) -> None:
        self._inner = generator
        self._before = before

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

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer."""
        self._before(request)
        return self._inner.generate(request)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Answer in pieces."""
        self._before(request)
        yield from self._inner.stream(request)


class VouchedGenerator(GuardedGenerator):
    """One with ``prepare(request)``, of which the last look is told what came out of the masker.

    ``before`` remembers the masked texts of a request: see :mod:`ragkit.mask.rescan`.
    """

    def prepare(self, request: GenerationRequest) -> ModelCall:
        """Return the very call that would be made."""
        self._before(request)
        call: ModelCall = self._inner.prepare(request)  # type: ignore[attr-defined]
        return call
