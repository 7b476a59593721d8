"""What an erasure looks for afterwards: traces taken down before, rows and keys that should be gone."""

from __future__ import annotations

import json
from collections.abc import Collection as Values
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from ragkit.store.dialect_words import Worded
from ragkit.store.erasure import slices
from ragkit.store.schema import bodies, documents, items, vault, versions

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

_ROWS = 1_000
_PROBE = 24
_WITHIN = 768
_LEFT = (
    "SELECT count(*) FROM {0} JOIN versions ON versions.version_id = {0}.version_id "
    "WHERE collection_id = :collection AND key IN (SELECT value FROM numbers(:numbers) AS wanted)"
)
_LINKS, _MENTIONS = Worded(_LEFT.format("links")), Worded(_LEFT.format("mentions"))
_PAST_MENTIONS = Worded(_LEFT.format("past_mentions"))


@dataclass(slots=True)
class Remnants:
    """Short stretches of bytes of what is removed, by which it would be known again: vectors, sealed texts, keys."""

    vector: list[bytes] = field(default_factory=list, repr=False)
    sealed: list[bytes] = field(default_factory=list, repr=False)
    key: list[bytes] = field(default_factory=list, repr=False)

    def add(self, other: Remnants) -> None:
        """Take those of another in."""
        self.vector += other.vector
        self.sealed += other.sealed
        self.key += other.key


class ErasureTraces:
    """The traces of one collection's records."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection

    def of_values(self, macs: Sequence[bytes]) -> Remnants:
        """What vault rows would be known by."""
        found = Remnants()
        with self._database.read() as connection:
            for some in slices(macs):
                query = select(vault.c.wrapped_key, vault.c.sealed_value, vault.c.value_mac).where(
                    vault.c.collection_id == self._collection.id, vault.c.value_mac.in_(some)
                )
                for row in connection.execute(query):
                    found.key.append(row.wrapped_key[-_PROBE:])
                    found.sealed += [row.sealed_value[:_PROBE], row.value_mac[:_PROBE]]
        return found

    def of_documents(self, doc_ids: Sequence[str]) -> Remnants:
        """What the stored versions of these documents would be known by."""
        found = Remnants()
        with self._database.read() as connection:
            for some in slices(doc_ids):
                query = select(versions.c.version_id, versions.c.wrapped_key, versions.c.sealed_header).where(
                    versions.c.doc_id.in_(some), versions.c.collection_id == self._collection.id
                )
                found.add(_of_rows(connection, connection.execute(query).all()))
        return found

    def of_versions(self, places: Sequence[tuple[str, int]]) -> Remnants:
        """What single stored versions would be known by, by document id and number."""
        found = Remnants()
        with self._database.read() as connection:
            for doc_id, number in places:
                mine = (versions.c.doc_id == doc_id) & (versions.c.number == number)
                query = select(versions.c.version_id, versions.c.wrapped_key, versions.c.sealed_header).where(
                    mine, versions.c.collection_id == self._collection.id
                )
                found.add(_of_rows(connection, connection.execute(query).all()))
        return found

    def vectors_alive(self, wanted: Values[bytes]) -> set[bytes]:
        """Return which of these stretches of vectors belong to a vector that is stored: equal texts have equal ones."""
        asked = set(wanted)
        found: set[bytes] = set()
        query = select(bodies.c.vector).execution_options(yield_per=_ROWS)
        with self._database.read() as connection:
            for (vector,) in connection.execute(query) if asked else ():
                found |= asked & set(probes_of(vector))
        return found

    # --- what is left ----------------------------------------------------------------------------------------------

    def left(self, *, macs: Sequence[bytes], numbers: Values[int], doc_ids: Sequence[str]) -> dict[str, int]:
        """Count the rows that should be gone, by table."""
        found = {"vault": 0, "documents": 0, "versions": 0, "links": 0, "mentions": 0, "past_mentions": 0, "items": 0}
        with self._database.read() as connection:
            for some in slices(macs):
                mine = (vault.c.collection_id == self._collection.id) & vault.c.value_mac.in_(some)
                found["vault"] += connection.execute(select(func.count()).select_from(vault).where(mine)).scalar_one()
            for ids in slices(doc_ids):
                for table in (documents, versions):
                    query = select(func.count()).select_from(table).where(table.c.doc_id.in_(ids))
                    found[table.name] += connection.execute(query).scalar_one()
                named = select(func.count()).select_from(items)
                named = named.where(items.c.doc_id.in_(ids), items.c.sealed_native_id.is_not(None))
                found["items"] += connection.execute(named).scalar_one()
            given = {"numbers": json.dumps(sorted(numbers)), "collection": self._collection.id}
            found["links"] = connection.execute(_LINKS, given).scalar_one()
            found["mentions"] = connection.execute(_MENTIONS, given).scalar_one()
            found["past_mentions"] = connection.execute(_PAST_MENTIONS, given).scalar_one()
        return found

    # --- record keys -----------------------------------------------------------------------------------------------

    def places_of(self, doc_ids: Sequence[str]) -> list[str]:
        """Return the places of all record keys of these documents."""
        look = "SELECT place FROM record_keys WHERE place BETWEEN ? AND ?"
        key_file = self._database.key_file
        return [row[0] for doc_id in doc_ids for row in key_file.look(look, (f"d/{doc_id}/", f"d/{doc_id}/~"))]

    def replaced_places(self, doc_ids: Sequence[str]) -> list[str]:
        """Return the places of the record keys of these documents, but for what they answer with now."""
        current: set[str] = set()
        with self._database.read() as connection:
            for some in slices(doc_ids):
                query = (
                    select(versions.c.doc_id, versions.c.number)
                    .join(documents, documents.c.version_id == versions.c.version_id)
                    .where(versions.c.doc_id.in_(some))
                )
                current |= {f"d/{row.doc_id}/{row.number}" for row in connection.execute(query)}
        return [place for place in self.places_of(doc_ids) if place not in current]


def _of_rows(connection: Connection, rows: Sequence[Any]) -> Remnants:
    """What versions would be known by, and their chunks."""
    found = Remnants()
    found.key += [row.wrapped_key[-_PROBE:] for row in rows if row.wrapped_key]
    found.sealed += [row.sealed_header[:_PROBE] for row in rows if row.sealed_header]
    for ids in slices([row.version_id for row in rows]):
        mine = select(bodies.c.vector, bodies.c.sealed).where(bodies.c.version_id.in_(ids))
        for row in connection.execute(mine):
            found.vector += probes_of(row.vector)
            found.sealed.append(row.sealed[:_PROBE])
    return found


def probes_of(vector: bytes) -> list[bytes]:
    """Two stretches of a vector's bytes, apart, so that one of them is whole on some page."""
    return [part for start in (0, _WITHIN) if len(part := vector[start : start + _PROBE]) == _PROBE]
