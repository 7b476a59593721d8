"""Legal holds in an open workspace: placing, listing and releasing them; reached as ``workspace.keeping``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.lifecycle.holds import Holds
    from ragkit.store.holds import Hold, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReport:
    """One legal hold, for an officer.

    Attributes:
        documents: How many it keeps now; 0 once released.
        reason: As given.
        release_reason: Likewise; empty while it is in force.
    """

    hold: str
    collection: str
    scope: str
    placed_at: str
    released_at: str | None
    documents: int
    reason: str = field(repr=False)
    release_reason: str = field(default="", repr=False)


class Holding:
    """Legal holds of an open workspace; for officers. :class:`ragkit.keeping.Keeping` has these verbs.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def place_hold(
        self,
        *,
        reason: str,
        value: str | None = None,
        document: str | None = None,
        source: str | None = None,
        whole: bool = False,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> HoldReport:
        """Keep something from retention, from erasure, and from a sync that finds it gone. Exactly one thing is named.

        Args:
            reason: Why; it is sealed, and its keyed hash recorded.
            value: A value of a person: every document that holds it, or another value that is certainly theirs alone.
            document: A document id.
            source: A source's name.
            whole: The whole collection.
            collection: Whose; by default the only one.
            principal: Who asks, an officer; by default the owner.

        Raises:
            AccessDenied: Not an officer, or no reason.
            ConfigError: Nothing, several things, or something unknown was named.
            WriterBusy: Another process is writing.
        """
        asking = self._handles.officer("hold", purpose=reason, principal=principal, collection=collection)
        named: dict[Scope, bool] = {
            "value": bool(value), "document": bool(document), "source": bool(source), "collection": whole,
        }  # fmt: skip
        scopes = [scope for scope, given in named.items() if given]
        if len(scopes) != 1:
            raise ConfigError("a hold is on one thing", remedy="Name a value, a document, a source or the collection.")
        name = self._handles.name(collection)
        known = [one.name for one in self._handles.config.collections[name].sources]
        if source and source not in known:
            raise ConfigError("there is no such source", remedy=f"Name one of: {', '.join(known)}.")
        with self._handles.writing("hold") as database:
            part = self._handles.collection(name, database)
            numbers = self._numbers_of(part, value) if value else frozenset()
            holds = self._holds(part)
            hold = holds.place(scopes[0], reason=reason, numbers=numbers, doc_id=document or "", source=source or "")
            report = _told(part.name, hold, holds)
            self._tell("hold.placed", report, asking, reason)
        return report

    def holds(
        self, *, purpose: str = "list holds", collection: str | None = None, principal: Principal | None = None
    ) -> list[HoldReport]:
        """Return all holds with their reasons, released ones too, the oldest first; for officers."""
        names = [self._handles.name(collection)] if collection else list(self._handles.known())
        for name in names:
            asking = self._handles.officer("hold", purpose=purpose, principal=principal, collection=name)
            told = {"verb": "hold-list", "collection": name, "via": "local" if asking.kind == "local" else "caller"}
            self._handles.recorder.record("auth.ok", actor=asking, data=told)
        reports = []
        for name in names:
            part = self._handles.reader(name)
            holds = self._holds(part)
            reports += [_told(name, hold, holds) for hold in holds.every()]
        return sorted(reports, key=lambda one: (one.placed_at, one.hold))

    def release_hold(
        self, hold: str, *, reason: str, collection: str | None = None, principal: Principal | None = None
    ) -> HoldReport:
        """End a hold. What is gone at its source, and kept by no other hold, goes with the next complete sync.

        Raises:
            AccessDenied: Not an officer, or no reason.
            ConfigError: There is no such hold in force.
            WriterBusy: Another process is writing.
        """
        asking = self._handles.officer("hold", purpose=reason, principal=principal, collection=collection)
        with self._handles.writing("hold") as database:
            part = self._handles.collection(self._handles.name(collection), database)
            holds = self._holds(part)
            holds.release(hold, reason=reason)
            released = next(one for one in holds.every() if one.hold == hold)
            report = _told(part.name, released, holds)
            self._tell("hold.released", report, asking, reason)
        return report

    def _holds(self, part: OpenCollection) -> Holds:
        from ragkit.lifecycle.holds import Holds

        return Holds(part.store.database, part.collection)

    def _numbers_of(self, part: OpenCollection, value: str) -> frozenset[int]:
        """The numbers of a value, of its spellings, and of what is certainly the same person's and nobody else's."""
        from ragkit.lifecycle.people import People

        vault = part.masker.vault
        found: set[int] = set()
        for person in People(part.store, vault).find(value):
            for held in person.values:
                if held.certain and (not held.shared or held.value == value):
                    found |= {held.number, vault.value_number((held.entity_type, held.value))}
        return frozenset(found)

    def _tell(self, kind: str, report: HoldReport, asking: Principal, reason: str) -> None:
        data = {
            "hold": report.hold,
            "collection": report.collection,
            "scope": report.scope,
            "documents": report.documents,
            "reason": self._handles.recorder.keyed(reason),
        }
        self._handles.recorder.record(kind, actor=asking, data=data)


def _told(collection: str, hold: Hold, holds: Holds) -> HoldReport:
    return HoldReport(
        hold=hold.hold,
        collection=collection,
        scope=hold.scope,
        placed_at=hold.placed_at,
        released_at=hold.released_at,
        documents=0 if hold.released_at else len(holds.documents_of(hold)),
        reason=hold.reason,
        release_reason=hold.release_reason,
    )
