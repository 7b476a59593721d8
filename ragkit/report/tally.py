"""The events of the report's time, read once: counts under headings, and those that a line is about one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from ragkit.compliance.exits import Exit
from ragkit.report.model import Cited

Event = Mapping[str, Any]

_FAMILIES = ("approval.", "backup.", "erasure.", "hold.", "human.", "incident.", "key.")
_SINGLE = frozenset(
    {
        *("access.evidence", "checkpoint.refused", "config.changed", "evidence.destroyed", "history.purged"),
        *("model.loaded", "permissions.reviewed", "pii.unmasked", "policy.changed", "retention.purged"),
    }
)
# Of these every event is kept: they are few, and each is a line of its own.


class Tally:
    """What a report counts. Everything else is passed over, so that a log of a million events fits into memory.

    Attributes:
        every: All events.
        types: By type.
        days: By day and type.
        kept: The events of the types that are told one by one.
        groups: By heading (a tuple that begins with what is counted), the events behind it.
        sums: By heading, sums of figures by name.
        open_ends: Prompts whose end is not in the log: they may have left.
    """

    def __init__(self) -> None:
        self.every = Cited()
        self.types: dict[str, Cited] = defaultdict(Cited)
        self.days: dict[str, Counter[str]] = defaultdict(Counter)
        self.kept: dict[str, list[Event]] = defaultdict(list)
        self.groups: dict[tuple[str, ...], Cited] = defaultdict(Cited)
        self.sums: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self.open_ends: list[Exit] = []

    def read(self, events: Iterable[Event]) -> Tally:
        """Count events, oldest first."""
        for event in events:
            self._add(event)
        return self

    def of(self, *kinds: str) -> list[Event]:
        """Return the kept events of these types, oldest first."""
        found = [event for kind in kinds for event in self.kept.get(kind, ())]
        return sorted(found, key=lambda event: int(event["seq"]))

    def behind(self, *kinds: str) -> Cited:
        """Cite all events of these types; a name that ends in a dot is a family."""
        found = Cited()
        for kind, events in self.types.items():
            if any(kind == wanted or (wanted.endswith(".") and kind.startswith(wanted)) for wanted in kinds):
                found = found + events
        return found

    def grouped(self, heading: str) -> list[tuple[tuple[str, ...], Cited, Counter[str]]]:
        """Return the groups under a heading, without it: key, events, sums."""
        found = [(key, events) for key, events in self.groups.items() if key[0] == heading]
        return [(key[1:], events, self.sums[key]) for key, events in sorted(found, key=lambda one: one[0])]

    def _add(self, event: Event) -> None:
        kind, data = str(event["type"]), event.get("data", {})
        self.every.add(event)
        self.types[kind].add(event)
        self.days[str(event["ts"])[:10]][kind] += 1
        if kind in _SINGLE or kind.startswith(_FAMILIES):
            self.kept[kind].append(event)
        if event.get("outcome", "ok") != "ok":
            self._group(("outcome", kind, str(event["outcome"]), str(event.get("reason", ""))), event)
        if counting := _COUNTING.get(kind):
            counting(self, event, data)

    def _group(self, key: tuple[str, ...], event: Event, sums: Mapping[str, int] | None = None) -> None:
        self.groups[key].add(event)
        if sums:
            self.sums[key].update(sums)

    # --- what is counted of frequent types ----------------------------------------------------------------------------

    def _document(self, event: Event, data: Event) -> None:
        key = ("documents", *_texts(data, "collection", "source"), str(event["type"]))
        self._group(key, event, {name: int(data[name]) for name in ("bytes", "chunks") if name in data})

    def _masked(self, event: Event, data: Event) -> None:
        key = ("masked", *_texts(data, "collection", "policy"))
        self._group(key, event, data.get("entities", {}))
        self.sums["recognizers", key[1]].update(data.get("by", {}))
        self.sums["allowed", key[1]].update(data.get("kept", data.get("allowed", {})) or {})

    def _asked(self, event: Event, data: Event) -> None:
        self._group(("asked", str(data.get("collection", ""))), event, data.get("entities", {}))

    def _released(self, event: Event, data: Event) -> None:
        key = ("answered", *_texts(data, "collection", "generator", "location"))
        self._group(key, event, {"refused": int(bool(data.get("refused"))), "citations": int(data.get("citations", 0))})

    def _generated(self, event: Event, data: Event) -> None:
        key = ("generated", *_texts(data, "generator", "model", "location"))
        names = ("input", "output", "unsupported_sentences", "invented_citations", "sanitised")
        self._group(key, event, {name: int(data[name]) for name in names if name in data})

    def _leaving(self, event: Event, data: Event) -> None:
        kind = str(event["type"]).removeprefix("egress.")
        place = str(data.get("destination", data.get("generator", "")))
        key = ("egress", place, *_texts(data, "provider", "location", "region", "contract"), kind)
        self._group((*key, str(data.get("data_class", ""))), event, {"bytes": int(data.get("bytes", 0))})
        if kind in ("intent", "unsafe", "blocked"):
            self._group(("left", place, kind), event, data.get("entities", {}))

    def _routed(self, event: Event, data: Event) -> None:
        self._group(
            ("routed", str(data.get("route", "")), str(data.get("generator", "")), str(event["outcome"])), event
        )

    def _guarded(self, event: Event, data: Event) -> None:
        key = ("guard", *_texts(data, "guard", "code", "collection"))
        self._group(key, event, {"count": int(data.get("count", 1))})

    def _looked(self, event: Event, data: Event) -> None:
        actor = event.get("actor", {})
        self._group(("looked", str(event["type"]), str(actor.get("id", "")), str(data.get("verb", ""))), event)

    def _denied(self, event: Event, data: Event) -> None:
        self._group(("denied", str(event.get("actor", {}).get("id", "")), str(data.get("verb", ""))), event)


def _texts(data: Event, *names: str) -> tuple[str, ...]:
    """Return these values of an event's data as text, empty where there is none."""
    return tuple(str(data.get(name, "")) for name in names)


_COUNTING = {
    "doc.added": Tally._document,
    "doc.updated": Tally._document,
    "doc.deleted": Tally._document,
    "doc.quarantined": Tally._document,
    "pii.masked": Tally._masked,
    "query.received": Tally._asked,
    "answer.released": Tally._released,
    "generation.done": Tally._generated,
    "egress.intent": Tally._leaving,
    "egress.done": Tally._leaving,
    "egress.failed": Tally._leaving,
    "egress.blocked": Tally._leaving,
    "egress.unsafe": Tally._leaving,
    "egress.probed": Tally._leaving,
    "route.chosen": Tally._routed,
    "guard.triggered": Tally._guarded,
    "access.audit": Tally._looked,
    "access.evidence": Tally._looked,
    "pii.unmasked": Tally._looked,
    "auth.denied": Tally._denied,
}
