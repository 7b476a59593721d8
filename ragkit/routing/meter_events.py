"""The events of metered calls: counts and words, in the shapes of the catalogue of events."""

from __future__ import annotations

import re
from typing import Any

from ragkit.errors import BudgetExceeded, GenerationError
from ragkit.protocols import Recorder
from ragkit.routing.budgets import Most
from ragkit.telemetry.attributes import error_type
from ragkit.types import Generation, GenerationRequest, Location

_MODEL = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z.+:_-]{0,99}")
_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+){0,5}")
_MOST_PLACED = 1_000
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def plain_model(name: str) -> str:
    """Return a model's name as events and the ledger may hold it: ``org/model`` as ``org:model``, else ``other``."""
    plain = name.replace("/", ":")
    return plain if not plain or _MODEL.fullmatch(plain) else "other"


def word_for(error: BaseException) -> str:
    """Return a short word for an error: its ``code``, or its class as ``generator-garbled``; ``fault`` if foreign."""
    code = error.code if isinstance(error, GenerationError) else ""
    if code and len(code) <= 48 and _WORD.fullmatch(code):
        return code
    kind = error_type(error)
    return "fault" if kind == "_OTHER" else _CAMEL.sub("-", kind).lower()


def record_done(
    recorder: Recorder,
    request: GenerationRequest,
    *,
    generator: str,
    location: Location,
    generation: Generation,
    streamed: bool,
    asked: str = "",
) -> None:
    """Record a call that answered or refused; ``asked`` is the model asked for, the generation's the one that answered.

    A generator without a model of its own reads every hit.
    """
    account, checks = generation.account, generation.checks
    used = account.usage
    data: dict[str, Any] = {
        "input": used.input,
        "output": used.output,
        "cached_input": used.cached_input,
        "reasoning": used.reasoning,
        "estimated": used.estimated,
        "ms": round(account.latency_ms),
        "ttft_ms": round(account.ttft_ms),
        "refused": generation.refused,
        "finish": account.finish,
        "invented_citations": checks.invented_citations,
        "unsupported_sentences": checks.unsupported_sentences,
        "unsupported_numbers": checks.unsupported_numbers,
        "sanitised": checks.sanitised,
        "unknown_tokens": checks.unknown_tokens,
    }
    if account.cost_micro is not None:
        data |= {"cost_micro": account.cost_micro, "currency": account.currency}
    named = {"model": plain_model(account.model), "prompt": account.prompt, "destination": account.destination}
    data |= {key: value for key, value in (named | {"asked": plain_model(asked)}).items() if value}
    placed = account.placed if account.prompt else [hit.chunk_id for hit in request.hits]
    if placed:
        data["placed"] = list(placed)[:_MOST_PLACED]
    if account.max_tokens:
        data |= {"max_tokens": account.max_tokens, "temperature_u": round(account.temperature * 1_000_000)}
    if account.seed is not None:
        data["seed"] = account.seed & 0x7FFF_FFFF_FFFF_FFFF
    _record(recorder, request, generator, location, streamed=streamed, data=data)


def record_failed(
    recorder: Recorder,
    request: GenerationRequest,
    error: BaseException,
    *,
    generator: str,
    location: Location,
    streamed: bool,
    ms: float,
) -> None:
    """Record a call that failed, or was left before its end."""
    left = isinstance(error, GeneratorExit)
    _record(
        recorder,
        request,
        generator,
        location,
        streamed=streamed,
        data={"ms": round(ms)},
        outcome="degraded" if left else "error",
        reason="left" if left else word_for(error),
    )


def record_refused(
    recorder: Recorder, request: GenerationRequest, error: BudgetExceeded, *, generator: str, most: Most
) -> None:
    """Record a call for which a budget had no room."""
    data: dict[str, Any] = {
        "collection": request.question.collection,
        "generator": generator,
        "budget": error.budget,
        "then": error.then,
        "tokens": most.tokens,
        "priced": most.cost_micro is not None,
    }
    if most.cost_micro is not None:
        data["cost_micro"] = most.cost_micro
    recorder.record(
        "budget.refused",
        outcome="denied",
        reason="budget" if most.cost_micro is not None else "no-price",
        request=request.request_id or None,
        actor=request.principal,
        data=data,
        session=request.conversation.id,
    )


def _record(
    recorder: Recorder,
    request: GenerationRequest,
    generator: str,
    location: Location,
    *,
    streamed: bool,
    data: dict[str, Any],
    outcome: str = "ok",
    reason: str = "",
) -> None:
    about = {
        "collection": request.question.collection,
        "generator": generator,
        "location": location.value,
        "data_class": request.data_class.value,
        "streamed": streamed,
    }
    recorder.record(
        "generation.done",
        outcome=outcome,
        reason=reason,
        request=request.request_id or None,
        actor=request.principal,
        data=about | data,
        session=request.conversation.id,
    )
