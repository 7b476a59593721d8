"""Which values of a document are one person's, told while the document is masked: the lineage from a person to values.

::

    people_in(resolved)   # [frozenset({("PERSON", "Galip Yalman"), ("EMAIL_ADDRESS", "g.yalman@…"), …}), …]

Values belong together that stand together: in a row of a table, in a form, in a signature or a mail header, as a name
and what follows it (:mod:`ragkit.mask.linking_runs`); that a sentence gives to a person
(:mod:`ragkit.mask.linking_prose`); an e-mail address that tells a name of the document; and the forms of one name
where only one person of the document has it. Two people of one row stay two, and what both have is in both groups.
Mailboxes and numbers of a function belong to nobody. Nothing is joined by likeness of content: a link says that the
document itself put the values together. Pure functions of the resolved spans; no detector is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ragkit.mask.examination import Resolved
from ragkit.mask.linking_names import NamesHere, may_be_one
from ragkit.mask.linking_prose import Prose
from ragkit.mask.linking_runs import Mention, Run, runs_in
from ragkit.mask.linking_shares import Someone, belongs_to_firm, people_of
from ragkit.mask.linking_types import differ, identifies, is_strong, is_unique
from ragkit.mask.linking_words import is_label
from ragkit.mask.normalise import normalise
from ragkit.mask.people import is_list
from ragkit.mask.rows import Item
from ragkit.types import Document, Span

_MOST_ALIKE = 64
"""Groups of one name that are compared with each other; in a list of a thousand namesakes each row stays its own."""


def people_in(resolved: Resolved) -> list[frozenset[Item]]:
    """The people of a document, each as two or more values that the document gives to them.

    A value may be in several groups. Values that belong to nobody in particular are in none.
    """
    mentions = {part.slot: list(_mentions(part.text, spans)) for part, spans in resolved.parts}
    if sum(map(len, mentions.values())) < 2:
        return []
    document = resolved.document
    people: list[Someone] = []
    alone: list[Mention] = []
    for run in (*runs_in(document.text, mentions["text"], document.blocks), *_header(document, mentions)):
        found = list(people_of(run)) if len(run.mentions) > 1 else []
        people += (one for one in found if one.names or len(one.values) > 1)
        owned = {value.start for one in found if one.names for value in one.values}
        alone += (one for one in run.mentions if one.entity_type != "PERSON" and one.start not in owned)
    written = [one.value for some in mentions.values() for one in some if one.entity_type == "PERSON"]
    names = NamesHere([*written, *(one.name for one in people if one.name)])
    prose = Prose(document.text, [one for one in mentions["text"] if one.entity_type == "PERSON"])
    people += (Someone([*pair], []) for pair in prose.renamed())
    left: list[Mention] = []
    for value in alone:
        owner = prose.owner(value, names.full)
        if owner is not None:
            people.append(Someone([owner], [value]))
        elif is_strong(value.entity_type) and value.entity_type != "EMAIL_ADDRESS" and not prose.to_firm(value):
            left.append(value)
    groups = _Groups(names)
    for one in sorted(people, key=lambda one: (one.table < 0, -len(one.values))):
        groups.add(one)
    groups.add_addresses(one.value for some in mentions.values() for one in some if one.entity_type == "EMAIL_ADDRESS"
                         and not belongs_to_firm(one))  # fmt: skip
    groups.add_names(written)
    groups.add_to_subject(left)
    return groups.finished()


def _mentions(text: str, spans: Iterable[Span]) -> Iterator[Mention]:
    for span in spans:
        value = text[span.start : span.end]
        if span.entity_type == "PERSON" and (is_list(value) or is_label(value)):
            continue
        if identifies(span.entity_type):
            yield Mention(span.start, span.end, span.entity_type, value)


def _header(document: Document, mentions: Mapping[str, Sequence[Mention]]) -> Iterator[Run]:
    """Metadata as a form, each key a label."""
    run = Run(record=True)
    for line, key in enumerate(document.metadata):
        run.mentions += (replace(m, label=key.lower(), line=line) for m in mentions.get(f"meta:{key}", ()))
    if run.mentions:
        yield run


@dataclass(slots=True, repr=False)
class _Group:
    """One person so far: names as written, what is theirs, by type and normal form, and where it was read."""

    names: list[str]
    items: set[Item]
    known: dict[str, set[str]] = field(default_factory=dict)
    tables: set[int] = field(default_factory=set)

    def contradicts(self, other: _Group) -> bool:
        """Whether the two hold different numbers of which a person has one, or stand in different rows of a table."""
        for entity_type in self.known.keys() & other.known.keys():
            mine, theirs = self.known[entity_type], other.known[entity_type]
            if (
                (is_unique(entity_type) or entity_type == "DATE_OF_BIRTH")
                and mine.isdisjoint(theirs)
                and any(differ(entity_type, one, another) for one in mine for another in theirs)
            ):
                return True
        return bool(self.tables & other.tables) and not self.shares(other)

    def shares(self, other: _Group) -> bool:
        return any(
            is_strong(kind) and not self.known[kind].isdisjoint(other.known[kind])
            for kind in self.known.keys() & other.known.keys()
        )

    def absorb(self, other: _Group) -> None:
        self.names += other.names
        self.items |= other.items
        self.tables |= other.tables
        for kind, values in other.known.items():
            self.known.setdefault(kind, set()).update(values)


class _Groups:
    """The people of one document while they are being put together."""

    def __init__(self, names: NamesHere) -> None:
        self._names = names
        self._all: list[_Group] = []
        self._by_name: dict[str, list[_Group]] = {}
        self._by_value: dict[tuple[str, str], list[_Group]] = {}

    def add(self, one: Someone) -> None:
        """Take a person of a run in, joined to the one they certainly are."""
        name = one.name
        group = _Group([name] if name else [], {(m.entity_type, m.value) for m in (*one.names, *one.values)})
        for value in one.values:
            group.known.setdefault(value.entity_type, set()).add(normalise(value.entity_type, value.value))
        if one.table >= 0:
            group.tables.add(one.table)
        keys = self._keys(one)
        fitting = self._fitting(group, keys)
        if len(fitting) == 1:
            fitting[0].absorb(group)
            group = fitting[0]
        else:
            self._all.append(group)
        self._file(group, keys)

    def _keys(self, one: Someone) -> set[str]:
        """The keys of a person's names; several for who has changed it."""
        names = {one.name} if len(one.names) != 2 or one.values else {mention.value for mention in one.names}
        return {key for name in names if name and (key := self._names.full(name)) is not None}

    def _fitting(self, group: _Group, keys: Iterable[str]) -> list[_Group]:
        there = [one for key in keys for one in self._by_name.get(key, ())[:_MOST_ALIKE]]
        found = {id(one): one for one in there if not one.contradicts(group)}
        for kind, values in group.known.items():
            if not is_strong(kind):
                continue
            for value in values:
                for one in self._by_value.get((kind, value), ())[:_MOST_ALIKE]:
                    alike = not one.names or not group.names or any(
                        may_be_one(mine, theirs) for mine in group.names[:4] for theirs in one.names[:4]
                    )  # fmt: skip
                    if alike and not one.contradicts(group):
                        found[id(one)] = one
        return list(found.values())

    def _file(self, group: _Group, keys: Iterable[str]) -> None:
        for key in keys:
            _once(self._by_name.setdefault(key, []), group)
        for kind, values in group.known.items():
            if is_strong(kind):
                for value in values:
                    _once(self._by_value.setdefault((kind, value), []), group)

    def add_addresses(self, addresses: Iterable[str]) -> None:
        """Give an address that nobody has to the one person whose name it tells."""
        for address in dict.fromkeys(addresses):
            normal = normalise("EMAIL_ADDRESS", address)
            holders = [one for one in self._by_value.get(("EMAIL_ADDRESS", normal), ()) if one.names]
            if len(holders) == 1:
                holders[0].items.add(("EMAIL_ADDRESS", address))
            names = set() if holders else self._names.with_address(address)
            there = list({id(one): one for name in names for one in self._by_name.get(name, ())}.values())
            if len(there) == 1:
                there[0].items.add(("EMAIL_ADDRESS", address))
                there[0].known.setdefault("EMAIL_ADDRESS", set()).add(normal)
            elif not there and len(names) == 1:
                self._all.append(_Group([], {("EMAIL_ADDRESS", address)}, {"EMAIL_ADDRESS": {normal}}))
                self._file(self._all[-1], names)

    def add_names(self, written: Iterable[str]) -> None:
        """Give every form of a name to the one person here who has it."""
        for name in dict.fromkeys(written):
            key = self._names.full(name)
            if key is None:
                continue
            there = self._by_name.get(key, [])
            if not there:
                self._all.append(_Group([], set()))
                self._file(self._all[-1], [key])
                there = self._by_name[key]
            if len(there) == 1:
                there[0].items.add(("PERSON", name))

    def add_to_subject(self, values: Iterable[Mention]) -> None:
        """Give numbers that stand alone to the one person whom a document is a file about, where it is about one.

        That is the only one of whom it has a number or a birth date: an invoice with one customer number, a contract
        that says when the employee was born.
        """
        subjects = [one for one in self._all if any(is_unique(k) or k == "DATE_OF_BIRTH" for k in one.known)]
        if len(subjects) != 1 or not subjects[0].names:
            return
        for value in values:
            holders = self._by_value.get((value.entity_type, normalise(value.entity_type, value.value)))
            if not holders:
                subjects[0].items.add((value.entity_type, value.value))

    def finished(self) -> list[frozenset[Item]]:
        """Groups of at least two values that are not spellings of one."""
        several = (
            frozenset(group.items)
            for group in self._all
            if len({(kind, normalise(kind, value)) for kind, value in group.items}) > 1
        )
        return list(dict.fromkeys(several))


def _once(groups: list[_Group], group: _Group) -> None:
    if not any(one is group for one in groups):
        groups.append(group)
