"""Whose a value is: the people of a collection, found by any of their values, with all that is held of each.

::

    for person in People(store, vault).find("g.yalman@acme.de"):
        person.values       # names, addresses, numbers, each certain or only likely, shared or theirs alone
        person.documents    # what certainly speaks of them, and what is about nobody else
        person.possible     # documents that name somebody of their name and do not tell whom

Built on what documents put together when they were masked (``links``), never on likeness of content. From the value
asked for, groups are followed to further groups by the rules of :mod:`ragkit.lifecycle.people_joining`; somebody
else's groups are looked at only as far as they share a value, which tells what is shared, and are not followed. So the
cost is that of the person and their neighbours, not of the collection.

A value is *certain* when it stands in a group that is joined to the person; what nothing but a name ties to them is
not, where that name may be another's. It is *shared* when another living person has it too: the telephone of a family,
a name of two people, a surname of several. Erasing a person must leave shared values to the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit import crypto
from ragkit.folding import fold
from ragkit.lifecycle.people_documents import HeldDocument, Reader
from ragkit.lifecycle.people_evidence import Cluster, Known
from ragkit.lifecycle.people_joining import join
from ragkit.mask.linking_types import identifies, is_strong
from ragkit.mask.normalise import normalise
from ragkit.mask.people import Name, NameKey, fits, is_list, narrowest_key, read_name
from ragkit.store.subjectrows import Group, SubjectRows

if TYPE_CHECKING:
    from ragkit.mask.vault import Vault
    from ragkit.store.records import RecordStore

__all__ = ["HeldDocument", "HeldValue", "People", "Person"]

MOST_NAMES = 2_000
"""Values looked at under one word of a name."""
MOST_GROUPS = 20_000
"""Groups looked at of one value; of one in more, a company's, no group is followed."""
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A value held of a person.

    Attributes:
        number: First 8 bytes of the keyed hash of its vault row. Each spelling has a row, and so a number, of its own.
        value: As it was first written.
        token: What stands for it in the record view.
        certain: Whether documents tie it to this person; false for what is only likely.
        shared: Whether another person has it too.
    """

    number: int
    entity_type: str
    value: str = field(repr=False)
    token: str
    certain: bool
    shared: bool


@dataclass(frozen=True, slots=True)
class Person:
    """A person of a collection.

    Attributes:
        subject: Opaque id: a keyed hash of the first of their own values.
        values: What is held of them.
        documents: Documents that certainly speak of them.
        possible: Documents that hold a value which they share with others, and do not tell whose it is there.
    """

    subject: str
    values: tuple[HeldValue, ...] = field(repr=False)
    documents: tuple[HeldDocument, ...]
    possible: tuple[HeldDocument, ...] = ()


class People:
    """Finds people in one collection.

    Args:
        store: The collection's records.
        vault: The collection's vault, which opens values.
    """

    def __init__(self, store: RecordStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self._rows = SubjectRows(store.database, store.collection)

    def find(self, value: str, *, entity_type: str | None = None) -> list[Person]:
        """Find everybody who has a value, those of whom most is known first; nobody gives an empty list.

        Args:
            value: Any of a person's values, in any spelling that the vault recognises: a name in any order, with
                initials or only in part, an address, a number with or without its separators.
            entity_type: What it is; by default whatever the vault knows it as.
        """
        with self._store.database.read():  # one snapshot
            search = _Search(self._rows, self._vault)
            seeds = search.seeds(value, entity_type)
            clusters = search.resolve(seeds)
            reader = Reader(self._store, self._rows, search.known, search.places, clusters)
            found = [self._person(one, reader) for one in clusters if one.numbers & seeds and not reader.lost(one)]
        return sorted(found, key=lambda one: (-sum(v.certain for v in one.values), one.subject))

    def _person(self, cluster: Cluster, reader: Reader) -> Person:
        known = reader.known
        shared = reader.shared(cluster)
        values = [_held(known[n], certain=True, shared=n in shared) for n in cluster.numbers]
        likely = {number for other in cluster.likely for number in other.numbers} | _lists(cluster, known)
        likely -= cluster.numbers
        values += (_held(known[n], certain=False, shared=True) for n in likely)
        values.sort(key=lambda one: (not one.certain, one.entity_type != "PERSON", one.entity_type, one.value))
        documents, possible = reader.documents(cluster, shared, likely)
        return Person(self._subject(cluster, known, shared), tuple(values), documents, possible)

    def _subject(self, cluster: Cluster, known: dict[int, Known], shared: Collection[int]) -> str:
        """From the best identifier, so that the id stays when other values come and go."""

        def rank(number: int) -> tuple[bool, bool, int]:
            return number in shared, not is_strong(known[number].entity_type), number

        first = known[min(cluster.numbers, key=rank)]
        return crypto.opaque_id(self._store.collection.keys.ids, "subject", first.entity_type, first.normal)


def _lists(cluster: Cluster, known: dict[int, Known]) -> set[int]:
    """Mentions of several people at once, this one among them."""
    names = [read_name(name) for name in cluster.full_names()]
    lists = [one for one in known.values() if one.entity_type == "PERSON" and is_list(one.value)]
    return {one.number for one in lists if any(fits(name, read_name(one.value)) is not None for name in names)}


def _held(known: Known, *, certain: bool, shared: bool) -> HeldValue:
    return HeldValue(known.number, known.entity_type, known.value, known.token, certain, shared)


class _Search:
    """One search: the values opened and the groups followed so far."""

    def __init__(self, rows: SubjectRows, vault: Vault) -> None:
        self._rows = rows
        self._vault = vault
        self.known: dict[int, Known] = {}
        self.places: dict[frozenset[int], list[Group]] = {}
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
        groups = {one for some in found.values() if len(some) < MOST_GROUPS for one in some if one not in self._groups}
        members = self._rows.members(groups)
        self._groups |= members
        for group, numbers_of in members.items():
            self.places.setdefault(numbers_of, []).append(group)
        self._learn({number for group in members.values() for number in group})

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
