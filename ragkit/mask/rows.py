"""The rows of one vault: sealed in the table, pending in memory until the caller's transaction, open in a cache.

What ``flush`` inserts is durable only when the caller's transaction commits, and nothing here sees that happen. So
``discard`` forgets all that was read or written: after a roll-back no token may be given out that is in no row.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ragkit.crypto import CollectionKeys, key_number, keyed_hash, new_key, pad, seal, unpad, unseal
from ragkit.mask.people import NameKey
from ragkit.mask.surrogate_parts import is_renewed
from ragkit.mask.tokens import format_token
from ragkit.protocols import VaultTable
from ragkit.types import VaultRow

Item = tuple[str, str]
"""Entity type and value as written."""

_BATCH = 500
_CACHE_ROWS = 100_000

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True, repr=False)
class Opened:
    """A row with its seals open: ``value`` and ``surrogate`` are personal data or stand for it."""

    value: str
    surrogate: str
    token: str


@dataclass(slots=True, repr=False)
class Draft:
    """Rows made but not stored, with what they take."""

    rows: dict[bytes, VaultRow] = field(default_factory=dict)
    opened: dict[bytes, Opened] = field(default_factory=dict)
    tokens: dict[str, bytes] = field(default_factory=dict)
    surrogates: set[bytes] = field(default_factory=set)

    def absorb(self, other: Draft) -> None:
        self.rows.update(other.rows)
        self.opened.update(other.opened)
        self.tokens.update(other.tokens)
        self.surrogates |= other.surrogates


class VaultRows:
    """Finds rows by keyed hash, makes and opens them.

    Args:
        keys: The collection's keys.
        table: Where the rows are kept.
        collection: Binds each sealed value to its collection.
    """

    def __init__(self, keys: CollectionKeys, table: VaultTable, collection: str) -> None:
        self.table = table
        self._keys = keys
        self._collection = collection
        self._pending = Draft()
        self._cache: dict[bytes, Opened] = {}
        self._epoch = 0

    @property
    def pending(self) -> int:
        """How many rows wait for :meth:`flush`."""
        return len(self._pending.rows)

    def hold(self, draft: Draft) -> None:
        """Keep made rows for :meth:`flush`."""
        self._pending.absorb(draft)

    def flush(self) -> None:
        """Insert pending rows through the table, within the caller's transaction."""
        if self._pending.rows:
            self.table.insert(list(self._pending.rows.values()))
            self._remember(self._pending.opened)
        self._pending = Draft()

    def discard(self) -> None:
        """Forget pending rows, and everything known of the table, as its last transaction may have been rolled back."""
        self._pending = Draft()
        self._cache.clear()

    # --- finding -------------------------------------------------------------------------------------------------

    def opened(self, macs: Collection[bytes], draft: Draft) -> dict[bytes, Opened]:
        """Rows with their seals open, by keyed hash: from the cache, what is pending, the draft, the table."""
        self._forget_destroyed()
        found: dict[bytes, Opened] = {}
        missing: list[bytes] = []
        for mac in macs:
            known = self._cache.get(mac) or self._pending.opened.get(mac) or draft.opened.get(mac)
            if known is None:
                missing.append(mac)
            else:
                found[mac] = known
        fresh = {mac: self.open(row) for mac, row in self._stored(missing).items()}
        self._remember(fresh)
        return found | fresh

    def rows(self, macs: Collection[bytes]) -> dict[bytes, VaultRow]:
        """Rows by keyed hash, pending ones too."""
        pending = {mac: self._pending.rows[mac] for mac in macs if mac in self._pending.rows}
        return pending | self._stored([mac for mac in macs if mac not in pending])

    def _stored(self, macs: Sequence[bytes]) -> dict[bytes, VaultRow]:
        rows: dict[bytes, VaultRow] = {}
        for start in range(0, len(macs), _BATCH):
            rows.update(self.table.by_mac(macs[start : start + _BATCH]))
        return rows

    def named(self, name: NameKey, limit: int) -> dict[bytes, Opened]:
        """At most ``limit`` stored rows that have a name key, with their seals open, by keyed hash."""
        self._forget_destroyed()
        found: dict[bytes, Opened] = {}
        for row in self.table.named(self.name_number(name), limit):
            found[row.value_mac] = self._cache.get(row.value_mac) or self.open(row)
        self._remember(found)
        return found

    def by_token(self, tokens: Collection[str]) -> dict[str, VaultRow]:
        """Rows by token id, pending ones too."""
        rows: dict[str, VaultRow] = {}
        stored = []
        for token in tokens:
            if token in self._pending.tokens:
                rows[token] = self._pending.rows[self._pending.tokens[token]]
            else:
                stored.append(token)
        for start in range(0, len(stored), _BATCH):
            rows.update(self.table.by_token(stored[start : start + _BATCH]))
        return rows

    def _forget_destroyed(self) -> None:
        """Keep nothing in memory that was erased, be it by another process."""
        epoch = self.table.epoch()
        if epoch != self._epoch:
            self._cache.clear()
            self._epoch = epoch

    def _remember(self, opened: Mapping[bytes, Opened]) -> None:
        if len(self._cache) + len(opened) > _CACHE_ROWS:
            self._cache.clear()
        self._cache.update(opened)

    def busy(self, marks: Mapping[Key, bytes], real: Mapping[Key, bytes], draft: Draft) -> set[Key]:
        """Whose proposal is another value's surrogate already, or a real value of this vault."""
        wanted = list(marks.values())
        taken = {mark for mark in wanted if mark in self._pending.surrogates or mark in draft.surrogates}
        for start in range(0, len(wanted), _BATCH):
            taken |= self.table.surrogates_taken(wanted[start : start + _BATCH])
        existing = self.rows(list(real.values())).keys() | draft.rows.keys()
        return {key for key in marks if marks[key] in taken or real[key] in existing}

    # --- making and opening ------------------------------------------------------------------------------------

    def add(
        self,
        draft: Draft,
        mac: bytes,
        item: Item,
        *,
        token_id: str | None,
        surrogate: str,
        mark: bytes,
        names: Sequence[NameKey] = (),
        spelling_of: int | None = None,
    ) -> None:
        """Make a row and put it into the draft; ``mark`` is the keyed hash of its surrogate."""
        entity_type, value = item
        key, bound = new_key(), self._bound(mac)
        draft.rows[mac] = VaultRow(
            value_mac=mac,
            kind="component" if token_id is None else "value",
            entity_type=entity_type,
            token=token_id,
            surrogate_mac=mark,
            sealed_surrogate=seal(key, pad(surrogate.encode("utf-8", "surrogatepass")), bound_to=f"{bound}|surrogate"),
            sealed_value=seal(key, pad(value.encode("utf-8", "surrogatepass")), bound_to=f"{bound}|value"),
            wrapped_key=seal(self._keys.wrapping, key, bound_to=f"{bound}|key"),
            names=tuple(self.name_number(name) for name in names),
            spelling_of=spelling_of,
        )
        token = format_token(entity_type, token_id) if token_id else ""
        draft.opened[mac] = Opened(value, surrogate, token)
        draft.surrogates.add(mark)
        if token_id:
            draft.tokens[token_id] = mac

    def open(self, row: VaultRow) -> Opened:
        """Break the seals of a row.

        Raises:
            KeyMismatch: It was sealed with another key or for another collection.
        """
        bound = self._bound(row.value_mac)
        key = unseal(self._keys.wrapping, row.wrapped_key, bound_to=f"{bound}|key")
        value = unpad(unseal(key, row.sealed_value, bound_to=f"{bound}|value")).decode("utf-8", "surrogatepass")
        surrogate = unpad(unseal(key, row.sealed_surrogate, bound_to=f"{bound}|surrogate")).decode(
            "utf-8", "surrogatepass"
        )
        return Opened(value, surrogate, format_token(row.entity_type, row.token) if row.token else "")

    def _bound(self, mac: bytes) -> str:
        return f"vault|{self._collection}|{mac.hex()}"

    def value_mac(self, entity_type: str, normal: str) -> bytes:
        """What a value is found by."""
        kind = "value 2" if is_renewed(entity_type, normal) else "value"  # tokens of old rows are still revealed
        return keyed_hash(self._keys.values, kind, entity_type, normal)

    def spelling_mac(self, item: Item, normal: str) -> bytes:
        """What a further spelling of a value is found by."""
        kind = "spelling 2" if is_renewed(item[0], normal) else "spelling"
        return keyed_hash(self._keys.values, kind, item[0], normal, item[1])

    def part_mac(self, kind: str, folded: str) -> bytes:
        """What a part of a name, place or domain is found by."""
        return keyed_hash(self._keys.values, "part", kind, folded)

    def name_number(self, name: NameKey) -> int:
        """What a value is found by in a question."""
        return key_number(keyed_hash(self._keys.values, "name", *name))

    def surrogate_mac(self, kind: str, surrogate: str) -> bytes:
        """What a surrogate is found by."""
        return keyed_hash(self._keys.values, "surrogate", kind, surrogate)

    def __repr__(self) -> str:
        return f"VaultRows({self.pending} pending)"
