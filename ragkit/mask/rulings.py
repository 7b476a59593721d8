"""Rulings: what was erased stays out of everything masked from now on, and what was corrected stays corrected.

::

    rulings = Rulings(keys, vault, table)
    table.add(rulings.erasing("4f…", own=[("PERSON", "Galip Yalman")]))
    watched = rulings.watch(resolved.parts)             # also what no detector found
    judged = rulings.judge(watched, people_in(…))

A ruling is a number, the first 8 bytes of a keyed hash, and its type, sealed: without the collection's key it tells
nothing, and with it only whether a value that one has already is ruled. Three *roles* rule: ``own`` values wherever
they stand, ``shared`` ones only beside one of the request's own (a living person has them too), ``name`` the forms
under which a person is found (:mod:`ragkit.mask.people`). ``start`` says where in a text to look:
:mod:`ragkit.mask.ruled`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ragkit.crypto import CollectionKeys
from ragkit.mask.fields import Field
from ragkit.mask.people import Name, NameKey, name_keys, read_name
from ragkit.mask.rows import Item
from ragkit.mask.ruled import NOTHING_RULED, Known, find_ruled, pairs_of
from ragkit.mask.ruled_spans import RULED, Judged, Parts, Watched, render, sort_in
from ragkit.mask.ruling_seals import RulingSeals
from ragkit.mask.vault import Vault
from ragkit.types import RulingRow, Span

__all__ = ["RULED", "Judged", "Ruling", "RulingTable", "Rulings", "Watched"]

Group = Collection[Item]
"""Values that stand together as one person's."""


class RulingTable(Protocol):
    """Where rulings are kept (:class:`ragkit.store.rulings.RulingRows`). ``mark`` changes with every change."""

    def mark(self) -> int: ...

    def rows(self) -> list[RulingRow]: ...


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is done with a value: ``becomes`` another one, or is redacted where that is ``None``."""

    requests: frozenset[str]
    becomes: str | None = field(default=None, repr=False)


class Rulings:
    """The rulings of one collection, read anew when they changed.

    Args:
        keys: The collection's keys.
        vault: Gives the numbers of values and names.
        table: Where they are kept.
    """

    def __init__(self, keys: CollectionKeys, vault: Vault, table: RulingTable) -> None:
        self._sealing = RulingSeals(keys)
        self._vault = vault
        self._table = table
        self._mark = -1
        self._known = NOTHING_RULED

    @property
    def known(self) -> Known:
        """All rulings in force. One small read while nothing changes."""
        mark = self._table.mark()
        if mark != self._mark:
            self._known = self._sealing.read(self._table.rows())
            self._mark = mark
        return self._known

    # --- making them -------------------------------------------------------------------------------------------------

    def erasing(
        self,
        request: str,
        *,
        own: Iterable[Item],
        shared: Iterable[Item] = (),
        is_taken: Callable[[NameKey], bool] = lambda _: True,
    ) -> list[RulingRow]:
        """The rulings that keep a person out.

        Args:
            request: Whose rulings they are.
            own: The person's values that no living person has.
            shared: Those that one has too.
            is_taken: Whether somebody else goes by a name key too; asked for single words and initials.
        """
        rows: dict[int, RulingRow] = {}
        for role, items in (("own", own), ("shared", shared)):
            for item in items:
                number = self._vault.value_number(item)
                rows.setdefault(
                    number, RulingRow(request, "erase", role, number, self._sealing.shape(request, number, item))
                )
                rows |= self._sealing.starts(request, "erase", item)
                if role == "own" and item[0] == "PERSON":
                    keys = [key for key in name_keys(*item) if key[0] == "pair" or not is_taken(key)]
                    named = [self._vault.name_number(key) for key in keys]
                    rows |= {one: RulingRow(request, "erase", "name", one) for one in named}
        return list(rows.values())

    def correcting(self, request: str, item: Item, becomes: str) -> list[RulingRow]:
        """The rulings that make a value another one of the same type, wherever it stands."""
        number = self._vault.value_number(item)
        shape = self._sealing.shape(request, number, item, becomes)
        rows = {number: RulingRow(request, "correct", "own", number, shape)}
        return list((rows | self._sealing.starts(request, "correct", item)).values())

    def correcting_beside(self, request: str, item: Item, becomes: str, beside: Iterable[Item]) -> list[RulingRow]:
        """The same for a value that others have too: only where it stands as that of who has one of these values."""
        number = self._vault.value_number(item)
        rows = self._sealing.starts(request, "correct", item)
        for one in beside:
            mine = self._vault.value_number(one)
            rows[mine] = RulingRow(request, "correct", "beside", mine)
        shape = self._sealing.shape(request, number, item, becomes)
        rows[number] = RulingRow(request, "correct", "shared", number, shape)
        return list(rows.values())

    # --- using them --------------------------------------------------------------------------------------------------

    def watch(self, parts: Parts) -> Watched:
        """Add what may be ruled and no detector found."""
        known = self.known
        if not known:
            return Watched(parts)
        return sort_in(parts, lambda text: find_ruled(text, known, self))

    def judge(self, watched: Watched, groups: Iterable[Group] = ()) -> Judged:
        """Decide on every value of a document, by what it stands beside."""
        if not self.known:
            return Judged(watched.parts)
        return render(watched, self.decide(watched.items(), list(groups)))

    def decide(self, items: Iterable[Item], groups: Sequence[Group]) -> Mapping[Item, Ruling]:
        """Which of these values are ruled, and how; erasing comes before correcting.

        Args:
            items: All values of one document.
            groups: Of these, what stands together as one person's.
        """
        known, every = self.known, list(dict.fromkeys(items))
        if not known:
            return {}
        found: dict[Item, Ruling] = {}
        doubtful: dict[Item, frozenset[str]] = {}
        for item in every:
            if rules := known.own.get(self._vault.value_number(item)):
                found[item] = self._ruling(item[0], rules)
            elif item[0] == "PERSON" and (requests := self.name_requests(name := read_name(item[1]))):
                if len(name.words) + len(name.initials) > 1:
                    found[item] = Ruling(requests)
                else:
                    doubtful[item] = requests
        others = {form for item in every if item not in found for form in _forms(item)}
        for item, requests in doubtful.items():
            if others.isdisjoint(read_name(item[1]).words[0].forms):  # else it means somebody who stands here too
                found[item] = Ruling(requests)
        return found | self._shared(every, groups, found)

    def _shared(
        self, items: Sequence[Item], groups: Sequence[Group], found: Mapping[Item, Ruling]
    ) -> dict[Item, Ruling]:
        """Values that stand here only as those of erased people."""
        more: dict[Item, Ruling] = {}
        for item in items:
            rules = self.known.shared.get(self._vault.value_number(item), ())
            mine = [group for group in groups if item in group]
            for request, _, becomes in rules if mine and item not in found else ():
                if all(any(request in self._requests(one, found) for one in group) for group in mine):
                    more[item] = Ruling(frozenset({request}), becomes)
                    if becomes is None:
                        break  # erasing comes first
        return more

    def _requests(self, item: Item, found: Mapping[Item, Ruling]) -> Collection[str]:
        """The requests whose person a value certainly is."""
        ruled = found[item].requests if item in found else frozenset()
        return ruled | self.known.beside.get(self._vault.value_number(item), set()) if self.known.beside else ruled

    def _ruling(self, entity_type: str, rules: Sequence[tuple[str, str, str | None]]) -> Ruling:
        erased = frozenset(request for request, verb, _ in rules if verb == "erase")
        if erased:
            return Ruling(erased)
        request, _, becomes = rules[-1]
        again = self.known.own.get(self._vault.value_number((entity_type, becomes or "")), ())
        if erased := frozenset(one for one, verb, _ in again if verb == "erase"):
            return Ruling(erased)
        return Ruling(frozenset({request}), becomes)

    def erased_in(self, text: str) -> list[Span]:
        """Where an erased person stands in a text in clear, whatever stands beside."""
        if not self.known:
            return []
        spans = find_ruled(text, self.known, self)
        ruled = self.decide([(span.entity_type, text[span.start : span.end]) for span in spans], [])
        gone = {item for item, one in ruled.items() if one.becomes is None}
        return [span for span in spans if (span.entity_type, text[span.start : span.end]) in gone]

    def names_erased(self, name: str) -> bool:
        """Whether a file name or path names an erased person, glued as such names are."""
        if not self.known:
            return False
        return any(self.erased_in(reading.text) for reading in Field("name", name, glued=True).spellings())

    # --- for the scan ------------------------------------------------------------------------------------------------

    def is_listed(self, item: Item) -> bool:
        """Whether a value is ruled, at least beside others."""
        number = self._vault.value_number(item)
        return number in self.known.own or number in self.known.shared

    def name_requests(self, name: Name) -> frozenset[str]:
        """The requests of which some person goes by this name; its initials count where there is one word only."""
        names, number = self.known.names, self._vault.name_number
        found: set[str] | None = None
        for forms in pairs_of(name):
            here = {request for key in forms for request in names.get(number(key), ())}
            found = here if found is None else found & here
            if not found:
                return frozenset()
        return frozenset(found or ())


def _forms(item: Item) -> Iterable[str]:
    """The words of a name of several."""
    name = read_name(item[1]) if item[0] == "PERSON" else Name(())
    return [form for word in name.words for form in word.forms] if len(name.words) > 1 else []
