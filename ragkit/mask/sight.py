"""What a question may take from the vault: what stands in documents that its asker may read, and no more.

Whoever is told "there is such a person" by the way a question is masked has learnt it from documents that are closed
to them. So a number (the keyed hash of a value, a part of one, or a name's word) is first looked up among the
*mentions*, which the record store keeps for each live document with its access class, and only numbers seen there are
looked up in the vault at all. For a name that stands nowhere, and for one that stands only in documents of others,
every step is then the same: nothing is seen, no row is read, and what a detector finds gets a token and a surrogate
made with a key of its own (:meth:`ragkit.mask.creation.Creation.strange`), which depend on the name and not on whether
the vault holds it. No counts or notices arise from what is not seen. The look-up is one descent of one index for each
number and access class, found or not, so that it takes as long for either. What remains:

* Who reads of one Yalman waits some microseconds longer where the vault holds more, whom the asker may not see: their
  rows are found by name and dropped here. They are at most :data:`MOST`.
* A name in clear, which no detector found, is searched for as any other word.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ragkit.mask.people import NameKey
from ragkit.mask.rows import Item, Opened
from ragkit.mask.vault import Vault
from ragkit.types import Principal

MOST = 64
"""Values looked at under one name key."""


class Sight:
    """The vault as one principal may use it for one question.

    Args:
        vault: The collection's.
        principal: Who asks.
    """

    def __init__(self, vault: Vault, principal: Principal) -> None:
        self._vault = vault
        self._classes = vault.classes_for(principal)
        self._looked: set[int] = set()
        self._seen: set[int] = set()
        self._named: dict[NameKey, list[Opened]] = {}

    def look(self, numbers: Iterable[int]) -> Collection[int]:
        """All numbers seen so far, after one look-up of those that are new."""
        fresh = set(numbers) - self._looked
        if fresh:
            self._looked |= fresh
            self._seen |= self._vault.seen(sorted(fresh), self._classes)
        return self._seen

    def value(self, item: Item) -> int:
        """The number of a value."""
        return self._vault.value_number(item)

    def around(self, item: Item) -> list[int]:
        """The numbers of a value and its parts, which its stand-in needs."""
        return [self._vault.value_number(item), *self._vault.part_numbers(item)]

    def name(self, key: NameKey) -> int:
        """The number of a name key."""
        return self._vault.name_number(key)

    def named(self, key: NameKey) -> list[Opened]:
        """The values with a name key that the asker may read about. Ask only for keys whose words were seen."""
        if key not in self._named:
            found = self._vault.named(key, MOST)
            seen = self.look(found)
            self._named[key] = [opened for number, opened in found.items() if number in seen]
        return self._named[key]

    def stand_ins(self, items: Collection[Item]) -> dict[Item, tuple[str, str]]:
        """Token and surrogate for values; those of the vault for what is seen, fresh ones for the rest."""
        return self._vault.stand_ins(items, self.look(number for item in items for number in self.around(item)))
