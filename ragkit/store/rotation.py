"""Changing keys without touching a document: a new root key, or a new wrapping key. Nothing is indexed or masked again.

A root key in two steps, each one transaction of the key file, so that a kill leaves one that opens or both::

    admit(database, old, new)     # a new workspace key, opened by both root keys
    …                             # now the source of the root key gives the new one
    retire_others(database, new)  # the old root key opens nothing any more

What was copied before, with a key file of before, still opens with the old root key: that is a copy's nature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, func, select, update

from ragkit import crypto
from ragkit.crashpoints import reach
from ragkit.errors import KeyMismatch
from ragkit.store.key_schema import copies, record_keys, roots, secrets, wrapping_keys
from ragkit.store.recordkeys import bound_to
from ragkit.store.schema import collections
from ragkit.store.workspacekeys import WorkspaceKeys, moment, open_workspace_key, put_secret, root_row
from ragkit.store.wrappingkey import open_wrapping_key, wrapping_row

if TYPE_CHECKING:
    from ragkit.store.database import Database

DERIVED = ("events", "copies", "signing", "evidence", "api-keys")
"""What was derived from the first root key and must stay the same under the next ones."""


def admit(database: Database, old: bytes, new: bytes) -> int:
    """Make a new workspace key, wrap what was under the old one by it, and let both root keys open it.

    Admitting a root key that is admitted already changes nothing.

    Returns:
        The generation of the new root key.

    Raises:
        KeyMismatch: ``old`` does not open the workspace.
    """
    for name, wrapped in _unopened(database):  # of before there was a workspace key
        WorkspaceKeys(database.key_file, old).keep(name, crypto.unseal(old, wrapped, bound_to=name))
    keys = WorkspaceKeys(database.key_file, old)
    derived = {purpose: keys.derived(purpose) for purpose in DERIVED}
    with database.key_file.write() as connection:
        above = keys.inside(connection)
        known = {row.mark: row.generation for row in connection.execute(select(roots))}
        if crypto.root_mark(new) in known:
            return int(known[crypto.root_mark(new)])
        fresh = crypto.new_key()
        for row in connection.execute(select(secrets)).all():
            value = crypto.unseal(above, row.wrapped, bound_to=f"secret/{row.name}")
            put_secret(connection, fresh, row.name, value)
        for purpose, value in derived.items():
            put_secret(connection, fresh, purpose, value)
        for row in connection.execute(select(wrapping_keys)).all():
            key = open_wrapping_key(above, row.wrapped, row.collection_id, row.generation)
            wrapped = wrapping_row(fresh, key, row.collection_id, row.generation)["wrapped"]
            mine = wrapping_keys.c.collection_id == row.collection_id
            connection.execute(update(wrapping_keys).where(mine).values(wrapped=wrapped))
        generation = known[crypto.root_mark(old)] + 1
        reach("keys.in_admit")
        connection.execute(delete(roots))
        old_row = root_row(old, fresh, generation=known[crypto.root_mark(old)])
        connection.execute(roots.insert(), [old_row, root_row(new, fresh, generation=generation)])
    reach("keys.after_admit")
    return int(generation)


def retire_others(database: Database, root_key: bytes) -> int:
    """Let no root key but this one open the workspace. Returns how many were retired.

    Raises:
        KeyMismatch: It does not open the workspace, or is older than another that does.
    """
    with database.key_file.write() as connection:
        rows = connection.execute(select(roots)).all()
        open_workspace_key(root_key, {row.mark: row.wrapped for row in rows})
        newest = max(rows, key=lambda row: row.generation)
        if newest.mark != crypto.root_mark(root_key):
            raise KeyMismatch(
                "the key source still gives the old root key",
                remedy="Let [keys] give the new one, start the service again where one runs, then run "
                "`ragkit key rotate --finish`.",
            )
        gone = connection.execute(delete(roots).where(roots.c.mark != newest.mark)).rowcount
    reach("keys.after_retire")
    keys = WorkspaceKeys(database.key_file, root_key)
    with database.write() as connection:
        for row in connection.execute(select(collections.c.id, collections.c.wrapped_key)).all():
            place = f"collection/{row.id}"
            value = keys.secret(place)
            if value is not None and not _opens(root_key, row.wrapped_key, place):
                sealed = crypto.seal(root_key, value, bound_to=place)
                connection.execute(update(collections).where(collections.c.id == row.id).values(wrapped_key=sealed))
    database.checkpoint_truncate()
    return gone


def admitted(database: Database) -> list[tuple[str, int, str]]:
    """Return mark, generation and date of every root key that opens the workspace, the oldest first. Needs no key."""
    query = "SELECT mark, generation, made_at FROM roots ORDER BY generation"
    return [(mark, generation, made) for mark, generation, made in database.key_file.look(query)]


def rewrap(database: Database, workspace: WorkspaceKeys, collection_id: str) -> int:
    """Give a collection a new wrapping key and wrap its record keys by it, in one transaction of the key file.

    Returns:
        How many record keys were wrapped again.
    """
    mine = record_keys.c.collection_id == collection_id
    change = update(record_keys).where(mine, record_keys.c.place == bindparam("at")).values(wrapped=bindparam("fresh"))
    with database.key_file.write() as connection:
        above = workspace.inside(connection)
        its = wrapping_keys.c.collection_id == collection_id
        row = connection.execute(select(wrapping_keys).where(its)).one_or_none()
        if row is None:
            return 0
        unsealed = crypto.opener(open_wrapping_key(above, row.wrapped, collection_id, row.generation))
        new = crypto.new_key()
        made = wrapping_row(above, new, collection_id, row.generation + 1)
        connection.execute(update(wrapping_keys).where(its).values(**made))
        again = []
        for place, wrapped in connection.execute(select(record_keys.c.place, record_keys.c.wrapped).where(mine)):
            bound = bound_to(collection_id, place)
            again.append({"at": place, "fresh": crypto.seal(new, unsealed(wrapped, bound), bound_to=bound)})
        if again:
            connection.execute(change, again)
        reach("keys.in_rewrap")
    reach("keys.after_rewrap")
    return len(again)


def wrapping_generation(database: Database, collection_id: str) -> int:
    """Return which wrapping key a collection has, from 1; 0 when it has none. Needs no key."""
    query = select(func.max(wrapping_keys.c.generation)).where(wrapping_keys.c.collection_id == collection_id)
    if not database.key_file.mark():
        return 0
    with database.key_file.read() as connection:
        return int(connection.execute(query).scalar_one() or 0)


def note_escrow(database: Database, copy: str, kind: str) -> None:
    """Enter an escrow of the root key in the list of copies."""
    with database.key_file.write() as connection:
        connection.execute(copies.insert().values(copy=copy, kind=f"root/{kind}", made_at=moment()))


def escrows(database: Database) -> list[tuple[str, str]]:
    """Return kind and date of the escrows that were made, the oldest first. Needs no key."""
    query = "SELECT substr(kind, 6), made_at FROM copies WHERE kind LIKE 'root/%' ORDER BY made_at, copy"
    return [(kind, made) for kind, made in database.key_file.look(query)]


def _unopened(database: Database) -> list[tuple[str, bytes]]:
    """Collections that were not opened for writing since there is a workspace key: secret's name, and wrapped key."""
    kept = {name for (name,) in database.key_file.look("SELECT name FROM secrets")}
    with database.read() as connection:
        rows = connection.execute(select(collections.c.id, collections.c.wrapped_key)).all()
    return [(f"collection/{row.id}", row.wrapped_key) for row in rows if f"collection/{row.id}" not in kept]


def _opens(root_key: bytes, wrapped: bytes, place: str) -> bool:
    try:
        crypto.unseal(root_key, wrapped, bound_to=place)
    except KeyMismatch:
        return False
    return True
