"""Which generator is asked first, and which may follow: pure functions over names, classes and locations.

Nothing here calls a generator, so that every decision can be compared with a brute-force oracle
(``tests/routing/test_plan_property.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ragkit.config_answering import RouteRule, RoutingSection
from ragkit.errors import EgressRefused
from ragkit.types import DataClass, GenerationRequest, Location

SENSITIVITY = tuple(DataClass)
"""From the class that may travel furthest to the one that may not travel."""

WIDTH = (Location.IN_PROCESS, Location.ON_PREM, Location.MANAGED, Location.REMOTE)
"""From the narrowest boundary to the widest."""

SKIP_SMALL = 0.5
"""How far between ``escalate_at`` and 1 the need must lie for the small generator not to be asked at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A generator that is to be asked, and why. ``rule`` is the place of the rule that named it."""

    name: str
    route: str
    reason: str
    rule: int | None = None


class Boundary:
    """What may be asked at all.

    Args:
        locations: Where each generator runs, by name.
        section: ``[routing]``.
        default: The generator of ``[generator] use``.
        allowed: Whether content of a class may go to a generator; the one rule of ``ragkit.egress.boundary``.
    """

    def __init__(
        self,
        locations: Mapping[str, Location],
        section: RoutingSection,
        *,
        default: str,
        allowed: Callable[[str, DataClass], bool],
    ) -> None:
        self._locations = locations
        self._allowed = allowed
        self.small = section.small or default
        self.large = section.large
        self.fallback = section.fallback
        self.rules = tuple(
            rule if rule.use in locations else replace_use(rule, self.small, self.large) for rule in section.rules
        )

    def names(self) -> frozenset[str]:
        """Every generator that may ever be asked."""
        named = (self.small, self.large, self.fallback, *(rule.use for rule in self.rules))
        return frozenset(name for name in named if name is not None)

    def may(self, name: str, data_class: DataClass) -> bool:
        """Whether content of this class may go to a generator."""
        return name in self._locations and self._allowed(name, data_class)

    def first(self, request: GenerationRequest) -> Step:
        """Return whom to ask first: the first rule's, else the small one, else whoever is allowed.

        A rule holds even where it cannot be followed: a rule that names a generator which may not receive this class
        refuses the question. To go on with the next rule would answer it by a rule that was meant for others.

        Raises:
            EgressRefused: Nobody may receive content of this class.
        """
        for place, rule in enumerate(self.rules):
            if _matches(rule, request):
                if not self.may(rule.use, request.data_class):
                    raise EgressRefused(
                        f"routing.rules[{place}] names a generator that may not receive {request.data_class} content",
                        remedy="Let the rule name another, put a rule for this class before it, or raise the "
                        "destination's `max_data_class`.",
                    )
                route = "large" if rule.use == self.large != self.small else "small"
                return Step(name=rule.use, route=route, reason="rule", rule=place)
        for name, route in ((self.small, "small"), (self.large, "large"), (self.fallback, "fallback")):
            if name is not None and self.may(name, request.data_class):
                return Step(name=name, route=route, reason="default" if route == "small" else "data-class")
        raise EgressRefused(
            f"no generator may receive {request.data_class} content",
            remedy='Write `fallback = "extractive"` under [routing], or raise a destination\'s `max_data_class`.',
        )

    def larger(self, step: Step, data_class: DataClass) -> str | None:
        """Return the generator that may take over from the small one, if there is one for this class.

        What a rule chose is not replaced.
        """
        large = self.large
        if step.rule is not None or step.route != "small" or large is None or large == step.name:
            return None
        return large if self.may(large, data_class) else None

    def after_failure(
        self, failed: Collection[str], data_class: DataClass, *, barred: Collection[str] = ()
    ) -> str | None:
        """Return who may answer after all these have failed: never further out than the narrowest of them.

        ``barred`` are those for whom a budget has no room.
        """
        narrowest = min((WIDTH.index(self._locations[name]) for name in failed), default=len(WIDTH))
        for name in (self.small, self.large, self.fallback):
            if name is None or name in failed or name in barred or not self.may(name, data_class):
                continue
            if WIDTH.index(self._locations[name]) <= narrowest:
                return name
        return None


def replace_use(rule: RouteRule, small: str, large: str | None) -> RouteRule:
    """Return the rule with the name in place of ``small`` or ``large``."""
    roles = {"small": small, "large": large or rule.use}
    return rule.model_copy(update={"use": roles.get(rule.use, rule.use)})


def skips_small(need: float, escalate_at: float) -> bool:
    """Whether the need is so clear before the call that the small generator is not asked."""
    return need >= escalate_at + (1 - escalate_at) * SKIP_SMALL


def _matches(rule: RouteRule, request: GenerationRequest) -> bool:
    if rule.collection is not None and rule.collection != request.question.collection:
        return False
    if rule.data_class and SENSITIVITY.index(request.data_class) < SENSITIVITY.index(rule.data_class):
        return False
    if rule.principal is not None:
        return request.principal is not None and rule.principal in request.principal.tokens
    return True
