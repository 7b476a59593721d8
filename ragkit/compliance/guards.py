"""Which questions show signs of an injection, and what the guard did; what kept answers back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ragkit.compliance.events import Event, EventLog, Moment
from ragkit.compliance.naming import Names, Who

_READ = ("guard.triggered", "answer.released", "answer.abandoned", "egress.blocked", "budget.refused")


@dataclass(slots=True, kw_only=True)
class Guarded:
    """A question in which a guard noticed something.

    Attributes:
        request: Its id; empty for signs outside a question.
        session: Its dialogue.
        first: ``seq`` of the first sign.
        who: Who asked.
        signs: Counts by guard and code, such as ``injection/role-change``.
        documents: Documents that the signs stood in.
        outcomes: What the guard's events say was done: count by outcome and reason.
        ended: ``released``, ``refused``, ``abandoned`` or ``none``: what became of the answer.
        blocked: Prompts of it that were kept from leaving.
    """

    request: str
    session: str
    first: int
    ts: str
    who: Who
    collection: str = ""
    signs: dict[str, int] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    outcomes: dict[str, int] = field(default_factory=dict)
    ended: str = "none"
    blocked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What guards noticed.

    Attributes:
        questions: Oldest first.
        signs: Counts over all of them.
        documents: Documents with signs: how many questions each was noticed in.
        blocked: Prompts kept from leaving, all questions: count by reason.
        refused: Calls that a budget refused.
    """

    questions: tuple[Guarded, ...]
    signs: Mapping[str, int]
    documents: Mapping[str, int]
    blocked: Mapping[str, int]
    refused: int


def guards(
    log: EventLog, names: Names, *, since: Moment | None = None, until: Moment | None = None, session: str = ""
) -> GuardReport:
    """Return the questions in which a guard noticed something.

    Args:
        log: The event log; read once.
        names: Names behind hashes.
        since: First time, or first ``seq``.
        until: The time before which, or the last ``seq``.
        session: Only of this dialogue.
    """
    found: dict[str, Guarded] = {}
    ends: dict[str, str] = {}
    blocked: Counter[str] = Counter()
    held: Counter[str] = Counter()
    refused = 0
    for event in log.read(*_READ, since=since, until=until, session=session):
        kind, request = str(event["type"]), str(event["request"])
        if kind == "guard.triggered":
            _add(found, event, names)
        elif kind == "egress.blocked":
            blocked[str(event["reason"]) or "unknown"] += 1
            held[request] += 1
        elif kind == "budget.refused":
            refused += 1
        elif request in found:
            said_no = event["data"].get("refused")
            ends[request] = "abandoned" if kind == "answer.abandoned" else "refused" if said_no else "released"
    signs: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for one in found.values():
        one.ended, one.blocked = ends.get(one.request, "none"), held[one.request]
        signs.update(one.signs)
        documents.update(one.documents)
    return GuardReport(
        questions=tuple(found.values()),
        signs=dict(signs),
        documents=dict(documents),
        blocked=dict(blocked),
        refused=refused,
    )


def _add(found: dict[str, Guarded], event: Event, names: Names) -> None:
    data, request = event["data"], str(event["request"])
    one = found.get(request or str(event["id"]))
    if one is None:
        one = found[request or str(event["id"])] = Guarded(
            request=request,
            session=str(event.get("session", "")),
            first=int(event["seq"]),
            ts=str(event["ts"]),
            who=names.who(event),
            collection=str(data.get("collection", "")),
        )
    sign = f"{data.get('guard', '')}/{data.get('code', '')}"
    one.signs[sign] = one.signs.get(sign, 0) + int(data.get("count", 1))
    did = " ".join(part for part in (str(event["outcome"]), str(event["reason"])) if part)
    one.outcomes[did] = one.outcomes.get(did, 0) + 1
    if data.get("doc") and str(data["doc"]) not in one.documents:
        one.documents += (str(data["doc"]),)
