"""What is past retention and still here, and what was purged by which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.compliance.events import EventLog, Moment
from ragkit.lifecycle.retention import RuleReport

_PURGES = ("retention.purged", "history.purged", "evidence.destroyed", "hold.kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """A rule that asks for something now.

    Attributes:
        rule: Number of the rule under ``[[retention]]``, from 1.
        documents: Past their time and still here.
        held: Past their time, and kept by a legal hold.
        undated: Of which the date is not known.
        oldest: Date of the oldest, ISO 8601; ``None`` if there is none.
    """

    rule: int
    collection: str
    source: str
    days: int
    clock: str
    documents: int
    held: int
    undated: int
    oldest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """Something that was let go, or kept by a hold.

    Attributes:
        type: ``retention.purged``, ``history.purged``, ``evidence.destroyed`` or ``hold.kept``.
        rule: Number of the rule; 0 where it was none.
        cause: ``age``, ``retention``, ``erasure``, ``document``, ``request``; empty where the event does not say.
        counts: What: documents, versions, conversations, parts, held.
        dry_run: Nothing was deleted.
    """

    seq: int
    ts: str
    type: str
    collection: str = ""
    rule: int = 0
    days: int = 0
    cause: str = ""
    purpose: str = ""
    dry_run: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What is past retention and still here, and what was purged.

    Attributes:
        overdue: Rules that ask for something now.
        satisfied: How many rules ask for nothing.
        purges: Oldest first.
        last_run: When retention last ran for good, RFC 3339 in UTC; empty if never.
        kept_events: Time of the oldest event; events are never removed by ragkit.
    """

    overdue: tuple[Overdue, ...]
    satisfied: int
    purges: tuple[Purge, ...]
    last_run: str
    kept_events: str


def retained(
    log: EventLog, due: Sequence[RuleReport], *, since: Moment | None = None, until: Moment | None = None
) -> Retained:
    """Return what the rules ask for now, and what was let go from ``since`` to ``until``.

    Args:
        log: The event log.
        due: What each rule asks for (:meth:`ragkit.lifecycle.retention.Retention.due`).
        since: First time, or first ``seq``.
        until: The time before which it was let go, or the last ``seq``.
    """
    purges = tuple(_purge(event) for event in log.read(*_PURGES, since=since, until=until))
    runs = [one.ts for one in purges if one.type == "retention.purged" and not one.dry_run]
    oldest = next(log.read(), None)
    overdue = tuple(_overdue(one) for one in due if one.documents or one.held)
    return Retained(
        overdue=overdue,
        satisfied=len(due) - len(overdue),
        purges=purges,
        last_run=max(runs, default=""),
        kept_events=str(oldest["ts"]) if oldest else "",
    )


def _overdue(report: RuleReport) -> Overdue:
    return Overdue(
        rule=report.rule.number,
        collection=report.collection,
        source=report.rule.source or "",
        days=report.rule.days,
        clock=report.rule.clock,
        documents=report.documents,
        held=report.held,
        undated=report.undated,
        oldest=report.oldest,
    )


def _purge(event: Mapping[str, Any]) -> Purge:
    data = event["data"]
    apart = ("rule", "days")
    return Purge(
        seq=int(event["seq"]),
        ts=str(event["ts"]),
        type=str(event["type"]),
        collection=str(data.get("collection", "")),
        rule=int(data.get("rule", 0)),
        days=int(data.get("days", 0)),
        cause=str(data.get("cause", "")),
        purpose=str(data.get("purpose", "")),
        dry_run=bool(data.get("dry_run", False)),
        counts={key: value for key, value in data.items() if type(value) is int and key not in apart},
    )
