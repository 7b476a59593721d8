"""The rules of retention: what each is about, from which date age counts, and when a document is too old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

Clock = Literal["modified", "indexed", "at"]


class RuleSection(Protocol):
    """A rule as the configuration has it (:class:`ragkit.config_keeping.RetentionSection`)."""

    @property
    def collection(self) -> str: ...

    @property
    def source(self) -> str | None: ...

    @property
    def days(self) -> int: ...

    @property
    def by(self) -> Literal["modified", "indexed"]: ...

    @property
    def at(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule for a collection. ``number`` is its place in ``ragkit.toml``, from 1; ``key`` a metadata key."""

    number: int
    source: str | None
    days: int
    clock: Clock
    key: str = ""

    def date_of(self, dates: Mapping[str, str], indexed_at: str | None) -> str | None:
        """Return the date that age counts from, if it is known."""
        if self.clock == "indexed":
            return indexed_at
        return dates.get("modified" if self.clock == "modified" else f"at.{self.key}")

    def covers(self, source: str) -> bool:
        """Say whether the rule is about a source."""
        return self.source in (None, source)

    def limit(self, now: datetime) -> str:
        """Return the date before which documents are too old."""
        return (now.astimezone(UTC) - timedelta(days=self.days)).isoformat(timespec="seconds")


def rules_of(sections: Sequence[RuleSection], collection: str) -> tuple[Rule, ...]:
    """Return the rules of a collection, in the order in which they are written."""
    return tuple(
        Rule(number=number, source=one.source, days=one.days, clock="at" if one.at else one.by, key=one.at or "")
        for number, one in enumerate(sections, 1)
        if one.collection == collection
    )


class SourceAge:
    """What a sync is told of the age of one source's items (:class:`ragkit.connect.actions.Ageing`)."""

    def __init__(self, rules: Sequence[Rule], source: str) -> None:
        self._rules = [rule for rule in rules if rule.covers(source)]
        now = datetime.now(UTC)
        self._limits = [rule.limit(now) for rule in self._rules]
        self.keys = frozenset(rule.key for rule in self._rules if rule.key)

    def is_over(self, dates: Mapping[str, str], indexed_at: str | None) -> bool:
        """Say whether an item is too old to be taken in."""
        found = (rule.date_of(dates, indexed_at) for rule in self._rules)
        return any(date is not None and date < limit for date, limit in zip(found, self._limits, strict=True))
