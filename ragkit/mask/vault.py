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
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import NamedTuple

from ragkit.crypto import CollectionKeys, key_number, keyed_hash
from ragkit.errors import KeyMismatch
from ragkit.mask.creation import Creation
from ragkit.mask.names import names_in_addresses
from ragkit.mask.normalise import normalise
from ragkit.mask.people import NameKey, name_keys, spelling_key
from ragkit.mask.rows import Draft, Item, Opened, VaultRows
from ragkit.mask.tokens import find_tokens
from ragkit.mask.withheld import Withheld
from ragkit.protocols import VaultTable
from ragkit.types import Principal, VaultRow

__all__ = ["Held", "Item", "Vault"]

_CACHED = 50_000


class Held(NamedTuple):
    """A value of the vault: personal data, and the token that stands for it."""

    entity_type: str
    value: str
    token: str

    def __repr__(self) -> str:
        return f"Held({self.entity_type})"


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
        self._rows = VaultRows(keys, table, collection)
        self._mentions: dict[Item, frozenset[int]] = {}
        self._spelled: dict[Item, int] = {}  # rows of further spellings, each with a number of its own
        self._creation = Creation(keys, self._rows, own_types=own_types)
        self._withheld = Withheld(self._rows, held=self.items_of, values=self.value_numbers, mentions=self.mentions)

    def allocate(self, entity_type: str, value: str) -> tuple[str, str]:
        """Token and surrogate for a value, made if need be and pending until :meth:`flush`."""
        return self.allocate_many([(entity_type, value)])[entity_type, value]

    def allocate_many(self, items: Iterable[Item]) -> dict[Item, tuple[str, str]]:
        """The same for many values, with a handful of look-ups in the table for all of them together."""
        draft = Draft()
        found = self._resolve(dict.fromkeys(items), draft, exact=True)
        self._rows.hold(draft)
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
        return self._resolve(dict.fromkeys(items), Draft(), exact=exact)

    # --- for questions: only what the asker may read -----------------------------------------------------------------

    def mentions(self, items: Iterable[Item]) -> frozenset[int]:
        """The numbers by which the record store notes that a document holds these values, their parts and words."""
        found: set[int] = set()
        for item in items:
            numbers = self._mentions.get(item)
            if numbers is None:
                if len(self._mentions) > _CACHED:
                    self._mentions.clear()
                numbers = self._mentions[item] = self._numbers(item)
            found |= numbers
            if item in self._spelled:
                found.add(self._spelled[item])
        return frozenset(found)

    def value_numbers(self, items: Iterable[Item]) -> frozenset[int]:
        """The numbers of values, and of the rows of those that are further spellings, once these are allocated."""
        several = list(items)
        return frozenset([*map(self.value_number, several), *(self._spelled[i] for i in several if i in self._spelled)])

    def _numbers(self, item: Item) -> frozenset[int]:
        keys = [key for key in name_keys(*item) if key[0] in {"word", "local"}]
        if item[0] == "EMAIL_ADDRESS":  # galip.yalman@… tells a name as well as the name does
            names = names_in_addresses(item[1])
            keys += [key for name in names for key in name_keys("PERSON", name) if key[0] == "word"]
        return frozenset([self.value_number(item), *map(self._rows.name_number, keys), *self.part_numbers(item)])

    def items_of(self, token_ids: Collection[str]) -> dict[str, tuple[Item, int]]:
        """What these tokens stand for and the numbers of their rows, by token id.

        Unknown ones and those whose key is destroyed are left out.
        """
        found: dict[str, tuple[Item, int]] = {}
        for token_id, row in self._rows.by_token(token_ids).items():
            with suppress(KeyMismatch):
                found[token_id] = (row.entity_type, self._rows.open(row).value), key_number(row.value_mac)
        return found

    def opened(self, row: VaultRow) -> Opened:
        """A row of this vault with its seals broken.

        Raises:
            KeyMismatch: It was sealed with another key or for another collection.
        """
        return self._rows.open(row)

    def held(self, macs: Collection[bytes]) -> dict[bytes, Held]:
        """The values with these keyed hashes, as they are kept; those whose key is destroyed are left out."""
        found: dict[bytes, Held] = {}
        for mac, row in self._rows.rows(macs).items():
            with suppress(KeyMismatch):
                opened = self._rows.open(row)
                found[mac] = Held(row.entity_type, opened.value, opened.token)
        return found

    def spellings(self, entity_type: str, normal: str, limit: int) -> dict[int, Opened]:
        """At most ``limit`` further spellings of a value, which have rows and tokens of their own, by their numbers."""
        return self.named(spelling_key(entity_type, normal), limit)

    def holds(self, items: Iterable[Item]) -> set[Item]:
        """Which of these values have a row, whoever may read them."""
        macs = {item: self._rows.value_mac(item[0], normalise(*item)) for item in items}
        there = self._rows.rows(list(macs.values()))
        return {item for item, mac in macs.items() if mac in there}

    def value_number(self, item: Item) -> int:
        """The number of a value, whether or not the vault holds it."""
        return key_number(self._rows.value_mac(item[0], normalise(*item)))

    def part_numbers(self, item: Item) -> list[int]:
        """The numbers of the parts of a composed value."""
        return [key_number(mac) for mac in self._creation.part_macs(item)]

    def offset(self, *parts: str) -> int:
        """A number from 0 that these texts have in this collection alone: the same each time, drawn evenly."""
        return int.from_bytes(keyed_hash(self._keys.surrogates, "offset", *parts)[:16], "big")

    def name_number(self, name: NameKey) -> int:
        """The number of a name key."""
        return self._rows.name_number(name)

    def classes_for(self, principal: Principal) -> frozenset[int]:
        """The numbers of the access classes that the principal may read."""
        return self._rows.table.classes_for(principal)

    def seen(self, numbers: Collection[int], classes: Collection[int]) -> set[int]:
        """Which of these numbers stand among the mentions of a document of these access classes, and may be shown."""
        return self._rows.table.seen(numbers, classes) - self._withheld.numbers()

    def named(self, name: NameKey, limit: int) -> dict[int, Opened]:
        """At most ``limit`` values with a name key, by their numbers. Not limited to what anybody may read."""
        return {key_number(mac): opened for mac, opened in self._rows.named(name, limit).items()}

    def stand_ins(self, items: Collection[Item], seen: Collection[int]) -> dict[Item, tuple[str, str]]:
        """Token and surrogate for the values of a question; fresh ones for all that is not among the numbers seen."""
        normals = {item: normalise(*item) for item in items}
        macs = {item: self._rows.value_mac(item[0], normals[item]) for item in items}
        withheld = self._withheld.numbers()
        hidden = {item: mac for item, mac in macs.items() if key_number(mac) in withheld}
        opened = self._rows.opened([mac for mac in macs.values() if key_number(mac) in seen], Draft())
        found = {i: (opened[m].token, opened[m].surrogate) for i, m in macs.items() if m in opened and i not in hidden}
        others = {item: mac for item, mac in macs.items() if item not in found and item not in hidden}
        if hidden:  # whole: two names of others would join into the surrogate of this one
            found |= self._creation.strange(hidden, normals, ())
        return found | (self._creation.strange(others, normals, seen) if others else {})

    def flush(self) -> None:
        """Insert pending rows through the table, within the caller's transaction."""
        self._rows.flush()

    def discard(self) -> None:
        """Forget pending and flushed rows, because their documents were not stored: after a failed transaction."""
        self._rows.discard()

    @property
    def pending(self) -> int:
        """How many rows wait for :meth:`flush`."""
        return self._rows.pending

    def reveal(self, text: str) -> tuple[str, dict[str, int]]:
        """Put values back for genuine tokens of this vault; leave all else as it is, and what nobody is shown.

        Returns:
            The text, and how many tokens of each type were replaced.
        """
        tokens = list(find_tokens(text))
        rows = self._rows.by_token({token_id for _, _, _, token_id in tokens} - self._withheld.tokens())
        counts: Counter[str] = Counter()
        pieces: list[str] = []
        position = 0
        for start, end, entity_type, token_id in tokens:
            row = rows.get(token_id)
            if row is None or row.entity_type != entity_type:
                continue
            pieces += (text[position:start], self._rows.open(row).value)
            position = end
            counts[entity_type] += 1
        return "".join([*pieces, text[position:]]), dict(counts)

    def _resolve(self, items: Collection[Item], draft: Draft, *, exact: bool) -> dict[Item, tuple[str, str]]:
        normals = {item: normalise(*item) for item in items}
        macs = {item: self._rows.value_mac(item[0], normals[item]) for item in items}
        opened = self._rows.opened(macs.values(), draft)
        self._creation.create({item: macs[item] for item in items if macs[item] not in opened}, normals, draft)
        opened.update(draft.opened)
        if exact:
            further = [item for item in items if opened[macs[item]].value != item[1]]
            spelled = {item: self._rows.spelling_mac(item, normals[item]) for item in further}
            if len(self._spelled) > _CACHED:
                self._spelled.clear()
            self._spelled |= {item: key_number(mac) for item, mac in spelled.items()}
            opened.update(self._rows.opened(spelled.values(), draft))
            fresh = {item: mac for item, mac in spelled.items() if mac not in opened}
            like = {mac: opened[macs[item]].surrogate for item, mac in fresh.items()}
            self._creation.create(fresh, normals, draft, like=like)
            opened.update(draft.opened)
            macs.update(spelled)
        return {item: (opened[mac].token, opened[mac].surrogate) for item, mac in macs.items()}

    def __repr__(self) -> str:
        return f"Vault({self.pending} pending)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a vault is not pickled; open it again where it is needed")
