"""Document keys, unwrapped once and kept in memory until a record key is destroyed anywhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from ragkit import crypto
from ragkit.errors import KeyDestroyed
from ragkit.store.catalog import Collection

_KEYS = 4_096


class Keyring:
    """Unwraps the keys of document versions and keeps some thousands at hand.

    Args:
        collection: Whose.
        forget: Called when record keys were destroyed, for what else was opened with them.
    """

    def __init__(self, collection: Collection, *, forget: Callable[[], None] = lambda: None) -> None:
        self._unsealed = crypto.opener(collection.keys.wrapping)
        self._records = collection.records
        self._forget = forget
        self._lock = threading.Lock()
        self._epoch = 0
        self._known: dict[tuple[str, bytes], bytes] = {}

    def keys(self, wanted: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the keys of versions by place, given the rows' wrapped keys; those with a destroyed one are left out.

        Raises:
            KeyMismatch: One was not wrapped by this collection's key, or belongs to another version.
        """
        with self._lock:
            epoch = self._records.epoch()
            if epoch != self._epoch:
                self._known, self._epoch = {}, epoch
                self._forget()
            known = self._known
            found = {place: known[place, raw] for place, raw in wanted.items() if (place, raw) in known}
        missing = {place: raw for place, raw in wanted.items() if place not in found}
        if not missing:
            return found
        inner = self._records.unwrap_many({f"d/{place}": raw for place, raw in missing.items()})
        fresh = {
            place: self._unsealed(inner[f"d/{place}"], f"document/{place}")
            for place in missing
            if f"d/{place}" in inner
        }
        with self._lock:
            if len(known) + len(fresh) > _KEYS:
                known.clear()
            known.update({(place, missing[place]): key for place, key in fresh.items()})
        return found | fresh

    def key(self, place: str, wrapped: bytes) -> bytes:
        """Return the key of the version named by ``place``.

        Raises:
            KeyDestroyed: Its record key is destroyed.
            KeyMismatch: It was not wrapped by this collection's key, or belongs to another version.
        """
        found = self.keys({place: wrapped})
        if place not in found:
            raise KeyDestroyed("the key of a document is destroyed", remedy="It was erased; nothing opens it again.")
        return found[place]

    def __repr__(self) -> str:
        return "Keyring(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; open the collection again where it is needed")
