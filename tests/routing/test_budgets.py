"""Budgets: which of them a call falls under, what a refusal says, and what is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ragkit.config_answering import BudgetSection
from ragkit.errors import BudgetExceeded
from ragkit.routing.accounts import Spender, Spent
from ragkit.routing.budgets import Budgets, Most, first_day, in_micro
from ragkit.routing.ledger import UsageLedger
from ragkit.types import Principal, TokenUsage

ANA = Principal("local|ana", frozenset({"crm|sales"}))
BEN = Principal("local|ben")

Make = Callable[..., Budgets]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Budgets over one ledger whose clock stands still."""
    ledger = UsageLedger(tmp_path / "usage.db", key=b"k" * 32, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))

    def budgets(*sections: dict[str, object], small: str = "small") -> Budgets:
        return Budgets(
            [BudgetSection.model_validate(one) for one in sections], ledger, currency=lambda: "USD", small=small
        )

    return budgets


def spend(budgets: Budgets, spender: Spender, tokens: int, cost: int | None = None) -> None:
    """Reserve and use it all."""
    held = budgets.reserve(spender, Most(tokens, cost))
    budgets.settle(held, spender, Spent(usage=TokenUsage(tokens, 0), cost_micro=cost))


def test_without_budgets_nothing_is_reserved_and_all_is_booked(make: Make) -> None:
    """Usage is known also where nothing is limited."""
    budgets = make()
    assert budgets.reserve(Spender(generator="small"), Most(10, None)) is None
    spend(budgets, Spender(generator="small"), 10)
    assert make({"tokens": 100}).states(None)[0].tokens_left == 90


def test_each_has_an_own_budget(make: Make) -> None:
    """What one principal used up another still has; nobody in particular is one principal more."""
    budgets = make({"tokens": 100, "principal": "each"})
    for principal in (ANA, BEN, None):
        spend(budgets, Spender(generator="small", principal=principal), 100)
        with pytest.raises(BudgetExceeded):
            budgets.reserve(Spender(generator="small", principal=principal), Most(1, None))


def test_a_group_shares_one(make: Make) -> None:
    """A budget of an access token counts the calls of all who hold it, and of no other."""
    budgets = make({"tokens": 100, "principal": "g:crm|sales"})
    spend(budgets, Spender(generator="small", principal=ANA), 80)
    spend(budgets, Spender(generator="small", principal=BEN), 500)
    other = Spender(generator="small", principal=Principal("local|eve", frozenset({"crm|sales"})))
    with pytest.raises(BudgetExceeded):
        budgets.reserve(other, Most(21, None))
    spend(budgets, other, 20)


def test_every_budget_must_have_room(make: Make) -> None:
    """The narrowest decides, and the refusal names it by its place."""
    budgets = make({"tokens": 1_000}, {"tokens": 50, "collection": "care"}, {"tokens": 9, "generator": "large"})
    with pytest.raises(BudgetExceeded, match=r"budgets\[1\]") as refused:
        budgets.reserve(Spender(generator="small", collection="care"), Most(51, None))
    assert (refused.value.then, refused.value.budget) == ("refuse", 1)
    assert "ragkit usage" in refused.value.remedy
    spend(budgets, Spender(generator="small", collection="law"), 900)
    with pytest.raises(BudgetExceeded, match=r"budgets\[2\]"):
        budgets.reserve(Spender(generator="large", collection="law"), Most(10, None))


def test_money_without_a_price_is_refused_with_a_remedy(make: Make) -> None:
    """A budget in money cannot count what has no price, so nothing of it is spent."""
    budgets = make({"cost": "0.50"})
    with pytest.raises(BudgetExceeded, match="no known price") as refused:
        budgets.reserve(Spender(generator="small"), Most(1, None))
    assert "[prices] file" in refused.value.remedy
    spend(budgets, Spender(generator="small"), 10, cost=500_000)
    with pytest.raises(BudgetExceeded, match="no room"):
        budgets.reserve(Spender(generator="small"), Most(1, 1))
    assert budgets.states(None)[0].cost_micro_left == 0


def test_a_budget_that_degrades_leaves_the_small_one_open(make: Make) -> None:
    """``then = "small"``: the small generator goes on, and what it uses counts against the others."""
    budgets = make({"tokens": 100, "then": "small"})
    spend(budgets, Spender(generator="small"), 5_000)
    with pytest.raises(BudgetExceeded) as refused:
        budgets.reserve(Spender(generator="large"), Most(1, None))
    assert refused.value.then == "small"
    assert budgets.room(Spender(generator="small"), Most(10**9, None))
    assert not budgets.room(Spender(generator="large"), Most(1, None))


def test_periods_begin_in_utc_and_limits_round_down() -> None:
    """A month on its first, a day on itself; half a millionth is not money."""
    assert first_day(date(2026, 11, 22), "month") == date(2026, 11, 1)
    assert first_day(date(2026, 11, 22), "day") == date(2026, 11, 22)
    assert in_micro(Decimal("0.0000019")) == 1
    assert in_micro(None) is None
