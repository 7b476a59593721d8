"""Making vault rows: a free token for each new value, and a free surrogate, put together of parts or drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from ragkit.crypto import CollectionKeys, key_number, keyed_hash
from ragkit.errors import VaultError
from ragkit.folding import fold
from ragkit.mask.normalise import normalise
from ragkit.mask.people import name_keys, spelling_key
from ragkit.mask.rows import Draft, Item, VaultRows
from ragkit.mask.surrogates import SHARED, Part, draw, is_composed, join, propose, split
from ragkit.mask.tokens import format_token, long_token_id, token_ids

_ATTEMPTS = 4096
_SAME = 16
"""After so many attempts a value of a crowded type may stand for itself."""

PartKey = tuple[str, str]
"""Kind and folded text of a part."""


class Creation:
    """Makes rows for values that have none.

    Args:
        keys: The collection's keys.
        rows: The rows there are.
        own_types: Entity types of the policy's dictionaries.
    """

    def __init__(self, keys: CollectionKeys, rows: VaultRows, *, own_types: Collection[str]) -> None:
        self._keys = keys
        self._rows = rows
        self._own_types = frozenset(own_types)

    def create(
        self,
        items: Mapping[Item, bytes],
        normals: Mapping[Item, str],
        draft: Draft,
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
            surrogates |= self._draw(drawn, normals, draft, self._keys.surrogates)
        else:
            surrogates |= {mac: (like[mac], self._rows.surrogate_mac("spelling", mac.hex())) for mac in drawn}
        tokens = self._free_tokens({mac: item[0] for mac, item in firsts.items()}, draft)
        for mac, item in firsts.items():
            surrogate, mark = surrogates[mac]
            names = name_keys(*item) if like is None else [spelling_key(item[0], normals[item])]
            self._rows.add(
                draft,
                mac,
                item,
                token_id=tokens[mac],
                surrogate=surrogate,
                mark=mark,
                names=names,
                spelling_of=None if like is None else key_number(self._rows.value_mac(item[0], normals[item])),
            )

    def strange(
        self, items: Mapping[Item, bytes], normals: Mapping[Item, str], seen: Collection[int]
    ) -> dict[Item, tuple[str, str]]:
        """Tokens and surrogates that no value of this vault has, for values of a question; nothing is kept.

        They come from a key of their own, so that they are the same whether or not the vault holds the value. Parts of
        a name that the asker may read elsewhere (``seen`` holds their numbers) keep the surrogate they have there.
        """
        key, draft = keyed_hash(self._keys.surrogates, "strange"), Draft()
        by_mac = {mac: item for item, mac in items.items()}
        composed = {m: item for m, item in by_mac.items() if is_composed(*item, own=item[0] in self._own_types)}
        parts = {mac: split(*item) for mac, item in composed.items()}
        needed = _needed(parts.values())
        macs = {part: self._rows.part_mac(*part) for part in needed}
        opened = self._rows.opened([mac for mac in macs.values() if key_number(mac) in seen], draft)
        found = {part: opened[mac].surrogate for part, mac in macs.items() if mac in opened}
        found |= {part: new for part, (new, _) in self._free_parts(needed, found, draft, key).items()}
        surrogates = {mac: join(pieces, found, self._keys.surrogates) for mac, pieces in parts.items()}
        drawn = {mac: item for mac, item in by_mac.items() if mac not in composed}
        surrogates |= {mac: new for mac, (new, _) in self._draw(drawn, normals, draft, key).items()}
        return {
            item: (format_token(item[0], long_token_id(key, item[0], mac)), surrogates[mac])
            for item, mac in items.items()
        }

    def part_macs(self, item: Item) -> list[bytes]:
        """The keyed hashes of the parts of a value that have surrogates of their own."""
        if not is_composed(*item, own=item[0] in self._own_types):
            return []
        return [self._rows.part_mac(*part) for part in _needed([split(*item)])]

    def _compose(self, items: Mapping[bytes, Item], draft: Draft) -> dict[bytes, tuple[str, bytes]]:
        parts = {mac: split(*item) for mac, item in items.items()}
        needed = _needed(parts.values())
        macs = {part: self._rows.part_mac(*part) for part in needed}
        opened = self._rows.opened(macs.values(), draft)
        found = {part: opened[mac].surrogate for part, mac in macs.items() if mac in opened}
        for part, (new, mark) in self._free_parts(needed, found, draft, self._keys.surrogates).items():
            item = (part[0].upper(), needed[part])
            self._rows.add(draft, macs[part], item, token_id=None, surrogate=new, mark=mark)
            found[part] = new
        # Parts have surrogates of their own, each unique, so the whole needs no second check.
        return {
            mac: (join(pieces, found, self._keys.surrogates), self._rows.surrogate_mac("whole", mac.hex()))
            for mac, pieces in parts.items()
        }

    def _free_parts(
        self, needed: Mapping[PartKey, str], found: Collection[PartKey], draft: Draft, key: bytes
    ) -> dict[PartKey, tuple[str, bytes]]:
        """A surrogate, and its keyed hash, for each part that has none; no other part has it, nor is it a real one."""
        free: dict[PartKey, tuple[str, bytes]] = {}
        taken: set[bytes] = set()
        missing = [part for part in needed if part not in found]
        for attempt in range(_ATTEMPTS):
            if not missing:
                return free
            proposals = {part: propose(*part, attempt, key) for part in missing}
            marks = {part: self._rows.surrogate_mac(part[0], fold(new)) for part, new in proposals.items()}
            real = {part: self._rows.part_mac(part[0], fold(new)) for part, new in proposals.items()}
            busy = self._rows.busy(marks, real, draft)
            for part in missing:
                new = proposals[part]
                if part not in busy and marks[part] not in taken and (part[0], fold(new)) not in needed:
                    free[part] = (new, marks[part])
                    taken.add(marks[part])
            missing = [part for part in missing if part not in free]
        raise _exhausted()

    def _draw(
        self, items: Mapping[bytes, Item], normals: Mapping[Item, str], draft: Draft, key: bytes
    ) -> dict[bytes, tuple[str, bytes]]:
        found: dict[bytes, tuple[str, bytes]] = {}
        taken: set[bytes] = set()
        missing = list(items)
        for attempt in range(_ATTEMPTS):
            if not missing:
                return found
            proposals = {m: draw(*items[m], normals[items[m]], attempt, key) for m in missing}
            marks = {m: self._draw_mark(items[m][0], m, new) for m, new in proposals.items()}
            real = {m: self._rows.value_mac(items[m][0], normalise(items[m][0], new)) for m, new in proposals.items()}
            busy = self._rows.busy(marks, real, draft)
            for mac in missing:
                free = mac not in busy and marks[mac] not in taken and real[mac] not in items
                # "two days" has nothing to draw another of: it stands for itself, rather than stop the document.
                if free or (items[mac][0] in SHARED and (real[mac] != mac or attempt >= _SAME)):
                    found[mac] = (proposals[mac], marks[mac])
                    taken.add(marks[mac])
            missing = [mac for mac in missing if mac not in found]
        raise _exhausted()

    def _draw_mark(self, entity_type: str, mac: bytes, proposal: str) -> bytes:
        """Values of crowded types share surrogates, so their mark is bound to the value instead."""
        if entity_type in SHARED:
            return self._rows.surrogate_mac("shared", mac.hex())
        return self._rows.surrogate_mac(entity_type, normalise(entity_type, proposal))

    def _free_tokens(self, types: Mapping[bytes, str], draft: Draft) -> dict[bytes, str]:
        """A token id for each value that no other value has."""
        streams = {mac: token_ids(self._keys.values, entity_type, mac) for mac, entity_type in types.items()}
        found: dict[bytes, str] = {}
        chosen: set[str] = set()
        missing = list(types)
        while missing:
            proposals = {mac: next(streams[mac]) for mac in missing}
            taken = self._rows.by_token(set(proposals.values())).keys() | draft.tokens.keys()
            for mac, token_id in proposals.items():
                if token_id not in taken and token_id not in chosen:
                    found[mac] = token_id
                    chosen.add(token_id)
            missing = [mac for mac in missing if mac not in found]
        return found


def _needed(values: Iterable[Iterable[Part]]) -> dict[PartKey, str]:
    """The parts that need a surrogate of their own, by kind and folded text."""
    return {
        (part.kind, fold(part.text)): part.text
        for pieces in values
        for part in pieces
        if part.kind not in {"keep", "draw"}
    }


def _exhausted() -> VaultError:
    return VaultError(f"no free surrogate in {_ATTEMPTS} attempts", remedy="This is a defect: report it.")
