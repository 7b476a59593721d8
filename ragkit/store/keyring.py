"""Document keys, unwrapped once and kept in memory for a while."""

from __future__ import annotations

from functools import lru_cache

from ragkit import crypto
from ragkit.store.catalog import Collection

_KEYS = 4_096


class Keyring:
    """Unwraps the keys of document versions; the last 4,096 stay at hand. Destroyed keys have no row to ask with."""

    def __init__(self, collection: Collection) -> None:
        wrapping = collection.keys.wrapping

        @lru_cache(maxsize=_KEYS)
        def unwrap(place: str, wrapped: bytes) -> bytes:
            return crypto.unseal(wrapping, wrapped, bound_to=f"document/{place}")

        self._unwrap = unwrap

    def key(self, place: str, wrapped: bytes) -> bytes:
        """Return the key of the version named by ``place``.

        Raises:
            KeyMismatch: It was not wrapped by this collection's key, or belongs to another version.
        """
        return self._unwrap(place, wrapped)

    def __repr__(self) -> str:
        return "Keyring(…)"
