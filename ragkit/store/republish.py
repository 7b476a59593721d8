"""A new version of a document made from the stored one, without its source.

What the source said of it stays: identity, fingerprints, permissions, the policy it was masked under. So the next sync
takes the item for unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, select, update

from ragkit.store.items import SourceEntry, now
from ragkit.store.schema import documents, filters, items, links, mentions, versions
from ragkit.store.staging import Staging
from ragkit.store.stored import StoredVersion, read_stored
from ragkit.store.writer import DocumentWriter
from ragkit.types import Notice

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database


# Made once: for a document that is in two thousand, making them anew takes longer than running them.
_ANSWERING = (
    select(versions.c.version_id, versions.c.number, versions.c.media_type, versions.c.notices)
    .add_columns(documents.c.class_id, items.c.version.label("last"))
    .join_from(documents, versions, documents.c.version_id == versions.c.version_id)
    .join(items, items.c.doc_id == documents.c.doc_id)
    .where(documents.c.doc_id == bindparam("doc"), documents.c.collection_id == bindparam("collection"))
)
_MENTIONS = select(mentions.c.key).where(mentions.c.version_id == bindparam("version"))
_FILTERS = select(filters.c.key, filters.c.value_mac).where(filters.c.version_id == bindparam("version"))
_LINKS = select(links.c.person, links.c.key).where(links.c.version_id == bindparam("version"))
_CLASS = select(documents.c.class_id).where(documents.c.doc_id == bindparam("doc"))
_NOTE = (
    update(items)
    .where(items.c.doc_id == bindparam("doc"))
    .values(version=bindparam("last"), changed_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """A document by what the store knows of it; only its id, last version number and access class are meant."""

    doc_id: str
    last_version: int
    access_class: str
    native_id: str = field(default="", repr=False)
    content_mac: bytes = b""
    access: frozenset[str] = frozenset()
    access_mac: bytes = b""
    fingerprint: str = ""
    software: str = ""
    pass_number: int = 0
    answering: bool = True
    dates: Mapping[str, str] = field(default_factory=dict)
    version_mac: bytes | None = None
    body_mac: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document's answering version with all that a new one takes over.

    Attributes:
        number: Its number.
        filters: Keyed hashes of the metadata values that can be filtered on, by key.
        mentions: Numbers of the values in it.
        people: Of these, the groups that occur together as one person's.
    """

    entry: StoredEntry
    version: StoredVersion
    number: int
    media_type: str
    notices: tuple[Notice, ...]
    filters: Mapping[str, bytes]
    mentions: frozenset[int]
    people: tuple[frozenset[int], ...]


def read_document(database: Database, collection: Collection, doc_id: str) -> StoredDocument | None:
    """Open what a document answers with; ``None`` when it does not answer.

    Raises:
        KeyMismatch: Its key is destroyed, or not of this workspace.
    """
    with database.read() as connection:
        row = connection.execute(_ANSWERING, {"doc": doc_id, "collection": collection.id}).one_or_none()
        version = read_stored(database, collection, doc_id) if row is not None else None
        if row is None or version is None:
            return None
        mine = {"version": row.version_id}
        held = connection.execute(_MENTIONS, mine).scalars()
        filtered = connection.execute(_FILTERS, mine)
        people: dict[int, set[int]] = {}
        for person, key in connection.execute(_LINKS, mine):
            people.setdefault(person, set()).add(key)
        return StoredDocument(
            entry=StoredEntry(doc_id=doc_id, last_version=row.last, access_class=row.class_id),
            version=version,
            number=row.number,
            media_type=row.media_type,
            notices=tuple(Notice(code, count) for code, count in json.loads(row.notices).items()),
            filters={row.key: row.value_mac for row in filtered},
            mentions=frozenset(held),
            people=tuple(frozenset(keys) for _, keys in sorted(people.items())),
        )


class Republisher(DocumentWriter):
    """Publishes new versions of stored documents; only staged versions whose entry is a :class:`StoredEntry`.

    A document is rewritten where somebody was erased or corrected: what was there before is never put aside.
    """

    _how = "erased"

    def __init__(self, database: Database, collection: Collection) -> None:
        from ragkit.store.syncstate import SyncStateTable

        super().__init__(database, collection, SyncStateTable(database, collection, ""))

    def _class_of(self, connection: Connection, entry: SourceEntry) -> str:
        """The class that the document has now: permissions may have changed since it was read."""
        return str(connection.execute(_CLASS, {"doc": entry.doc_id}).scalar_one())

    def _note(self, connection: Connection, staging: Staging) -> None:
        given = {"doc": staging.entry.doc_id, "last": staging.number, "at": now()}
        connection.execute(_NOTE, given)
