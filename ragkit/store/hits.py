"""The authoritative check of what an index found (:class:`ragkit.protocols.HitSource`).

An index may be stale; the record store is not. Only chunks that are live, whose document's access list names the
principal, and whose metadata match the filters come back, decrypted, without what is denied
(:mod:`ragkit.store.denials`). Everything else was never there.
"""

from __future__ import annotations

from collections.abc import Collection as Values
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, exists, select

from ragkit import crypto
from ragkit.errors import FilterRefused
from ragkit.store.access import classes_of, macs_of
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.denials import Denials
from ragkit.store.keyring import Keyring
from ragkit.store.payload import Header, open_chunk, open_header, place_of
from ragkit.store.schema import access_tokens, bodies, chunks, documents, filters, items, sources, versions
from ragkit.types import Chunk, Hit, Masked, Principal, Provenance, Trust

_PARAMETERS = 10_000
_HEADERS = 2_048


def filter_mac(collection: Collection, key: str, value: str) -> bytes:
    """Return what stands for a metadata value in the store, 16 bytes; surrounding blanks and case do not count."""
    return crypto.keyed_hash(collection.keys.ids, "filter", key, value.strip().casefold())[:16]


class CheckedHits:
    """Turns chunk numbers into hits.

    Args:
        filter_keys: The metadata keys that may be filtered on.
        filter_limit: ``filtered_ids`` gives up above so many chunks; the caller then searches first and filters after.
    """

    def __init__(
        self, database: Database, collection: Collection, *, filter_keys: Values[str] = (), filter_limit: int = 20_000
    ) -> None:
        self._database = database
        self._collection = collection
        self._filter_keys = frozenset(filter_keys)
        self._filter_limit = filter_limit
        self._denials = Denials(database.key_file, collection)
        self._header = lru_cache(maxsize=_HEADERS)(self._open_header)
        self._keyring = Keyring(collection, forget=self._header.cache_clear)

    def classes_for(self, principal: Principal) -> frozenset[str]:
        """Return the access classes that the principal may see; empty means nothing at all."""
        with self._database.read() as connection:
            return classes_of(connection, self._collection, principal)

    def hits(
        self, chunk_ids: Sequence[int], *, principal: Principal, filters: Mapping[str, str] | None = None
    ) -> dict[int, Hit]:
        """Return the hits among these chunks by chunk number; ranking fields are left at their defaults.

        Raises:
            FilterRefused: A key that is not whitelisted, or an empty filter.
        """
        conditions = self._filter_conditions(filters)
        if not chunk_ids:
            return {}
        query = self.visible(principal, HIT_COLUMNS, conditions)
        rows: list[Row[Any]] = []
        with self._database.read() as connection:
            for start in range(0, len(chunk_ids), _PARAMETERS):
                some = list(chunk_ids[start : start + _PARAMETERS])
                rows += connection.execute(query.where(chunks.c.chunk_id.in_(some))).all()
            near = self.neighbours(connection, rows)
        return self.opened(rows, near)

    def opened(self, rows: Sequence[Row[Any]], near: Mapping[tuple[int, int], bytes]) -> dict[int, Hit]:
        """Open rows of :data:`HIT_COLUMNS`, without what is erased or denied; ``near`` is what stands beside them."""
        origins = self._origins(rows)
        keys = self._keyring.keys({place_of(row.doc_id, row.number): row.wrapped_key for row in rows})
        opened = ((row, keys.get(place_of(row.doc_id, row.number))) for row in rows)
        found = {row.chunk_id: self._hit(row, near, key, origins) for row, key in opened if key is not None}
        denied = self._denials.current()
        if not denied:
            return found
        shown = {chunk_id: denied.shown(hit) for chunk_id, hit in found.items()}
        return {chunk_id: hit for chunk_id, hit in shown.items() if hit is not None}

    def filtered_ids(self, filters: Mapping[str, str], *, principal: Principal) -> frozenset[int] | None:
        """Return the numbers of all visible chunks that match, or ``None`` when they are too many to be listed.

        Raises:
            FilterRefused: A key that is not whitelisted, or an empty filter.
        """
        conditions = self._filter_conditions(filters)
        query = self.visible(principal, (chunks.c.chunk_id,), conditions).limit(self._filter_limit + 1)
        with self._database.read() as connection:
            found = frozenset(connection.execute(query).scalars())
        return None if len(found) > self._filter_limit else found

    def visible(self, principal: Principal, columns: Values[Any], conditions: list[Any]) -> Select[Any]:
        """Return the one query that says what a principal may see: chunks that answer, and what they belong to."""
        allowed = exists().where(
            access_tokens.c.class_id == documents.c.class_id,
            access_tokens.c.token_mac.in_(macs_of(self._collection, principal)),
        )
        return (
            select(*columns)
            .select_from(chunks)
            .join(bodies, bodies.c.body_id == chunks.c.body_id)
            .join(documents, documents.c.version_id == bodies.c.version_id)
            .join(versions, versions.c.version_id == documents.c.version_id)
            .where(
                chunks.c.collection_id == self._collection.id,
                documents.c.collection_id == self._collection.id,
                versions.c.state == "current",
                allowed,
                *conditions,
            )
        )

    def _filter_conditions(self, wanted: Mapping[str, str] | None) -> list[Any]:
        if wanted is None:
            return []
        if not wanted or not all(value.strip() for value in wanted.values()):
            raise FilterRefused("a filter is empty", remedy="Leave the filter out, or give each key a value.")
        unknown = [key for key in wanted if key not in self._filter_keys]
        if unknown:
            raise FilterRefused(
                f"{len(unknown)} filter key(s) may not be filtered on",
                remedy=f"Use one of: {', '.join(sorted(self._filter_keys)) or 'none is configured'}.",
            )
        return [
            exists().where(
                filters.c.key == key,
                filters.c.value_mac == filter_mac(self._collection, key, value),
                filters.c.version_id == documents.c.version_id,
            )
            for key, value in sorted(wanted.items())
        ]

    def neighbours(self, connection: Connection, rows: Sequence[Row[Any]]) -> dict[tuple[int, int], bytes]:
        """Fetch what stands before and after each row; a join, since SQLite scans the table for a list of pairs."""
        near: dict[tuple[int, int], bytes] = {}
        for start in range(0, len(rows), _PARAMETERS):
            some = [row.body_id for row in rows[start : start + _PARAMETERS]]
            found = connection.execute(_NEAR.where(bodies.c.body_id.in_(some)))
            near.update({(row.version_id, row.ordinal): row.sealed for row in found})
        return near

    def _origins(self, rows: Sequence[Row[Any]]) -> dict[str, tuple[str, Trust]]:
        """Which source each document comes from, and how far it is trusted, by document id."""
        found: dict[str, tuple[str, Trust]] = {}
        doc_ids = sorted({row.doc_id for row in rows})
        with self._database.read() as connection:
            for start in range(0, len(doc_ids), _PARAMETERS):
                some = _ORIGINS.where(items.c.doc_id.in_(doc_ids[start : start + _PARAMETERS]))
                for doc_id, name, trust in connection.execute(some):
                    found[doc_id] = name, Trust(trust or Trust.INTERNAL)
        return found

    def _hit(
        self,
        row: Row[Any],
        near: Mapping[tuple[int, int], bytes],
        key: bytes,
        origins: Mapping[str, tuple[str, Trust]],
    ) -> Hit:
        place = place_of(row.doc_id, row.number)
        header = self._header(place, key, row.sealed_header)

        def neighbour(ordinal: int) -> Masked:
            sealed = near.get((row.version_id, ordinal))
            if sealed is None:
                return Masked("")
            return _open(sealed, key, place, ordinal=ordinal).record

        return Hit(
            chunk_id=row.chunk_id,
            doc_id=row.doc_id,
            version=row.number,
            chunk=_open(
                row.sealed, key, place, ordinal=row.ordinal, start=row.source_start, end=row.source_end, page=row.page
            ),
            score=0.0,
            title=header.title[0],
            uri=header.uri[0] if header.uri else None,
            before=neighbour(row.ordinal - 1),
            after=neighbour(row.ordinal + 1),
            metadata={name: record for name, (record, _index) in header.metadata.items()},
            provenance=Provenance(*origins.get(row.doc_id, ("", Trust.INTERNAL)), row.created_at),
        )

    def _open_header(self, place: str, key: bytes, sealed: bytes) -> Header:
        return open_header(sealed, key=key, place=place)


def _open(
    sealed: bytes, key: bytes, place: str, *, ordinal: int, start: int = 0, end: int = 0, page: int | None = None
) -> Chunk:
    return open_chunk(sealed, key=key, place=place, ordinal=ordinal, source_start=start, source_end=end, page=page)


_ORIGINS = select(items.c.doc_id, sources.c.name, sources.c.trust).join(
    sources, sources.c.source_id == items.c.source_id
)
_BESIDE = bodies.alias("beside")
_NEAR = select(_BESIDE.c.version_id, _BESIDE.c.ordinal, _BESIDE.c.sealed).join_from(
    bodies,
    _BESIDE,
    (_BESIDE.c.version_id == bodies.c.version_id) & _BESIDE.c.ordinal.in_([bodies.c.ordinal - 1, bodies.c.ordinal + 1]),
)
HIT_COLUMNS = (
    chunks.c.chunk_id,
    bodies.c.body_id,
    bodies.c.version_id,
    bodies.c.ordinal,
    bodies.c.source_start,
    bodies.c.source_end,
    bodies.c.page,
    bodies.c.sealed,
    versions.c.doc_id,
    versions.c.number,
    versions.c.wrapped_key,
    versions.c.sealed_header,
    versions.c.created_at,
)
"""What a hit is made of, the chunk's number first."""
