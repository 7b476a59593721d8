"""The router: small first, large where policy, need and budget allow it, and never further out after a failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ragkit.config_answering import RoutingSection
from ragkit.errors import (
    AuditUnavailable,
    BudgetExceeded,
    EgressLeak,
    EgressRefused,
    GeneratorGarbled,
    GeneratorRefused,
    GeneratorUnavailable,
)
from ragkit.routing.router import Router
from ragkit.types import Account, Checks, DataClass, Generation, Location, Principal, TokenUsage

from .conftest import EventLog, Scripted, make_request

DOWN = GeneratorUnavailable("down", code="unreachable")
CEILING = {"extractive": 3, "small": 2, "large": 1, "other": 3}
CLASSES = list(DataClass)

MakeRouter = Callable[..., Router]


@pytest.fixture
def make(log: EventLog) -> MakeRouter:
    """A router over generators of these names; content goes up to each one's ceiling."""

    def router(*generators: Scripted, need: float = 0.3, room: Any = None, after: Any = None, **section: Any) -> Router:
        by_name: Mapping[str, Scripted] = {one.name: one for one in generators}
        return Router(
            by_name,
            RoutingSection.model_validate(section),
            default=generators[0].name,
            allowed=lambda name, data_class: CLASSES.index(data_class) <= CEILING[name],
            need=lambda _request: need,
            after=after,
            room=room,
            recorder=log,
        )

    return router


def small(**more: Any) -> Scripted:
    """The small generator, on-prem."""
    return Scripted("small", **{"location": Location.ON_PREM, **more})


def large(**more: Any) -> Scripted:
    """The large generator, at a provider."""
    return Scripted("large", **{"location": Location.REMOTE, "pieces": ("Five years. ", "[2]"), **more})


def told(generation: Generation) -> tuple[str, str, str, int]:
    """Who answered, by which route, why, and after how many calls."""
    account = generation.account
    return account.backend, account.route, account.reason, account.attempts


def test_the_small_one_answers_where_it_is_enough(make: MakeRouter, log: EventLog) -> None:
    """Nothing found wrong: the large one is not asked."""
    second = large()
    generation = make(small(), second, large="large").generate(make_request())
    assert told(generation) == ("small", "small", "low-need", 1)
    assert second.calls == second.loads == 0
    event = log.last("route.chosen")
    assert (event["generator"], event["route"], event["reason"], event["tried"]) == (
        "small",
        "small",
        "low-need",
        ["small"],
    )


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"refused": True, "reason": "weak-support"}, "small-refused"),
        ({"checks": Checks(unsupported_numbers=1)}, "unsupported"),
        ({"checks": Checks(invented_citations=1)}, "unsupported"),
        ({"account": Account(finish="length")}, "cut"),
    ],
)
def test_the_large_one_answers_where_the_small_one_is_wrong(
    make: MakeRouter, wrong: dict[str, Any], reason: str
) -> None:
    """The answer carries the tokens of both calls, and the word for why."""
    generation = make(small(**wrong), large(), large="large").generate(make_request())
    assert told(generation) == ("large", "large", reason, 2)
    assert generation.text == "Five years. [2]"
    assert generation.account.usage == TokenUsage(240, 60)
    assert generation.account.cost_micro is None


def test_a_measured_need_decides_when_one_is_given(make: MakeRouter, log: EventLog) -> None:
    """At the threshold the large one is asked, below it is not."""
    for after, route in ((0.69, "small"), (0.7, "large")):
        router = make(small(), large(), large="large", escalate_at=0.7, after=lambda _request, _made, p=after: p)
        assert router.generate(make_request()).account.route == route
        assert log.last("route.chosen")["need_u"] == round(after * 1e6)


def test_a_clear_need_skips_the_small_one(make: MakeRouter) -> None:
    """Half way between the threshold and certainty the large one is asked at once."""
    first = small()
    generation = make(first, large(), large="large", need=0.75).generate(make_request())
    assert told(generation) == ("large", "large", "high-need", 1)
    assert first.calls == 0


def test_nothing_found_is_nobodys_to_answer(make: MakeRouter) -> None:
    """Without hits a larger model can only invent."""
    generation = make(small(refused=True, reason="no-hits"), large(), large="large", need=0.9).generate(
        make_request(hits=0)
    )
    assert told(generation) == ("small", "small", "no-hits", 1)


def test_content_above_the_ceiling_stays_with_the_small_one(make: MakeRouter) -> None:
    """Need or not: what the large one may not receive, it does not."""
    second = large()
    router = make(small(refused=True), second, large="large", need=0.99)
    generation = router.generate(make_request(data_class=DataClass.CONFIDENTIAL))
    assert told(generation) == ("small", "small", "data-class", 1)
    assert second.calls == 0


def test_content_above_every_ceiling_goes_to_the_fallback_or_nowhere(make: MakeRouter, log: EventLog) -> None:
    """``extractive`` may read everything; without it the question is refused and recorded."""
    request = make_request(data_class=DataClass.RESTRICTED)
    extractive = Scripted("extractive", model="")
    assert told(make(small(), large(), extractive, large="large", fallback="extractive").generate(request)) == (
        "extractive", "fallback", "data-class", 1,
    )  # fmt: skip
    with pytest.raises(EgressRefused) as refused:
        make(small(), large(), large="large").generate(request)
    assert "extractive" in refused.value.remedy
    event = log.last("route.chosen")
    assert (event["outcome"], event["reason"], event["attempts"]) == ("denied", "egress-refused", 0)


def test_the_first_rule_that_matches_holds(make: MakeRouter, log: EventLog) -> None:
    """By collection, by class at least, by principal; roles and names alike; and nothing replaces its choice."""
    other = Scripted("other")
    rules = [
        {"data_class": "confidential", "use": "other"},
        {"collection": "law", "use": "large"},
        {"principal": "g:crm|board", "use": "large"},
        {"use": "small"},
    ]
    router = make(small(refused=True), large(), other, large="large", rules=rules, need=0.99)
    board = Principal("local|ana", frozenset({"crm|board"}))
    for request, name, place in (
        (make_request(data_class=DataClass.RESTRICTED), "other", 0),
        (make_request(data_class=DataClass.CONFIDENTIAL, collection="law"), "other", 0),
        (make_request(collection="law"), "large", 1),
        (make_request(principal=board), "large", 2),
        (make_request(principal=Principal("local|ben")), "small", 3),
        (make_request(), "small", 3),
    ):
        assert told(router.generate(request))[0::2] == (name, "rule")
        assert log.last("route.chosen")["rule"] == place


def test_a_rule_that_may_not_be_followed_refuses(make: MakeRouter) -> None:
    """It does not fall through to rules that were meant for others."""
    rules = [{"collection": "handbook", "use": "large"}, {"use": "small"}]
    first = small()
    with pytest.raises(EgressRefused, match=r"rules\[0\]") as refused:
        make(first, large(), large="large", rules=rules).generate(make_request(data_class=DataClass.CONFIDENTIAL))
    assert first.calls == 0
    assert refused.value.remedy


def test_after_a_failure_nobody_further_out_is_asked(make: MakeRouter, log: EventLog) -> None:
    """The large one is allowed and there, but further out than the small one that failed."""
    second = large()
    with pytest.raises(GeneratorUnavailable):
        make(small(error=DOWN), second, large="large").generate(make_request(data_class=DataClass.PUBLIC))
    assert second.calls == 0
    assert log.last("route.chosen")["outcome"] == "error"
    extractive = Scripted("extractive")
    generation = make(small(error=DOWN), second, extractive, large="large", fallback="extractive").generate(
        make_request()
    )
    assert told(generation) == ("extractive", "fallback", "unavailable", 2)
    assert second.calls == 0


def test_a_large_one_that_fails_leaves_the_small_answer(make: MakeRouter) -> None:
    """Whatever keeps it from answering: failure, refusal, a leak that the gateway found, or an empty purse."""
    kept = {
        "large-failed": [DOWN, GeneratorGarbled("x"), GeneratorRefused("x")],
        "large-forbidden": [EgressRefused("x"), EgressLeak("x")],
        "budget": [BudgetExceeded("x")],
    }
    wrong = {"checks": Checks(unsupported_numbers=1)}
    for reason, errors in kept.items():
        for error in errors:
            generation = make(small(**wrong), large(error=error), large="large").generate(make_request())
            assert told(generation) == ("small", "small", reason, 1 if reason == "budget" else 2)


def test_errors_that_are_not_failures_are_raised(make: MakeRouter) -> None:
    """A wrong key, a leak, an event that is not durable: no other generator hides them."""
    for error in (GeneratorRefused("key"), EgressLeak("leak"), AuditUnavailable("disk")):
        extractive = Scripted("extractive")
        with pytest.raises(type(error)):
            make(small(error=error), extractive, fallback="extractive").generate(make_request())
        assert extractive.calls == 0
    with pytest.raises(AuditUnavailable):
        make(small(refused=True), large(error=AuditUnavailable("disk")), large="large").generate(make_request())


def test_a_used_up_budget_degrades_or_refuses(make: MakeRouter) -> None:
    """As it says, for what a rule chose; what the need chose goes back to the small one."""
    rules = [{"use": "large"}]
    degrade, refuse = BudgetExceeded("x", then="small"), BudgetExceeded("x", then="refuse")
    generation = make(small(), large(error=degrade), large="large", rules=rules).generate(make_request())
    assert told(generation) == ("small", "small", "budget", 1)
    with pytest.raises(BudgetExceeded):
        make(small(), large(error=refuse), large="large", rules=rules).generate(make_request())
    assert told(make(small(), large(error=refuse), large="large", need=0.9).generate(make_request())) == (
        "small", "small", "budget", 1,
    )  # fmt: skip
    with pytest.raises(BudgetExceeded):
        make(small(error=degrade), large(), large="large").generate(make_request())


def test_without_room_the_large_one_is_not_thought_of(make: MakeRouter) -> None:
    """What the budgets cannot pay is not asked for, and the reason says so."""
    generation = make(small(refused=True), large(), large="large", room=lambda *_: False).generate(make_request())
    assert told(generation) == ("small", "small", "budget", 1)


# --- streams ---------------------------------------------------------------------------------------------------


def test_text_that_will_not_be_replaced_streams_through(make: MakeRouter) -> None:
    """No larger one, a forbidden one, no room, a rule, or a need far below the threshold: piece by piece."""
    pieces = ["The warranty is five years. ", "[1]"]
    refused = {"checks": Checks(unsupported_numbers=1)}
    for router, request in (
        (make(small(**refused)), make_request()),
        (make(small(**refused), large(), large="large"), make_request(data_class=DataClass.CONFIDENTIAL)),
        (make(small(**refused), large(), large="large", room=lambda *_: False), make_request()),
        (make(small(**refused), large(), large="large", rules=[{"use": "small"}]), make_request()),
        (make(small(**refused), large(), large="large", need=0.24), make_request()),
    ):
        *said, last = list(router.stream(request))
        assert said == pieces
        assert isinstance(last, Generation)
        assert last.account.backend == "small"


def test_text_that_may_be_replaced_is_held_until_it_is_judged(make: MakeRouter) -> None:
    """Kept, it comes in one piece; replaced, none of it is ever seen."""
    *said, last = list(make(small(), large(), large="large").stream(make_request()))
    assert said == ["The warranty is five years. [1]"]
    assert isinstance(last, Generation)
    assert told(last) == ("small", "small", "low-need", 1)
    *said, last = list(make(small(refused=True), large(), large="large").stream(make_request()))
    assert said == ["Five years. ", "[2]"]
    assert isinstance(last, Generation)
    assert told(last) == ("large", "large", "small-refused", 2)
    assert "".join(map(str, said)) == last.text
    assert last.account.ttft_ms <= last.account.latency_ms


def test_a_large_stream_that_fails_before_its_text_leaves_the_small_answer(make: MakeRouter) -> None:
    """After its first piece it is an error: what was shown is not taken back."""
    router = make(small(refused=True), large(error=DOWN), large="large")
    *said, last = list(router.stream(make_request()))
    assert said == ["The warranty is five years. [1]"]
    assert isinstance(last, Generation)
    assert told(last) == ("small", "small", "large-failed", 2)
    with pytest.raises(GeneratorUnavailable):
        list(make(small(refused=True), large(error=DOWN, fails_after=1), large="large").stream(make_request()))


def test_a_stream_falls_back_before_its_first_piece_only(make: MakeRouter, log: EventLog) -> None:
    """And never further out."""
    extractive = Scripted("extractive", pieces=("From the page.",))
    *said, last = list(make(small(error=DOWN), extractive, fallback="extractive").stream(make_request()))
    assert said == ["From the page."]
    assert isinstance(last, Generation)
    assert told(last) == ("extractive", "fallback", "unavailable", 2)
    shown = []
    with pytest.raises(GeneratorUnavailable):
        shown.extend(make(small(error=DOWN, fails_after=1), extractive, fallback="extractive").stream(make_request()))
    assert extractive.calls == 1
    assert log.last("route.chosen")["reason"] == "unreachable"


def test_a_stream_that_is_left_says_so(make: MakeRouter, log: EventLog) -> None:
    """The generator behind it is closed, and the choice is recorded as left."""
    first = small()
    stream = make(first).stream(make_request())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert first.closed == 1
    assert (log.last("route.chosen")["outcome"], log.last("route.chosen")["reason"]) == ("degraded", "left")


def test_its_location_is_the_widest_that_may_be_asked(make: MakeRouter) -> None:
    """For whoever decides by location alone."""
    assert make(small(), large()).location is Location.ON_PREM
    assert make(small(), large(), large="large").location is Location.REMOTE
    assert make(small(), large(), rules=[{"use": "large"}]).location is Location.REMOTE
