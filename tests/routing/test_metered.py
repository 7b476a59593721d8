"""The meter around a generator: reservation, booking, event, and streams that end early or badly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ragkit.config_answering import BudgetSection
from ragkit.errors import BudgetExceeded, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.routing.accounts import Limit
from ragkit.routing.budgets import Budgets
from ragkit.routing.ledger import UsageLedger
from ragkit.routing.metered import Metered
from ragkit.routing.prices import Catalogue, Price
from ragkit.routing.tariff import Tariff
from ragkit.types import (
    Checks,
    DataClass,
    Generation,
    GenerationRequest,
    Location,
    Masked,
    Message,
    ModelCall,
    Principal,
    TokenUsage,
)

from .conftest import CANARY, EventLog, Scripted, make_request

CATALOGUE = Catalogue(
    prices=(Price(provider="openai", models=("made-1",), input=Decimal(2), output=Decimal(10)),),
    dated=datetime(2026, 11, 1, tzinfo=UTC).date(),
    currency="EUR",
)
PAID = Tariff(provider="openai", model="made-1", destination="far", max_tokens=100)

Meter = Callable[..., Metered]


class Prepared(Scripted):
    """One that shows the prompt it would send."""

    def prepare(self, request: GenerationRequest) -> ModelCall:
        return ModelCall(messages=(Message("user", Masked("x" * 400)),), data_class=request.data_class)


@pytest.fixture
def ledger(tmp_path: Path) -> UsageLedger:
    """A ledger whose clock stands still."""
    return UsageLedger(tmp_path / "usage.db", key=b"k" * 32, clock=lambda: datetime(2026, 11, 22, tzinfo=UTC))


@pytest.fixture
def meter(ledger: UsageLedger, log: EventLog) -> Meter:
    """Put a meter on a generator."""

    def put(generator: Any, tariff: Tariff = PAID, **section: object) -> Metered:
        sections = [BudgetSection.model_validate(section)] if section else []
        budgets = Budgets(sections, ledger, currency=lambda: CATALOGUE.currency)
        return Metered(generator, tariff, budgets=budgets, catalogue=lambda: CATALOGUE, recorder=log)

    return put


def test_a_call_is_booked_with_its_cost_and_leaves_its_event(meter: Meter, ledger: UsageLedger, log: EventLog) -> None:
    """Tokens, cost, model and times are in the account, the ledger and the event alike."""
    checks = Checks(unsupported_numbers=2, invented_citations=1)
    made = Scripted("large", location=Location.REMOTE, usage=TokenUsage(1_000, 50), checks=checks)
    generation = meter(made).generate(make_request(principal=Principal("local|ana")))
    account = generation.account
    assert (account.backend, account.location, account.destination) == ("large", Location.REMOTE, "far")
    assert (account.cost_micro, account.currency) == (2_500, "EUR")
    assert account.latency_ms > 0
    row = ledger.rows()[0]
    assert (row["input"], row["output"], row["cost_micro"], row["unpriced"]) == (1_000, 50, 2_500, 0)
    assert (row["generator"], row["model"], row["collection"]) == ("large", "made-1", "handbook")
    event = log.last("generation.done")
    assert (event["input"], event["output"], event["cost_micro"], event["currency"]) == (1_000, 50, 2_500, "EUR")
    assert (event["unsupported_numbers"], event["invented_citations"], event["model"]) == (2, 1, "made-1")
    assert CANARY not in repr(log.events)


def test_an_unknown_model_costs_none_and_never_nothing(meter: Meter, ledger: UsageLedger) -> None:
    """No price: the account says ``None`` and the ledger counts an unpriced call."""
    unknown = Tariff(provider="vllm", model="qwen3-4b")
    generation = meter(Scripted("small", model="Qwen/Qwen3-4B"), unknown).generate(make_request())
    assert generation.account.cost_micro is None
    row = ledger.rows()[0]
    assert (row["cost_micro"], row["unpriced"], row["model"]) == (0, 1, "Qwen:Qwen3-4B")


def test_a_generator_without_a_model_costs_nothing(meter: Meter, ledger: UsageLedger) -> None:
    """``extractive`` calls no model: no tokens, no cost, and a budget in money lets it through."""
    made = Scripted("extractive", model="", usage=TokenUsage())
    generation = meter(made, Tariff(), cost="0.01").generate(make_request())
    assert generation.account.cost_micro == 0
    assert ledger.rows()[0]["calls"] == 1


def test_a_call_that_does_not_fit_is_not_made(meter: Meter, log: EventLog) -> None:
    """The most it can use is looked at before: prompt and longest answer."""
    made = Prepared("large")
    asked = meter(made, tokens=315)  # 400 bytes are at most 200 tokens and 16 around them; 100 for the answer
    with pytest.raises(BudgetExceeded):
        asked.generate(make_request())
    assert made.calls == 0
    event = log.last("budget.refused")
    assert (event["tokens"], event["outcome"], event["reason"], event["priced"]) == (316, "denied", "budget", True)
    assert meter(made, tokens=316).room(make_request())
    meter(made, tokens=316).generate(make_request())
    assert made.calls == 1


def test_the_models_own_count_is_taken_where_it_is_more(meter: Meter) -> None:
    """A tokenizer that makes a token a character cannot overspend a budget."""
    tariff = Tariff(provider="openai", model="made-1", max_tokens=100, count_tokens=len)
    assert not meter(Prepared("large"), tariff, tokens=515).room(make_request())
    assert meter(Prepared("large"), tariff, tokens=516).room(make_request())


def test_what_is_unused_is_given_back(meter: Meter) -> None:
    """A second call fits although both reservations together would not."""
    asked = meter(Prepared("large", usage=TokenUsage(100, 10)), tokens=600)
    for _ in range(3):
        asked.generate(make_request())
    with pytest.raises(BudgetExceeded):
        asked.generate(make_request())


def test_a_failed_call_gives_its_reservation_back(meter: Meter, ledger: UsageLedger, log: EventLog) -> None:
    """Nothing is booked, and the event has the error's word and not its message."""
    failing = Prepared("large", error=GeneratorUnavailable(CANARY, code="timeout", remedy=CANARY))
    asked = meter(failing, tokens=400)
    for _ in range(3):
        with pytest.raises(GeneratorUnavailable):
            asked.generate(make_request())
    assert ledger.rows() == []
    event = log.last("generation.done")
    assert (event["outcome"], event["reason"]) == ("error", "timeout")
    assert CANARY not in repr(log.events)


def test_a_stream_gives_its_pieces_and_is_booked_once(meter: Meter, ledger: UsageLedger) -> None:
    """Pieces as they come, the generation last, with the wait for the first of them."""
    said = list(meter(Prepared("large"), tokens=400).stream(make_request()))
    assert said[:2] == ["The warranty is five years. ", "[1]"]
    last = said[-1]
    assert isinstance(last, Generation)
    assert 0 < last.account.ttft_ms <= last.account.latency_ms
    assert [row["calls"] for row in ledger.rows()] == [1]


def test_a_stream_that_is_left_is_booked_by_estimate(meter: Meter, ledger: UsageLedger, log: EventLog) -> None:
    """The provider has read the prompt and written something: both count, marked as estimated."""
    made = Prepared("large")
    stream = meter(made, tokens=400).stream(make_request())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert made.closed == 1
    row = ledger.rows()[0]
    assert (row["input"], row["output"], row["estimated"]) == (216, 14, 1)
    event = log.last("generation.done")
    assert (event["outcome"], event["reason"]) == ("degraded", "left")
    assert ledger.standing([Limit(number=0, since=date(2026, 11, 1), tokens=1)])[0].tokens == 230


def test_a_stream_that_breaks_after_text_is_booked_too(meter: Meter, ledger: UsageLedger) -> None:
    """Nothing is booked of a server that is not there; of one that may have read the prompt an estimate is."""
    gone, absent = (GeneratorUnavailable("gone", code=code) for code in ("reset", "connect"))
    with pytest.raises(GeneratorUnavailable):
        list(meter(Prepared("large", error=absent), tokens=400).stream(make_request()))
    assert ledger.rows() == []
    with pytest.raises(GeneratorUnavailable):
        list(meter(Prepared("large", error=gone, fails_after=1), tokens=400).stream(make_request()))
    row = ledger.rows()[0]
    assert (row["input"], row["output"], row["estimated"]) == (216, 14, 1)


def test_rubbish_in_reply_was_paid_for(meter: Meter, ledger: UsageLedger) -> None:
    """Whoever answered has read the prompt, whatever came back."""
    with pytest.raises(GeneratorGarbled):
        meter(Prepared("large", error=GeneratorGarbled("empty")), tokens=400).generate(make_request())
    row = ledger.rows()[0]
    assert (row["input"], row["output"], row["estimated"]) == (216, 0, 1)


def test_where_no_prompt_can_be_made_nothing_is_reserved(meter: Meter) -> None:
    """Without hits a prompted generator refuses by itself, also when its budget is used up."""

    class Unprepared(Scripted):
        def prepare(self, request: GenerationRequest) -> ModelCall:
            raise GeneratorRefused("not even one passage fits")

    made = Unprepared("large", refused=True, reason="no-hits", usage=TokenUsage())
    assert meter(made, tokens=1).generate(make_request(hits=0)).reason == "no-hits"


def test_a_stream_without_an_end_is_garbled(meter: Meter) -> None:
    """A generator that never yields its generation has not answered."""

    class Endless(Scripted):
        def stream(self, request: GenerationRequest) -> Any:
            yield Masked("text")

    with pytest.raises(GeneratorGarbled):
        list(meter(Endless("large")).stream(make_request()))


def test_no_byte_of_the_ledger_holds_content(meter: Meter, tmp_path: Path) -> None:
    """Question, chunks, answer and principal hold the canary; the file does not."""
    made = Scripted("large", pieces=(f"{CANARY} said five years.",), model=f"{CANARY} is no model's name")
    request = make_request(principal=Principal(f"local|{CANARY}"), data_class=DataClass.PUBLIC)
    meter(made, tokens=10**6, principal="each").generate(request)
    list(meter(made).stream(request))
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"handbook" in raw
    assert CANARY.encode() not in raw
    assert CANARY.lower().encode() not in raw.lower()


def test_what_is_outside_is_not_free_for_want_of_a_name(meter: Meter, ledger: UsageLedger) -> None:
    """A generator elsewhere that names no model has no price: unknown, not 0; no budget in money takes it."""
    made = Scripted("odd", location=Location.REMOTE, model="")
    assert meter(made, Tariff()).generate(make_request()).account.cost_micro is None
    assert ledger.rows()[0]["unpriced"] == 1
    with pytest.raises(BudgetExceeded):
        meter(made, Tariff(), cost="1").generate(make_request())


def test_a_budget_counts_the_money_of_the_catalogue(meter: Meter) -> None:
    """The catalogue is in euros, and what was spent in euros counts."""
    asked = meter(Prepared("large", usage=TokenUsage(216, 100)), cost="0.003")
    asked.generate(make_request())
    asked.generate(make_request())
    with pytest.raises(BudgetExceeded, match="no room"):
        asked.generate(make_request())
