"""The people of one collection for whoever keeps text about them outside the record store: their numbers and keys.

What is sealed under the record key of a vault value can be read for as long as that key is there, and no longer: an
erasure destroys it first of all, in one place, and with it every such text.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection as Values
from typing import TYPE_CHECKING

from ragkit.crypto import key_number
from ragkit.store.dialect_words import Worded
from ragkit.store.recordkeys import value_place

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database

_TOKENS = Worded(
    "SELECT token, value_mac FROM vault "
    "WHERE collection_id = :collection AND token IN (SELECT value FROM texts(:tokens) AS wanted)"
)
_REMEMBERED = 20_000


class ValueKeys:
    """Numbers by token, keys by number. Implements :class:`ragkit.audit.evidence_keys.PartyKeys`. Safe between threads.

    A number stays known after its value is erased, so that a text which was made before and is kept only now is found
    to be about somebody whose key is gone.
    """

    def __init__(self, database: Database, collection: Collection) -> None:
        self._database = database
        self._collection = collection
        self._numbers: dict[str, int] = {}
        self._keys: dict[int, bytes] = {}
        self._epoch = -1
        self._lock = threading.Lock()

    def epoch(self) -> int:
        """Return another number when keys were destroyed, by any process. Costs microseconds."""
        return self._collection.records.epoch()

    def numbers(self, tokens: Values[str]) -> dict[str, int]:
        """Return the numbers of the values of these token ids; of a token that is in no row nothing."""
        with self._lock:
            known = {token: self._numbers[token] for token in tokens if token in self._numbers}
        missing = [token for token in tokens if token not in known]
        if not missing:
            return known
        given = {"collection": self._collection.id, "tokens": json.dumps(missing)}
        with self._database.read() as connection:
            rows = connection.execute(_TOKENS, given).all()
        fresh = {token: key_number(mac) for token, mac in rows}
        with self._lock:
            if len(self._numbers) + len(fresh) > _REMEMBERED:
                self._numbers.clear()
            self._numbers.update(fresh)
        return known | fresh

    def keys(self, numbers: Values[int]) -> dict[int, bytes]:
        """Return the record keys of these values, those that are not destroyed."""
        epoch = self.epoch()
        with self._lock:
            if epoch != self._epoch:
                self._keys, self._epoch = {}, epoch
            known = {number: self._keys[number] for number in numbers if number in self._keys}
        missing = [number for number in numbers if number not in known]
        if not missing:
            return known
        found = self._collection.records.keys([value_place(number) for number in missing])
        fresh = {number: found[place] for number in missing if (place := value_place(number)) in found}
        with self._lock:
            if epoch == self._epoch and len(self._keys) + len(fresh) <= _REMEMBERED:
                self._keys.update(fresh)
        return known | fresh

    def __repr__(self) -> str:
        return "ValueKeys(…)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; open the collection again where it is needed")
