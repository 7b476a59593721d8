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

A value is *certain* when it stands in a group that is joined to the person. Only names are ever told that are not: a
short form that may be another's. It is *shared* when another living person has it too: the telephone of a family,
a name of two people, a surname of several. Erasing a person must leave shared values to the others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit import crypto
from ragkit.lifecycle.people_documents import HeldDocument, Reader
from ragkit.lifecycle.people_evidence import Cluster, Known
from ragkit.lifecycle.people_search import Search
from ragkit.mask.linking_types import is_role_mailbox, is_strong
from ragkit.mask.people import fits, is_list, read_name
from ragkit.store.subjectrows import SubjectRows

if TYPE_CHECKING:
    from ragkit.mask.vault import Vault
    from ragkit.store.records import RecordStore

COMMON_DOCUMENTS = 20
"""A value that no document puts together with a name, in more documents than these, is nobody's: a switchboard."""

__all__ = ["HeldDocument", "HeldValue", "People", "Person"]


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
            search = Search(self._rows, self._vault)
            seeds = search.seeds(value, entity_type)
            clusters = search.resolve(seeds)
            reader = Reader(self._store, self._rows, search.known, search.places, clusters, common=search.common)
            mine = [one for one in clusters if one.numbers & (seeds - search.common) and not reader.lost(one)]
            found = [made for one in mine if not _nobodys(one, made := self._person(one, reader))]
        return sorted(found, key=lambda one: (-sum(v.certain for v in one.values), one.subject))

    def _person(self, cluster: Cluster, reader: Reader) -> Person:
        known = reader.known
        shared = reader.shared(cluster)
        own = {n for n in cluster.numbers if n not in reader.common or known[n].entity_type == "PERSON"}
        values = [_held(known[n], certain=True, shared=n in shared) for n in own]
        likely = _likely(cluster, known) - cluster.numbers
        values += (_held(known[n], certain=False, shared=True) for n in likely)
        values.sort(key=lambda one: (not one.certain, one.entity_type != "PERSON", one.entity_type, one.value))
        documents, possible = reader.documents(cluster, shared, likely)
        return Person(self._subject(cluster, known, shared), tuple(values), documents, possible)

    def _subject(self, cluster: Cluster, known: dict[int, Known], shared: Collection[int]) -> str:
        """From the best identifier, so that the id stays when other values come and go."""

        def rank(number: int) -> tuple[bool, bool, int]:
            return number in shared, not is_strong(known[number].entity_type), number

        best = min(cluster.numbers, key=rank)
        told = [best] if best not in shared else sorted(cluster.numbers)  # all of them, where each is another's too
        parts = [part for number in told for part in (known[number].entity_type, known[number].normal)]
        return crypto.opaque_id(self._store.collection.keys.ids, "subject", *parts)


def _nobodys(cluster: Cluster, person: Person) -> bool:
    """Whether what was found is no person: a function's mailbox, or what stands everywhere and with no name."""
    if not person.values:
        return True
    if cluster.names or len(cluster.values) > 1:
        return False
    roles = all(is_role_mailbox(address) for address in cluster.values.get("EMAIL_ADDRESS", ("",)))
    return ("EMAIL_ADDRESS" in cluster.values and roles) or len(person.documents) > COMMON_DOCUMENTS


def _likely(cluster: Cluster, known: dict[int, Known]) -> set[int]:
    """Names that may be theirs: short forms that may be another's too, and mentions of several people at once.

    Of a namesake nothing but the name is told: another person's numbers do not become anybody's by likeness.
    """
    names = [read_name(name) for name in cluster.full_names()]
    others = {known[number] for other in cluster.likely for number in other.numbers if number in known}
    lists = {one for one in known.values() if one.entity_type == "PERSON" and is_list(one.value)}
    found = set()
    for one in others | lists:
        if one.entity_type == "PERSON":
            read = read_name(one.value)
            if any(fits(name, read) is not None or fits(read, name) is not None for name in names):
                found.add(one.number)
    return found


def _held(known: Known, *, certain: bool, shared: bool) -> HeldValue:
    return HeldValue(known.number, known.entity_type, known.value, known.token, certain, shared)
