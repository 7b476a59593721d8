"""The whole vault as :class:`~ragkit.mask.sight.Sight` shows a part of it: for the last look before text leaves.

Who may read a value does not matter there: it may not leave for anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ragkit.mask.people import NameKey
from ragkit.mask.rows import Item, Opened
from ragkit.mask.sight import MOST, Sight
from ragkit.mask.vault import Vault


class WholeVault(Sight):
    """Every value of a vault.

    Args:
        vault: The collection's.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._looked: set[int] = set()
        self._seen: set[int] = set()
        self._named: dict[NameKey, list[Opened]] = {}
        self._items: dict[int, Item] = {}
        self._keys: dict[int, NameKey] = {}

    def look(self, numbers: Iterable[int]) -> Collection[int]:
        """All numbers seen so far, after one look-up of those that are new."""
        fresh = set(numbers) - self._looked
        self._looked |= fresh
        items = {self._items[number]: number for number in fresh if number in self._items}
        self._seen.update(items[item] for item in self._vault.holds(items))
        self._seen.update(number for number in fresh if number in self._keys and self.named(self._keys[number]))
        return self._seen

    def value(self, item: Item) -> int:
        """The number of a value."""
        number = self._vault.value_number(item)
        self._items[number] = item
        return number

    def around(self, item: Item) -> list[int]:
        """The number of a value; its parts are names of their own."""
        return [self.value(item)]

    def name(self, key: NameKey) -> int:
        """The number of a name key."""
        number = self._vault.name_number(key)
        self._keys[number] = key
        return number

    def named(self, key: NameKey) -> list[Opened]:
        """The values with a name key."""
        if key not in self._named:
            self._named[key] = list(self._vault.named(key, MOST).values())
        return self._named[key]
