"""Limits on tokens and money: what ``[[budgets]]`` says, held before each call.

::

    budgets = Budgets(config.budgets, ledger, catalogue, small="small")
    held = budgets.reserve(spender, most)      # or BudgetExceeded
    budgets.settle(held, spent)                # or budgets.release(held)

Every budget that a call falls under must have room for the most that the call can use: its prompt by an upper estimate
and all the tokens its answer may have. What was not used is given back when the call is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from ragkit.config_answering import BudgetSection
from ragkit.errors import BudgetExceeded
from ragkit.routing.accounts import Held, Limit, Spender, Spent, Standing, own_token
from ragkit.routing.ledger import UsageLedger
from ragkit.routing.prices import MILLION
from ragkit.types import Principal


@dataclass(frozen=True, slots=True)
class Most:
    """The most a call can use. ``cost_micro`` is ``None`` where no price is known."""

    tokens: int
    cost_micro: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """A budget and what is left of it, for one principal where it is each one's own."""

    number: int
    section: BudgetSection
    since: date
    tokens_used: int
    cost_micro_used: int
    currency: str

    @property
    def tokens_left(self) -> int | None:
        """Tokens left in the period; ``None`` where none are limited."""
        return None if self.section.tokens is None else max(self.section.tokens - self.tokens_used, 0)

    @property
    def cost_micro_left(self) -> int | None:
        """Money left in the period, in millionths."""
        limit = in_micro(self.section.cost)
        return None if limit is None else max(limit - self.cost_micro_used, 0)


class Budgets:
    """The budgets of a workspace.

    Args:
        sections: In the order of ``ragkit.toml``.
        ledger: Counts.
        currency: Gives that of the catalogue of prices; what was booked in another does not count.
        small: Name of the generator that a used-up budget with ``then = "small"`` leaves open.
    """

    def __init__(
        self,
        sections: Sequence[BudgetSection],
        ledger: UsageLedger,
        *,
        currency: Callable[[], str],
        small: str = "extractive",
    ) -> None:
        self._sections = tuple(sections)
        self._ledger = ledger
        self._currency = currency
        self._small = small

    def concern(self, spender: Spender) -> bool:
        """Whether any budget counts this spender's calls."""
        return next(self._concerning(spender), None) is not None

    def reserve(self, spender: Spender, most: Most) -> Held | None:
        """Set the most that a call can use aside; ``None`` when no budget concerns it.

        Raises:
            BudgetExceeded: It does not fit; ``then`` says what the budget wants instead.
            StoreError: The ledger cannot be written.
        """
        limits = list(self._concerning(spender))
        if not limits:
            return None
        held = self._ledger.reserve(spender, tokens=most.tokens, cost_micro=most.cost_micro, limits=limits)
        if isinstance(held, Standing):
            raise self._refusal(held, most)
        return held

    def room(self, spender: Spender, most: Most) -> bool:
        """Whether the call would fit now. Reserves nothing."""
        limits = list(self._concerning(spender))
        return all(one.takes(most.tokens, most.cost_micro) for one in self._ledger.standing(limits)) if limits else True

    def settle(self, held: Held | None, spender: Spender, spent: Spent) -> None:
        """Book a call that is over, in place of its reservation if it has one."""
        if held is None:
            self._ledger.book(spender, spent)
        else:
            self._ledger.settle(held, spent)

    def release(self, held: Held | None) -> None:
        """Give a reservation back: the call failed and nothing was spent."""
        if held is not None:
            self._ledger.release(held)

    def states(self, principal: Principal | None) -> list[BudgetState]:
        """Return every budget with what is used; of one that is each principal's own, this one's."""
        limits = [self._limit(number, section, principal) for number, section in enumerate(self._sections)]
        return [
            BudgetState(
                number=one.limit.number,
                section=self._sections[one.limit.number],
                since=one.limit.since,
                tokens_used=one.tokens,
                cost_micro_used=one.cost_micro,
                currency=self._money(self._sections[one.limit.number]),
            )
            for one in self._ledger.standing(limits)
        ]

    def _concerning(self, spender: Spender) -> Iterator[Limit]:
        tokens = spender.principal.tokens if spender.principal else frozenset()
        for number, section in enumerate(self._sections):
            here = section.collection in (None, spender.collection)
            calls = section.generator in (None, spender.generator)
            whose = section.principal in (None, "each") or section.principal in tokens
            open_still = section.then == "small" and spender.generator == self._small
            if here and calls and whose and not open_still:
                yield self._limit(number, section, spender.principal)

    def _limit(self, number: int, section: BudgetSection, principal: Principal | None) -> Limit:
        holder = own_token(principal) if section.principal == "each" else section.principal
        return Limit(
            number=number,
            since=first_day(self._ledger.today(), section.period),
            holder=None if holder is None else self._ledger.hash_token(holder),
            generator=section.generator,
            collection=section.collection,
            tokens=section.tokens,
            cost_micro=in_micro(section.cost),
            currency=self._money(section),
        )

    def _money(self, section: BudgetSection) -> str:
        return "USD" if section.cost is None else self._currency()

    def _refusal(self, standing: Standing, most: Most) -> BudgetExceeded:
        number = standing.limit.number
        section = self._sections[number]
        if section.cost is not None and most.cost_micro is None:
            return BudgetExceeded(
                f"budgets[{number}] limits money, and this generator has no known price",
                then=section.then,
                budget=number,
                remedy="Write its price, or 0, in a catalogue of your own: `[prices] file` in ragkit.toml.",
            )
        return BudgetExceeded(
            f"budgets[{number}] has no room for this call until the next {section.period} begins (UTC)",
            then=section.then,
            budget=number,
            remedy="Wait, raise it in ragkit.toml, or lower `[answers] max_tokens`: `ragkit usage` shows what is left.",
        )


def first_day(today: date, period: str) -> date:
    """Return the day on which the period of ``today`` began."""
    return today.replace(day=1) if period == "month" else today


def in_micro(amount: Decimal | None) -> int | None:
    """Return money in millionths, rounded down: a limit is never more than was written."""
    return None if amount is None else int((amount * MILLION).to_integral_value(ROUND_FLOOR))
