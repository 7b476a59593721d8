"""What an open workspace has spent, and what its budgets have left: the figures behind ``ragkit usage``."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from ragkit.config import Config
from ragkit.handles import Handles
from ragkit.roles import require
from ragkit.routing.accounts import own_token
from ragkit.routing.budgets import BudgetState
from ragkit.types import Principal

By = Literal["day", "generator", "model", "collection", "principal"]

_SUMS = ("calls", "input", "output", "cached_input", "reasoning", "estimated", "cost_micro", "unpriced", "ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """What was used under one heading, in one currency.

    Attributes:
        key: One value for each of the headings asked for.
        estimated: Calls whose tokens the server did not count.
        cost_micro: Millionths of ``currency``; ``None`` where no call had a price.
        unpriced: Calls without a known price; they are not in ``cost_micro``.
    """

    key: tuple[str, ...]
    currency: str
    calls: int = 0
    input: int = 0
    output: int = 0
    cached_input: int = 0
    reasoning: int = 0
    estimated: int = 0
    cost_micro: int | None = None
    unpriced: int = 0
    ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A report of usage.

    Attributes:
        totals: One row a currency.
        budgets: As they stand for the principal who asks.
        prices_dated: Day of the catalogue of prices.
        prices_stale: Whether it is older than 60 days.
    """

    by: tuple[By, ...]
    rows: tuple[UsageRow, ...] = ()
    totals: tuple[UsageRow, ...] = ()
    budgets: tuple[BudgetState, ...] = field(default=(), repr=False)
    prices_dated: date
    prices_stale: bool


def usage_of(
    handles: Handles,
    *,
    by: Sequence[By] = ("day",),
    since: date | None = None,
    until: date | None = None,
    principal: Principal | None = None,
    budgets_of: Principal | None = None,
) -> Usage:
    """Return what was used from ``since`` to ``until``, both days included, in UTC.

    Principals are keyed hashes in the ledger. The owner and whoever ``ragkit.toml`` names are shown by name, all others
    by a short form of the hash.

    Args:
        handles: The open workspace.
        by: Headings, outermost first.
        since: First day; by default the first there is.
        until: Last day; by default the last there is.
        principal: Who asks, an operator; by default the owner.
        budgets_of: Of budgets that are each principal's own, this one's is shown; by default who asks.

    Raises:
        AccessDenied: No operator.
        StoreError: The ledger cannot be read, or nothing was ever synced.
        ConfigError: The catalogue of prices is refused.
    """
    asking = require(handles, "operator", verb="usage", principal=principal, tell=True)
    spending = handles.spending
    known = {spending.ledger.hash_token(token): name for token, name in _nameable(handles.config)}
    rows = [_named(row, known) for row in spending.ledger.rows(since=since, until=until)]
    catalogue = spending.catalogue()
    return Usage(
        by=tuple(by),
        rows=tuple(_summed(rows, by)),
        totals=tuple(_summed(rows, ())),
        budgets=tuple(spending.budgets.states(budgets_of or asking)),
        prices_dated=catalogue.dated,
        prices_stale=catalogue.is_stale(spending.ledger.today()),
    )


def _nameable(config: Config) -> Iterator[tuple[str, str]]:
    """Access tokens of single principals whom the configuration names, with their names."""
    yield own_token(None), "nobody"
    for text in _texts(config.model_dump(mode="python")):
        if text.startswith("u:"):
            yield text, text.removeprefix("u:")
    yield own_token(config.workspace.principal), config.workspace.principal.subject


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _texts(inner)


def _named(row: Mapping[str, Any], known: Mapping[bytes, str]) -> dict[str, Any]:
    subject = row["subject"]
    short = base64.b32encode(subject[:5]).decode().lower()
    return {**row, "principal": known.get(subject, f"#{short}")}


def _summed(rows: Iterable[Mapping[str, Any]], by: Sequence[str]) -> list[UsageRow]:
    sums: dict[tuple[tuple[str, ...], str], dict[str, int]] = {}
    for row in rows:
        key = tuple(str(row[heading]) for heading in by), str(row["currency"])
        held = sums.setdefault(key, dict.fromkeys(_SUMS, 0))
        for name in _SUMS:
            held[name] += row[name]
    return [
        UsageRow(
            key=key,
            currency=currency,
            **{**held, "cost_micro": None if held["unpriced"] == held["calls"] else held["cost_micro"]},  # type: ignore[arg-type]
        )
        for (key, currency), held in sorted(sums.items())
    ]
