"""The vault's rows of one collection (:class:`ragkit.protocols.VaultTable`). Everything in them is sealed or hashed."""

from __future__ import annotations

import json
from collections.abc import Collection as Values
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, func, select
from sqlalchemy.exc import IntegrityError

from ragkit.crypto import key_number
from ragkit.errors import StoreError
from ragkit.store.access import class_number, classes_of
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.denials import Denials
from ragkit.store.dialect_words import Worded
from ragkit.store.recordkeys import value_place
from ragkit.store.schema import vault, vault_names
from ragkit.types import Principal, VaultRow

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
_MANY_CLASSES = 512
_SEEN = (
    "SELECT wanted.value FROM numbers(:numbers) AS wanted WHERE EXISTS (SELECT 1 FROM mentions "
    "WHERE mentions.key = wanted.value AND {}mentions.class_number IN (SELECT value FROM numbers(:classes) AS held))"
)
_SEEN_BY_CLASS = Worded(_SEEN.format(""))
"""One index look-up for each number and class, whether or not documents of other classes have the value."""
_SEEN_BY_NUMBER = Worded(_SEEN.format("+"))
"""For who is in very many classes: every mention of a number until one fits. The plus keeps SQLite from the index."""


class VaultRows:
    """Finds rows by keyed hash and inserts new ones, unique by database constraint."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection
        self._collection_id = collection.id
        self._denials = Denials(database.key_file, collection)

    def epoch(self) -> int:
        """Return a number that changes when keys were destroyed, by any process. Costs microseconds."""
        return self._collection.records.epoch()

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

    def named(self, name: int, limit: int) -> list[VaultRow]:
        """Return at most ``limit`` rows that have this name key."""
        query = (
            select(*_COLUMNS)
            .join(vault_names, vault_names.c.vault_id == vault.c.vault_id)
            .where(vault_names.c.key == name, vault.c.collection_id == self._collection_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return self._opened(connection.execute(query).mappings().all())

    def classes_for(self, principal: Principal) -> frozenset[int]:
        """Return the numbers of the access classes that the principal may see."""
        with self._database.read() as connection:
            return frozenset(map(class_number, classes_of(connection, self._collection, principal)))

    def seen(self, numbers: Values[int], classes: Values[int]) -> set[int]:
        """Return which of these numbers stand among the mentions of a document of these access classes."""
        found: set[int] = set()
        if not classes:
            return found
        with self._database.read() as connection:
            query = _SEEN_BY_CLASS if len(classes) <= _MANY_CLASSES else _SEEN_BY_NUMBER
            for some in _slices(numbers):
                given = {"numbers": json.dumps(some), "classes": json.dumps(sorted(classes))}
                found.update(connection.execute(query, given).scalars())
        return found

    def denied(self) -> frozenset[str]:
        """Return the ids of the tokens that nobody is shown."""
        return self._denials.tokens()

    def insert(self, rows: Sequence[VaultRow]) -> None:
        """Insert rows, in this thread's write transaction if one is under way.

        Raises:
            StoreError: A value, token or surrogate is there already.
        """
        if not rows:
            return
        places = {_place(row.value_mac): row.wrapped_key for row in rows}
        with self._database.write() as connection:
            if self._collection.records.epoch():
                self._bury(connection, [row.value_mac for row in rows])
            wrapped = self._collection.records.wrap_many(places)
            first = connection.execute(select(func.coalesce(func.max(vault.c.vault_id), 0))).scalar_one() + 1
            values = [
                {column.name: getattr(row, column.name) for column in _COLUMNS}
                | {"collection_id": self._collection_id, "vault_id": first + place}
                | {"wrapped_key": wrapped[_place(row.value_mac)]}
                for place, row in enumerate(rows)
            ]
            try:
                connection.execute(vault.insert(), values)
            except IntegrityError:
                raise StoreError(
                    "a value, token or surrogate is in the vault already",
                    remedy="Run the command again; the masker looks the vault up afresh.",
                ) from None
            names = [(key, first + place) for place, row in enumerate(rows) for key in set(row.names)]
            if names:
                given = [{"key": key, "vault_id": vault_id} for key, vault_id in sorted(names)]
                connection.execute(vault_names.insert(), given)
            self._denials.extend((_numbers_of(row), row.token) for row in rows if row.token is not None)

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
                found.extend(self._opened(connection.execute(query).mappings().all()))
        return found

    def _opened(self, rows: Sequence[RowMapping]) -> list[VaultRow]:
        """Take the record keys' wrapping off; a value whose key is destroyed is not there."""
        records = self._collection.records
        keys = records.unwrap_many({_place(row["value_mac"]): row["wrapped_key"] for row in rows})
        places = [_place(row["value_mac"]) for row in rows]
        return [
            VaultRow(**{**row, "wrapped_key": keys[place]})
            for row, place in zip(rows, places, strict=True)
            if place in keys
        ]

    def _bury(self, connection: Connection, macs: Values[bytes]) -> int:
        """Delete rows of these values that nothing can open any more, so that a value may come again."""
        mine = vault.c.collection_id == self._collection_id
        gone = 0
        for some in _slices(macs):
            query = select(vault.c.value_mac, vault.c.wrapped_key).where(mine, vault.c.value_mac.in_(some))
            rows = connection.execute(query).all()
            held = self._collection.records.openable({_place(row.value_mac): row.wrapped_key for row in rows})
            dead = [row.value_mac for row in rows if _place(row.value_mac) not in held]
            gone += connection.execute(delete(vault).where(mine, vault.c.value_mac.in_(dead))).rowcount
        return gone


def _place(mac: bytes) -> str:
    return value_place(key_number(mac))


def _numbers_of(row: VaultRow) -> list[int]:
    number = key_number(row.value_mac)
    return [number] if row.spelling_of is None else [number, row.spelling_of]


def _slices(values: Values[Any]) -> Iterator[list[Any]]:
    every = list(values)
    for start in range(0, len(every), _PARAMETERS):
        yield every[start : start + _PARAMETERS]
