"""Which documents speak of a person, for certain or perhaps, and which are about nobody else.

A document is a person's *for certain* when it holds a value that only they have, or when it puts a shared value
together with others of theirs. A value that stands in more than 20 documents, mostly in such as hold nothing else of
theirs, is nobody's in particular, unless it is a name or a number that one person has. It is *possible* when it holds
nothing but what they share, a surname say, and does not tell whose it is; where it puts that value together with
somebody else's, it is that one's and not listed.

**Wholly** a person's is a document of which nothing is left to others when it is deleted. Both must hold:

* It names nobody else: every name in it is the person's, and no customer number, e-mail address or the like in it is
  somebody else's by any group.
* It is about them, by one of these: its title or file name holds a value of theirs; it puts a number together with
  them that only a file about a person has (customer, patient or identity number, birth date, account), and at least
  half of its chunks hold a value of theirs; or it has three chunks or more, and more than half hold a value of theirs.

A policy that names one employee as its contact is none of this, and neither is a letter that an employee signed: the
rule errs towards redacting a mention where a file could have been deleted. Metadata count for nothing here, since the
author of a policy is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.lifecycle.people_evidence import Cluster, Known
from ragkit.mask.linking_types import is_strong, is_unique
from ragkit.store.subjectrows import Group, Place, SubjectRows

if TYPE_CHECKING:
    from ragkit.store.records import RecordStore

_MOST_MENTIONS = 200_000
_MOST_NUMBERS = 4_000
"""Of a document with more numbers, a register say, it is not asked whether it is one person's."""
_MOST_ALONE = 20
_OF_A_FILE = frozenset({"DATE_OF_BIRTH", "IBAN_CODE", "ACCOUNT_NUMBER", "CREDIT_CARD"})


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document that holds values of a person.

    Attributes:
        version: Number of the version that answers.
        wholly: Whether it is about this person alone.
        numbers: The values of theirs in it.
    """

    doc_id: str
    version: int
    wholly: bool
    numbers: frozenset[int] = field(repr=False)


class Reader:
    """Reads what a search has found.

    Args:
        store: The collection's records.
        rows: Its look-ups by number.
        known: The values opened so far.
        places: Where each set of numbers stands together.
        clusters: The people found, and their neighbours.
        common: Values of so many people that their groups were not followed.
    """

    def __init__(
        self,
        store: RecordStore,
        rows: SubjectRows,
        known: dict[int, Known],
        places: Mapping[frozenset[int], Sequence[Group]],
        clusters: Collection[Cluster],
        *,
        common: Collection[int] = (),
    ) -> None:
        self.known = known
        self.common = set(common)
        self._store = store
        self._rows = rows
        self._places = places
        self._clusters = clusters
        self._types: dict[int, str] = {}
        self._owners: dict[tuple[str, str], list[Cluster]] = {}
        for cluster in clusters:
            for value in {self._value(number) for number in cluster.numbers}:
                self._owners.setdefault(value, []).append(cluster)

    def shared(self, cluster: Cluster) -> set[int]:
        """The values of a person that another has too. Takes out of them what stands everywhere, and so is nobody's."""
        self.common |= self._everywhere(cluster)
        others = {n for n in cluster.numbers if any(o is not cluster for o in self._owners.get(self._value(n), ()))}
        return others | (cluster.numbers & self.common)

    def _everywhere(self, cluster: Cluster) -> set[int]:
        """Values of a person that stand mostly without them and in many documents: an office's telephone, say."""
        alone, together = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for numbers in self._rows.documents_of(cluster.numbers, limit=_MOST_MENTIONS).values():
            values = {self._value(number) for number in numbers}
            (alone if len(values) == 1 else together).update(values)
        strange = {value for value, times in alone.items() if times > max(_MOST_ALONE, together[value])}
        return {n for n in cluster.numbers if self._value(n) in strange and not self._tells_who(n)}

    def _tells_who(self, number: int) -> bool:
        return self._is_name(number) or is_unique(self.known[number].entity_type)

    def _value(self, number: int) -> tuple[str, str]:
        return self.known[number].entity_type, self.known[number].normal

    def documents(
        self, cluster: Cluster, shared: Collection[int], likely: Collection[int]
    ) -> tuple[tuple[HeldDocument, ...], tuple[HeldDocument, ...]]:
        """The documents of a person: certain ones, and possible ones."""
        own = cluster.numbers - set(shared)
        held = self._rows.documents_of(own, limit=_MOST_MENTIONS)
        for numbers in cluster.groups:
            for group in self._places.get(numbers, ()):
                held.setdefault(group.version_id, set()).update(numbers & cluster.numbers)
        perhaps = self._rows.documents_of({*shared, *likely} - self.common, limit=_MOST_MENTIONS)
        open_to = {
            version: left
            for version, numbers in perhaps.items()
            if version not in held and (left := numbers - self._claimed(cluster, version))
        }
        places = self._rows.places({*held, *open_to})
        names = {n for n in (*cluster.numbers, *likely) if self._is_name(n)}
        certain = [
            HeldDocument(p.doc_id, p.version, self._wholly(cluster, p, names), frozenset(held[p.version_id]))
            for p in places.values()
            if p.version_id in held
        ]
        possible = [
            HeldDocument(p.doc_id, p.version, False, frozenset(open_to[p.version_id]))
            for p in places.values()
            if p.version_id in open_to
        ]
        return _in_order(certain), _in_order(possible)

    def _claimed(self, cluster: Cluster, version_id: int) -> set[int]:
        """The numbers that a document puts together with those of somebody who is surely another."""
        if not hasattr(self, "_claims"):
            self._claims: dict[int, list[tuple[Cluster, frozenset[int]]]] = {}
            for other in self._clusters:
                for numbers in other.groups:
                    for group in self._places.get(numbers, ()):
                        self._claims.setdefault(group.version_id, []).append((other, numbers))
        perhaps = {id(cluster), *map(id, cluster.likely)}
        return {
            number
            for other, numbers in self._claims.get(version_id, ())
            if id(other) not in perhaps and not self.lost(other)
            for number in numbers
        }

    def lost(self, cluster: Cluster) -> bool:
        """Whether a cluster is no person of its own: a mere name, or nothing that is not another's whom it may be."""
        others = {self._value(n) for o in cluster.likely if len(o.numbers) > len(cluster.numbers) for n in o.numbers}
        return bool(cluster.likely) and (cluster.bare or all(self._value(n) in others for n in cluster.numbers))

    def _is_name(self, number: int) -> bool:
        return number in self.known and self.known[number].entity_type == "PERSON"

    # --- wholly ------------------------------------------------------------------------------------------------------

    def _wholly(self, cluster: Cluster, place: Place, names: Collection[int]) -> bool:
        if self._tells_of_others(cluster, place, names):
            return False
        stored = self._store.stored(place.doc_id)
        if stored is None or not stored.chunks:
            return False
        tokens = [self.known[number].token for number in (*cluster.numbers, *names)]
        header = stored.header.title[0] + "\n" + stored.header.name[0]
        if any(token in header for token in tokens):
            return True
        holding = sum(any(token in chunk.record for token in tokens) for chunk in stored.chunks)
        if len(stored.chunks) >= 3 and 2 * holding > len(stored.chunks):
            return True
        return 2 * holding >= len(stored.chunks) and self._has_file(cluster, place)

    def _tells_of_others(self, cluster: Cluster, place: Place, names: Collection[int]) -> bool:
        numbers = self._rows.numbers_in(place.version_id)
        if len(numbers) > _MOST_NUMBERS:
            return True
        self._types |= {n: row.entity_type for n, row in self._rows.values(set(numbers) - self._types.keys()).items()}
        kinds = {number: self._types[number] for number in numbers if number in self._types}
        if any(kind == "PERSON" and number not in names for number, kind in kinds.items()):
            return True
        strange = [n for n, kind in kinds.items() if is_strong(kind) and n not in cluster.numbers]
        return any(self._rows.groups_of(strange, limit=1).values())

    def _has_file(self, cluster: Cluster, place: Place) -> bool:
        here = (
            numbers
            for numbers in cluster.groups
            if any(group.version_id == place.version_id for group in self._places.get(numbers, ()))
        )
        return any(self._of_file(number) for numbers in here for number in numbers)

    def _of_file(self, number: int) -> bool:
        kind = self.known[number].entity_type if number in self.known else ""
        return kind in _OF_A_FILE or (bool(kind) and kind != "PERSON" and is_unique(kind))


def _in_order(documents: Sequence[HeldDocument]) -> tuple[HeldDocument, ...]:
    return tuple(sorted(documents, key=lambda one: one.doc_id))
