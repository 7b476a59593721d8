"""Compares what was found of a person with what was planted, as written in any of its ways.

Addresses and names are often found in part; a part of at least half the letters counts as the value. Parts of names
that many people have are never counted as somebody else's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from benchmarks.company.generate import Company
from benchmarks.company.people import MAILBOXES, SWITCHBOARD, Person
from ragkit.folding import fold

SHORT = "short-name"
UNIQUE = ("email", "number", "iban")
"""Kinds of values that one person alone has."""

_OTHER = re.compile(r"[^0-9a-z@]+")


def plain(value: str) -> str:
    """A value without case, accents, punctuation and white space, so that ways of writing compare."""
    return _OTHER.sub("", fold(value).lower())


def same(found: str, planted: str) -> bool:
    """Whether what was found is the planted value, or most of it, or the value with something around it."""
    one, other = plain(found), plain(planted)
    if not one or not other:
        return False
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return short in long and 2 * len(short) >= len(long)


class Truth:
    """Who has which values, and in which documents they stand."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.people = {one.id: one for one in company.people}
        self.documents = {one.path: one for one in company.documents}
        self._kinds = {one.id: one.values() for one in company.people}
        self._of: dict[str, list[str]] = defaultdict(list)
        self._planted: dict[str, set[str]] = defaultdict(set)
        self._places: dict[tuple[str, str], set[str]] = defaultdict(set)
        owners: dict[str, set[str]] = defaultdict(set)
        for document in company.documents:
            for key, values in document.truth.items():
                self._of[key].append(document.path)
                for value in values:
                    self._places[key, value].add(document.path)
                    if self._kinds[key][value] != SHORT:
                        self._planted[key].add(value)
                        owners[plain(value)].add(key)
        self._owners: Mapping[str, set[str]] = owners
        self._having: dict[str, set[str]] = defaultdict(set)
        for key, known in self._kinds.items():
            for value in known:
                self._having[plain(value)].add(key)
        self._nobody = {plain(value) for value in (*MAILBOXES, SWITCHBOARD)}

    def kind(self, person: str, value: str) -> str:
        """What kind of value this is."""
        return self._kinds[person][value]

    def planted(self, person: str) -> list[str]:
        """The values of a person that stand in documents, without short forms of the name, sorted."""
        return sorted(self._planted[person])

    def places(self, person: str, value: str) -> set[str]:
        """Where this value stands as this person's."""
        return self._places[person, value]

    def named_in(self, person: str) -> set[str]:
        """Paths of the documents that hold a value of the person, short forms included."""
        return set(self._of[person])

    def whose(self, person: str, value: str) -> str:
        """``own`` value of the person, ``nobody``'s, or ``another``'s."""
        if any(same(value, known) or plain(value) in plain(known) for known in self._kinds[person]):
            return "own"
        if plain(value) in self._nobody:
            return "nobody"
        return "another" if self._owners.get(plain(value), set()) - {person} else "nobody"

    def owners(self, value: str) -> set[str]:
        """Everybody who has this value, in a document or not; parts of names too."""
        return set(self._having.get(plain(value), ()))

    def strange(self, person: str) -> list[tuple[str, str]]:
        """Planted values of everybody else that the person does not have too, with whose: for a byte search."""
        own = {plain(value) for value in self._kinds[person]}
        return [
            (other, value)
            for other, values in self._planted.items()
            if other != person
            for value in values
            if plain(value) not in own
        ]

    def of_one_name(self, person: str) -> list[Person]:
        """Everybody of this full name, present or former, the person included."""
        names = {self.people[person].full, self.people[person].old_full}
        return [one for one in self.company.people if names & {one.full, one.old_full}]


def share(found: Iterable[object]) -> tuple[int, int]:
    """How many are true, of how many."""
    every = [bool(one) for one in found]
    return sum(every), len(every)
