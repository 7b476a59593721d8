"""Who got to see passages of some documents, read from the event log (GDPR Art. 15(1)(c) and 19).

The log has no content, so it tells of documents and not of a person's passages in them: what is listed may be more than
what was disclosed, never less, as far as the log is whole. Whether it is, is told too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.audit.reading import read_events

_SENT = ("egress.intent", "egress.unsafe")
_HOLES = frozenset({"log.dropped", "log.recovered", "log.reopened"})


@dataclass(slots=True)
class Seen:
    """How often, and between when. ``who`` is a destination, or the keyed hash of a principal."""

    who: str
    count: int = 0
    first: str = ""
    last: str = ""

    def add(self, when: str) -> None:
        """Count one more."""
        self.count += 1
        self.first, self.last = self.first or when, when


@dataclass(slots=True)
class Recipients:
    """What the log tells.

    Attributes:
        destinations: Where passages of these documents were sent, other than this process.
        readers: Principals whose searches returned these documents.
        revealers: Principals who were shown values of this collection in clear. Whose values, the log does not say.
        since: When the log begins; empty where there is none.
        holes: Events by which the log says that something is missing from it, by type.
    """

    destinations: list[Seen] = field(default_factory=list)
    readers: list[Seen] = field(default_factory=list)
    revealers: list[Seen] = field(default_factory=list)
    since: str = ""
    holes: dict[str, int] = field(default_factory=dict)

    def is_whole(self, since: str) -> bool:
        """Whether the log says everything from a moment on, ISO 8601."""
        return bool(self.since) and not self.holes and _second(self.since) <= _second(since)


def recipients_of(events: Path, *, collection: str, doc_ids: Collection[str]) -> Recipients:
    """Read the log, oldest first, once.

    Args:
        events: Its folder.
        collection: Its name.
        doc_ids: The documents.
    """
    wanted = frozenset(doc_ids)
    found = Recipients()
    tables: dict[str, dict[str, Seen]] = {"destinations": {}, "readers": {}, "revealers": {}}
    retrieved: set[str] = set()
    for event in read_events(events):
        found.since = found.since or str(event.get("ts", ""))
        kind = str(event.get("type", ""))
        if kind in _HOLES:
            found.holes[kind] = found.holes.get(kind, 0) + 1
        data = event.get("data") or {}
        if data.get("collection") != collection:
            continue
        for table, who in _told(kind, event, data, wanted, retrieved):
            tables[table].setdefault(who, Seen(who)).add(str(event.get("ts", "")))
    for name, seen in tables.items():
        setattr(found, name, sorted(seen.values(), key=lambda one: one.first))
    return found


def _told(
    kind: str, event: Mapping[str, Any], data: Mapping[str, Any], wanted: frozenset[str], retrieved: set[str]
) -> Iterator[tuple[str, str]]:
    actor = str((event.get("actor") or {}).get("id", ""))
    request = str(event.get("request", ""))
    if kind == "retrieval.done" and any(chunk.get("doc") in wanted for chunk in data.get("chunks") or ()):
        if request:
            retrieved.add(request)
        yield "readers", actor
    elif kind in _SENT and data.get("location", "in-process") != "in-process" and request in retrieved:
        # What was sent counts, whoever answered in the end: a large one that failed, a stream that nobody heard out.
        yield "destinations", f"{data.get('destination') or data.get('generator', '')} ({data['location']})"
    elif kind in {"pii.unmasked", "pii.unmasking"} and event.get("outcome") == "ok":
        yield "revealers", actor


def _second(moment: str) -> str:
    return moment[:19]
