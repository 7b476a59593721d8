"""What changed between two dates in models, policies, connectors, permissions, keys and software, from the log alone.

::

    for one in diff(EventLog(data / "events"), moment("2026-10-01"), moment("2026-11-01")).changes:
        print(one.area, one.name, one.before, one.after)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ragkit.compliance.events import Event, EventLog, Moment, is_until

Area = Literal[
    "software", "models", "policies", "detectors", "connectors", "permissions", "roles", "keys", "generators",
    "destinations", "routing", "index", "retention", "audit", "configuration",
]  # fmt: skip

_STATE = ("config.changed", "policy.changed", "model.loaded", "index.generation.activated", "ingest.run.started")
_DEEDS: Mapping[str, Area] = {
    "key.created": "keys",
    "key.rotated": "keys",
    "key.destroyed": "keys",
    "key.escrowed": "keys",
    "key.recovered": "keys",
    "acl.changed": "permissions",
    "acl.class": "permissions",
    "backup.restored": "index",
    "remask.finished": "policies",
}
_TABLES: Mapping[str, Area] = {
    "policies": "policies",
    "detectors": "detectors",
    "embedder": "models",
    "chunker": "index",
    "roles": "roles",
    "keys": "keys",
    "generator": "generators",
    "generators": "generators",
    "destinations": "destinations",
    "routing": "routing",
    "budgets": "routing",
    "retention": "retention",
    "audit": "audit",
}
_OF_COLLECTION: Mapping[str, Area] = {
    "access": "permissions",
    "reveal": "permissions",
    "officers": "permissions",
    "policy": "policies",
    "sources": "connectors",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is otherwise at the later date.

    Attributes:
        area: What it belongs to.
        name: Which: a dotted name of the configuration, a collection, a model's part, a software's name.
        before: Version or keyed hash at the earlier date; empty if it was not there, or the log does not say.
        after: At the later date; empty if it is gone.
        seq: Number of the event by which it last changed.
        ts: When that was, RFC 3339 in UTC.
    """

    area: Area
    name: str
    before: str
    after: str
    seq: int
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """How often something was done between the dates that leaves no version: keys made, access changed.

    Attributes:
        area: What it belongs to.
        type: Type of the events.
        detail: What of: a scope or a collection.
        count: How many events.
        first: ``seq`` of the first.
        last: ``seq`` of the last.
    """

    area: Area
    type: str
    detail: str
    count: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What changed between two dates.

    Attributes:
        changes: Things that are otherwise.
        deeds: What was done that leaves no version.
        documents: ``added``, ``updated``, ``deleted``, ``rewritten``, ``quarantined`` between the dates.
        known_from: Time of the oldest event: what was before it is not known; empty for an empty log.
    """

    changes: tuple[Change, ...] = ()
    deeds: tuple[Deed, ...] = ()
    documents: Mapping[str, int] = field(default_factory=dict)
    known_from: str = ""


@dataclass(slots=True)
class _Held:
    """A version, and the event that set it."""

    value: str
    seq: int
    ts: str
    previous: str = ""


_Key = tuple[Area, str]


def diff(log: EventLog, earlier: Moment, later: Moment) -> Diff:
    """Return what is otherwise at ``later`` than it was at ``earlier``, and what was done in between.

    Each a time, or a ``seq``, of which everything before it (up to and with this number) counts.
    """
    if type(earlier) is type(later) and earlier > later:  # type: ignore[operator]
        earlier, later = later, earlier
    before: dict[_Key, _Held] = {}
    after: dict[_Key, _Held] = {}
    done: dict[tuple[Area, str, str], list[int]] = {}
    documents: Counter[str] = Counter()
    first = next(log.read(until=later), None)
    parts, past = _Parts(), True
    for event in log.read("log.opened", "doc.", *_STATE, *_DEEDS, until=later):
        kind = str(event["type"])
        if past and not is_until(earlier, seq=int(event["seq"]), ts=str(event["ts"])):
            past, before = False, dict(after)
        for key, value in _set_by(event, after, parts):
            held = after.get(key)
            if held is None or held.value != value:
                previous = str(event["data"].get("previous", "")) if kind == "policy.changed" else ""
                after[key] = _Held(value, int(event["seq"]), str(event["ts"]), previous)
        if past:
            continue
        if kind in _DEEDS:
            detail = str(event["data"].get("scope") or event["data"].get("collection") or "")
            done.setdefault((_DEEDS[kind], kind, detail), []).append(int(event["seq"]))
        elif kind.startswith("doc."):
            documents[kind.removeprefix("doc.")] += 1
    return Diff(
        changes=() if past else tuple(_changes(before, after)),
        deeds=tuple(
            Deed(area=area, type=kind, detail=detail, count=len(seqs), first=seqs[0], last=seqs[-1])
            for (area, kind, detail), seqs in sorted(done.items())
        ),
        documents=dict(documents),
        known_from=str(first["ts"]) if first else "",
    )


def area_of(part: str) -> Area:
    """Return what a part of the configuration, by its dotted name, belongs to."""
    table, _, rest = part.partition(".")
    if table == "collections":
        return _OF_COLLECTION.get([*rest.split("."), ""][1], "configuration")
    return _TABLES.get(table, "configuration")


class _Parts:
    """Gathers the pieces of a configuration that comes in several events."""

    def __init__(self) -> None:
        self._mark = ""
        self._held: dict[str, str] = {}

    def whole(self, event: Event) -> dict[str, str] | None:
        """All parts, once the last piece is there."""
        data = event["data"]
        mark = str(data.get("config", ""))
        if mark != self._mark or data.get("piece", 1) == 1:
            self._mark, self._held = mark, {}
        self._held |= {str(name): str(hashed) for name, hashed in data.get("parts", {}).items()}
        return self._held if self._held and data.get("piece", 1) == data.get("pieces", 1) else None


def _set_by(event: Event, held: Mapping[_Key, _Held], parts: _Parts) -> Iterator[tuple[_Key, str]]:
    """What an event sets: the version of something, by area and name."""
    data, kind = event["data"], event["type"]
    for name, version in dict(event.get("sw") or {}).items():
        if name != "cfg":  # its parts say more
            yield ("software", str(name)), str(version)
    if kind == "config.changed" and (named := parts.whole(event)) is not None:
        for name, hashed in named.items():
            yield (area_of(name), name), hashed
        for area, name in list(held):
            if "." in name and area == area_of(name) and name not in named and held[area, name].value:
                yield (area, name), ""
    elif kind == "model.loaded":
        yield _model(event, held)
    elif kind == "policy.changed":
        yield ("policies", str(data.get("collection", ""))), str(data.get("policy", ""))
    elif kind == "index.generation.activated":
        yield ("index", str(data.get("collection", ""))), str(data.get("generation", ""))
    elif kind == "ingest.run.started" and data.get("connector"):
        yield ("connectors", f"{data.get('collection', '')}/{data.get('source', '')}"), str(data["connector"])


def _model(event: Event, held: Mapping[_Key, _Held]) -> tuple[_Key, str]:
    """A model and its hash; of a detector all hashes so far, since each policy makes another one of it."""
    data = event["data"]
    key: _Key = "models", f"{data.get('part') or 'model'}/{data.get('model', '')}"
    loaded = str(data.get("hash", ""))
    known = held.get(key)
    if data.get("part") == "detector" and known is not None:
        loaded = " ".join(dict.fromkeys([*known.value.split(), loaded]))
    return key, loaded


def _changes(before: Mapping[_Key, _Held], after: Mapping[_Key, _Held]) -> Iterator[Change]:
    for key in sorted(after):
        (area, name), is_now = key, after[key]
        was = before[key].value if key in before else is_now.previous
        now = is_now.value
        if was == now:
            continue
        if name.startswith("detector/") and was:  # only what came new
            was, now = was.split()[-1], " ".join(one for one in now.split() if one not in was.split())
        yield Change(area=area, name=name, before=was, after=now, seq=is_now.seq, ts=is_now.ts)
