"""The collections of a record store, each with its own random key, kept under the workspace key in the key file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select, update

from ragkit import crypto
from ragkit.crypto import CollectionKeys
from ragkit.errors import KeyDestroyed, StoreError
from ragkit.store.database import Database
from ragkit.store.keyform import give_record_keys
from ragkit.store.recordkeys import RecordKeys
from ragkit.store.schema import collections
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.types import DataClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """An open collection.

    Attributes:
        id: Opaque, random, stable; also the name of its index directory.
        name: As the configuration has it.
        keys: Derived from its own key; never stored.
        records: The record keys of its documents and vault values, in the key file.
        policy: Fingerprint of the masking policy its documents were last synced under; empty before the first sync.
        encoder: Fingerprint of the embedder, likewise.
        chunker: Fingerprint of the chunker, likewise.
    """

    id: str
    name: str
    data_class: DataClass
    keys: CollectionKeys = field(repr=False)
    records: RecordKeys = field(repr=False, compare=False)
    policy: str = ""
    encoder: str = ""
    chunker: str = ""


def open_collection(
    database: Database,
    root_key: bytes,
    name: str,
    *,
    create: bool = False,
    data_class: DataClass = DataClass.CONFIDENTIAL,
) -> Collection:
    """Open a collection by name and unwrap its key.

    ``data_class`` is for a new collection; use :func:`set_data_class` to change one.

    Raises:
        StoreError: There is no such collection, and ``create`` is false.
        KeyMismatch: The root key is not the one the collection was made with.
        KeyDestroyed: The key file is lost.
    """
    with database.read() as connection:
        row = connection.execute(select(collections).where(collections.c.name == name)).one_or_none()
    if row is not None:
        return _opened(database, row, root_key)
    if not create:
        raise StoreError("there is no such collection in this workspace", remedy="Run `ragkit sync` first.")
    return _create(database, root_key, name, data_class=data_class)


def list_collections(database: Database) -> list[str]:
    """Return the names of all collections, sorted. Needs no key."""
    with database.read() as connection:
        return list(connection.execute(select(collections.c.name).order_by(collections.c.name)).scalars())


def set_data_class(database: Database, collection: Collection, data_class: DataClass) -> None:
    """Change how far the collection's content may travel."""
    with database.write() as connection:
        connection.execute(
            update(collections).where(collections.c.id == collection.id).values(data_class=data_class.value)
        )


def set_fingerprints(database: Database, collection: Collection, *, policy: str, encoder: str, chunker: str) -> None:
    """Note under which policy, encoder and chunker the collection is being synced; writes only when one differs."""
    wanted = {"policy": policy, "encoder": encoder, "chunker": chunker}
    table = collections.c
    with database.read() as connection:
        query = select(table.policy, table.encoder, table.chunker).where(table.id == collection.id)
        if connection.execute(query).one()._asdict() == wanted:
            return
    with database.write() as connection:
        connection.execute(update(collections).where(table.id == collection.id).values(**wanted))


def _create(database: Database, root_key: bytes, name: str, *, data_class: DataClass) -> Collection:
    collection_id, key = crypto.opaque_id(crypto.new_key(), "collection"), crypto.new_key()
    wrapped = crypto.seal(root_key, key, bound_to=f"collection/{collection_id}")
    WorkspaceKeys(database.key_file, root_key).keep(f"collection/{collection_id}", key)  # before there is a row for it
    with database.write() as connection:
        # Another process may have made it between the look and the lock; then theirs is the one.
        row = connection.execute(select(collections).where(collections.c.name == name)).one_or_none()
        if row is None:
            connection.execute(
                collections.insert().values(
                    id=collection_id,
                    name=name,
                    wrapped_key=wrapped,
                    data_class=data_class.value,
                    policy="",
                    encoder="",
                    chunker="",
                    created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    key_form=1,
                )
            )
            row = connection.execute(select(collections).where(collections.c.name == name)).one()
    return _opened(database, row, root_key)


def _opened(database: Database, row: Row[Any], root_key: bytes) -> Collection:
    workspace, place = WorkspaceKeys(database.key_file, root_key), f"collection/{row.id}"
    key = workspace.secret(place)
    if key is None:  # not opened for writing since there is a workspace key
        key = crypto.unseal(root_key, row.wrapped_key, bound_to=place)
        if row.key_form:
            raise KeyDestroyed(
                "the key file, records.keys.db, is lost or of another workspace: its records cannot be read",
                remedy="Put its copy back with `ragkit restore`. Without one, delete records.db and sync again.",
            )
        if database.writable:
            workspace.keep(place, key)
    records = RecordKeys(database, workspace, row.id)
    if database.writable:
        database.before_commit.append(records.flush)
        if row.key_form == 0:
            give_record_keys(database, records, row.id)
    return Collection(
        id=row.id,
        name=row.name,
        data_class=DataClass(row.data_class),
        keys=CollectionKeys(key),
        records=records,
        policy=row.policy,
        encoder=row.encoder,
        chunker=row.chunker,
    )
