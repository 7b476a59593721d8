"""Legal holds, in the key file: what must not be deleted, and why. Both are sealed.

A hold is on a value (by its numbers, as in ``mentions``), on a document, on a source or on the whole collection.
"""

from __future__ import annotations

import json
from collections.abc import Collection as Values
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import select, update

from ragkit import crypto
from ragkit.store.items import now
from ragkit.store.key_schema import holds
from ragkit.store.schema import documents, items, mentions, sources

if TYPE_CHECKING:
    from sqlalchemy import Row

    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

Scope = Literal["value", "document", "source", "collection"]
_SLICE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold.

    Attributes:
        hold: Its id.
        scope: On what it is.
        placed_at: ISO 8601.
        released_at: Likewise; ``None`` while it is in force.
        numbers: Of a value's hold, the numbers of the value.
        doc_id: Of a document's.
        source: Of a source's, the source's name.
        reason: As given.
        release_reason: Likewise, once released.
    """

    hold: str
    scope: Scope
    placed_at: str
    released_at: str | None = None
    numbers: frozenset[int] = frozenset()
    doc_id: str = ""
    source: str = ""
    reason: str = field(default="", repr=False)
    release_reason: str = field(default="", repr=False)


class HoldRows:
    """The holds of one collection, and what they reach. Write them while the workspace's write lock is held."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection
        self._key = crypto.derive(collection.keys.content, "holds")

    def add(self, hold: Hold) -> None:
        """Enter a hold."""
        values = {
            "hold": hold.hold,
            "collection_id": self._collection.id,
            "sealed": self._sealed(hold),
            "placed_at": hold.placed_at,
        }
        with self._database.key_file.write() as connection:
            connection.execute(holds.insert(), values)

    def release(self, hold: Hold, reason: str) -> None:
        """Note that a hold is no longer in force, and why."""
        sealed = self._sealed(hold, release_reason=reason)
        mine = (holds.c.hold == hold.hold) & (holds.c.collection_id == self._collection.id)
        with self._database.key_file.write() as connection:
            connection.execute(update(holds).where(mine).values(sealed=sealed, released_at=now()))

    def every(self) -> list[Hold]:
        """Return all holds, released ones too, the oldest first.

        Raises:
            KeyMismatch: They were sealed with another key.
        """
        key_file = self._database.key_file
        if not key_file.mark():
            return []
        query = select(holds).where(holds.c.collection_id == self._collection.id)
        with key_file.read() as connection:
            rows = connection.execute(query.order_by(holds.c.placed_at, holds.c.hold)).all()
        return [self._opened(row) for row in rows]

    def in_force(self) -> list[Hold]:
        """Return the holds that are not released."""
        return [hold for hold in self.every() if hold.released_at is None]

    def documents_of(self, hold: Hold) -> set[str]:
        """Return the documents that a hold keeps now; of a collection's hold, all."""
        query = select(documents.c.doc_id).where(documents.c.collection_id == self._collection.id)
        if hold.scope == "document":
            query = query.where(documents.c.doc_id == hold.doc_id)
        elif hold.scope == "source":
            query = query.join(items, items.c.doc_id == documents.c.doc_id)
            query = query.join(sources, sources.c.source_id == items.c.source_id).where(sources.c.name == hold.source)
        elif hold.scope == "value":
            query = query.join(mentions, mentions.c.version_id == documents.c.version_id)
            query = query.where(mentions.c.key.in_(sorted(hold.numbers)))
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def numbers_in(self, doc_ids: Values[str]) -> set[int]:
        """Return the numbers of the values that stand in these documents."""
        found: set[int] = set()
        every = sorted(doc_ids)
        with self._database.read() as connection:
            for start in range(0, len(every), _SLICE):
                query = select(mentions.c.key).join(documents, documents.c.version_id == mentions.c.version_id)
                query = query.where(documents.c.doc_id.in_(every[start : start + _SLICE])).distinct()
                found.update(connection.execute(query).scalars())
        return found

    def exists(self, doc_id: str) -> bool:
        """Say whether a document of this collection answers."""
        query = select(documents.c.doc_id).where(
            documents.c.doc_id == doc_id, documents.c.collection_id == self._collection.id
        )
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def vanished(self) -> list[str]:
        """Return the documents that are gone at their source and kept by a hold."""
        query = select(items.c.doc_id).join(sources, sources.c.source_id == items.c.source_id)
        query = query.where(sources.c.collection_id == self._collection.id, items.c.status == "held")
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def let_go(self, doc_ids: Values[str]) -> None:
        """Let the next complete pass over the source delete documents that are gone there."""
        every = sorted(doc_ids)
        with self._database.write() as connection:
            for start in range(0, len(every), _SLICE):
                some = items.c.doc_id.in_(every[start : start + _SLICE])
                connection.execute(update(items).where(some, items.c.status == "held").values(status="active"))

    def _sealed(self, hold: Hold, *, release_reason: str = "") -> bytes:
        content = {
            "scope": hold.scope,
            "numbers": sorted(hold.numbers),
            "doc_id": hold.doc_id,
            "source": hold.source,
            "reason": hold.reason,
            "release_reason": release_reason,
        }
        return crypto.seal(self._key, json.dumps(content).encode(), bound_to=f"hold/{hold.hold}")

    def _opened(self, row: Row[Any]) -> Hold:
        content = json.loads(crypto.unseal(self._key, row.sealed, bound_to=f"hold/{row.hold}"))
        content["numbers"] = frozenset(content["numbers"])
        return Hold(hold=row.hold, placed_at=row.placed_at, released_at=row.released_at, **content)
