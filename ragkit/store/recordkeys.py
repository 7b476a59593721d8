"""Record keys: one random key a document version and a vault value, in the key file, so that it can be destroyed.

::

    root key ─▶ wrapping key ─▶ record key of a place ─▶ the key of a document version or vault value, which the
                (key file)      (key file)               collection's key wraps, as in versions.wrapped_key

So a copy of the record store is read only with the record keys that still exist: destroy one, and its record is gone
from every backup of the record store too (NIST SP 800-88r1, cryptographic erase; security.md, B2.2).

A new key waits in memory and is committed to the key file just before the transaction of the record store that needs
it, by :attr:`ragkit.store.database.Database.before_commit`. A kill between the two leaves a key that opens nothing;
:mod:`ragkit.store.keysweep` finds it. Rows made before there were record keys are read as they are.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection as Values
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, bindparam, delete, update

from ragkit import crypto
from ragkit.crashpoints import reach
from ragkit.errors import KeyDestroyed, KeyMismatch
from ragkit.store.dialect_words import insert
from ragkit.store.key_schema import changes, record_keys
from ragkit.store.workspacekeys import WorkspaceKeys
from ragkit.store.wrappingkey import WrappingKey

if TYPE_CHECKING:
    from ragkit.store.database import Database

_Condition = ColumnElement[bool]
_MARK = b"RK1:"
_CHECK_BYTES = 8
_HEAD_BYTES = len(_MARK) + _CHECK_BYTES
_UNMARKED_BYTES = 60  # nonce, key and tag: what a row held before there were record keys
_SLICE = 5_000
_KEYS = "SELECT place, wrapped FROM record_keys WHERE collection_id = ? AND place IN (SELECT value FROM json_each(?))"
_PLACES = "SELECT place FROM record_keys WHERE collection_id = ? AND place IN (SELECT value FROM json_each(?))"


def document_place(doc_id: str, number: int) -> str:
    """Name the record key of a document's version."""
    return f"d/{doc_id}/{number}"


def value_place(number: int) -> str:
    """Name the record key of a vault value, by its number (:func:`ragkit.crypto.key_number`)."""
    return f"v/{number}"


def name_place(doc_id: str) -> str:
    """Name the record key of what a document is called at its source."""
    return f"n/{doc_id}"


def upload_place(file: str) -> str:
    """Name the record key of an uploaded original, by the name of its file. The key itself seals the file."""
    return f"u/{file}"


def bound_to(collection_id: str, place: str) -> str:
    """Name what the wrapped record key of a place is bound to."""
    return f"record-key/{collection_id}/{place}"


def is_wrapped(wrapped: bytes) -> bool:
    """Say whether a row's key needs a record key to open; one from before there were any does not."""
    return wrapped.startswith(_MARK) and len(wrapped) != _UNMARKED_BYTES


def _check(key: bytes) -> bytes:
    """Tells which key a row was wrapped with, and nothing else of it."""
    return crypto.keyed_hash(key, "check")[:_CHECK_BYTES]


class RecordKeys:
    """The record keys of one collection. Safe to use from several threads; every look sees what is committed.

    Args:
        database: Whose key file has them; it is written only while the workspace's write lock is held.
        workspace: Opens the collection's wrapping key.
        collection_id: Whose keys these are.
    """

    __slots__ = ("_collection", "_database", "_file", "_lock", "_mine", "_pending", "_workspace", "_wrapping")

    def __init__(self, database: Database, workspace: WorkspaceKeys, collection_id: str) -> None:
        self._database = database
        self._file = database.key_file
        self._collection = collection_id
        self._mine = record_keys.c.collection_id == collection_id
        self._workspace = workspace
        self._wrapping = WrappingKey(self._file, workspace, collection_id)
        self._pending: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def use_root_key(self, root_key: bytes) -> None:
        """Go on with another root key, which opens the same workspace."""
        self._workspace.use_root_key(root_key)

    def wrap(self, place: str, inner: bytes) -> bytes:
        """Wrap what a row holds under the record key of its place, made if need be and pending until :meth:`flush`."""
        return self.wrap_many({place: inner})[place]

    def wrap_many(self, inner: Mapping[str, bytes]) -> dict[str, bytes]:
        """The same for many. A place that has a key keeps it: an older backup of the record may need it too."""
        keys = self._find(inner)
        with self._lock:
            for place in inner:
                if place not in keys:
                    keys[place] = self._pending.setdefault(place, crypto.new_key())
        return {
            place: _MARK + _check(keys[place]) + crypto.seal(keys[place], raw, bound_to=f"record/{place}")
            for place, raw in inner.items()
        }

    def unwrap_many(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """Undo :meth:`wrap_many`; places whose record key is destroyed are left out.

        So are those that have a new key since: a restored row of an erased value that came again from elsewhere.

        Raises:
            KeyMismatch: A row was altered or moved, or the root key is not this workspace's.
        """
        inner = {place: raw for place, raw in wrapped.items() if not is_wrapped(raw)}
        for place, key in self._fitting(wrapped).items():
            inner[place] = crypto.unseal(key, wrapped[place][_HEAD_BYTES:], bound_to=f"record/{place}")
        return inner

    def keys(self, places: Iterable[str]) -> dict[str, bytes]:
        """Return the keys of these places as they are committed, for what must die with a record and is kept elsewhere.

        Places whose key is destroyed are left out.
        """
        every = list(places)
        try:
            return self._stored(every)
        except KeyMismatch:  # the wrapping key was exchanged between two looks
            self._wrapping.forget()
            return self._stored(every)

    def openable(self, wrapped: Mapping[str, bytes]) -> set[str]:
        """Return the places whose rows can be opened, as :meth:`unwrap_many` would."""
        return {place for place, raw in wrapped.items() if not is_wrapped(raw)} | self._fitting(wrapped).keys()

    def _fitting(self, wrapped: Mapping[str, bytes]) -> dict[str, bytes]:
        """The keys of places whose row was wrapped with the key that is there now."""
        keys = self._find([place for place, raw in wrapped.items() if is_wrapped(raw)])
        return {place: key for place, key in keys.items() if wrapped[place][len(_MARK) : _HEAD_BYTES] == _check(key)}

    def unwrap(self, place: str, wrapped: bytes) -> bytes:
        """Undo :meth:`wrap`.

        Raises:
            KeyDestroyed: The record key is destroyed.
            KeyMismatch: The row was altered or moved.
        """
        inner = self.unwrap_many({place: wrapped})
        if place not in inner:
            raise KeyDestroyed("the key of a record is destroyed", remedy="It was erased; nothing opens it again.")
        return inner[place]

    def epoch(self) -> int:
        """Return a number that changes when any process destroyed keys: what was opened before must be forgotten."""
        return self._wrapping.current().destroyed

    def has(self, place: str) -> bool:
        """Say whether a place has a key, released or not."""
        return bool(self.present([place]))

    def present(self, places: Iterable[str]) -> set[str]:
        """Return which of these places have one."""
        every = list(places)
        with self._lock:
            found = {place for place in every if place in self._pending}
        for start in range(0, len(every), _SLICE):
            asked = json.dumps(every[start : start + _SLICE])
            found.update(row[0] for row in self._file.look(_PLACES, (self._collection, asked)))
        return found

    def flush(self) -> None:
        """Commit pending keys to the key file; called before the record store commits."""
        with self._lock:
            fresh = dict(self._pending)
        if not fresh:
            return
        with self._file.write() as connection:
            wrapping = self._wrapping.inside(connection)
            rows = [
                {
                    "place": place,
                    "collection_id": self._collection,
                    "wrapped": crypto.seal(wrapping, key, bound_to=bound_to(self._collection, place)),
                }
                for place, key in sorted(fresh.items())  # in order, since neighbours share pages
            ]
            connection.execute(record_keys.insert(), rows)
        reach("sync.after_record_keys")
        with self._lock:
            for place in fresh:
                self._pending.pop(place, None)

    def put(self, connection: Connection, place: str, key: bytes) -> None:
        """Make this the key of a place, in a write transaction of the key file."""
        wrapped = crypto.seal(self._wrapping.inside(connection), key, bound_to=bound_to(self._collection, place))
        row = {"place": place, "collection_id": self._collection, "wrapped": wrapped}
        connection.execute(record_keys.insert(), row)

    def release(self, places: Mapping[str, str]) -> None:
        """Note when records were replaced in the ordinary way, ISO 8601; of most, ``keysweep`` finds that by itself."""
        if not places:
            return
        self.flush()
        change = update(record_keys).where(self._mine, record_keys.c.place == bindparam("released"))
        change = change.values(released_at=bindparam("since"))
        with self._file.write() as connection:
            connection.execute(change, [{"released": place, "since": since} for place, since in places.items()])

    def destroy_documents(self, doc_ids: Values[str]) -> int:
        """Destroy the keys of every version of these documents, released ones too, and of their names at the source.

        Returns:
            How many keys of versions there were.
        """
        place = record_keys.c.place
        versions = [place.between(f"d/{one}/", f"d/{one}/~") for one in doc_ids]
        return self._destroy(versions, also=[place == name_place(one) for one in doc_ids])

    def destroy_values(self, numbers: Values[int]) -> int:
        """Destroy the keys of these vault values. Returns how many there were."""
        return self._destroy([record_keys.c.place == value_place(one) for one in numbers])

    def destroy_places(self, places: Values[str]) -> int:
        """Destroy the keys of these places, such as versions that were replaced. Returns how many there were."""
        return self._destroy([record_keys.c.place == one for one in places])

    def prune(self, before: datetime) -> int:
        """Destroy the keys released before a time whose record is not there again. Returns how many there were."""
        from ragkit.store.keysweep import reconcile  # which imports this module

        reconcile(self._database, self._collection, thorough=True)
        limit = before.astimezone(UTC).isoformat(timespec="seconds")
        return self._destroy([record_keys.c.released_at < limit])

    def _destroy(self, conditions: Iterable[_Condition], *, also: Iterable[_Condition] = ()) -> int:
        self.flush()  # so that nothing pending comes back afterwards
        with self._file.write() as connection:
            gone = others = 0
            for one in conditions:
                gone += connection.execute(delete(record_keys).where(self._mine, one)).rowcount
            for one in also:
                others += connection.execute(delete(record_keys).where(self._mine, one)).rowcount
            if gone or others:
                count = insert(changes).values(kind="destroyed", number=1)
                again = {"number": changes.c.number + 1}
                connection.execute(count.on_conflict_do_update(index_elements=[changes.c.kind], set_=again))
        return gone

    def _find(self, places: Iterable[str]) -> dict[str, bytes]:
        """Return the keys of places that have one. What is stored wins: a dry run leaves keys pending for good."""
        every = list(places)
        if not every:
            return {}
        with self._lock:  # first, since a flush may move keys from here to there meanwhile
            pending = {place: self._pending[place] for place in every if place in self._pending}
        return pending | self.keys(every)

    def _stored(self, places: list[str]) -> dict[str, bytes]:
        wrapping = self._wrapping.current().key
        if not wrapping:
            return {}
        unsealed, found = crypto.opener(wrapping), dict[str, bytes]()
        for start in range(0, len(places), _SLICE):
            asked = json.dumps(places[start : start + _SLICE])
            for place, wrapped in self._file.look(_KEYS, (self._collection, asked)):
                found[place] = unsealed(wrapped, bound_to(self._collection, place))
        return found

    def __repr__(self) -> str:
        return "RecordKeys(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; open the collection again where it is needed")
