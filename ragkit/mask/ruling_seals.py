"""Numbers and seals of rulings: what is written down of a ruled value, and read back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ragkit.crypto import CollectionKeys, derive, key_number, keyed_hash, seal, unseal
from ragkit.mask.rows import Item
from ragkit.mask.ruled import Known, begins
from ragkit.types import RulingRow


class RulingSeals:
    """Makes and opens what stands in the rows of one collection's rulings."""

    def __init__(self, keys: CollectionKeys) -> None:
        self._values = keys.values
        self._key = derive(keys.content, "rulings")

    def shape(self, request: str, number: int, item: Item, becomes: str | None = None) -> bytes:
        """Type and, of a correction, the new value, sealed; never the value itself."""
        content = json.dumps({"type": item[0], "becomes": becomes})
        return seal(self._key, content.encode(), bound_to=f"ruling/{request}/{number}")

    def starts(self, request: str, verb: str, item: Item) -> dict[int, RulingRow]:
        """The rows that say where in a text to look for a value."""
        numbers = [self._start_number(kind, text) for kind, text in begins(*item)]
        return {number: RulingRow(request, verb, "start", number) for number in numbers}

    def read(self, rows: Sequence[RulingRow]) -> Known:
        """Open rows.

        Raises:
            KeyMismatch: They were sealed with another key.
        """
        known = Known(start_number=self._start_number)
        for row in rows:
            if row.role == "start":
                known.starts.add(row.number)
            elif row.role == "name":
                known.names.setdefault(row.number, set()).add(row.request)
            elif row.role == "beside":
                known.beside.setdefault(row.number, set()).add(row.request)
            elif row.role in {"own", "shared"} and row.sealed is not None:
                shape = json.loads(unseal(self._key, row.sealed, bound_to=f"ruling/{row.request}/{row.number}"))
                known.types.add(shape["type"])
                table = known.own if row.role == "own" else known.shared
                table.setdefault(row.number, []).append((row.request, row.verb, shape["becomes"]))
        return known

    def _start_number(self, kind: str, text: str) -> int:
        return key_number(keyed_hash(self._values, "ruling", kind, text))

    def __repr__(self) -> str:
        return "RulingSeals(…)"
