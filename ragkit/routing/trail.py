"""What happened on the way to an answer: who was asked, what it used, and the event that says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ragkit.errors import BudgetExceeded, EgressRefused
from ragkit.protocols import Recorder
from ragkit.routing.meter_events import word_for
from ragkit.routing.plan import Step
from ragkit.types import Generation, GenerationRequest, TokenUsage


@dataclass(slots=True)
class Trail:
    """One question on its way through the router.

    Attributes:
        tried: Who was asked, in order; ``barred``: for whom a budget had no room.
        step: The last choice.
        larger: Who may take over from the small one.
        need: Estimated probability that the small one is wrong, the latest.
        shown: Seconds after which the first text went to the caller.
    """

    request: GenerationRequest
    tried: list[str] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)
    step: Step | None = None
    larger: str | None = None
    need: float = 0.0
    usage: TokenUsage = field(default_factory=TokenUsage)
    cost_micro: int | None = 0
    begun: float = field(default_factory=time.perf_counter)
    shown: float | None = None
    told: bool = False

    def add(self, generation: Generation) -> Generation:
        """Count what a call used; a cost that is not known makes the sum unknown."""
        account = generation.account
        self.usage = self.usage + account.usage
        unknown = self.cost_micro is None or account.cost_micro is None
        self.cost_micro = None if unknown else (self.cost_micro or 0) + (account.cost_micro or 0)
        return generation

    def keep(self, reason: str, *, larger: str, asked: bool) -> None:
        """Stay with the small one, because the larger one did not answer; ``asked``: whether it was asked."""
        if not asked and larger in self.tried:
            self.tried.remove(larger)
        if self.step is not None:
            self.step = replace(self.step, reason=reason)

    def show(self) -> None:
        """Note that text goes to the caller."""
        if self.shown is None:
            self.shown = time.perf_counter() - self.begun


def finish(recorder: Recorder, generation: Generation, trail: Trail) -> Generation:
    """Return the generation with the account of the whole way, and record the choice."""
    account, step = generation.account, trail.step
    assert step is not None
    if len(trail.tried) > 1:
        total = round((time.perf_counter() - trail.begun) * 1000, 2)
        first = total if trail.shown is None else round(trail.shown * 1000, 2)
        account = replace(account, latency_ms=total, ttft_ms=first)
    account = replace(
        account,
        backend=account.backend or step.name,
        route=step.route,
        reason=step.reason,
        attempts=len(trail.tried),
        usage=trail.usage,
        cost_micro=trail.cost_micro,
    )
    _record(recorder, trail, location=account.location.value)
    return replace(generation, account=account)


@contextmanager
def recorded(recorder: Recorder, trail: Trail) -> Iterator[None]:
    """Record a question that nobody answered."""
    try:
        yield
    except (Exception, GeneratorExit) as failed:
        if not trail.told:
            denied = isinstance(failed, (EgressRefused, BudgetExceeded))
            left = isinstance(failed, GeneratorExit)
            outcome = "denied" if denied else "degraded" if left else "error"
            _record(recorder, trail, outcome=outcome, reason="left" if left else word_for(failed))
        raise


def why_replaced(small: Generation) -> str:
    """Return the word for why an answer of the small generator is replaced."""
    checks = small.checks
    if small.refused:
        return "small-refused"
    if small.account.finish == "length":
        return "cut"
    if checks.unsupported_numbers or checks.unsupported_sentences or checks.invented_citations:
        return "unsupported"
    return "need"


def why_kept(failed: Exception) -> str:
    """Return the word for why the small generator's answer stands though it should have been replaced."""
    if isinstance(failed, BudgetExceeded):
        return "budget"
    return "large-forbidden" if isinstance(failed, EgressRefused) else "large-failed"


def _record(recorder: Recorder, trail: Trail, *, location: str = "", outcome: str = "ok", reason: str = "") -> None:
    trail.told = True
    request, step = trail.request, trail.step
    data: dict[str, object] = {
        "collection": request.question.collection,
        "data_class": request.data_class.value,
        "attempts": len(trail.tried),
        "tried": list(trail.tried),
        "need_u": round(trail.need * 1_000_000),
    }
    if step is not None:
        data |= {"generator": step.name, "route": step.route}
        if step.rule is not None:
            data["rule"] = step.rule
    if location:
        data["location"] = location
    recorder.record(
        "route.chosen",
        outcome=outcome,
        reason=reason or (step.reason if step else ""),
        request=request.request_id or None,
        actor=request.principal,
        data=data,
        session=request.conversation.id,
    )
