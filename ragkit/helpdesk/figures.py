"""How the chatbot does: volumes, refusals, hand-overs, cost, questions without an answer, sources that answer badly.

Numbers a day come from counters that outlive the conversations; what has words (questions, titles, both masked) comes
from the conversations that are still kept.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from statistics import quantiles

from pydantic import BaseModel, ConfigDict

from ragkit.desk.records import Entry
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.helpdesk.topics import plain
from ragkit.types import Principal

_COUNTED = ("conversations", "messages", "answered", "refused", "clarified", "handed_over")
_LISTED = 50


class DayFigures(BaseModel):
    """One day, in UTC."""

    date: str
    conversations: int = 0
    messages: int = 0
    answered: int = 0
    refused: int = 0
    clarified: int = 0
    handed_over: int = 0


class Totals(BaseModel):
    """All days together."""

    conversations: int = 0
    messages: int = 0
    answered: int = 0
    refused: int = 0
    clarified: int = 0
    handed_over: int = 0


class FeedbackFigures(BaseModel):
    """Thumbs and their reasons."""

    up: int = 0
    down: int = 0
    reasons: dict[str, int] = {}


class Cost(BaseModel):
    """What answers cost, in millionths of a currency; 0 where no price is known, or nothing was paid."""

    micro: int = 0
    currency: str = ""
    tokens: int = 0


class ResponseTimes(BaseModel):
    """From a message to the end of its answer, in milliseconds; `null` without answers."""

    p50: int | None = None
    p95: int | None = None


class Unanswered(BaseModel):
    """A question without an answer, masked."""

    question: str
    times: int
    last: str


class SourceFigures(BaseModel):
    """A document by its masked title: how often it answered, and how often that was no good."""

    title: str
    answers: int = 0
    down: int = 0
    up: int = 0
    handed_over: int = 0


class TicketFigures(BaseModel):
    """Tickets that wait, and for how long the first of them does."""

    open: int = 0
    taken: int = 0
    waiting_minutes: int = 0


class Figures(BaseModel):
    """How the chatbot does."""

    model_config = ConfigDict(title="DeskFigures")

    days: list[DayFigures]
    totals: Totals
    topics: dict[str, int]
    feedback: FeedbackFigures
    cost: Cost
    response_ms: ResponseTimes
    unanswered: list[Unanswered]
    sources: list[SourceFigures]
    tickets: TicketFigures


def figures_of(helpdesk: Helpdesk, *, days: int = 7, principal: Principal | None = None) -> Figures:
    """Return the figures of the last days, today included.

    Args:
        helpdesk: The chatbot.
        days: How many.
        principal: Who asks, an operator; by default the owner.

    Raises:
        AccessDenied: No operator.
    """
    desk = helpdesk.workspace.desk
    desk.require_operator("desk.figures", principal=principal)
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    by_day = desk.store.tallies.between(first.isoformat(), today.isoformat())
    every: Counter[str] = sum(by_day.values(), Counter())
    since = round(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1000)
    spoken = _by_conversation(desk.store.conversations.spoken(since))
    thumbs = {one.request_id: one.rating for one in desk.store.feedback.since(since)}
    money = {name.removeprefix("cost."): number for name, number in every.items() if name.startswith("cost.")}
    currency = max(money, key=lambda one: money[one], default="")
    return Figures(
        days=[_day(first + timedelta(days=n), by_day) for n in range(days)],
        totals=Totals(**{name: every[name] for name in _COUNTED}),
        topics=_named(every, "topic."),
        feedback=FeedbackFigures(
            up=every["feedback.up"], down=every["feedback.down"], reasons=_named(every, "reason.")
        ),
        cost=Cost(micro=money.get(currency, 0), currency=currency, tokens=every["tokens"]),
        response_ms=_times([one.ms for some in spoken for one in some if one.ms is not None]),
        unanswered=_unanswered(spoken),
        sources=_sources(spoken, thumbs),
        tickets=_tickets(helpdesk),
    )


def _day(day: date, by_day: dict[str, Counter[str]]) -> DayFigures:
    found = by_day.get(day.isoformat(), Counter())
    return DayFigures(date=day.isoformat(), **{name: found[name] for name in _COUNTED})


def _named(counted: Counter[str], start: str) -> dict[str, int]:
    found = {name.removeprefix(start): number for name, number in counted.items() if name.startswith(start) and number}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _by_conversation(spoken: Sequence[tuple[str, Entry]]) -> list[list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for number, entry in spoken:
        found[number].append(entry)
    return [sorted(some, key=lambda one: one.seq) for some in found.values()]


def _times(every: list[int]) -> ResponseTimes:
    if not every:
        return ResponseTimes()
    if len(every) == 1:
        return ResponseTimes(p50=every[0], p95=every[0])
    cut = quantiles(every, n=100, method="inclusive")
    return ResponseTimes(p50=round(cut[49]), p95=round(cut[94]))


def _unanswered(spoken: Sequence[Sequence[Entry]]) -> list[Unanswered]:
    """Questions that were refused, those that say the same together, the most frequent first."""
    found: dict[str, list[Entry]] = defaultdict(list)
    for some in spoken:
        asked: Entry | None = None
        for one in some:
            if one.role == "customer":
                asked = one
            elif asked and (one.kind == "refusal" or one.content.get("topic") == "no-answer"):
                found[plain(asked.text)].append(asked)
    made = [
        Unanswered(
            question=same[-1].text,
            times=len(same),
            last=datetime.fromtimestamp(max(one.at for one in same) / 1000, UTC).isoformat(timespec="seconds"),
        )
        for same in found.values()
    ]
    return sorted(made, key=lambda one: (one.times, one.last), reverse=True)[:_LISTED]


def _sources(spoken: Sequence[Sequence[Entry]], thumbs: dict[str, str]) -> list[SourceFigures]:
    """Documents whose answers were thought bad, or after which the customer went to a person, come first."""
    found: dict[str, SourceFigures] = {}
    for some in spoken:
        for place, one in enumerate(some):
            titles = {source["title"] for source in one.content.get("sources", ())} if one.kind == "answer" else set()
            after = [later.kind for later in some[place + 1 : place + 3]]
            for title in titles:
                row = found.setdefault(title, SourceFigures(title=title))
                row.answers += 1
                row.down += thumbs.get(one.request) == "down"
                row.up += thumbs.get(one.request) == "up"
                row.handed_over += "handoff" in after
    worst = sorted(found.values(), key=lambda row: (-(row.down + row.handed_over), -row.answers, row.title))
    return worst[:_LISTED]


def _tickets(helpdesk: Helpdesk) -> TicketFigures:
    tickets = helpdesk.workspace.desk.ticket_system
    waiting = tickets.list("open")
    oldest = min((one.created for one in waiting), default=None)
    minutes = 0 if oldest is None else max(0, round((time.time() - oldest / 1000) / 60))
    return TicketFigures(open=len(waiting), taken=len(tickets.list("taken")), waiting_minutes=minutes)
