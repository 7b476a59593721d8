"""A generator with a meter: it reserves before the call, books after it, and says what the call used.

::

    generator = Metered(generator, Tariff(provider="openai", model="gpt-4.1"), budgets=…, catalogue=…, recorder=…)
    generation = generator.generate(request)     # generation.account has tokens, cost, latency

Also where no budget is written every call is booked, so that `ragkit usage` knows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

from ragkit.errors import BudgetExceeded, GenerationError, GeneratorGarbled
from ragkit.protocols import Generator, Recorder
from ragkit.routing.accounts import Held, Spender, Spent
from ragkit.routing.budgets import Budgets
from ragkit.routing.meter_events import plain_model, record_done, record_failed, record_refused
from ragkit.routing.prices import Catalogue
from ragkit.routing.tariff import Tariff, half_the_bytes
from ragkit.telemetry.metrics import count_budget_refusal, count_call
from ragkit.telemetry.spans import Mark, generation_span
from ragkit.types import Account, Generation, GenerationRequest, Location, Masked, TokenUsage


class Metered:
    """Another generator, with reservation, booking, event and telemetry around each call.

    Args:
        generator: Does the work. With a method ``prepare(request)`` its very prompt is estimated.
        tariff: What its calls may use.
        name: As ``ragkit.toml`` calls it; by default its own.
        budgets: Reserved from, and booked to.
        catalogue: Gives the prices; called when one is needed.
        recorder: Takes ``generation.done`` and ``budget.refused``.
    """

    def __init__(
        self,
        generator: Generator,
        tariff: Tariff,
        *,
        name: str = "",
        budgets: Budgets,
        catalogue: Callable[[], Catalogue],
        recorder: Recorder,
    ) -> None:
        self.inner = generator
        named = bool(tariff.model) or generator.location is Location.IN_PROCESS
        self.tariff = tariff if named else replace(tariff, model=name or generator.name)  # what is outside is not free
        self.budgets = budgets
        self.catalogue = catalogue
        self.recorder = recorder
        self._name = name or generator.name

    @property
    def name(self) -> str:
        """As ``ragkit.toml`` calls the generator."""
        return self._name

    @property
    def location(self) -> Location:
        """Where the generator runs."""
        return self.inner.location

    def load(self) -> None:
        """Load the generator."""
        self.inner.load()

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer within the budgets.

        Raises:
            BudgetExceeded: No room; nothing was asked.
            StoreError: The ledger cannot be written.
            GenerationError, EgressRefused: As the generator.
        """
        call = _Call(self, request)
        with call.span() as mark:
            try:
                generation = self.inner.generate(request)
            except BaseException as error:
                call.fail(error)
                raise
            return call.finish(generation, mark)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Yield the answer's text in pieces, last the generation. A stream that is left early is booked by estimate.

        Raises as :meth:`generate`.
        """
        call = _Call(self, request, streamed=True)
        final = None
        with call.span() as mark:
            try:
                for piece in mark.over(self.inner.stream(request)):
                    if isinstance(piece, Generation):
                        final = call.finish(piece, mark)
                    else:
                        call.show(piece)
                        yield piece
                if final is None:
                    raise GeneratorGarbled(
                        "the generator's stream ended without an answer", code="no-end", remedy="Tell its authors."
                    )
            except BaseException as error:
                call.fail(error)
                raise
        yield final

    def room(self, request: GenerationRequest) -> bool:
        """Whether the budgets have room for this call now. Reserves nothing."""
        spender = self.spender(request)
        if not self.budgets.concern(spender):
            return True
        tokens = self.tariff.prompt_tokens(self.inner, request)
        return self.budgets.room(spender, self.tariff.most(tokens, self.catalogue, generator=self._name))

    def spender(self, request: GenerationRequest) -> Spender:
        """Return who calls what."""
        return Spender(generator=self._name, collection=request.question.collection, principal=request.principal)


@dataclass(slots=True)
class _Call:
    """One call: its reservation, its clock, and its end, of which there is exactly one."""

    meter: Metered
    request: GenerationRequest
    streamed: bool = False
    held: Held | None = None
    spender: Spender = field(init=False)
    begun: float = field(init=False)
    first: float | None = None
    shown: int = 0
    over: bool = False

    def __post_init__(self) -> None:
        self.spender = self.meter.spender(self.request)
        self.held = self._reserve()
        self.begun = time.perf_counter()

    def _reserve(self) -> Held | None:
        meter = self.meter
        if not meter.budgets.concern(self.spender):
            return None
        tokens = meter.tariff.prompt_tokens(meter.inner, self.request)
        most = meter.tariff.most(tokens, meter.catalogue, generator=meter.name)
        try:
            return meter.budgets.reserve(self.spender, most)
        except BudgetExceeded as full:
            count_budget_refusal(meter.name, self.spender.collection)
            record_refused(meter.recorder, self.request, full, generator=meter.name, most=most)
            raise

    def span(self) -> AbstractContextManager[Mark]:
        """The mark around the call."""
        meter = self.meter
        return generation_span(
            meter.name,
            location=meter.location,
            model=meter.tariff.model,
            provider=meter.tariff.provider,
            destination=meter.tariff.destination,
            data_class=self.request.data_class,
            collection=self.spender.collection,
            stream=self.streamed,
        )

    def show(self, piece: Masked) -> None:
        """Note a piece of text that goes on to the caller."""
        if self.first is None:
            self.first = time.perf_counter() - self.begun
        self.shown += len(piece.encode("utf-8", "replace"))

    def finish(self, generation: Generation, mark: Mark) -> Generation:
        """Book the call and return the generation with its account filled in."""
        meter, seconds = self.meter, time.perf_counter() - self.begun
        account = self._account(generation.account, seconds)
        generation = replace(generation, account=account)
        self._book(account, seconds)
        record_done(
            meter.recorder,
            self.request,
            generator=meter.name,
            location=meter.location,
            generation=generation,
            streamed=self.streamed,
            asked=meter.tariff.model,
        )
        mark.called(account, generation.checks)
        self._count(account, seconds)
        return generation

    def fail(self, error: BaseException) -> None:
        """Give the reservation back; or, where something came back, book by estimate what that must have used."""
        if self.over:  # the answer was booked; what failed came after it
            return
        meter, seconds = self.meter, time.perf_counter() - self.begun
        if self.shown or isinstance(error, GeneratorGarbled) or not isinstance(error, Exception) or _was_sent(error):
            prompt = meter.tariff.prompt_tokens(meter.inner, self.request)
            guess = TokenUsage(prompt, half_the_bytes(self.shown) if prompt else 0, estimated=True)
            self._book(self._account(Account(usage=guess), seconds), seconds)
        else:
            self.over = True
            meter.budgets.release(self.held)
        record_failed(
            meter.recorder,
            self.request,
            error,
            generator=meter.name,
            location=meter.location,
            streamed=self.streamed,
            ms=seconds * 1000,
        )
        self._count(Account(backend=meter.name), seconds, error)

    def _account(self, account: Account, seconds: float) -> Account:
        meter = self.meter
        cost = meter.tariff.cost_micro(
            account.usage, meter.catalogue, generator=meter.name, answered_by=account.model, seconds=seconds
        )
        latency = account.latency_ms or round(seconds * 1000, 2)
        first = latency if self.first is None else round(self.first * 1000, 2)
        return replace(
            account,
            backend=meter.name,
            location=meter.location,
            destination=account.destination or meter.tariff.destination,
            model=account.model or meter.tariff.model,
            cost_micro=cost,
            currency=meter.catalogue().currency if meter.tariff.model else account.currency,
            latency_ms=latency,
            ttft_ms=account.ttft_ms or first,
        )

    def _book(self, account: Account, seconds: float) -> None:
        self.over = True
        spent = Spent(
            usage=account.usage,
            model=plain_model(account.model),
            cost_micro=account.cost_micro,
            currency=account.currency,
            ms=round(seconds * 1000),
        )
        self.meter.budgets.settle(self.held, self.spender, spent)

    def _count(self, account: Account, seconds: float, error: BaseException | None = None) -> None:
        tariff = self.meter.tariff
        count_call(
            account,
            provider=tariff.provider,
            model=tariff.model,
            seconds=seconds,
            first_chunk=self.first if self.streamed else None,
            error=error,
        )


_MAY_HAVE_ARRIVED = frozenset({"deadline", "idle", "reset", "cut"})


def _was_sent(error: BaseException) -> bool:
    """Whether the prompt may have arrived though nothing came back: a provider bills that."""
    return isinstance(error, GenerationError) and error.code in _MAY_HAVE_ARRIVED
