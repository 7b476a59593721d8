"""What is known of one person while it is found out who is whom: values, names, and what speaks against one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragkit.folding import fold
from ragkit.mask.linking_types import agree, differ, is_strong, is_unique
from ragkit.mask.people import fits, is_list, persons, read_name, same_words
from ragkit.wordlists import folded

_MOST_NAMES = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A value of the vault, opened. ``number`` is its row's, ``normal`` the form by which two spellings are one."""

    number: int
    entity_type: str
    value: str = field(repr=False)
    normal: str = field(repr=False)
    token: str = ""


@dataclass(slots=True, repr=False)
class Cluster:
    """One person: the groups that are theirs, the numbers in them, names as written and other values by type."""

    groups: list[frozenset[int]]
    numbers: set[int]
    names: list[str] = field(default_factory=list)
    values: dict[str, set[str]] = field(default_factory=dict)
    likely: list[Cluster] = field(default_factory=list)

    @property
    def strong(self) -> bool:
        """Whether a strong identifier tells who this is."""
        return any(is_strong(kind) for kind in self.values)

    @property
    def bare(self) -> bool:
        """Whether nothing but names is known."""
        return not self.values

    def full_names(self) -> list[str]:
        """The names that are short for no other of theirs: one, or two for who has changed it.

        Given and family name that only stand apart are put together.
        """
        found = persons(self.names, limit=_MOST_NAMES)
        if found and all(len(read_name(name).words) == 1 for name in found):
            apart = sorted(dict.fromkeys(map(fold, found)), key=lambda word: word not in folded("given"))
            return [" ".join(apart)] if len(apart) == 2 else found[:1]
        return [name for name in found if len(read_name(name).words) > 1] or found

    def absorb(self, other: Cluster) -> None:
        self.groups += other.groups
        self.numbers |= other.numbers
        self.names += [name for name in other.names if name not in self.names]
        for kind, values in other.values.items():
            self.values.setdefault(kind, set()).update(values)


def contradict(one: Cluster, other: Cluster, *, by_name: bool = False) -> bool:
    """Whether two clusters are certainly two people.

    Args:
        one: Some.
        other: Another.
        by_name: Nothing but a name would join them: then addresses and e-mail addresses count too.
    """
    for kind in one.values.keys() & other.values.keys():
        mine, theirs = one.values[kind], other.values[kind]
        if not (is_unique(kind) or kind == "DATE_OF_BIRTH" or (by_name and kind in {"ADDRESS", "EMAIL_ADDRESS"})):
            continue
        if any(agree(kind, a, b) for a in mine for b in theirs):
            continue
        if any(differ(kind, a, b) for a in mine for b in theirs):
            return True
    return False


def cluster_of(group: frozenset[int], known: Mapping[int, Known]) -> Cluster:
    """One group by itself."""
    cluster = Cluster([group], {number for number in group if number in known})
    for number in sorted(cluster.numbers):
        value = known[number]
        if value.entity_type == "PERSON":
            if value.value not in cluster.names and not is_list(value.value):
                cluster.names.append(value.value)
        else:
            cluster.values.setdefault(value.entity_type, set()).add(value.normal)
    return cluster


def names_agree(one: str, other: str) -> bool:
    """Whether two names are one person's as far as they go, each with two words or an initial at least."""
    mine, theirs = read_name(one), read_name(other)
    if min(len(mine.words) + len(mine.initials), len(theirs.words) + len(theirs.initials)) < 2:
        return False
    return same_words(mine, theirs) or fits(mine, theirs) is not None or fits(theirs, mine) is not None


def told_alike(one: Cluster, other: Cluster) -> bool:
    """Whether two clusters of one name have one birth date or address, though it is written in two ways."""
    for kind in ("DATE_OF_BIRTH", "ADDRESS"):
        theirs = other.values.get(kind, ())
        if any(agree(kind, mine, another) for mine in one.values.get(kind, ()) for another in theirs):
            return True
    return False
