"""Legal holds: what they keep from retention, from erasure, and from a sync that finds it gone at its source.

::

    holds = Holds(database, collection)
    holds.place(scope="document", doc_id=doc_id, reason="case 7")
    holds.blocking(numbers=…, doc_ids=…)     # the holds in the way
    holds.require_free(numbers=…, doc_ids=…) # or HeldBack

A hold keeps a document in the store with its keys, and the vault values that stand in it. It does not freeze the
document: a change at the source still gives it a new version. Where a window of history is kept, its past versions stay
beyond the window.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection as Values
from typing import TYPE_CHECKING

from ragkit.errors import ConfigError, HeldBack
from ragkit.store.holds import Hold, HoldRows, Scope
from ragkit.store.items import now
from ragkit.store.pastrows import PastRows, Place

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database


class Holds:
    """The holds of one collection."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._rows = HoldRows(database, collection)
        self._past = PastRows(database, collection)

    def place(
        self,
        scope: Scope,
        *,
        reason: str,
        numbers: Values[int] = (),
        doc_id: str = "",
        source: str = "",
    ) -> Hold:
        """Place a hold; the workspace's write lock is held.

        Args:
            scope: On what.
            reason: Why; it is sealed.
            numbers: For ``value``: the numbers of the value.
            doc_id: For ``document``.
            source: For ``source``: its name.

        Raises:
            ConfigError: No reason, or nothing that could be held.
        """
        if not reason.strip():
            raise ConfigError("a hold needs a reason", remedy="Give one with `--reason`.")
        if scope == "document" and not self._rows.exists(doc_id):
            raise ConfigError("there is no such document here", remedy="`ragkit search --json` tells document ids.")
        if scope == "value" and not numbers:
            raise ConfigError("the value is not in the vault", remedy="Hold the document or the source instead.")
        hold = Hold(
            hold=uuid.uuid4().hex,
            scope=scope,
            placed_at=now(),
            numbers=frozenset(numbers),
            doc_id=doc_id,
            source=source,
            reason=reason.strip(),
        )
        self._rows.add(hold)
        return hold

    def release(self, hold_id: str, *, reason: str) -> Hold:
        """End a hold. What is gone at its source, and kept by no other hold, goes with the next sync.

        Raises:
            ConfigError: No reason, no such hold, or it was released before.
        """
        if not reason.strip():
            raise ConfigError("a release needs a reason", remedy="Give one with `--reason`.")
        found = next((hold for hold in self._rows.in_force() if hold.hold == hold_id), None)
        if found is None:
            raise ConfigError("there is no such hold in force", remedy="`ragkit hold list` shows them.")
        self._rows.release(found, reason.strip())
        vanished = self._rows.vanished()
        self._rows.let_go(set(vanished) - self.held(vanished))
        return found

    def every(self) -> list[Hold]:
        """Return all holds, released ones too."""
        return self._rows.every()

    def documents_of(self, hold: Hold) -> set[str]:
        """Return the documents that a hold keeps now."""
        return self._rows.documents_of(hold)

    def held(self, doc_ids: Values[str]) -> set[str]:
        """Return which of these documents a hold in force keeps."""
        wanted = set(doc_ids)
        found: set[str] = set()
        for hold in self._rows.in_force() if wanted else ():
            found |= wanted & self._rows.documents_of(hold)
        return found

    def held_past(self, places: Values[Place]) -> set[Place]:
        """Return which of these past versions a hold in force names."""
        wanted = set(places)
        found: set[Place] = set()
        for hold in self._rows.in_force() if wanted else ():
            found |= wanted & self._past.held_by(hold)
        return found

    def held_numbers(self, numbers: Values[int]) -> set[int]:
        """Return which of these values a hold in force keeps: named by it, or standing in a document it keeps."""
        wanted = set(numbers)
        found: set[int] = set()
        for hold in self._rows.in_force() if wanted else ():
            found |= wanted & self._numbers_of(hold)
        return found

    def blocking(self, *, numbers: Values[int] = (), doc_ids: Values[str] = ()) -> list[Hold]:
        """Return the holds in force that keep one of these values or documents."""
        values, wanted = set(numbers), set(doc_ids)
        return [
            hold
            for hold in self._rows.in_force()
            if hold.scope == "collection"
            or not wanted.isdisjoint(self._rows.documents_of(hold))
            or not wanted.isdisjoint(doc_id for doc_id, _ in self._past.held_by(hold))
            or (values and not values.isdisjoint(self._numbers_of(hold)))
        ]

    def require_free(self, *, numbers: Values[int] = (), doc_ids: Values[str] = ()) -> None:
        """Refuse when a hold keeps one of these.

        Raises:
            HeldBack: With the ids of the holds.
        """
        if found := self.blocking(numbers=numbers, doc_ids=doc_ids):
            raise held_back(found)

    def _numbers_of(self, hold: Hold) -> set[int]:
        mentioned = self._rows.numbers_in(self._rows.documents_of(hold))
        return set(hold.numbers) | mentioned | self._past.numbers_in(self._past.held_by(hold))


def held_back(found: Values[Hold]) -> HeldBack:
    """Return the error that names these holds."""
    ids = tuple(hold.hold for hold in found)
    return HeldBack(
        f"a legal hold keeps it: {', '.join(ids)}",
        holds=ids,
        remedy="Release the hold with `ragkit hold release`, if its reason is over; `ragkit hold list` shows them.",
    )
