"""The generator that chooses generators: rules first, then the small one, then the large one where the need shows.

::

    router = Router(generators, config.routing, default="small", allowed=…, need=…, after=…, recorder=…)
    generation = router.generate(request)     # generation.account says who answered, and why

Whatever is decided, a generator is asked only if it may receive content of this class, and after a failure nobody is
asked who is further out than who failed. What the small one answered is kept when the large one has no room in a
budget, fails, or is kept from receiving the prompt.

A stream shows text as it comes only where it will not be replaced: where no larger generator may take over, or where
the need before the call lies below half of ``escalate_at``. Otherwise the small one's answer is held until it is
judged, and then comes in one piece. After the first piece nothing is replaced: a failure then is an error.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ragkit.config_answering import RoutingSection
from ragkit.errors import (
    BudgetExceeded,
    EgressRefused,
    GenerationError,
    GeneratorGarbled,
    GeneratorUnavailable,
    MissingDependency,
    ModelError,
    RagkitError,
)
from ragkit.protocols import Generator, Recorder
from ragkit.routing.plan import WIDTH, Boundary, Step, skips_small
from ragkit.routing.trail import Trail, finish, recorded, why_kept, why_replaced
from ragkit.types import DataClass, Generation, GenerationRequest, Location, Masked

Pieces = typing.Generator[Masked, None, Generation]

FAILED = (GeneratorUnavailable, GeneratorGarbled)
"""After these another generator is asked; any other error is the caller's to know."""

KEEPS_SMALL = (GenerationError, EgressRefused, BudgetExceeded, ModelError, MissingDependency)
"""What keeps the large generator from answering, and leaves the small one's answer standing."""

SHOW_BELOW = 0.5
"""Share of ``escalate_at`` below which the need is low enough for text to be shown before it is judged."""


class Router:
    """Several generators behind one.

    Args:
        generators: By name; those that may have a limit bring their own meter.
        section: ``[routing]``.
        default: The generator of ``[generator] use``.
        allowed: Whether content of a class may go to a generator.
        need: Probability in 0..1, before the call, that the small generator will be wrong.
        after: The same of its answer; by default it is wrong when it refused or its checks found something.
        room: Whether the budgets have room for a generator's answer to a request; by default yes.
        recorder: Takes ``route.chosen``.
    """

    def __init__(
        self,
        generators: Mapping[str, Generator],
        section: RoutingSection,
        *,
        default: str,
        allowed: Callable[[str, DataClass], bool],
        need: Callable[[GenerationRequest], float],
        after: Callable[[GenerationRequest, Generation], float] | None = None,
        room: Callable[[str, GenerationRequest], bool] | None = None,
        recorder: Recorder,
    ) -> None:
        self._generators = generators
        self._escalate_at = section.escalate_at
        locations = {name: one.location for name, one in generators.items()}
        self._boundary = Boundary(locations, section, default=default, allowed=allowed)
        self._need = need
        self._after = after or found_wrong
        self._room = room or (lambda _name, _request: True)
        self._recorder = recorder

    @property
    def name(self) -> str:
        """``router``; who answered is in the generation's account."""
        return "router"

    @property
    def location(self) -> Location:
        """The widest of those that may ever be asked."""
        return max((self._generators[name].location for name in self._boundary.names()), key=WIDTH.index)

    def load(self) -> None:
        """Load the small generator; the others are loaded when they are first asked."""
        self._generators[self._boundary.small].load()

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer with whom policy, need and budgets choose.

        Raises:
            EgressRefused: Nobody may receive content of this class.
            BudgetExceeded: No room, and the budget leaves no small generator open.
            GenerationError: All who could be asked have failed.
        """
        trail = Trail(request)
        with recorded(self._recorder, trail):
            generation = self._ask(self._first(trail), trail)
            if trail.larger is not None and self._is_wrong(generation, trail):
                generation = self._replace(generation, trail)
            return finish(self._recorder, generation, trail)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Yield text that will not be replaced, last the generation. Raises as :meth:`generate`."""
        trail = Trail(request)
        with recorded(self._recorder, trail):
            step = self._first(trail)
            if trail.larger is None or trail.need < self._escalate_at * SHOW_BELOW:
                final = yield from self._stream(step, trail)
            else:
                final = self._ask(step, trail)
                if trail.larger is not None and self._is_wrong(final, trail):
                    final = yield from self._stream_larger(final, trail)
                if not trail.shown:
                    yield final.text
            final = finish(self._recorder, final, trail)
        yield final

    # --- choosing ---------------------------------------------------------------------------------------------

    def _first(self, trail: Trail) -> Step:
        """Whom to ask first; ``trail.larger`` is who may take over."""
        request, boundary = trail.request, self._boundary
        step = boundary.first(request)
        larger = boundary.larger(step, request.data_class)
        if larger is None:
            forbidden = step.rule is None and step.route == "small" and boundary.large not in (None, step.name)
            return replace(step, reason="data-class") if forbidden else step
        if not request.hits:
            return replace(step, reason="no-hits")
        if not self._room(larger, request):
            return replace(step, reason="budget")
        trail.need = self._need(request)
        if skips_small(trail.need, self._escalate_at):
            return Step(name=larger, route="large", reason="high-need")
        trail.larger = larger
        return replace(step, reason="low-need")

    def _is_wrong(self, generation: Generation, trail: Trail) -> bool:
        """Whether the small one's answer is likely enough to be wrong for the large one to be asked."""
        if generation.refused and generation.reason == "no-hits":
            return False
        trail.need = self._after(trail.request, generation)
        return trail.need >= self._escalate_at

    def _next(self, failed: RagkitError, trail: Trail) -> Step:
        """Whom to ask after a failure."""
        trail.larger = None
        name = self._boundary.after_failure(trail.tried, trail.request.data_class, barred=trail.barred)
        if name is None:
            raise failed
        reason = "garbled" if isinstance(failed, GeneratorGarbled) else "unavailable"
        return Step(name=name, route="fallback", reason=reason)

    def _without_room(self, full: BudgetExceeded, step: Step, trail: Trail) -> Step:
        """Whom to ask instead of a generator for which a budget has no room."""
        trail.barred.append(step.name)
        small, data_class = self._boundary.small, trail.request.data_class
        if step.route == "fallback":
            name = self._boundary.after_failure(trail.tried, data_class, barred=trail.barred)
            if name is None:
                raise full
            return Step(name=name, route="fallback", reason="budget")
        chosen_by_need = step.route == "large" and step.rule is None
        fresh = small not in trail.tried and small not in trail.barred
        if fresh and (chosen_by_need or full.then == "small") and self._boundary.may(small, data_class):
            trail.larger = None
            return Step(name=small, route="small", reason="budget")
        raise full

    # --- asking -----------------------------------------------------------------------------------------------

    def _ask(self, step: Step, trail: Trail) -> Generation:
        while True:
            trail.step = step
            try:
                return trail.add(self._open(step.name, trail).generate(trail.request))
            except FAILED as failed:
                step = self._next(failed, trail)
            except BudgetExceeded as full:
                trail.tried.remove(step.name)
                step = self._without_room(full, step, trail)

    def _stream(self, step: Step, trail: Trail) -> Pieces:
        while True:
            trail.step = step
            try:
                return (yield from self._pieces(step.name, trail))
            except FAILED as failed:
                if trail.shown:
                    raise
                step = self._next(failed, trail)
            except BudgetExceeded as full:
                trail.tried.remove(step.name)
                step = self._without_room(full, step, trail)

    def _replace(self, small: Generation, trail: Trail) -> Generation:
        """The large one's answer; the small one's where that cannot be had."""
        larger = str(trail.larger)
        try:
            generation = trail.add(self._open(larger, trail).generate(trail.request))
        except KEEPS_SMALL as failed:
            trail.keep(why_kept(failed), larger=larger, asked=not isinstance(failed, BudgetExceeded))
            return small
        trail.step = Step(name=larger, route="large", reason=why_replaced(small))
        return generation

    def _stream_larger(self, small: Generation, trail: Trail) -> Pieces:
        larger, kept = str(trail.larger), trail.step
        trail.step = Step(name=larger, route="large", reason=why_replaced(small))
        try:
            return (yield from self._pieces(larger, trail))
        except KEEPS_SMALL as failed:
            if trail.shown:
                raise
            trail.step = kept
            trail.keep(why_kept(failed), larger=larger, asked=not isinstance(failed, BudgetExceeded))
            return small

    def _pieces(self, name: str, trail: Trail) -> Pieces:
        final = None
        for piece in self._open(name, trail).stream(trail.request):
            if isinstance(piece, Generation):
                final = trail.add(piece)
            else:
                trail.show()
                yield piece
        if final is None:
            raise GeneratorGarbled("the stream ended without an answer", code="no-end", remedy="Tell its authors.")
        return final

    def _open(self, name: str, trail: Trail) -> Generator:
        """The generator, loaded. The last look at the boundary: whatever chose it, nobody else is asked."""
        if not self._boundary.may(name, trail.request.data_class):
            raise EgressRefused(
                "a generator that may not receive this was chosen", remedy="This is a defect: report it."
            )
        trail.tried.append(name)
        generator = self._generators[name]
        generator.load()
        return generator


def found_wrong(_request: GenerationRequest, generation: Generation) -> float:
    """Return 1 for a small answer that refused, was cut, or in whose text the checks found something; else 0."""
    return float(why_replaced(generation) != "need")
