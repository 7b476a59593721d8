"""What the store knows of a person's values by their numbers: vault rows, groups that stand together, documents.

A *number* is the first 8 bytes of a value's keyed hash (:func:`ragkit.crypto.key_number`), as in ``mentions`` and
``links``. Every look-up descends an index; none reads a text or opens a seal. Numbers are keyed by collection, and
mentions and links exist for answering versions only, so what is found here is what can be found by asking.
"""

from __future__ import annotations

import json
from collections.abc import Collection as Values
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, bindparam, select

from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.dialect_words import Worded
from ragkit.store.schema import vault

_SLICE = 5_000
_RANGES = 400  # two parameters each

GROUPS_OF = "SELECT key, version_id, person FROM links WHERE key = :key LIMIT :limit"
MEMBERS_OF = (
    "SELECT links.version_id, links.person, links.key FROM numbers(:versions) AS wanted "
    "CROSS JOIN links ON links.version_id = wanted.value"
)
DOCUMENTS_OF = (
    "SELECT mentions.key, mentions.version_id FROM numbers(:numbers) AS wanted "
    "CROSS JOIN mentions ON mentions.key = wanted.value LIMIT :limit"
)
NUMBERS_IN = "SELECT key FROM mentions WHERE version_id = :version"
VERSIONS = (
    "SELECT versions.version_id, versions.doc_id, versions.number, versions.chunk_count "
    "FROM numbers(:versions) AS wanted CROSS JOIN versions ON versions.version_id = wanted.value "
    "JOIN documents ON documents.version_id = versions.version_id WHERE documents.collection_id = :collection"
)
ROWS_OF = (
    "WITH wanted(low, high) AS (VALUES {}) SELECT vault.value_mac, vault.entity_type FROM wanted "
    "CROSS JOIN vault ON vault.collection_id = :collection AND vault.value_mac BETWEEN wanted.low AND wanted.high "
    "WHERE vault.kind = 'value'"
)


class Group(NamedTuple):
    """One person of one document version: the ``person`` of ``links``."""

    version_id: int
    person: int


@dataclass(frozen=True, slots=True)
class Place:
    """An answering version of a document."""

    version_id: int
    doc_id: str
    version: int
    chunks: int


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A vault row, unopened."""

    number: int
    value_mac: bytes
    entity_type: str


class SubjectRows:
    """Look-ups by number in one collection."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection

    def values(self, numbers: Values[int]) -> dict[int, ValueRow]:
        """Return the vault rows of whole values with these numbers."""
        found: dict[int, ValueRow] = {}
        every = sorted(numbers)
        with self._database.read() as connection:
            for start in range(0, len(every), _RANGES):
                some = every[start : start + _RANGES]
                given: dict[str, Any] = {"collection": self._collection.id}
                for place, number in enumerate(some):
                    prefix = number.to_bytes(8, "big", signed=True)
                    given |= {f"l{place}": prefix + bytes(24), f"h{place}": prefix + b"\xff" * 24}
                for row in connection.execute(_rows_of(len(some)), given):
                    number = int.from_bytes(row.value_mac[:8], "big", signed=True)
                    found[number] = ValueRow(number, row.value_mac, row.entity_type)
        return found

    def types(self) -> list[str]:
        """Return the entity types of all values. Reads the whole vault table once, without opening anything."""
        query = select(vault.c.entity_type).where(vault.c.collection_id == self._collection.id, vault.c.kind == "value")
        with self._database.read() as connection:
            return sorted(connection.execute(query.distinct()).scalars())

    def groups_of(self, numbers: Values[int], *, limit: int) -> dict[int, list[Group]]:
        """Return for each number the groups that hold it; at most ``limit`` a number."""
        query = Worded(GROUPS_OF)
        found: dict[int, list[Group]] = {}
        with self._database.read() as connection:
            for number in numbers:
                rows = connection.execute(query, {"key": number, "limit": limit})
                found[number] = [Group(row.version_id, row.person) for row in rows]
        return found

    def members(self, groups: Values[Group]) -> dict[Group, frozenset[int]]:
        """Return all numbers of these groups."""
        wanted = set(groups)
        collected: dict[Group, list[int]] = {}
        query = Worded(MEMBERS_OF)
        with self._database.read() as connection:
            for some in _slices(sorted({group.version_id for group in wanted})):
                for version_id, person, key in connection.execute(query, {"versions": json.dumps(some)}):
                    group = Group(version_id, person)
                    if group in wanted:
                        collected.setdefault(group, []).append(key)
        return {group: frozenset(keys) for group, keys in collected.items()}

    def documents_of(self, numbers: Values[int], *, limit: int) -> dict[int, set[int]]:
        """Return by version the numbers among these that its document mentions; at most ``limit`` mentions."""
        found: dict[int, set[int]] = {}
        query = Worded(DOCUMENTS_OF)
        with self._database.read() as connection:
            for some in _slices(sorted(numbers)):
                for key, version_id in connection.execute(query, {"numbers": json.dumps(some), "limit": limit}):
                    found.setdefault(version_id, set()).add(key)
        return found

    def numbers_in(self, version_id: int) -> list[int]:
        """Return all numbers that a version mentions: values, parts of them and words of names."""
        with self._database.read() as connection:
            return list(connection.execute(Worded(NUMBERS_IN), {"version": version_id}).scalars())

    def places(self, versions: Values[int]) -> dict[int, Place]:
        """Return which documents these versions are, as far as they answer in this collection."""
        found: dict[int, Place] = {}
        query = Worded(VERSIONS)
        with self._database.read() as connection:
            for some in _slices(sorted(versions)):
                given = {"versions": json.dumps(some), "collection": self._collection.id}
                for row in connection.execute(query, given):
                    found[row.version_id] = Place(row.version_id, row.doc_id, row.number, row.chunk_count)
        return found


def _rows_of(count: int) -> Worded:
    ranges = ", ".join(f"(:l{place}, :h{place})" for place in range(count))
    bound = [bindparam(f"{edge}{place}", type_=LargeBinary) for place in range(count) for edge in "lh"]
    return Worded(ROWS_OF.format(ranges)).bindparams(*bound)


def _slices(values: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(values), _SLICE):
        yield values[start : start + _SLICE]
