"""The vault of one collection: which token and which surrogate stand for a value, and back.

::

    vault = Vault(keys, table, "support")
    token, surrogate = vault.allocate("PERSON", "Galip Yalman")   # pending until flush()
    text, counts = vault.reveal(f"Ask {token}.")

Values are found by keyed hash and stored sealed, each under a key of its own, so that destroying one key erases one
value. The same value (case, accents, honorific, possessive and white space apart) has the same surrogate; a
mention written another way than the first has a token of its own, so that ``reveal`` gives the text back exactly.
New rows wait in memory for ``flush``, which inserts them in the caller's transaction, or for ``discard``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ragkit.crypto import CollectionKeys, keyed_hash, new_key, seal, unseal
from ragkit.errors import VaultError
from ragkit.mask.normalise import fold, normalise
from ragkit.mask.surrogates import SHARED, draw, is_composed, join, propose, split
from ragkit.mask.tokens import find_tokens, format_token, token_ids
from ragkit.protocols import VaultTable
from ragkit.types import VaultRow

Item = tuple[str, str]
"""Entity type and value as written."""

_BATCH = 500
_ATTEMPTS = 4096
_CACHE_ROWS = 100_000


@dataclass(slots=True, repr=False)
class _Opened:
    """A row with its seals open: ``value`` and ``surrogate`` are personal data or stand for it."""

    value: str
    surrogate: str
    token: str


@dataclass(slots=True, repr=False)
class _Draft:
    """Rows made but not stored, with what they take."""

    rows: dict[bytes, VaultRow] = field(default_factory=dict)
    opened: dict[bytes, _Opened] = field(default_factory=dict)
    tokens: dict[str, bytes] = field(default_factory=dict)
    surrogates: set[bytes] = field(default_factory=set)

    def absorb(self, other: _Draft) -> None:
        self.rows.update(other.rows)
        self.opened.update(other.opened)
        self.tokens.update(other.tokens)
        self.surrogates |= other.surrogates


Key = TypeVar("Key", bound=Hashable)


class Vault:
    """Tokens and surrogates of one collection.

    Args:
        keys: The collection's keys.
        table: Where the rows are kept.
        collection: Binds each sealed value to its collection.
        own_types: Entity types of the policy's dictionaries.
    """

    def __init__(
        self, keys: CollectionKeys, table: VaultTable, collection: str, *, own_types: Collection[str] = ()
    ) -> None:
        self._keys = keys
        self._table = table
        self._collection = collection
        self._own_types = frozenset(own_types)
        self._pending = _Draft()
        self._cache: dict[bytes, _Opened] = {}

    def allocate(self, entity_type: str, value: str) -> tuple[str, str]:
        """Token and surrogate for a value, made if need be and pending until :meth:`flush`."""
        return self.allocate_many([(entity_type, value)])[entity_type, value]

    def allocate_many(self, items: Iterable[Item]) -> dict[Item, tuple[str, str]]:
        """The same for many values, with a handful of look-ups in the table for all of them together."""
        draft = _Draft()
        found = self._resolve(dict.fromkeys(items), draft, exact=True)
        self._pending.absorb(draft)
        return found

    def lookup(self, entity_type: str, value: str) -> tuple[str, str]:
        """Token and surrogate for a value, inserting nothing."""
        return self.lookup_many([(entity_type, value)])[entity_type, value]

    def lookup_many(self, items: Iterable[Item], *, exact: bool = False) -> dict[Item, tuple[str, str]]:
        """The same for many values.

        A value the vault does not hold gets the token and surrogate it would get now: free ones, so that a question
        about an
        unknown person matches nobody.

        Args:
            items: Entity types and values.
            exact: Tell spellings of one value apart, as documents do; questions do not.
        """
        return self._resolve(dict.fromkeys(items), _Draft(), exact=exact)

    def known(self, items: Iterable[Item]) -> set[Item]:
        """Which of these values (or, for ``PERSON``, single name parts) the vault holds."""
        macs: dict[bytes, Item] = {}
        for item in dict.fromkeys(items):
            normal = normalise(*item)
            macs[self._value_mac(item[0], normal)] = item
            if item[0] == "PERSON" and " " not in normal:
                macs[self._part_mac("name", normal)] = item
        rows = self._rows(macs)
        return {item for mac, item in macs.items() if mac in rows}

    def flush(self) -> None:
        """Insert pending rows through the table, within the caller's transaction."""
        if self._pending.rows:
            self._table.insert(list(self._pending.rows.values()))
            self._remember(self._pending.opened)
        self._pending = _Draft()

    def discard(self) -> None:
        """Forget pending rows, because their documents were not stored."""
        self._pending = _Draft()

    @property
    def pending(self) -> int:
        """How many rows wait for :meth:`flush`."""
        return len(self._pending.rows)

    def reveal(self, text: str) -> tuple[str, dict[str, int]]:
        """Put values back for genuine tokens of this vault; leave all else as it is.

        Returns:
            The text, and how many tokens of each type were replaced.
        """
        tokens = list(find_tokens(text))
        rows = self._by_token({token_id for _, _, _, token_id in tokens})
        counts: Counter[str] = Counter()
        pieces: list[str] = []
        position = 0
        for start, end, entity_type, token_id in tokens:
            row = rows.get(token_id)
            if row is None or row.entity_type != entity_type:
                continue
            pieces += (text[position:start], self._open(row).value)
            position = end
            counts[entity_type] += 1
        return "".join([*pieces, text[position:]]), dict(counts)

    # --- finding -------------------------------------------------------------------------------------------------

    def _resolve(self, items: Collection[Item], draft: _Draft, *, exact: bool) -> dict[Item, tuple[str, str]]:
        normals = {item: normalise(*item) for item in items}
        macs = {item: self._value_mac(item[0], normals[item]) for item in items}
        opened = self._opened(macs.values(), draft)
        self._create({item: macs[item] for item in items if macs[item] not in opened}, normals, draft)
        opened.update(draft.opened)
        if exact:
            spelled = {
                item: self._spelling_mac(item, normals[item]) for item in items if opened[macs[item]].value != item[1]
            }
            opened.update(self._opened(spelled.values(), draft))
            fresh = {item: mac for item, mac in spelled.items() if mac not in opened}
            self._create(fresh, normals, draft, like={mac: opened[macs[item]].surrogate for item, mac in fresh.items()})
            opened.update(draft.opened)
            macs.update(spelled)
        return {item: (opened[mac].token, opened[mac].surrogate) for item, mac in macs.items()}

    def _opened(self, macs: Collection[bytes], draft: _Draft) -> dict[bytes, _Opened]:
        found: dict[bytes, _Opened] = {}
        missing: list[bytes] = []
        for mac in macs:
            known = self._cache.get(mac) or self._pending.opened.get(mac) or draft.opened.get(mac)
            if known is None:
                missing.append(mac)
            else:
                found[mac] = known
        fresh = {mac: self._open(row) for mac, row in self._stored(missing).items()}
        self._remember(fresh)
        return found | fresh

    def _rows(self, macs: Collection[bytes]) -> dict[bytes, VaultRow]:
        pending = {mac: self._pending.rows[mac] for mac in macs if mac in self._pending.rows}
        return pending | self._stored([mac for mac in macs if mac not in pending])

    def _stored(self, macs: Sequence[bytes]) -> dict[bytes, VaultRow]:
        rows: dict[bytes, VaultRow] = {}
        for start in range(0, len(macs), _BATCH):
            rows.update(self._table.by_mac(macs[start : start + _BATCH]))
        return rows

    def _by_token(self, tokens: Collection[str]) -> dict[str, VaultRow]:
        rows: dict[str, VaultRow] = {}
        stored = []
        for token in tokens:
            if token in self._pending.tokens:
                rows[token] = self._pending.rows[self._pending.tokens[token]]
            else:
                stored.append(token)
        for start in range(0, len(stored), _BATCH):
            rows.update(self._table.by_token(stored[start : start + _BATCH]))
        return rows

    def _remember(self, opened: Mapping[bytes, _Opened]) -> None:
        if len(self._cache) + len(opened) > _CACHE_ROWS:
            self._cache.clear()
        self._cache.update(opened)

    # --- making --------------------------------------------------------------------------------------------------

    def _create(
        self,
        items: Mapping[Item, bytes],
        normals: Mapping[Item, str],
        draft: _Draft,
        *,
        like: Mapping[bytes, str] | None = None,
    ) -> None:
        """Make rows for values that have none; the first spelling of a value in the batch stands for it.

        ``like`` holds, for further spellings of known values, the surrogate that drawn values share with the first one.
        """
        if not items:
            return
        firsts: dict[bytes, Item] = {}
        for item, mac in items.items():
            firsts.setdefault(mac, item)
        composed = {mac: item for mac, item in firsts.items() if is_composed(*item, own=item[0] in self._own_types)}
        drawn = {mac: item for mac, item in firsts.items() if mac not in composed}
        surrogates = self._compose(composed, draft)
        if like is None:
            surrogates |= self._draw(drawn, normals, draft)
        else:
            surrogates |= {mac: (like[mac], self._surrogate_mac("spelling", mac.hex())) for mac in drawn}
        tokens = self._free_tokens({mac: item[0] for mac, item in firsts.items()}, draft)
        for mac, item in firsts.items():
            surrogate, mark = surrogates[mac]
            self._add(draft, mac, item, token_id=tokens[mac], surrogate=surrogate, mark=mark)

    def _compose(self, items: Mapping[bytes, Item], draft: _Draft) -> dict[bytes, tuple[str, bytes]]:
        parts = {mac: split(*item) for mac, item in items.items()}
        needed = {
            (part.kind, fold(part.text)): part.text
            for pieces in parts.values()
            for part in pieces
            if part.kind not in {"keep", "draw"}
        }
        found = self._parts(needed, draft)
        # Parts have surrogates of their own, each unique, so the whole needs no second check.
        return {
            mac: (join(pieces, found, self._keys.surrogates), self._surrogate_mac("whole", mac.hex()))
            for mac, pieces in parts.items()
        }

    def _parts(self, needed: Mapping[tuple[str, str], str], draft: _Draft) -> dict[tuple[str, str], str]:
        macs = {part: self._part_mac(*part) for part in needed}
        opened = self._opened(macs.values(), draft)
        found = {part: opened[mac].surrogate for part, mac in macs.items() if mac in opened}
        missing = [part for part in needed if part not in found]
        for attempt in range(_ATTEMPTS):
            if not missing:
                return found
            proposals = {part: propose(*part, attempt, self._keys.surrogates) for part in missing}
            marks = {part: self._surrogate_mac(part[0], fold(new)) for part, new in proposals.items()}
            real = {part: self._part_mac(part[0], fold(new)) for part, new in proposals.items()}
            busy = self._busy(marks, real, draft)
            for part in missing:
                new = proposals[part]
                if part in busy or marks[part] in draft.surrogates or (part[0], fold(new)) in needed:
                    continue
                item = (part[0].upper(), needed[part])
                self._add(draft, macs[part], item, token_id=None, surrogate=new, mark=marks[part])
                found[part] = new
            missing = [part for part in missing if part not in found]
        raise _exhausted()

    def _draw(
        self, items: Mapping[bytes, Item], normals: Mapping[Item, str], draft: _Draft
    ) -> dict[bytes, tuple[str, bytes]]:
        found: dict[bytes, tuple[str, bytes]] = {}
        taken: set[bytes] = set()
        missing = list(items)
        for attempt in range(_ATTEMPTS):
            if not missing:
                return found
            proposals = {m: draw(*items[m], normals[items[m]], attempt, self._keys.surrogates) for m in missing}
            marks = {m: self._draw_mark(items[m][0], m, new) for m, new in proposals.items()}
            real = {m: self._value_mac(items[m][0], normalise(items[m][0], new)) for m, new in proposals.items()}
            busy = self._busy(marks, real, draft)
            for mac in missing:
                free = mac not in busy and marks[mac] not in taken and real[mac] not in items
                if free or items[mac][0] in SHARED:
                    found[mac] = (proposals[mac], marks[mac])
                    taken.add(marks[mac])
            missing = [mac for mac in missing if mac not in found]
        raise _exhausted()

    def _draw_mark(self, entity_type: str, mac: bytes, proposal: str) -> bytes:
        """Values of crowded types share surrogates, so their mark is bound to the value instead."""
        if entity_type in SHARED:
            return self._surrogate_mac("shared", mac.hex())
        return self._surrogate_mac(entity_type, normalise(entity_type, proposal))

    def _busy(self, marks: Mapping[Key, bytes], real: Mapping[Key, bytes], draft: _Draft) -> set[Key]:
        """Whose proposal is another value's surrogate already, or a real value of this vault."""
        wanted = list(marks.values())
        taken = {mark for mark in wanted if mark in self._pending.surrogates or mark in draft.surrogates}
        for start in range(0, len(wanted), _BATCH):
            taken |= self._table.surrogates_taken(wanted[start : start + _BATCH])
        existing = self._rows(list(real.values())).keys() | draft.rows.keys()
        return {key for key in marks if marks[key] in taken or real[key] in existing}

    def _free_tokens(self, types: Mapping[bytes, str], draft: _Draft) -> dict[bytes, str]:
        """A token id for each value that no other value has."""
        streams = {mac: token_ids(self._keys.values, entity_type, mac) for mac, entity_type in types.items()}
        found: dict[bytes, str] = {}
        chosen: set[str] = set()
        missing = list(types)
        while missing:
            proposals = {mac: next(streams[mac]) for mac in missing}
            taken = self._by_token(set(proposals.values())).keys() | draft.tokens.keys()
            for mac, token_id in proposals.items():
                if token_id not in taken and token_id not in chosen:
                    found[mac] = token_id
                    chosen.add(token_id)
            missing = [mac for mac in missing if mac not in found]
        return found

    # --- rows ----------------------------------------------------------------------------------------------------

    def _add(self, draft: _Draft, mac: bytes, item: Item, *, token_id: str | None, surrogate: str, mark: bytes) -> None:
        entity_type, value = item
        key, bound = new_key(), self._bound(mac)
        draft.rows[mac] = VaultRow(
            value_mac=mac,
            kind="component" if token_id is None else "value",
            entity_type=entity_type,
            token=token_id,
            surrogate_mac=mark,
            sealed_surrogate=seal(key, surrogate.encode(), bound_to=f"{bound}|surrogate"),
            sealed_value=seal(key, value.encode("utf-8", "surrogatepass"), bound_to=f"{bound}|value"),
            wrapped_key=seal(self._keys.wrapping, key, bound_to=f"{bound}|key"),
        )
        token = format_token(entity_type, token_id) if token_id else ""
        draft.opened[mac] = _Opened(value, surrogate, token)
        draft.surrogates.add(mark)
        if token_id:
            draft.tokens[token_id] = mac

    def _open(self, row: VaultRow) -> _Opened:
        bound = self._bound(row.value_mac)
        key = unseal(self._keys.wrapping, row.wrapped_key, bound_to=f"{bound}|key")
        value = unseal(key, row.sealed_value, bound_to=f"{bound}|value").decode("utf-8", "surrogatepass")
        surrogate = unseal(key, row.sealed_surrogate, bound_to=f"{bound}|surrogate").decode()
        return _Opened(value, surrogate, format_token(row.entity_type, row.token) if row.token else "")

    def _bound(self, mac: bytes) -> str:
        return f"vault|{self._collection}|{mac.hex()}"

    def _value_mac(self, entity_type: str, normal: str) -> bytes:
        return keyed_hash(self._keys.values, "value", entity_type, normal)

    def _spelling_mac(self, item: Item, normal: str) -> bytes:
        return keyed_hash(self._keys.values, "spelling", item[0], normal, item[1])

    def _part_mac(self, kind: str, folded: str) -> bytes:
        return keyed_hash(self._keys.values, "part", kind, folded)

    def _surrogate_mac(self, kind: str, surrogate: str) -> bytes:
        return keyed_hash(self._keys.values, "surrogate", kind, surrogate)

    def __repr__(self) -> str:
        return f"Vault({self.pending} pending)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a vault is not pickled; open it again where it is needed")


def _exhausted() -> VaultError:
    return VaultError(f"no free surrogate in {_ATTEMPTS} attempts", remedy="This is a defect: report it.")
