"""The records of the ledger: who spends, what is reserved, what was spent, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from ragkit.types import Principal, TokenUsage

NOBODY = "u:"
"""The token of whoever asks without a principal; no access token of ``ragkit.toml`` is written like this."""


def own_token(principal: Principal | None) -> str:
    """Return the access token that one principal alone holds."""
    return f"u:{principal.subject}" if principal else NOBODY


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """Who calls what."""

    generator: str
    collection: str = ""
    principal: Principal | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A budget as the ledger counts it; ``None`` does not restrict.

    Attributes:
        number: Place of its section in ``ragkit.toml``, from 0.
        since: First day of the period.
        holder: Keyed hash of the access token whose calls count.
        generator: Only its calls count; ``collection`` likewise.
    """

    number: int
    since: date
    holder: bytes | None = None
    generator: str | None = None
    collection: str | None = None
    tokens: int | None = None
    cost_micro: int | None = None
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What of a limit is spent and reserved."""

    limit: Limit
    tokens: int
    cost_micro: int

    def takes(self, tokens: int, cost_micro: int | None) -> bool:
        """Whether this much more fits. Without a known cost nothing fits a limit in money."""
        fits = self.limit.tokens is None or self.tokens + tokens <= self.limit.tokens
        if self.limit.cost_micro is None:
            return fits
        return fits and cost_micro is not None and self.cost_micro + cost_micro <= self.limit.cost_micro


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation. ``day`` is the day it was made, on which its call is booked."""

    id: int
    spender: Spender
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """One call as it came out. ``cost_micro`` is ``None`` where there is no price."""

    usage: TokenUsage
    model: str = ""
    cost_micro: int | None = None
    currency: str = "USD"
    ms: int = 0
