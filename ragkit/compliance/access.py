"""Who looked: at the log, the vault, the evidence; who could see a document at a time, and whom it was shown to.

::

    for one in readings(EventLog(data / "events"), names):
        print(one.ts, one.who.shown, one.of, one.verb)
    sight = sight_of(log, names, doc_id, at=moment("2026-11-01T10:00"))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from ragkit.compliance.events import Event, EventLog, Moment, is_until
from ragkit.compliance.finding_ids import time_of
from ragkit.compliance.naming import Names, Who
from ragkit.errors import UnknownId

Plane = Literal["audit", "vault", "evidence"]

_VAULT = ("pii.unmasked", "pii.unmasking", "subject.found", "subject.exported", "subject.corrected")
_PLANES: Mapping[str, Plane] = {
    "access.audit": "audit",
    "audit.exported": "audit",
    "audit.reported": "audit",
    "access.evidence": "evidence",
    **dict.fromkeys(_VAULT, "vault"),
}
_REFUSED: tuple[tuple[str, Plane], ...] = (
    ("audit.evidence", "evidence"),
    ("audit.forget", "evidence"),
    ("audit", "audit"),
    ("reveal", "vault"),
    ("subject", "vault"),
)
"""Which plane a refused verb was about, by how it begins; the first that fits."""
_PUBLIC = "pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at the log, the vault or the evidence, or the refusal of one.

    Attributes:
        seq: Number of the event.
        ts: When, RFC 3339 in UTC.
        who: Who looked.
        of: What was looked at.
        type: Type of the event.
        verb: What was done, where the event says so.
        outcome: ``ok`` or ``denied``.
        collection: Whose, where it was of one.
        purpose: Keyed hash of the purpose that was given.
        about: Id of the request or evidence that was looked at.
        counts: What was shown: events, tokens, characters, parts, bytes; as far as the event says.
        entities: Types of the values that were shown in clear.
    """

    seq: int
    ts: str
    who: Who
    of: Plane
    type: str
    verb: str = ""
    outcome: str = "ok"
    collection: str = ""
    purpose: str = ""
    about: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    entities: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Somebody who could see a document, or to whom it was shown.

    Attributes:
        who: Who, with the tokens that let them.
        could: Whether they held such a token at that time, as far as they were seen by then.
        seen: When their tokens were last recorded before that time; the first time after it, if they were not seen
            before; empty if never.
        shown: Questions of theirs whose search found the document.
        cited: Answers to them that cite it.
        first: When it was first shown to them, RFC 3339 in UTC.
        last: When last.
        requests: Ids of these questions, the newest 100.
    """

    who: Who
    could: bool
    seen: str = ""
    shown: int = 0
    cited: int = 0
    first: str = ""
    last: str = ""
    requests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Who could see a document at a time, and to whom it was shown at any time.

    Attributes:
        doc: Its id.
        at: That time, RFC 3339 in UTC.
        there: Whether it could be found then.
        collection: Where.
        version: The version that answered then, 0 for none.
        access_class: Its access class then; empty where the log does not say.
        since: Since when it had this class.
        tokens: Access tokens that let it be seen, by name where ``ragkit.toml`` names them, as keyed hashes otherwise.
        everybody: Whether everybody could.
        viewers: Those who could, or did.
        missing: What the log does not hold that an answer would need: ``access-class``, ``tokens``.
    """

    doc: str
    at: str
    there: bool
    collection: str = ""
    version: int = 0
    access_class: str = ""
    since: str = ""
    tokens: tuple[str, ...] = ()
    everybody: bool = False
    viewers: tuple[Viewer, ...] = ()
    missing: tuple[str, ...] = ()


def readings(
    log: EventLog,
    names: Names,
    *,
    of: Plane | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Iterator[Reading]:
    """Yield who looked at the log, the vault and the evidence, oldest first, refusals included."""
    for event in log.read("auth.denied", *_PLANES, since=since, until=until):
        plane = _plane(event)
        if plane is not None and of in (None, plane):
            yield _reading(event, plane, names)


def sight_of(log: EventLog, names: Names, doc: str, *, at: Moment) -> Sight:
    """Return who could see a document at a time, or after the event of a ``seq``, and to whom it was shown.

    By the access class that the document had then, the tokens of that class, and the tokens that principals were
    recorded with. Somebody who was never seen cannot be told; who lost a token without acting again is still listed.

    Raises:
        UnknownId: Nothing in the log has this id.
    """
    placed, found, classes = _Placed(at), False, dict[str, list[str]]()
    shown: dict[str, _Shown] = {}
    for event in log.read("doc.", "acl.changed", "retrieval.done", "answer.released", doc=doc):
        found = True
        if event["type"] in ("retrieval.done", "answer.released"):
            shown.setdefault(_actor(event), _Shown()).add(event)
        else:
            placed.take(event)
    if not found:
        raise UnknownId("nothing in the log has this id", remedy="Take the id as `ragkit search --json` prints it.")
    seen: dict[str, _Seen] = {}
    for event in log.read("acl.class", "principal.seen"):
        if event["type"] == "acl.class":
            if event["data"].get("access_class") == placed.access_class:
                classes.setdefault(placed.access_class, []).extend(event["data"].get("tokens", []))
        else:
            seen.setdefault(_actor(event), _Seen()).add(event, at)
    tokens = sorted({names.token(one) for one in classes.get(placed.access_class, [])})
    hashes = frozenset(classes.get(placed.access_class, []))
    viewers = [
        _viewer(seen.get(actor), shown.get(actor), names, hashes if placed.there else frozenset())
        for actor in [*seen, *(one for one in shown if one not in seen)]
    ]
    return Sight(
        doc=doc,
        at=_stamp(at if isinstance(at, datetime) else time_of(log, at, end=True)),
        there=placed.there,
        collection=placed.collection,
        version=placed.version,
        access_class=placed.access_class,
        since=placed.since,
        tokens=tuple(tokens),
        everybody=placed.there and _PUBLIC in tokens,
        viewers=tuple(sorted((one for one in viewers if one.could or one.shown), key=lambda one: one.who.actor)),
        missing=tuple(_missing(placed, bool(tokens))),
    )


def _plane(event: Event) -> Plane | None:
    if event["type"] != "auth.denied":
        return _PLANES[str(event["type"])]
    verb = str(event["data"].get("verb", ""))
    return next((plane for begin, plane in _REFUSED if verb.startswith(begin)), None)


def _reading(event: Event, plane: Plane, names: Names) -> Reading:
    data = event["data"]
    return Reading(
        seq=int(event["seq"]),
        ts=str(event["ts"]),
        who=names.who(event),
        of=plane,
        type=str(event["type"]),
        verb=str(data.get("verb") or data.get("format") or ""),
        outcome=str(event["outcome"]),
        collection=str(data.get("collection", "")),
        purpose=str(data.get("purpose", "")),
        about=str(data.get("of") or event["request"]),
        counts={key: value for key, value in data.items() if isinstance(value, int) and not isinstance(value, bool)},
        entities=dict(data.get("entities", {})),
    )


class _Placed:
    """Where a document stood at a time: the newest event before it wins."""

    def __init__(self, at: Moment) -> None:
        self._at = at
        self.there = False
        self.version = 0
        self.collection = self.access_class = self.since = ""

    def take(self, event: Event) -> None:
        if not is_until(self._at, seq=int(event["seq"]), ts=str(event["ts"])):
            return
        data, kind = event["data"], event["type"]
        self.collection = str(data.get("collection", self.collection))
        if kind in ("doc.added", "doc.updated", "doc.rewritten"):
            self.there, self.version = True, int(data.get("version", self.version))
        elif kind == "doc.deleted":
            self.there, self.version = False, 0
        given = str(data.get("access_class", ""))
        if given and given != self.access_class:
            self.access_class, self.since = given, str(event["ts"])


class _Seen:
    """The tokens that a principal was recorded with: the newest before a time, or else the first after it."""

    def __init__(self) -> None:
        self.event: Event | None = None
        self.tokens: set[str] = set()

    def add(self, event: Event, at: Moment) -> None:
        held = set(event["data"].get("tokens", []))
        if self.event is not None and _same_set(self.event, event):  # who holds many has several events
            self.tokens |= held
        elif self.event is None or is_until(at, seq=int(event["seq"]), ts=str(event["ts"])):
            self.event, self.tokens = event, held


def _same_set(one: Event, other: Event) -> bool:
    return bool(one.get("writer") == other.get("writer") and one["data"].get("groups") == other["data"].get("groups"))


class _Shown:
    """What was shown to one principal."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.requests: dict[str, None] = {}
        self.cited = 0

    def add(self, event: Event) -> None:
        if event["type"] == "retrieval.done":
            self.events.append(event)
            self.requests[str(event["request"])] = None
        else:
            self.cited += 1


def _viewer(seen: _Seen | None, shown: _Shown | None, names: Names, hashes: frozenset[str]) -> Viewer:
    events = shown.events if shown else []
    known = seen.event if seen else None
    source = known or events[0]
    letting = hashes & seen.tokens if seen else frozenset()
    return Viewer(
        who=names.who(source, letting),
        could=bool(letting),
        seen=str(known["ts"]) if known else "",
        shown=len(events),
        cited=shown.cited if shown else 0,
        first=str(events[0]["ts"]) if events else "",
        last=str(events[-1]["ts"]) if events else "",
        requests=tuple(one for one in (shown.requests if shown else {}) if one)[-100:],
    )


def _missing(placed: _Placed, tokens: bool) -> Iterator[str]:
    if placed.there and not placed.access_class:
        yield "access-class"
    elif placed.there and not tokens:
        yield "tokens"


def _actor(event: Event) -> str:
    return str(dict(event.get("actor") or {}).get("id", ""))


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
