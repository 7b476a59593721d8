"""The rows of source items: identity, fingerprints, state. The source's own id is sealed; the rest tells nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Connection, case, func, select

from ragkit import crypto
from ragkit.store.catalog import Collection
from ragkit.store.database import Database
from ragkit.store.dialect_words import Insert, insert
from ragkit.store.recordkeys import name_place
from ragkit.store.schema import items

_SLICE = 500


def _put(*, quarantined: bool) -> Insert:
    """Build the statement once: making it anew for each document took longer than running it."""
    statement = insert(items)
    names = [column.name for column in items.c if column.name not in {"item_id", "doc_id"}]
    again: dict[str, Any] = {name: statement.excluded[name] for name in names}
    since = func.coalesce(items.c.indexed_at, items.c.changed_at)  # the same content is as old as it was
    same = items.c.content_mac.is_not_distinct_from(statement.excluded.content_mac)
    again["indexed_at"] = case((same, since), else_=statement.excluded.indexed_at)
    here = items.c.status.in_(["active", "quarantined"])
    again["came_pass"] = case((here, items.c.came_pass), else_=statement.excluded.came_pass)
    if quarantined:
        again["attempts"] = items.c.attempts + 1
    return statement.on_conflict_do_update(index_elements=[items.c.doc_id], set_=again)


_PUT_ACTIVE = _put(quarantined=False)
_PUT_QUARANTINED = _put(quarantined=True)


class SourceEntry(Protocol):
    """A source item by identity and fingerprints, as the sync engine hands it on; see ``ragkit.connect.sync.Entry``."""

    @property
    def doc_id(self) -> str: ...

    @property
    def native_id(self) -> str: ...

    @property
    def content_mac(self) -> bytes: ...

    @property
    def access(self) -> frozenset[str]: ...

    @property
    def access_mac(self) -> bytes: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def software(self) -> str: ...

    @property
    def pass_number(self) -> int: ...

    @property
    def last_version(self) -> int: ...

    @property
    def answering(self) -> bool: ...

    @property
    def dates(self) -> Mapping[str, str]: ...

    @property
    def version_mac(self) -> bytes | None: ...

    @property
    def body_mac(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class ItemState:
    """What is remembered of an item; its states are in ``schema.items``. ``dates`` are those of retention, by name."""

    content_mac: bytes | None
    access_mac: bytes | None
    fingerprint: str
    status: str
    version: int
    indexed_at: str | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    version_mac: bytes | None = None


def put_item(
    connection: Connection,
    collection: Collection,
    entry: SourceEntry,
    *,
    source_id: int,
    version: int,
    code: str | None,
    named: bool = True,
) -> None:
    """Write an item as active, or as quarantined under ``code``; its source's own id unless not ``named``."""
    quarantined = code is not None
    values = {
        "doc_id": entry.doc_id,
        "source_id": source_id,
        "status": "quarantined" if quarantined else "active",
        "sealed_native_id": seal_native_id(collection, entry.doc_id, entry.native_id) if named else None,
        "content_mac": entry.content_mac,
        "access_mac": entry.access_mac,
        "fingerprint": entry.software if quarantined else entry.fingerprint,
        "last_seen_pass": entry.pass_number,
        "code": code,
        "attempts": 1 if quarantined else 0,
        "version": version,
        "changed_at": now(),
        "indexed_at": now(),
        "sealed_dates": seal_dates(collection, entry.doc_id, entry.dates),
        "version_mac": entry.version_mac,
        "body_mac": entry.body_mac,
        "came_pass": entry.pass_number,
    }
    connection.execute(_PUT_QUARANTINED if quarantined else _PUT_ACTIVE, values)


def native_ids(database: Database, collection: Collection, doc_ids: Sequence[str]) -> dict[str, str]:
    """Return the sources' own ids of these documents, by document id: raw, for evaluation and the entitled."""
    found: dict[str, str] = {}
    with database.read() as connection:
        for start in range(0, len(doc_ids), _SLICE):
            some = list(doc_ids[start : start + _SLICE])
            query = select(items.c.doc_id, items.c.sealed_native_id).where(items.c.doc_id.in_(some))
            rows = connection.execute(query.where(items.c.sealed_native_id.is_not(None)))
            found |= open_native_ids(collection, {row.doc_id: row.sealed_native_id for row in rows})
    return found


def standings(database: Database, doc_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return status and code of these items, by document id; those that were never met are left out."""
    found: dict[str, tuple[str, str]] = {}
    with database.read() as connection:
        for start in range(0, len(doc_ids), _SLICE):
            some = list(doc_ids[start : start + _SLICE])
            rows = connection.execute(
                select(items.c.doc_id, items.c.status, items.c.code).where(items.c.doc_id.in_(some))
            )
            found |= {row.doc_id: (row.status, row.code or "") for row in rows}
    return found


def open_native_ids(collection: Collection, sealed: Mapping[str, bytes]) -> dict[str, str]:
    """Undo :func:`seal_native_id`, by document id; those whose record key is destroyed are left out."""
    inner = collection.records.unwrap_many({name_place(doc_id): raw for doc_id, raw in sealed.items()})
    found: dict[str, str] = {}
    for doc_id in sealed:
        if name_place(doc_id) in inner:
            raw = crypto.unseal(collection.keys.wrapping, inner[name_place(doc_id)], bound_to=f"native/{doc_id}")
            found[doc_id] = raw.decode("utf-8", "surrogatepass")
    return found


def seal_native_id(collection: Collection, doc_id: str, native_id: str) -> bytes:
    """Seal a source's own id for its row, under a record key: a file's name may be a person's."""
    raw = native_id.encode("utf-8", "surrogatepass")
    inner = crypto.seal(collection.keys.wrapping, raw, bound_to=f"native/{doc_id}")
    return collection.records.wrap(name_place(doc_id), inner) if raw else inner


def seal_dates(collection: Collection, doc_id: str, dates: Mapping[str, str]) -> bytes | None:
    """Seal the dates of an item: when a letter was last changed tells whose it is to somebody who has seen it."""
    if not dates:
        return None
    return crypto.seal(collection.keys.wrapping, json.dumps(dates).encode(), bound_to=f"dates/{doc_id}")


def open_dates(collection: Collection, doc_id: str, sealed: bytes | None) -> dict[str, str]:
    """Undo :func:`seal_dates`."""
    if sealed is None:
        return {}
    found: dict[str, str] = json.loads(crypto.unseal(collection.keys.wrapping, sealed, bound_to=f"dates/{doc_id}"))
    return found


def now() -> str:
    """Return the present time, UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
