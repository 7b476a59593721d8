"""Putting versions aside instead of destroying them, so that an answer can be replayed; and what became of the rest.

A version that is put aside keeps its key, header, chunks, vectors and filters where they are. Its chunk numbers move
from ``chunks`` to ``past_chunks`` and its mentions to ``past_mentions``, so that nothing that answers finds it: not a
search, not the masking of a question, not a count. All of it takes part in the caller's transaction.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from ragkit.store.dialect_words import Insert, insert
from ragkit.store.schema import (
    bodies,
    chunks,
    collections,
    fates,
    links,
    mentions,
    past_chunks,
    past_mentions,
    periods,
    versions,
)

How = Literal["erased", "purged", "unknown"]
"""Why a version is gone: with a person or by an officer; by age, retention or a window that was closed; not known."""


def moment() -> int:
    """Return the present time, UTC, in microseconds since 1970."""
    return time.time_ns() // 1_000


def keep(connection: Connection, collection_id: str, *, keeps: bool) -> None:
    """Note from when on everything that is replaced is kept, or that it is not any more; writes only what changed."""
    if keeps:
        connection.execute(_KEPT, {"collection": collection_id, "since": moment()})
    else:
        connection.execute(_NOT_KEPT, {"collection": collection_id})


def shorten(connection: Connection, collection_id: str, limit: int | None) -> None:
    """Note that everything is kept from a moment on at the earliest; ``None`` for nothing at all."""
    if limit is None:
        connection.execute(_NOT_KEPT, {"collection": collection_id})
    else:
        connection.execute(_SHORTENED, {"collection": collection_id, "limit": limit})


def following(now: int, valid_from: int) -> int:
    """Return the moment at which something ends that began then: later than its beginning, wherever the clock jumps."""
    return max(now, valid_from + 1)


def end_period(connection: Connection, current: Row[Any], end: int) -> None:
    """Move the numbers of a version's chunks into a period that ends now; it may get new ones afterwards.

    Args:
        connection: The caller's transaction.
        current: The version that answers, as :data:`ragkit.store.removal.CURRENT` gives it.
        end: From when on it does not answer under these numbers.
    """
    values = {"version": current.version_id, "collection": current.collection_id, "class": current.class_id}
    values |= {"from": current.valid_from, "to": end}
    made = connection.execute(_PERIOD, values)
    assert made.inserted_primary_key is not None
    connection.execute(_CHUNKS, {"period": int(made.inserted_primary_key[0]), "version": current.version_id})
    connection.execute(_UNNUMBER, {"version": current.version_id})


def put_aside(connection: Connection, current: Row[Any], end: int) -> None:
    """Make the past of a version that no document points to any more."""
    given = {"version": current.version_id}
    end_period(connection, current, end)
    connection.execute(_MENTIONS, given)
    connection.execute(_UNMENTION, given)
    connection.execute(_UNLINK, given)
    connection.execute(_AGE, given)


def note_fate(connection: Connection, collection_id: str, places: Iterable[tuple[str, int]], how: How) -> None:
    """Note what became of versions, by document id and number; that it is not known replaces nothing."""
    at = moment()
    rows = [
        {"doc_id": doc_id, "number": number, "collection_id": collection_id, "how": how, "at": at}
        for doc_id, number in places
    ]
    if rows:
        connection.execute(_LOST if how == "unknown" else _FATE, rows)


_KEPT = (
    update(collections)
    .where(collections.c.id == bindparam("collection"), collections.c.kept_since.is_(None))
    .values(kept_since=bindparam("since"))
)
_NOT_KEPT = (
    update(collections)
    .where(collections.c.id == bindparam("collection"), collections.c.kept_since.is_not(None))
    .values(kept_since=None)
)
_SHORTENED = (
    update(collections)
    .where(collections.c.id == bindparam("collection"), collections.c.kept_since < bindparam("limit"))
    .values(kept_since=bindparam("limit"))
)
_PERIOD = periods.insert().values(
    version_id=bindparam("version"),
    collection_id=bindparam("collection"),
    class_id=bindparam("class"),
    valid_from=bindparam("from"),
    valid_to=bindparam("to"),
)
_MINE = select(bodies.c.body_id).where(bodies.c.version_id == bindparam("version"))
_CHUNKS = past_chunks.insert().from_select(
    ["chunk_id", "body_id", "period_id"],
    select(chunks.c.chunk_id, chunks.c.body_id, bindparam("period"))
    .join(bodies, bodies.c.body_id == chunks.c.body_id)
    .where(bodies.c.version_id == bindparam("version"))
    .order_by(bodies.c.ordinal),
)
_UNNUMBER = delete(chunks).where(chunks.c.body_id.in_(_MINE))
_MENTIONS = (
    insert(past_mentions)
    .from_select(
        ["key", "version_id"],
        select(mentions.c.key, mentions.c.version_id)
        .where(mentions.c.version_id == bindparam("version", type_=mentions.c.version_id.type))
        .order_by(mentions.c.key),
    )
    .on_conflict_do_nothing()
)
_UNMENTION = delete(mentions).where(mentions.c.version_id == bindparam("version"))
_UNLINK = delete(links).where(links.c.version_id == bindparam("version"))
_AGE = update(versions).where(versions.c.version_id == bindparam("version")).values(state="past")
_LOST = insert(fates).on_conflict_do_nothing()


def _fate() -> Insert:
    statement = insert(fates)
    changed = {name: statement.excluded[name] for name in ("collection_id", "how", "at")}
    return statement.on_conflict_do_update(index_elements=[fates.c.doc_id, fates.c.number], set_=changed)


_FATE = _fate()
