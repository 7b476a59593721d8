"""Access classes: documents with the same set of access tokens share one, so that an index can filter on few values.

Tokens name people and groups, so only their keyed hashes are stored. An empty set of tokens is a class that nobody
holds: unknown permissions mean nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sqlalchemy import Connection, select

from ragkit import crypto
from ragkit.store.catalog import Collection
from ragkit.store.dialect_words import insert
from ragkit.store.schema import access_classes, access_tokens
from ragkit.types import Principal

_PARAMETERS = 10_000  # SQLite takes 32,766 a statement
_INSERT_CLASS = insert(access_classes).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def class_id(collection: Collection, tokens: Iterable[str]) -> str:
    """Return the class of a set of access tokens: an opaque id that depends on the set alone."""
    return crypto.opaque_id(collection.keys.ids, "access-class", *sorted(set(tokens)))


def class_number(class_id: str) -> int:
    """Return a class as a signed 64-bit number, for tables with a row a value."""
    return int.from_bytes(hashlib.sha256(class_id.encode()).digest()[:8], "big", signed=True)


def token_mac(collection: Collection, token: str) -> bytes:
    """Return what stands for an access token in the store, 16 bytes."""
    return crypto.keyed_hash(collection.keys.ids, "access-token", token)[:16]


def ensure_class(connection: Connection, collection: Collection, tokens: frozenset[str]) -> str:
    """Write the class of these tokens unless it is there, and return its id."""
    found = class_id(collection, tokens)
    made = connection.execute(_INSERT_CLASS, {"class_id": found, "collection_id": collection.id})
    if made.rowcount and tokens:
        rows = [{"class_id": found, "token_mac": token_mac(collection, token)} for token in sorted(tokens)]
        connection.execute(insert(access_tokens), rows)
    return found


def macs_of(collection: Collection, principal: Principal) -> list[bytes]:
    """Return what stands for each token that the principal holds."""
    return [token_mac(collection, token) for token in sorted(principal.tokens)]


def classes_of(connection: Connection, collection: Collection, principal: Principal) -> frozenset[str]:
    """Return the classes that the principal holds a token of."""
    macs = macs_of(collection, principal)
    found: set[str] = set()
    for start in range(0, len(macs), _PARAMETERS):
        query = select(access_tokens.c.class_id).where(access_tokens.c.token_mac.in_(macs[start : start + _PARAMETERS]))
        found.update(connection.execute(query).scalars())
    return frozenset(found)
