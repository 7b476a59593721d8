"""Figures about calls: how long, how many tokens, how dear. Attributes pass the same gate as those of spans."""

from __future__ import annotations

from threading import Lock

from ragkit.telemetry import names
from ragkit.telemetry.attributes import dropped, error_type, permitted
from ragkit.telemetry.sources import instruments_now
from ragkit.telemetry.spans import operation
from ragkit.types import Account

_lock = Lock()
_told: dict[str, int] = {}


def count_call(
    account: Account,
    *,
    provider: str,
    model: str,
    seconds: float,
    first_chunk: float | None = None,
    error: BaseException | None = None,
) -> None:
    """Count one call of a generator.

    Args:
        account: What it used; of a failed call only its ``backend`` is read.
        provider: As its destination names it.
        model: The model asked for; empty for a generator without one.
        seconds: From the call to its end.
        first_chunk: Seconds to the first text, of a streamed call.
        error: What it failed with.
    """
    instruments = instruments_now()
    if instruments is None:
        return
    about = operation(account.backend, model=model, provider=provider)
    failed = {names.ERROR_TYPE: error_type(error)} if error is not None else {}
    instruments.duration.record(seconds, permitted({**about, **failed}))
    if first_chunk is not None:
        instruments.first_chunk.record(first_chunk, permitted(about))
    if error is None and model:
        for kind, tokens in (("input", account.usage.input), ("output", account.usage.output)):
            instruments.tokens.record(tokens, permitted({**about, names.TOKEN_TYPE: kind}))
    if error is None and account.cost_micro is not None:
        instruments.cost.add(account.cost_micro, permitted({**about, names.CURRENCY: account.currency}))
    _tell_dropped()


def count_budget_refusal(generator: str, collection: str) -> None:
    """Count a call for which a budget had no room."""
    instruments = instruments_now()
    if instruments is not None:
        instruments.budget.add(1, permitted({names.GENERATOR: generator, names.COLLECTION: collection}))


def _tell_dropped() -> None:
    instruments, now = instruments_now(), dropped()
    with _lock:
        new = now - _told.get("all", 0)
        _told["all"] = now
    if instruments is not None and new > 0:
        instruments.dropped.add(new)
