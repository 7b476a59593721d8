"""Rulings: what is redacted or corrected in all that is masked from now on; in the key file, so restores keep it.

The rows hold numbers and sealed shapes. What they mean is :mod:`ragkit.mask.rulings`.
"""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from ragkit import crypto
from ragkit.store.dialect_words import insert
from ragkit.store.key_schema import rulings
from ragkit.types import RulingRow

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.keyfile import KeyFile

_SLICE = 5_000


class RulingRows:
    """The rulings of one collection. Write them while the workspace's write lock is held."""

    def __init__(self, key_file: KeyFile, collection: Collection) -> None:
        self._key_file = key_file
        self._collection = collection

    def mark(self) -> int:
        """A number that is another after each change; one small read."""
        return self._key_file.mark()

    def rows(self, *, roles: Values[str] | None = None) -> list[RulingRow]:
        """Return every ruling, or those of some roles."""
        table = rulings.c
        query = select(table.request, table.verb, table.role, table.number, table.sealed).where(
            table.collection_id == self._collection.id
        )
        if roles is not None:
            query = query.where(table.role.in_(list(roles)))
        if not self._key_file.mark():
            return []
        with self._key_file.read() as connection:
            return [RulingRow(*row) for row in connection.execute(query)]

    def add(self, rows: Iterable[RulingRow]) -> None:
        """Write rulings; the same again changes nothing. Takes part in a write transaction that is under way."""
        values = [
            {
                "request": row.request,
                "collection_id": self._collection.id,
                "verb": row.verb,
                "role": row.role,
                "number": row.number,
                "sealed": row.sealed,
            }
            for row in rows
        ]
        if not values:
            return
        with self._key_file.write() as connection:
            for start in range(0, len(values), _SLICE):
                connection.execute(insert(rulings).on_conflict_do_nothing(), values[start : start + _SLICE])

    def lift(self, request: str) -> int:
        """Take the rulings of a request back; return how many there were."""
        mine = (rulings.c.collection_id == self._collection.id) & (rulings.c.request == request)
        with self._key_file.write() as connection:
            return connection.execute(delete(rulings).where(mine)).rowcount

    def count(self) -> int:
        """Return how many rows there are."""
        if not self._key_file.mark():
            return 0
        query = select(func.count()).select_from(rulings).where(rulings.c.collection_id == self._collection.id)
        with self._key_file.read() as connection:
            return connection.execute(query).scalar_one()

    # --- documents that are to stay away -----------------------------------------------------------------------------

    def document_number(self, doc_id: str) -> int:
        """What stands for a document that is to stay away; it tells nothing without the key."""
        return crypto.key_number(crypto.keyed_hash(self._collection.keys.ids, "kept away", doc_id))

    def keep_away(self, request: str, doc_ids: Iterable[str]) -> None:
        """Note documents that were deleted as a whole, so that no sync brings them back."""
        self.add(RulingRow(request, "erase", "document", self.document_number(doc_id)) for doc_id in doc_ids)

    def away(self) -> dict[int, frozenset[str]]:
        """Return the numbers of all documents that are to stay away, each with the requests that say so."""
        by_number: dict[int, set[str]] = {}
        for row in self.rows(roles=["document"]):
            by_number.setdefault(row.number, set()).add(row.request)
        return {number: frozenset(requests) for number, requests in by_number.items()}

    def kept_away(self, doc_ids: Values[str]) -> list[str]:
        """Return which of these documents are to stay away."""
        away = self.away()
        return [doc_id for doc_id in doc_ids if self.document_number(doc_id) in away] if away else []
