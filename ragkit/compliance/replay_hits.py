"""The record store's check as it was: who could see which chunk at a moment, by the log and the store's history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from ragkit.compliance.events import EventLog
from ragkit.errors import FilterRefused
from ragkit.store.schema import filters as filter_rows
from ragkit.store.schema import versions
from ragkit.types import Evidence, Hit, Principal

if TYPE_CHECKING:
    from ragkit.compliance.replay_index import PastRow
    from ragkit.store.history import History
    from ragkit.store.records import RecordStore

_MOST = 20_000  # as the store: more filtered chunks are not listed


def classes_of_groups(log: EventLog, groups: str, *, collection: str) -> frozenset[str] | None:
    """Return the access classes that somebody could see, by the keyed hash of all their access tokens.

    An access class means the same tokens for ever, and so does the hash, so it does not matter when they were recorded.

    Returns:
        ``None`` where the log does not list the tokens.
    """
    held: set[str] = set()
    classes: dict[str, set[str]] = {}
    for event in log.read("principal.seen", "acl.class"):
        data = event["data"]
        if event["type"] == "principal.seen":
            if data.get("groups") == groups:
                held.update(data.get("tokens", ()))
        elif data.get("collection", collection) == collection:
            classes.setdefault(str(data["access_class"]), set()).update(data.get("tokens", ()))
    return frozenset(name for name, tokens in classes.items() if tokens & held) if held else None


class PastHits:
    """Implements :class:`ragkit.protocols.HitSource` for one moment; filters are given as evidence has them.

    Args:
        history: The store's.
        store: For the metadata that can be filtered on.
        rows: The chunks of that time, for their access classes.
        at: The moment.
        classes: What the asker could see.
    """

    def __init__(
        self,
        history: History,
        store: RecordStore,
        rows: Iterable[PastRow],
        *,
        at: datetime,
        classes: frozenset[str],
    ) -> None:
        self._history = history
        self._store = store
        self._class_of = {row.chunk_id: row.access_class for row in rows if row.lived(at)}
        self._place_of = {row.chunk_id: row.place for row in rows if row.chunk_id in self._class_of}
        self._at = at
        self._classes = classes

    def classes_for(self, principal: Principal) -> frozenset[str]:  # noqa: ARG002
        """Return what the asker could see then, whoever replays."""
        return self._classes

    def hits(
        self,
        chunk_ids: Sequence[int],
        *,
        principal: Principal,  # noqa: ARG002
        filters: Mapping[str, str] | None = None,
    ) -> dict[int, Hit]:
        """Return the hits among these chunks as they were."""
        allowed = [number for number in chunk_ids if self._class_of.get(number) in self._classes]
        if filters is not None:
            places = self._matching(filters)
            allowed = [number for number in allowed if self._place_of[number] in places]
        return self._history.hits_at(allowed, at=self._at) if allowed else {}

    def filtered_ids(self, filters: Mapping[str, str], *, principal: Principal) -> frozenset[int] | None:  # noqa: ARG002
        """Return the numbers of all chunks that matched then, or ``None`` for too many."""
        places = self._matching(filters)
        found = frozenset(
            number
            for number, access_class in self._class_of.items()
            if access_class in self._classes and self._place_of[number] in places
        )
        return None if len(found) > _MOST else found

    def _matching(self, wanted: Mapping[str, str]) -> set[tuple[str, int]]:
        """The versions that have all these metadata values; a version's never change."""
        if not wanted:
            raise FilterRefused("a filter is empty", remedy="Leave the filter out, or give each key a value.")
        found: set[tuple[str, int]] | None = None
        for key, value in sorted(wanted.items()):
            query = (
                select(versions.c.doc_id, versions.c.number)
                .join(filter_rows, filter_rows.c.version_id == versions.c.version_id)
                .where(
                    versions.c.collection_id == self._store.collection.id,
                    filter_rows.c.key == key,
                    filter_rows.c.value_mac == bytes.fromhex(value),
                )
            )
            with self._store.database.read() as connection:
                mine = {(row.doc_id, row.number) for row in connection.execute(query)}
            found = mine if found is None else found & mine
        return found or set()


class Silent:
    """A recorder for what is no search of anybody's."""

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""
