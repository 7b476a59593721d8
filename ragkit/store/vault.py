"""The vault's rows of one collection (:class:`ragkit.protocols.VaultTable`). Everything in them is sealed or hashed."""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from ragkit.errors import StoreError
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.schema import vault
from ragkit.types import VaultRow

_PARAMETERS = 10_000  # SQLite takes 32,766 a statement
_COLUMNS = (
    vault.c.value_mac,
    vault.c.kind,
    vault.c.entity_type,
    vault.c.token,
    vault.c.surrogate_mac,
    vault.c.sealed_surrogate,
    vault.c.sealed_value,
    vault.c.wrapped_key,
)


class VaultRows:
    """Finds rows by keyed hash and inserts new ones, unique by database constraint."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection_id = collection.id

    def by_mac(self, macs: Values[bytes]) -> dict[bytes, VaultRow]:
        """Return the rows with these value hashes, by hash."""
        return {row.value_mac: row for row in self._rows(vault.c.value_mac, macs)}

    def by_token(self, tokens: Values[str]) -> dict[str, VaultRow]:
        """Return the rows with these token ids, by token id."""
        return {row.token: row for row in self._rows(vault.c.token, tokens) if row.token is not None}

    def surrogates_taken(self, surrogate_macs: Values[bytes]) -> set[bytes]:
        """Return which of these surrogate hashes belong to a value already."""
        found: set[bytes] = set()
        with self._database.read() as connection:
            for some in _slices(surrogate_macs):
                query = select(vault.c.surrogate_mac).where(
                    vault.c.collection_id == self._collection_id, vault.c.surrogate_mac.in_(some)
                )
                found.update(connection.execute(query).scalars())
        return found

    def insert(self, rows: Sequence[VaultRow]) -> None:
        """Insert rows, in this thread's write transaction if one is under way.

        Raises:
            StoreError: A value, token or surrogate is there already.
        """
        if not rows:
            return
        values = [
            {column.name: getattr(row, column.name) for column in _COLUMNS} | {"collection_id": self._collection_id}
            for row in rows
        ]
        with self._database.write() as connection:
            try:
                connection.execute(vault.insert(), values)
            except IntegrityError:
                raise StoreError(
                    "a value, token or surrogate is in the vault already",
                    remedy="Run the command again; the masker looks the vault up afresh.",
                ) from None

    def count(self) -> int:
        """Return how many rows the collection has."""
        query = select(func.count()).select_from(vault).where(vault.c.collection_id == self._collection_id)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def _rows(self, column: ColumnElement[Any], wanted: Values[Any]) -> list[VaultRow]:
        found: list[VaultRow] = []
        with self._database.read() as connection:
            for some in _slices(wanted):
                query = select(*_COLUMNS).where(vault.c.collection_id == self._collection_id, column.in_(some))
                found.extend(VaultRow(**row) for row in connection.execute(query).mappings())
        return found


def _slices(values: Values[Any]) -> Iterator[list[Any]]:
    every = list(values)
    for start in range(0, len(every), _PARAMETERS):
        yield every[start : start + _PARAMETERS]
