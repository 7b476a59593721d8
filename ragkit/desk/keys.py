"""One random key a conversation, in a file of its own, ``desk.keys.db``: destroy it, and the conversation is forgotten.

::

    workspace's secret ─▶ key of a place (desk.keys.db) ─▶ its texts (desk.db)

A copy of ``desk.db`` is read only with the keys that still exist (NIST SP 800-88r1, cryptographic erase). A key is
committed before anything is sealed under it; a kill between leaves a key that opens nothing, which the sweep finds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ragkit import crypto
from ragkit.desk.file import DeskFile
from ragkit.desk.schema import KEYS
from ragkit.errors import KeyDestroyed

_PADDED_TO = 128
_FEW = 100


class DeskKeys:
    """The keys of the desk's places. Safe to use from several threads.

    Args:
        path: The key file.
        secret: 32 bytes; wraps the keys.
    """

    def __init__(self, path: Path, *, secret: bytes) -> None:
        self._file = DeskFile(path, tables=KEYS, journal="DELETE")
        self._secret = crypto.derive(secret, "desk keys")
        self._names = crypto.derive(secret, "desk owners")

    def owner(self, subject: str) -> bytes:
        """Return the keyed hash under which a principal's things are kept: 16 bytes."""
        return crypto.keyed_hash(self._names, subject)[:16]

    def make(self, place: str) -> None:
        """Make the key of a place; one that is there stays."""
        wrapped = crypto.seal(self._secret, crypto.new_key(), bound_to=_bound(place))
        with self._file.writing() as database:
            database.execute("INSERT OR IGNORE INTO desk_keys VALUES (?, ?)", (place, wrapped))

    def seal(self, place: str, what: str, content: Mapping[str, Any] | str) -> bytes:
        """Seal a text or plain values under the key of a place; ``what`` binds it to its row and role.

        Raises:
            KeyDestroyed: The place has no key any more.
        """
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return crypto.seal(self.key(place), crypto.pad(text.encode(), _PADDED_TO), bound_to=f"desk/{place}/{what}")

    def open(self, place: str, what: str, sealed: bytes) -> str:
        """Undo :meth:`seal`.

        Raises:
            KeyDestroyed: The place has no key any more.
            KeyMismatch: It was altered or moved.
        """
        return open_text(self.key(place), place, what, sealed)

    def key(self, place: str) -> bytes:
        """Return the key of a place.

        Raises:
            KeyDestroyed: The place has no key any more.
        """
        wrapped = self._wrapped(place)
        if wrapped is None:
            raise forgotten()
        return crypto.unseal(self._secret, wrapped, bound_to=_bound(place))

    def many(self, places: Collection[str]) -> dict[str, bytes]:
        """Return the keys of these places, without those that have none any more."""
        if not places or not self._file.exists:
            return {}
        with self._file.reading() as database:
            few = sorted(places) if len(places) <= _FEW else []
            named = f" WHERE place IN ({', '.join('?' * len(few))})" if few else ""
            rows = database.execute(f"SELECT place, wrapped FROM desk_keys{named}", few).fetchall()  # noqa: S608
        unsealed = crypto.opener(self._secret)
        return {place: unsealed(wrapped, _bound(place)) for place, wrapped in rows if place in places}

    def has(self, place: str) -> bool:
        """Say whether a place has a key."""
        return self._wrapped(place) is not None

    def places(self) -> set[str]:
        """Return the places that have one."""
        if not self._file.exists:
            return set()
        with self._file.reading() as database:
            return {place for (place,) in database.execute("SELECT place FROM desk_keys")}

    def destroy(self, places: Collection[str]) -> int:
        """Destroy the keys of these places, and with them all that they opened. Returns how many there were."""
        if not places or not self._file.exists:
            return 0
        with self._file.writing() as database:
            gone = [database.execute("DELETE FROM desk_keys WHERE place = ?", (place,)).rowcount for place in places]
        return sum(gone)

    def write_anew(self) -> None:
        """Rewrite the key file."""
        self._file.write_anew()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _wrapped(self, place: str) -> bytes | None:
        if not self._file.exists:
            return None
        with self._file.reading() as database:
            found = database.execute("SELECT wrapped FROM desk_keys WHERE place = ?", (place,)).fetchone()
        return bytes(found[0]) if found else None

    def __repr__(self) -> str:
        return "DeskKeys(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled")


def open_text(key: bytes, place: str, what: str, sealed: bytes) -> str:
    """Open what :meth:`DeskKeys.seal` made, by a place's key.

    Raises:
        KeyMismatch: It was altered or moved.
    """
    return crypto.unpad(crypto.unseal(key, sealed, bound_to=f"desk/{place}/{what}")).decode()


def forgotten() -> KeyDestroyed:
    """Return the error that says that a conversation is not there any more."""
    return KeyDestroyed("a conversation was forgotten", remedy="Begin a new one; nothing opens it again.")


def _bound(place: str) -> str:
    return f"desk-key/{place}"
