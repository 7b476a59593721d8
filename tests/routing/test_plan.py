"""Every choice of the router against a brute-force oracle: nobody is asked who may not be."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from ragkit.config_answering import RouteRule, RoutingSection
from ragkit.egress.boundary import SENSITIVITY as GATEWAY_SENSITIVITY
from ragkit.egress.boundary import WIDTH as GATEWAY_WIDTH
from ragkit.egress.boundary import widens
from ragkit.errors import BudgetExceeded, EgressRefused, GenerationError, GeneratorGarbled, GeneratorUnavailable
from ragkit.routing.plan import SENSITIVITY, WIDTH, Boundary
from ragkit.routing.router import Router
from ragkit.types import DataClass, Generation, GenerationRequest, Location, Principal

from .conftest import EventLog, Scripted, make_request

NAMES = ("a", "b", "c", "d")
TOKENS = ("u:local|ana", "g:crm|sales", "pub")
CASES = 10_000


def test_the_orders_are_those_of_the_gateway() -> None:
    """Routing and gateway agree on what is wider and what is more sensitive."""
    assert {one: place for place, one in enumerate(WIDTH)} == GATEWAY_WIDTH
    assert {one: place for place, one in enumerate(SENSITIVITY)} == GATEWAY_SENSITIVITY


@dataclass
class Case:
    """One random set-up and question."""

    locations: dict[str, Location]
    ceilings: dict[str, int]
    section: RoutingSection
    request: GenerationRequest
    errors: dict[str, Exception | None]
    need: float
    asked: list[str] = field(default_factory=list)

    def allowed(self, name: str, data_class: DataClass) -> bool:
        return list(DataClass).index(data_class) <= self.ceilings[name]


def draw(chance: random.Random) -> Case:
    """A set-up with rules, ceilings and failures of every kind; some generators may receive nothing at all."""

    def rule() -> RouteRule:
        return RouteRule(
            collection=chance.choice([None, None, "handbook", "law"]),
            data_class=chance.choice([None, None, *DataClass]),
            principal=chance.choice([None, None, *TOKENS]),
            use=chance.choice([*NAMES, "small", "large"] if large else NAMES),
        )

    large = chance.choice([None, *NAMES])
    section = RoutingSection(
        small=chance.choice([None, *NAMES]),
        large=large,
        fallback=chance.choice([None, *NAMES]),
        escalate_at=chance.choice([0.0, 0.5, 1.0]),
        rules=tuple(rule() for _ in range(chance.choice([0, 0, 1, 3]))),
    )
    failures = [None, None, GeneratorUnavailable("x"), GeneratorGarbled("x"), GenerationError("x"), EgressRefused("x")]
    failures += [BudgetExceeded("x", then="small"), BudgetExceeded("x", then="refuse")]
    principal = chance.choice([None, Principal("local|ana", frozenset({"crm|sales"})), Principal("local|ben")])
    return Case(
        locations={name: chance.choice(list(Location)) for name in NAMES},
        ceilings={name: chance.randrange(-1, 4) for name in NAMES},
        section=section,
        request=make_request(
            data_class=chance.choice(list(DataClass)),
            collection=chance.choice(["handbook", "law"]),
            principal=principal,
            hits=chance.choice([0, 2]),
        ),
        errors={name: chance.choice(failures) for name in NAMES},
        need=chance.random(),
    )


def router_of(case: Case, log: EventLog) -> tuple[Router, dict[str, Scripted]]:
    """The router of a case, each generator noting that it was asked."""

    class Noting(Scripted):
        def generate(self, request: GenerationRequest) -> Generation:
            case.asked.append(self.name)
            return super().generate(request)

    made = {
        name: Noting(
            name,
            location=case.locations[name],
            error=case.errors[name],
            refused=case.need > 0.5,
            reason="weak-support" if case.need > 0.5 else "",
        )
        for name in NAMES
    }
    router = Router(
        made, case.section, default="a", allowed=case.allowed, need=lambda _request: case.need, recorder=log
    )
    return router, made


def oracle_first(case: Case) -> str | None:
    """Whom policy lets answer first, written out the long way; nobody for a refusal."""
    request = case.request
    held = request.principal.tokens if request.principal else frozenset()
    small = case.section.small or "a"
    for rule in case.section.rules:
        if rule.collection and rule.collection != request.question.collection:
            continue
        if rule.data_class and GATEWAY_SENSITIVITY[request.data_class] < GATEWAY_SENSITIVITY[rule.data_class]:
            continue
        if rule.principal and rule.principal not in held:
            continue
        use = {"small": small, "large": case.section.large}.get(rule.use, rule.use)
        return use if case.allowed(str(use), request.data_class) else None
    for name in (small, case.section.large, case.section.fallback):
        if name and case.allowed(name, request.data_class):
            return name
    return None


def test_ten_thousand_random_routes_ask_nobody_who_may_not_be_asked() -> None:
    """0 wrong sends; after a failure nobody further out than any that failed; and the first is the oracle's."""
    chance, log = random.Random(20261122), EventLog()
    outcomes: dict[str, int] = {}
    for _ in range(CASES):
        case = draw(chance)
        router, made = router_of(case, log)
        first = oracle_first(case)
        try:
            generation = router.generate(case.request)
            assert generation.account.backend == "" or generation.account.backend in NAMES
            outcomes[generation.account.route] = outcomes.get(generation.account.route, 0) + 1
        except EgressRefused:
            assert first is None or any(isinstance(case.errors[name], EgressRefused) for name in case.asked)
            outcomes["refused"] = outcomes.get("refused", 0) + 1
        except (GenerationError, BudgetExceeded) as failed:
            outcomes[type(failed).__name__] = outcomes.get(type(failed).__name__, 0) + 1
        if first is None:
            assert case.asked == []
        check_asked(case, made)
        if first is not None:
            skipped = case.section.large in case.asked[:1] and case.need >= case.section.escalate_at
            assert case.asked[0] == first or skipped
    assert sum(outcomes.values()) == CASES
    assert min(outcomes.get(word, 0) for word in ("small", "large", "fallback", "refused")) > 100


def check_asked(case: Case, made: dict[str, Scripted]) -> None:
    """Whoever was asked may receive the class, and comes after a failure only from within."""
    assert len(case.asked) == len(set(case.asked)) <= 4
    for place, name in enumerate(case.asked):
        assert case.allowed(name, case.request.data_class)
        failed = [
            one for one in case.asked[:place] if isinstance(made[one].error, (GeneratorUnavailable, GeneratorGarbled))
        ]
        assert not any(widens(case.locations[one], case.locations[name]) for one in failed)


def test_ten_thousand_random_choices_of_the_plan_stay_within() -> None:
    """The pure functions alone: whatever they return may receive the class, whatever was tried before."""
    chance = random.Random(7)
    for _ in range(CASES):
        case = draw(chance)
        boundary = Boundary(case.locations, case.section, default="a", allowed=case.allowed)
        data_class = case.request.data_class
        tried = chance.sample(NAMES, chance.randrange(1, 4))
        other = boundary.after_failure(tried, data_class, barred=chance.sample(NAMES, 1))
        if other is not None:
            assert other not in tried
            assert case.allowed(other, data_class)
            assert not any(widens(case.locations[one], case.locations[other]) for one in tried)
        try:
            step = boundary.first(case.request)
        except EgressRefused:
            assert oracle_first(case) is None
            continue
        assert step.name == oracle_first(case)
        larger = boundary.larger(step, data_class)
        assert larger is None or (larger == case.section.large and case.allowed(larger, data_class))


def test_a_role_in_a_rule_is_the_generator_of_routing() -> None:
    """``small`` and ``large`` stand for those of [routing], also where a generator has such a name."""
    section = RoutingSection(small="a", large="b", rules=(RouteRule(use="large"),))
    boundary = Boundary(dict.fromkeys(NAMES, Location.IN_PROCESS), section, default="c", allowed=lambda *_: True)
    step = boundary.first(make_request())
    assert (step.name, step.route, step.reason) == ("b", "large", "rule")


def test_a_generator_that_is_not_there_is_not_chosen() -> None:
    """A name without a generator behind it may receive nothing."""
    boundary = Boundary({}, RoutingSection(), default="a", allowed=lambda *_: True)
    with pytest.raises(EgressRefused):
        boundary.first(make_request())
