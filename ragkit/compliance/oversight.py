"""Human oversight: which answers people looked at, corrected or took over, and how fast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragkit.compliance.events import Event, EventLog, Moment, is_until, stamped
from ragkit.compliance.naming import Names, Who

_READ = ("answer.released", "human.", "disclosure.shown", "incident.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A person looked at an answer, or took a conversation.

    Attributes:
        type: ``human.reviewed`` or ``human.handoff``.
        of: The answer's request, or the conversation.
        verdict: ``right``, ``wrong``, ``corrected``, ``withdrawn``; of a handing over ``taken`` or ``handed``.
        after_ms: Milliseconds from the answer to this; -1 where the log does not hold the answer.
        ms: How long the person took, as they say; 0 where they do not.
    """

    seq: int
    ts: str
    type: str
    of: str
    who: Who
    verdict: str
    after_ms: int
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OversightReport:
    """What people did about answers.

    Attributes:
        answers: Answers given in this time.
        reviewed: Of them, those that somebody looked at, then or later.
        verdicts: Count by verdict.
        handoffs: Conversations handed to a person, or taken by one.
        median_ms: From an answer to its first review, half were faster; -1 for none.
        slowest_ms: The slowest; -1 for none.
        disclosures: Times that somebody was told that an AI answers.
        incidents: Reported in this time; ``open_incidents`` of them are not closed.
        reviews: Oldest first.
    """

    answers: int
    reviewed: int
    verdicts: Mapping[str, int]
    handoffs: int
    median_ms: int
    slowest_ms: int
    disclosures: int
    incidents: int
    open_incidents: int
    reviews: tuple[Review, ...]


def oversight(
    log: EventLog, names: Names, *, since: Moment | None = None, until: Moment | None = None
) -> OversightReport:
    """Return what people did about the answers of a time; reviews count whenever they came.

    Args:
        log: The event log; read once.
        names: Names behind hashes.
        since: First time, or first ``seq``, of the answers.
        until: The time before which they were given, or the last ``seq``.
    """
    answers: dict[str, Event] = {}
    reviews: list[Review] = []
    incidents: dict[str, bool] = {}
    disclosures = 0
    for event in log.read(*_READ, since=since):
        kind, within = str(event["type"]), is_until(until, seq=int(event["seq"]), ts=str(event["ts"]))
        if kind.startswith("human."):
            of = str(event["data"].get("of", ""))
            if of in answers or within:
                reviews.append(_review(event, answers.get(of), names))
        elif kind == "incident.closed":
            incidents.pop(str(event["data"].get("incident", "")), None)
        elif within and kind == "answer.released":
            answers[str(event["request"])] = event
        elif within and kind == "incident.reported":
            incidents[str(event["data"].get("incident", ""))] = True
        elif within:
            disclosures += kind == "disclosure.shown"
    looked = [one for one in reviews if one.type == "human.reviewed"]
    fast = _first(looked)
    return OversightReport(
        answers=len(answers),
        reviewed=len({one.of for one in looked} & answers.keys()),
        verdicts=dict(Counter(one.verdict for one in looked)),
        handoffs=len(reviews) - len(looked),
        median_ms=sorted(fast)[(len(fast) - 1) // 2] if fast else -1,
        slowest_ms=max(fast, default=-1),
        disclosures=disclosures,
        incidents=sum(1 for _ in log.read("incident.reported", since=since, until=until)),
        open_incidents=len(incidents),
        reviews=tuple(reviews),
    )


def _first(reviews: Sequence[Review]) -> list[int]:
    """How fast the first review of each answer came."""
    fast: dict[str, int] = {}
    for one in reviews:
        if one.after_ms >= 0:
            fast.setdefault(one.of, one.after_ms)
    return list(fast.values())


def _review(event: Event, answer: Event | None, names: Names) -> Review:
    data = event["data"]
    handed = "taken" if data.get("taken") else "handed"
    after = int((stamped(event) - stamped(answer)).total_seconds() * 1000) if answer else -1
    return Review(
        seq=int(event["seq"]),
        ts=str(event["ts"]),
        type=str(event["type"]),
        of=str(data.get("of", "")),
        who=names.who(event),
        verdict=str(data.get("verdict", handed)),
        after_ms=max(after, -1),
        ms=int(data.get("ms", 0)),
    )
