"""Taking versions out: unreadable and unfindable at once, deleted by slices when they are large."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, select, update

from ragkit.crashpoints import reach
from ragkit.store.database import Database
from ragkit.store.past import How, following, note_fate, put_aside
from ragkit.store.schema import (
    bodies,
    chunks,
    documents,
    links,
    mentions,
    past_mentions,
    periods,
    versions,
)

INLINE_ROWS = 256
"""A version of at most so many chunks is deleted in the transaction that makes it obsolete."""

CURRENT = (
    select(versions.c.version_id, versions.c.number, versions.c.chunk_count, versions.c.policy)
    .add_columns(documents.c.doc_id, documents.c.collection_id, documents.c.class_id, documents.c.valid_from)
    .join(documents, documents.c.version_id == versions.c.version_id)
    .where(documents.c.doc_id == bindparam("doc_id"))
)
"""The version that a document answers with."""

_DELETE_VERSION = delete(versions).where(versions.c.version_id == bindparam("version"))  # cascades to chunks
PAST: Select[Any] = select(
    versions.c.version_id, versions.c.doc_id, versions.c.number, versions.c.chunk_count, versions.c.collection_id
).where(versions.c.state == "past")
"""Versions that were put aside, as :func:`drop_past` takes them."""

_PAST_OF = PAST.where(versions.c.doc_id == bindparam("doc_id"))


def withdraw(connection: Connection, doc_id: str, *, past: int | None = None, how: How | None = None) -> bool:
    """Stop a document from answering.

    Args:
        connection: The caller's transaction.
        doc_id: Which.
        past: Put its version aside as having answered until this moment (:mod:`ragkit.store.past`). Without, its rows
            and keys go, those of its past versions too.
        how: What is noted of versions that go; nothing by default.

    Returns:
        Whether past versions of it are kept.
    """
    found = connection.execute(CURRENT, {"doc_id": doc_id}).one_or_none()
    if found is not None:
        connection.execute(delete(documents).where(documents.c.doc_id == doc_id))
        replace(connection, found, past=past, how=how)
    before = connection.execute(_PAST_OF, {"doc_id": doc_id}).all()
    if past is None:
        drop_past(connection, before, how=how)
    return past is not None and bool(before)


def replace(connection: Connection, found: Row[Any], *, past: int | None, how: How | None = None) -> None:
    """Put aside or take out the version that a document answered with before; see :func:`withdraw`."""
    if past is not None:
        put_aside(connection, found, following(past, found.valid_from))
        return
    if how is not None:
        note_fate(connection, found.collection_id, [(found.doc_id, found.number)], how)
    retire(connection, found.version_id, rows=found.chunk_count)


def drop_past(connection: Connection, found: Iterable[Row[Any]], *, how: How | None) -> int:
    """Take past versions out; return how many. Their keys in the key file are the caller's."""
    number = 0
    for row in found:
        if how is not None:
            note_fate(connection, row.collection_id, [(row.doc_id, row.number)], how)
        retire(connection, row.version_id, rows=row.chunk_count)
        number += 1
    return number


def retire(connection: Connection, version_id: int, *, rows: int) -> None:
    """Take a version out that no document points to: its key goes now, its rows now or later."""
    if rows <= INLINE_ROWS:
        connection.execute(_DELETE_VERSION, {"version": version_id})
        return
    unnumber(connection, version_id)
    unmention(connection, version_id)
    connection.execute(delete(periods).where(periods.c.version_id == version_id))
    keyless = {"state": "retired", "wrapped_key": None, "sealed_header": None}
    connection.execute(update(versions).where(versions.c.version_id == version_id).values(**keyless))


def unnumber(connection: Connection, version_id: int) -> None:
    """Take the chunk numbers of a version away, so that none of its chunks is live."""
    mine = select(bodies.c.body_id).where(bodies.c.version_id == version_id)
    connection.execute(delete(chunks).where(chunks.c.body_id.in_(mine)))


def unmention(connection: Connection, version_id: int) -> None:
    """Let a version count no longer as a place where its values stand."""
    connection.execute(delete(mentions).where(mentions.c.version_id == version_id))
    connection.execute(delete(links).where(links.c.version_id == version_id))
    connection.execute(delete(past_mentions).where(past_mentions.c.version_id == version_id))


def sweep(database: Database, collection_id: str, *, states: tuple[str, ...] = ("staged", "retired")) -> int:
    """Delete what an interrupted run left staged or retired; a short transaction a slice.

    Returns:
        How many versions were deleted.
    """
    swept = 0
    while True:
        with database.read() as connection:
            query = select(versions.c.version_id).where(
                versions.c.state != "current",  # this condition makes the partial index usable
                versions.c.state.in_(states),
                versions.c.collection_id == collection_id,
            )
            left = connection.execute(query.limit(1)).scalar_one_or_none()
        if left is None:
            return swept
        some = select(bodies.c.body_id).where(bodies.c.version_id == left).limit(INLINE_ROWS)
        while True:
            with database.write() as connection:
                gone = connection.execute(delete(bodies).where(bodies.c.body_id.in_(some))).rowcount
                if gone < INLINE_ROWS:
                    connection.execute(delete(versions).where(versions.c.version_id == left))
            reach("sync.in_purge")
            if gone < INLINE_ROWS:
                break
        swept += 1
