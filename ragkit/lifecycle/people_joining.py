"""Which groups of values are one person's, and which of one name are two.

A group is what one document puts together (:mod:`ragkit.mask.linking`). Groups are joined in order of how much the
evidence is worth, and never against a contradiction (:func:`ragkit.mask.linking_types.differ`):

1. *Strong identifiers* (customer number, identity number, e-mail address, IBAN): the same one joins groups whose names
   may be one person's. Another family name with the same given name is a marriage; another given name is another
   member of the household, who stays apart. An identifier under four names or more is a company's and joins nothing.
2. *Shared identifiers* (telephone, address, birth date, licence plate) join only groups of one name.
3. *A name alone* joins only where nothing contradicts it: of all groups of that name in the collection at most one has
   strong identifiers, no two have different numbers, birth dates or addresses, and the name is short for no other's.
   What a name alone does not join is *likely*: it is told, and taken for nobody's.

So a father and a son of one name at one address stay two where a customer number or a birth date tells them apart; two
people of one name of whom no document tells more than the name cannot be told apart by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ragkit.lifecycle.people_evidence import Cluster, Known, cluster_of, contradict, names_agree, told_alike
from ragkit.mask.linking_names import may_be_one
from ragkit.mask.linking_types import is_strong, is_unique
from ragkit.mask.people import fits, persons, read_name

MANY_NAMES = 4
"""An identifier under so many different names is a company's."""

_MOST_ALIKE = 300


def join(groups: Iterable[frozenset[int]], known: Mapping[int, Known]) -> list[Cluster]:
    """The people among some groups.

    Args:
        groups: Sets of numbers that stand together somewhere; those of one number are names or values by themselves.
        known: The values by number. Numbers of values that cannot be opened are left out of account.
    """
    made = [cluster_of(group, known) for group in dict.fromkeys(groups)]
    clusters = _Clusters([one for one in made if one.numbers])
    kinds = {number: value.entity_type for number, value in known.items()}
    by_number = clusters.by_number(number for number, kind in kinds.items() if kind != "PERSON")
    order = sorted(by_number, key=lambda number: (not is_unique(kinds[number]), not is_strong(kinds[number]), number))
    for number in order:
        kind = kinds[number]
        clusters.join_all(by_number[number], strong=is_strong(kind), unique=is_unique(kind))
    clusters.join_by_name()
    return clusters.left()


class _Clusters:
    """Clusters while they are joined; ``find`` gives the one that another has become."""

    def __init__(self, clusters: Sequence[Cluster]) -> None:
        self._all = list(clusters)
        self._into: dict[int, int] = {}
        self._place = {id(one): place for place, one in enumerate(self._all)}
        self._full: dict[int, list[str]] = {}

    def find(self, place: int) -> int:
        while place in self._into:
            place = self._into[place]
        return place

    def by_number(self, numbers: Iterable[int]) -> dict[int, list[int]]:
        """Places of the clusters that hold each number, of those that two hold."""
        found: dict[int, list[int]] = {number: [] for number in numbers}
        for place, cluster in enumerate(self._all):
            for number in cluster.numbers:
                if number in found:
                    found[number].append(place)
        return {number: places for number, places in found.items() if len(places) > 1}

    def full(self, place: int) -> list[str]:
        if place not in self._full:
            self._full[place] = self._all[place].full_names()
        return self._full[place]

    def merge(self, one: int, other: int) -> None:
        self._all[one].absorb(self._all[other])
        self._into[other] = one
        self._full.pop(one, None)

    def join_all(self, places: Sequence[int], *, strong: bool, unique: bool) -> None:
        """Join the clusters that share one identifier, as far as names and other values allow."""
        live = list(dict.fromkeys(map(self.find, places)))
        if (
            strong
            and not unique
            and len(persons((name for place in live for name in self.full(place)), limit=MANY_NAMES)) >= MANY_NAMES
        ):
            return
        named = sorted((place for place in live if self.full(place)), key=lambda place: -len(self._all[place].numbers))
        kept: list[int] = []
        for place in named:
            fitting = [one for one in kept[:_MOST_ALIKE] if self._may_join(one, place, strong=strong, unique=unique)]
            if len(fitting) > 1:
                fitting = [one for one in fitting if self._agree(one, place)]
            if len(fitting) == 1:
                self.merge(fitting[0], place)
            else:
                kept.append(place)
        unnamed = [place for place in live if not self.full(place)]
        if strong:
            for place in unnamed:
                fitting = [one for one in kept if not contradict(self._all[one], self._all[place])]
                if len(fitting) == 1:
                    self.merge(fitting[0], place)
                elif not kept:
                    kept.append(place)  # nobody is named: the values are one person's

    def _may_join(self, one: int, other: int, *, strong: bool, unique: bool) -> bool:
        mine, theirs = self.full(one), self.full(other)
        alike = self._agree(one, other) or (strong and any(may_be_one(a, b) for a in mine for b in theirs))
        if not alike:
            return False
        return (unique and self._agree(one, other)) or not contradict(self._all[one], self._all[other])

    def _agree(self, one: int, other: int) -> bool:
        return any(names_agree(mine, theirs) for mine in self.full(one) for theirs in self.full(other))

    # --- by name -----------------------------------------------------------------------------------------------------

    def join_by_name(self) -> None:
        """Join what nothing but a name joins, where nothing speaks against it; else note what is likely."""
        live = [place for place in range(len(self._all)) if place not in self._into and self.full(place)]
        by_form = _fullest(name for place in live for name in self.full(place))
        buckets: dict[str, list[int]] = {}
        ambiguous: set[int] = set()
        for place in live:
            for name in self.full(place):
                meant = _meant(name, by_form)
                if len(meant) > 1:
                    ambiguous.add(place)
                for other in meant:
                    buckets.setdefault(other, []).append(place)
        for places in buckets.values():
            self._join_bucket(places, ambiguous)

    def _join_bucket(self, places: Sequence[int], ambiguous: set[int]) -> None:
        places = list(dict.fromkeys(map(self.find, places)))
        sure = [place for place in places if place not in ambiguous][:_MOST_ALIKE]
        sure = self._join_alike(sure)
        against = any(
            contradict(self._all[one], self._all[two], by_name=True) for n, one in enumerate(sure) for two in sure[:n]
        )
        strong = [place for place in sure if self._all[place].strong]
        left = list(sure)
        if not against and len(strong) <= 1 and sure:
            main = strong[0] if strong else max(sure, key=lambda place: len(self._all[place].numbers))
            left = [main]
            for place in sure:
                if place != main:
                    self.merge(main, place)
        for one in left:
            for two in (*left, *(place for place in places if place in ambiguous)):
                if one != two and not contradict(self._all[one], self._all[two], by_name=True):
                    self._all[one].likely.append(self._all[two])
                    if two in ambiguous:
                        self._all[two].likely.append(self._all[one])

    def _join_alike(self, places: Sequence[int]) -> list[int]:
        """Join what has one birth date or address under one name, however it is written, if one alone fits."""
        kept: list[int] = []
        for place in sorted(places, key=lambda one: -len(self._all[one].numbers)):
            mine = self._all[place]
            fitting = [one for one in kept if told_alike(self._all[one], mine) and not contradict(self._all[one], mine)]
            if len(fitting) == 1:
                self.merge(fitting[0], place)
            else:
                kept.append(place)
        return kept

    def left(self) -> list[Cluster]:
        """What is left, each with those of its likely ones that are left."""
        kept = [one for place, one in enumerate(self._all) if place not in self._into]
        alive = {id(one) for one in kept}
        for one in kept:
            one.likely = list({id(two): two for two in one.likely if id(two) in alive}.values())
        return kept


def _fullest(names: Iterable[str]) -> dict[str, list[str]]:
    """The names that are short for no other of these, by each form of their words."""
    by_form: dict[str, list[str]] = {}
    for name in sorted(dict.fromkeys(names), key=_sparseness):
        read = read_name(name)
        if not read.words:
            continue
        if _meant(name, by_form):
            continue
        for form in {form for word in read.words for form in word.forms}:
            by_form.setdefault(form, []).append(name)
    return by_form


def _sparseness(name: str) -> tuple[int, int, str]:
    read = read_name(name)
    return -len(read.words), -len(read.initials), name


def _meant(name: str, by_form: Mapping[str, Sequence[str]]) -> list[str]:
    """Which of the fullest names a name may be short for."""
    mine = read_name(name)
    if not mine.words:
        return []
    some = [{other for form in word.forms for other in by_form.get(form, ())} for word in mine.words]
    return sorted(other for other in min(some, key=len) if fits(mine, read_name(other)) is not None)
