"""Making vault rows: a free token for each new value, and a free surrogate, put together of parts or drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ragkit.crypto import CollectionKeys
from ragkit.errors import VaultError
from ragkit.mask.normalise import fold, normalise
from ragkit.mask.rows import Draft, Item, VaultRows
from ragkit.mask.surrogates import SHARED, draw, is_composed, join, propose, split
from ragkit.mask.tokens import token_ids

_ATTEMPTS = 4096


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
            surrogates |= self._draw(drawn, normals, draft)
        else:
            surrogates |= {mac: (like[mac], self._rows.surrogate_mac("spelling", mac.hex())) for mac in drawn}
        tokens = self._free_tokens({mac: item[0] for mac, item in firsts.items()}, draft)
        for mac, item in firsts.items():
            surrogate, mark = surrogates[mac]
            self._rows.add(draft, mac, item, token_id=tokens[mac], surrogate=surrogate, mark=mark)

    def _compose(self, items: Mapping[bytes, Item], draft: Draft) -> dict[bytes, tuple[str, bytes]]:
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
            mac: (join(pieces, found, self._keys.surrogates), self._rows.surrogate_mac("whole", mac.hex()))
            for mac, pieces in parts.items()
        }

    def _parts(self, needed: Mapping[tuple[str, str], str], draft: Draft) -> dict[tuple[str, str], str]:
        macs = {part: self._rows.part_mac(*part) for part in needed}
        opened = self._rows.opened(macs.values(), draft)
        found = {part: opened[mac].surrogate for part, mac in macs.items() if mac in opened}
        missing = [part for part in needed if part not in found]
        for attempt in range(_ATTEMPTS):
            if not missing:
                return found
            proposals = {part: propose(*part, attempt, self._keys.surrogates) for part in missing}
            marks = {part: self._rows.surrogate_mac(part[0], fold(new)) for part, new in proposals.items()}
            real = {part: self._rows.part_mac(part[0], fold(new)) for part, new in proposals.items()}
            busy = self._rows.busy(marks, real, draft)
            for part in missing:
                new = proposals[part]
                if part in busy or marks[part] in draft.surrogates or (part[0], fold(new)) in needed:
                    continue
                item = (part[0].upper(), needed[part])
                self._rows.add(draft, macs[part], item, token_id=None, surrogate=new, mark=marks[part])
                found[part] = new
            missing = [part for part in missing if part not in found]
        raise _exhausted()

    def _draw(
        self, items: Mapping[bytes, Item], normals: Mapping[Item, str], draft: Draft
    ) -> dict[bytes, tuple[str, bytes]]:
        found: dict[bytes, tuple[str, bytes]] = {}
        taken: set[bytes] = set()
        missing = list(items)
        for attempt in range(_ATTEMPTS):
            if not missing:
                return found
            proposals = {m: draw(*items[m], normals[items[m]], attempt, self._keys.surrogates) for m in missing}
            marks = {m: self._draw_mark(items[m][0], m, new) for m, new in proposals.items()}
            real = {m: self._rows.value_mac(items[m][0], normalise(items[m][0], new)) for m, new in proposals.items()}
            busy = self._rows.busy(marks, real, draft)
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


def _exhausted() -> VaultError:
    return VaultError(f"no free surrogate in {_ATTEMPTS} attempts", remedy="This is a defect: report it.")
