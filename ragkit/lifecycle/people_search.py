"""The groups around a value: from the texts that may mean it, group by group, to all that is joined to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ragkit.folding import fold
from ragkit.lifecycle.people_evidence import Cluster, Known
from ragkit.lifecycle.people_joining import join
from ragkit.mask.linking_types import identifies, is_strong, is_unique
from ragkit.mask.normalise import normalise
from ragkit.mask.people import Name, NameKey, fits, is_list, narrowest_key, persons, read_name
from ragkit.store.subjectrows import Group, SubjectRows

if TYPE_CHECKING:
    from ragkit.mask.vault import Vault

MOST_NAMES = 2_000
"""Values looked at under one word of a name."""
MOST_GROUPS = 20_000
"""Groups looked at of one value; of one in more, a company's, no group is followed."""
COMMON = 8
"""A telephone or an address in the groups of so many people is a company's and told of nobody."""
_MANY, _ROUNDS = 100, 12


class Search:
    """One search: the values opened and the groups followed so far.

    Args:
        rows: Look-ups by number.
        vault: Opens values.

    Attributes:
        known: The values opened, by number.
        places: Where each set of numbers stands together.
        common: Values of so many people that their groups were not followed.
    """

    def __init__(self, rows: SubjectRows, vault: Vault) -> None:
        self._rows = rows
        self._vault = vault
        self.known: dict[int, Known] = {}
        self.places: dict[frozenset[int], list[Group]] = {}
        self.common: set[int] = set()
        self._groups: dict[Group, frozenset[int]] = {}
        self._followed: set[int] = set()
        self._words: set[str] = set()
        self._alone: set[int] = set()

    def seeds(self, value: str, entity_type: str | None) -> set[int]:
        """The numbers of the values that a text may mean."""
        kinds = [entity_type] if entity_type else [kind for kind in self._rows.types() if identifies(kind)]
        numbers = {self._vault.value_number((kind, value)) for kind in kinds if value.strip()}
        if "PERSON" in kinds:
            numbers |= self._named(read_name(value))
        if "EMAIL_ADDRESS" in kinds and "@" not in value and len(fold(value)) > 3:
            numbers |= {known.number for known in self._by_key(("local", fold(value.strip())))}
        self._learn(numbers)
        return {number for number in numbers if number in self.known}

    def resolve(self, seeds: set[int]) -> list[Cluster]:
        """The people around some values: those who have one of them in full, others as far as they share a value."""
        follow = set(seeds)
        clusters: list[Cluster] = []
        mine: list[Cluster] = []
        for _ in range(_ROUNDS):
            self._follow(follow)
            held = {number for group in self._groups.values() for number in group}
            self._alone |= {number for number in seeds if number not in held or self._is_name(number)}
            alone = [frozenset({number}) for number in sorted(self._alone)]
            clusters = join([*dict.fromkeys(self._groups.values()), *alone], self.known)
            mine = [one for one in clusters if one.numbers & seeds]
            follow = {number for one in mine for number in one.numbers}
            for one in mine:
                for name in one.full_names():
                    follow |= self._forms(name)
            follow -= self._followed
            if not follow:
                break
        for one in mine:
            self._spell(one)
        return clusters

    def _is_name(self, number: int) -> bool:
        return number in self.known and self.known[number].entity_type == "PERSON"

    def _spell(self, cluster: Cluster) -> None:
        """Take in the further spellings of a person's values."""
        for kind, normal in {(self.known[n].entity_type, self.known[n].normal) for n in cluster.numbers}:
            for number, opened in self._vault.spellings(kind, normal, MOST_NAMES).items():
                self.known.setdefault(number, Known(number, kind, opened.value, normal, opened.token))
                cluster.numbers.add(number)

    def _follow(self, numbers: Iterable[int]) -> None:
        fresh = [number for number in numbers if number not in self._followed]
        self._followed.update(fresh)
        found = self._rows.groups_of(fresh, limit=MOST_GROUPS)
        self.common |= {number for number, some in found.items() if self._is_common(number, some)}
        groups = {one for n in fresh if n not in self.common for one in found[n] if one not in self._groups}
        members = self._rows.members(groups)
        self._groups |= members
        for group, numbers_of in members.items():
            self.places.setdefault(numbers_of, []).append(group)
        self._learn({number for group in members.values() for number in group})

    def _is_common(self, number: int, groups: Sequence[Group]) -> bool:
        """Whether a value is in the groups of so many people that it tells nobody: a switchboard, a given name."""
        if len(groups) <= _MANY:
            return False
        if len(groups) == MOST_GROUPS:
            return True
        if self._is_name(number):
            return len(read_name(self.known[number].value).words) < 2
        if number not in self.known or is_unique(self.known[number].entity_type):
            return False
        members = self._rows.members(groups[:: len(groups) // _MANY])
        self._learn({one for group in members.values() for one in group})
        names = {self.known[one].value for group in members.values() for one in group if self._is_name(one)}
        return len(persons(names, limit=COMMON)) >= COMMON

    def _learn(self, numbers: Collection[int]) -> None:
        rows = self._rows.values([number for number in numbers if number not in self.known])
        held = self._vault.held([row.value_mac for row in rows.values()])
        for number, row in rows.items():
            if row.value_mac in held:
                kind, value, token = held[row.value_mac]
                self.known[number] = Known(number, kind, value, normalise(kind, value), token)

    # --- names -------------------------------------------------------------------------------------------------------

    def _named(self, mention: Name) -> set[int]:
        """Names that a mention may mean, and groups in which given and family name stand in fields of their own."""
        key = narrowest_key(mention)
        found: set[int] = set()
        if key is not None:
            near = [known for known in self._by_key(key) if not is_list(known.value)]
            found |= {known.number for known in near if fits(mention, read_name(known.value)) is not None}
        if len(mention.words) == 2 and not mention.initials:
            found |= self._apart(mention)
        return found

    def _apart(self, mention: Name) -> set[int]:
        words = [self._vault.value_number(("PERSON", word.text)) for word in mention.words]
        groups = self._rows.groups_of(words, limit=MOST_GROUPS)
        both = set(groups[words[0]]) & set(groups[words[1]])
        members = self._rows.members(both)
        self._learn({number for group in members.values() for number in group})
        whole = [
            group
            for group in members.values()
            if not any(
                known.entity_type == "PERSON" and len(read_name(known.value).words) > 1
                for number in group
                if (known := self.known.get(number)) is not None
            )
        ]
        return {number for group in whole for number in group if self._tells(number)}

    def _tells(self, number: int) -> bool:
        return number in self.known and is_strong(self.known[number].entity_type)

    def _forms(self, full: str) -> set[int]:
        """Numbers of the names that share a word with a name and may be its forms, or another's: looked at once."""
        found: set[int] = set()
        name = read_name(full)
        for word in name.words:
            for form in word.forms:
                if form in self._words:
                    continue
                self._words.add(form)
                near = [known for known in self._by_key(("word", form)) if not is_list(known.value)]
                self._alone |= {known.number for known in near}
                found |= {known.number for known in near if _related(name, read_name(known.value))}
        return found

    def _by_key(self, key: NameKey) -> list[Known]:
        found = []
        for number, opened in self._vault.named(key, MOST_NAMES).items():
            if number not in self.known and opened.token:
                kind = opened.token[1:].partition(":")[0]
                self.known[number] = Known(number, kind, opened.value, normalise(kind, opened.value), opened.token)
            if number in self.known:
                found.append(self.known[number])
        return found


def _related(name: Name, other: Name) -> bool:
    return fits(other, name) is not None or fits(name, other) is not None
