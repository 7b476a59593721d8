"""What an erasure reads and deletes of the record store, beyond what a sync does."""

from __future__ import annotations

import json
from collections.abc import Collection as Values
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import delete, func, select, update

from ragkit.store.dialect_words import Worded
from ragkit.store.items import now, open_native_ids
from ragkit.store.keyring import Keyring
from ragkit.store.payload import open_chunk, open_header, place_of
from ragkit.store.recordkeys import name_place
from ragkit.store.removal import withdraw
from ragkit.store.schema import bodies, documents, items, links, sources, vault, versions
from ragkit.store.vault import VaultRows

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database
    from ragkit.types import VaultRow

ERASED = "erased"
"""The code of an item that stays away because it was deleted with the person it is about."""
_SLICE = 1_000
_TURN = 50
_T = TypeVar("_T")


class ErasureRows:
    """The rows of one collection, as an erasure needs them."""

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection

    # --- the vault -----------------------------------------------------------------------------------------------

    def vault_rows(self) -> Iterator[list[VaultRow]]:
        """Give every row of the vault that can be opened, some at a time."""
        table, after = VaultRows(self._database, self._collection), 0
        while True:
            query = (
                select(vault.c.vault_id, vault.c.value_mac)
                .where(vault.c.collection_id == self._collection.id, vault.c.vault_id > after)
                .order_by(vault.c.vault_id)
                .limit(_SLICE)
            )
            with self._database.read() as connection:
                some = connection.execute(query).all()
            if not some:
                return
            yield list(table.by_mac([row.value_mac for row in some]).values())
            after = some[-1].vault_id

    def delete_values(self, macs: Sequence[bytes]) -> int:
        """Delete vault rows with the names they are found by; return how many there were."""
        gone = 0
        for some in slices(macs):
            with self._database.write() as connection:
                mine = (vault.c.collection_id == self._collection.id) & vault.c.value_mac.in_(some)
                gone += connection.execute(delete(vault).where(mine)).rowcount
        return gone

    # --- documents -----------------------------------------------------------------------------------------------

    def documents(self) -> list[str]:
        """Return the documents that answer."""
        query = select(documents.c.doc_id).where(documents.c.collection_id == self._collection.id)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def mentioning(self, numbers: Values[int]) -> set[str]:
        """Return the documents in whose answering version one of these numbers stands."""
        query = Worded(
            "SELECT DISTINCT documents.doc_id FROM numbers(:numbers) AS wanted "
            "JOIN mentions ON mentions.key = wanted.value "
            "JOIN documents ON documents.version_id = mentions.version_id WHERE documents.collection_id = :collection"
        )
        given = {"numbers": json.dumps(sorted(numbers)), "collection": self._collection.id}
        with self._database.read() as connection:
            return set(connection.execute(query, given).scalars())

    def standing(self, numbers: Values[int]) -> set[int]:
        """Return which of these numbers stand in a document that answers."""
        query = Worded(
            "SELECT DISTINCT mentions.key FROM numbers(:numbers) AS wanted "
            "JOIN mentions ON mentions.key = wanted.value "
            "JOIN documents ON documents.version_id = mentions.version_id WHERE documents.collection_id = :collection"
        )
        given = {"numbers": json.dumps(sorted(numbers)), "collection": self._collection.id}
        with self._database.read() as connection:
            return set(connection.execute(query, given).scalars())

    def people_of(self, doc_id: str) -> list[frozenset[int]]:
        """Return the groups of values that stand together as one person's in a document."""
        query = (
            select(links.c.person, links.c.key)
            .join(documents, documents.c.version_id == links.c.version_id)
            .where(documents.c.doc_id == doc_id)
        )
        groups: dict[int, set[int]] = {}
        with self._database.read() as connection:
            for person, key in connection.execute(query):
                groups.setdefault(person, set()).add(key)
        return [frozenset(group) for group in groups.values()]

    def sources_of(self, doc_ids: Sequence[str]) -> dict[str, str]:
        """Return the source of each document."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for some in slices(doc_ids):
                query = (
                    select(items.c.doc_id, sources.c.name)
                    .join(sources, sources.c.source_id == items.c.source_id)
                    .where(items.c.doc_id.in_(some), sources.c.collection_id == self._collection.id)
                )
                found.update({row.doc_id: row.name for row in connection.execute(query)})
        return found

    def texts(self) -> Iterator[tuple[str, list[str]]]:
        """Give the record view of every answering document, text by text: header first, then chunks.

        A document whose key is destroyed is left out.
        """
        keyring, after = Keyring(self._collection), 0
        query = (
            select(documents.c.document_id, versions.c.version_id, versions.c.doc_id, versions.c.number)
            .add_columns(versions.c.wrapped_key, versions.c.sealed_header)
            .join(versions, versions.c.version_id == documents.c.version_id)
            .where(documents.c.collection_id == self._collection.id)
            .order_by(documents.c.document_id)
            .limit(_TURN)
        )
        while True:
            with self._database.read() as connection:
                some = connection.execute(query.where(documents.c.document_id > after)).all()
                if not some:
                    return
                columns = (bodies.c.version_id, bodies.c.ordinal, bodies.c.sealed)
                mine = select(*columns).where(bodies.c.version_id.in_([row.version_id for row in some]))
                held: dict[int, list[tuple[int, bytes]]] = {}
                for row in connection.execute(mine):
                    held.setdefault(row.version_id, []).append((row.ordinal, row.sealed))
            keys = keyring.keys({place_of(row.doc_id, row.number): row.wrapped_key for row in some})
            for row in some:
                place = place_of(row.doc_id, row.number)
                if place in keys:
                    yield row.doc_id, texts_of(row.sealed_header, held.get(row.version_id, []), keys[place], place)
            after = some[-1].document_id

    def set_aside(self, doc_ids: Sequence[str]) -> int:
        """Delete documents and what tells of them at their source; their items stay away under :data:`ERASED`."""
        gone = 0
        for doc_id in doc_ids:
            with self._database.write() as connection:
                had = select(func.count()).select_from(documents).where(documents.c.doc_id == doc_id)
                gone += connection.execute(had).scalar_one()
                withdraw(connection, doc_id, how="erased")
                forgotten = {"sealed_native_id": None, "indexed_at": None, "sealed_dates": None}
                connection.execute(
                    update(items)
                    .where(items.c.doc_id == doc_id, items.c.status != "absent")
                    .values(**forgotten, status="quarantined", code=ERASED, changed_at=now())
                )
        return gone

    # --- names at the source ---------------------------------------------------------------------------------------

    def native_ids(self) -> Iterator[tuple[str, str]]:
        """Give document id and the source's own id of every item that has one."""
        query = (
            select(items.c.doc_id, items.c.sealed_native_id)
            .join(sources, sources.c.source_id == items.c.source_id)
            .where(sources.c.collection_id == self._collection.id, items.c.sealed_native_id.is_not(None))
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for some in slices(rows):
            yield from open_native_ids(self._collection, {row.doc_id: row.sealed_native_id for row in some}).items()

    def forget_names(self, doc_ids: Sequence[str]) -> None:
        """Delete the sources' own ids of these items, and their keys; the items are known by a keyed hash."""
        self._collection.records.destroy_places([name_place(doc_id) for doc_id in doc_ids])
        for some in slices(doc_ids):
            with self._database.write() as connection:
                connection.execute(update(items).where(items.c.doc_id.in_(some)).values(sealed_native_id=None))

    def forget_cursors(self) -> int:
        """Delete where interrupted passes stand, since that may be a name; they begin anew."""
        mine = (sources.c.collection_id == self._collection.id) & sources.c.sealed_cursor.is_not(None)
        with self._database.write() as connection:
            return connection.execute(update(sources).where(mine).values(sealed_cursor=None)).rowcount


def texts_of(header: bytes | None, rows: Sequence[tuple[int, bytes]], key: bytes, place: str) -> list[str]:
    """Open a version: the record view of its header's fields, then of its chunks, each as ordinal and sealed bytes."""
    found: list[str] = []
    if header is not None:
        head = open_header(header, key=key, place=place)
        pairs = (head.title, head.name, head.uri, *head.metadata.values())
        found += [pair[0] for pair in pairs if pair]
    for ordinal, sealed in sorted(rows):
        chunk = open_chunk(sealed, key=key, place=place, ordinal=ordinal, source_start=0, source_end=0, page=None)
        found.append(chunk.record)
    return found


def slices(values: Values[_T]) -> Iterator[list[_T]]:
    """Give values some at a time, as many as a statement takes."""
    every = list(values)
    for start in range(0, len(every), _SLICE):
        yield every[start : start + _SLICE]
