"""Who of several people a value belongs to, where values of several stand in one row or one form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ragkit.folding import fold
from ragkit.mask.linking_names import address_fits, tells_other
from ragkit.mask.linking_runs import Mention, Run
from ragkit.mask.linking_types import is_role_mailbox, is_unique
from ragkit.mask.linking_words import FAMILY, FIRM, GIVEN, KIN, PLAIN, STAFF
from ragkit.mask.people import fits, read_name, same_words
from ragkit.wordlists import folded

_CONTACT = frozenset({"PHONE_NUMBER", "EMAIL_ADDRESS", "ADDRESS", "PROFILE_URL"})
_WORDS = re.compile(r"[^\W_]+(?:-[^\W_]+)*")


@dataclass(slots=True, repr=False)
class Someone:
    """A person as one run tells of them: their names, and the values that are theirs."""

    names: list[Mention] = field(default_factory=list)
    values: list[Mention] = field(default_factory=list)
    table: int = -1

    @property
    def name(self) -> str:
        """The fullest name, composed where given and family name stand apart."""
        if len(self.names) == 1:
            return self.names[0].value
        parts = [mention for mention in self.names if GIVEN.fullmatch(mention.label)]
        rest = [mention for mention in self.names if FAMILY.fullmatch(mention.label)]
        if parts and rest:
            return f"{parts[0].value} {rest[0].value}"
        if len(self.names) == 2 and _are_halves(*self.names):
            return f"{self.names[1].value} {self.names[0].value}"
        return max((m.value for m in self.names), key=lambda one: (len(read_name(one).words), len(one)), default="")

    @property
    def start(self) -> int:
        """Where they are named first."""
        return self.names[0].start if self.names else self.values[0].start


def people_of(run: Run) -> Iterator[Someone]:
    """The people of a run with what is theirs; one without a name for values whose person is not named."""
    for mentions in _records(run):
        yield from _people_of(mentions, run)


def belongs_to_firm(mention: Mention) -> bool:
    """Whether a value is a company's and no person's: ``info@…``, ``Switchboard: …``."""
    if mention.entity_type == "EMAIL_ADDRESS" and is_role_mailbox(mention.value):
        return True
    return mention.entity_type in {"PHONE_NUMBER", "ADDRESS"} and not FIRM.isdisjoint(_WORDS.findall(mention.label))


def _records(run: Run) -> Iterator[list[Mention]]:
    """A form that begins anew where a label of it comes again, people aside who are named for another's sake."""
    if run.record:
        yield run.mentions
        return
    part: list[Mention] = []
    seen: dict[str, str] = {}
    for mention in run.mentions:
        again = seen.get(mention.label) == mention.entity_type and mention.label != part[-1].label
        first = bool(part) and mention.label == part[0].label
        if mention.label and again and mention.entity_type == "PERSON" and first:
            yield part
            part, seen = [], {}
        seen[mention.label] = mention.entity_type
        part.append(mention)
    yield part


def _people_of(mentions: Sequence[Mention], run: Run) -> Iterator[Someone]:
    people = _named(mentions, run)
    values = [one for one in mentions if one.entity_type != "PERSON" and not belongs_to_firm(one)]
    if not people:
        if values and (run.record or len({one.entity_type for one in values}) == len(values)):
            yield Someone([], values, run.table)
        return
    if len(people) == 1:
        yield from _alone(people[0], values, run)
        return
    subject = _subject(people)
    apart: list[Mention] = []
    for value in values:
        owners = _owners(value, people, subject, run)
        for owner in owners:
            owner.values.append(value)
        if not owners:
            apart.append(value)
    yield from people


def _alone(person: Someone, values: Sequence[Mention], run: Run) -> Iterator[Someone]:
    name, label = read_name(person.name), person.names[0].label
    for value in values:
        if value.entity_type == "EMAIL_ADDRESS" and not run.record and tells_other(value.value, name):
            continue
        if _kind(value.label) != _kind(label) and _kind(value.label) is not None:
            continue  # the emergency contact's phone, in a form that does not name them
        strange = _kind(label) is not None and value.line != person.names[0].line and _kind(value.label) is None
        if strange and (value.start < person.start or value.entity_type not in _CONTACT):
            continue  # a customer's number, in a form that names the agent and not the customer
        person.values.append(value)
    yield person


def _named(mentions: Sequence[Mention], run: Run) -> list[Someone]:
    people: list[Someone] = []
    told = False  # whether values stand between the last name and this one
    for mention in mentions:
        if mention.entity_type != "PERSON":
            told = True
            continue
        last = people[-1] if people else None
        # A name again on a line of its own, after values, may be a namesake: documents list father and son.
        if last is not None and not (told and mention.line != last.names[-1].line) and _same(last, mention):
            last.names.append(mention)
        else:
            people.append(Someone([mention], [], run.table))
        told = False
    return people


def _same(person: Someone, mention: Mention) -> bool:
    """Whether a further name is the same person's: a form of it, or the family name in the column beside."""
    before = person.names[-1]
    if (GIVEN.fullmatch(before.label) and FAMILY.fullmatch(mention.label)) or (
        FAMILY.fullmatch(before.label) and GIVEN.fullmatch(mention.label)
    ):
        return True
    if _are_halves(before, mention):
        return True
    one, other = read_name(person.name), read_name(mention.value)
    return same_words(one, other) or ((fits(other, one) is not None or fits(one, other) is not None) and (
        bool(other.words and one.words) and before.line == mention.line
    ))  # fmt: skip


def _are_halves(one: Mention, other: Mention) -> bool:
    """``Meier, Anna`` found as two names: a family name, and right behind it a given name."""
    if not 0 < other.start - one.end <= 2 or one.line != other.line:
        return False
    first, second = read_name(one.value), read_name(other.value)
    if len(second.words) != 1 or not first.words:
        return False
    given = folded("given")
    return second.words[0].forms[0] in given and not any(word.forms[0] in given for word in first.words)


def _kind(label: str) -> str | None:
    words = set(_WORDS.findall(label))
    if words & KIN:
        return "kin"
    return "staff" if words & STAFF else None


def _subject(people: Sequence[Someone]) -> Someone:
    """Whom a record is about: the first who is not named as another's kin, agent or doctor."""
    order = {None: 0, "kin": 1, "staff": 2}
    return min(people, key=lambda one: order[_kind(one.names[0].label)])


def _owners(value: Mention, people: Sequence[Someone], subject: Someone, run: Run) -> list[Someone]:
    if value.entity_type == "EMAIL_ADDRESS":
        fitting = [(address_fits(value.value, read_name(one.name)), one) for one in people]
        best = max(score for score, _ in fitting)
        told = [one for score, one in fitting if score == best]
        if best and len(told) == 1:
            return told
    words = set(_WORDS.findall(value.label)) - PLAIN
    alike = [one for one in people if words & (set(_WORDS.findall(one.names[0].label)) - PLAIN)] if words else []
    if len(alike) == 1:
        return alike
    here = [one for one in people if any(name.line == value.line for name in one.names)]
    if run.record and not here:
        return _of_record(value, people, subject)
    if len(here) == 1 and not (value.entity_type not in _CONTACT and is_unique(value.entity_type) and run.record):
        return here
    before = [one for one in people if one.start < value.start]
    near = [one for one in before if one in here] or (before if not here else [])
    if not near:
        return here[:1] or list(people[:1])
    return _together(near)


def _of_record(value: Mention, people: Sequence[Someone], subject: Someone) -> list[Someone]:
    cells: dict[int, list[Someone]] = {}
    for one in people:
        cells.setdefault(one.names[0].line, []).append(one)
    sharing = cells[subject.names[0].line]
    if len(sharing) > 1:  # two people in one cell: the row is both's
        return list(sharing)
    kind = _kind(value.label)
    if kind is not None and _kind(subject.names[0].label) != kind:
        others = [one for one in people if _kind(one.names[0].label) == kind]
        return others[:1]
    before = [one for one in people if one.start < value.start]
    last = before[-1] if before else None
    if last is not None and last is not subject and _kind(last.names[0].label) == "kin":
        kept = any(one.entity_type == value.entity_type for one in subject.values)
        if value.entity_type in _CONTACT and kept:
            return [last]
    return [subject]


def _together(near: Sequence[Someone]) -> list[Someone]:
    """The nearest person, and those who are named in one breath with them: ``Anna and Karl Meier, tel. …``."""
    last = near[-1]
    owners = [last]
    for one in reversed(near[:-1]):
        told = any(value.start < last.start for value in one.values)  # they have values of their own between the names
        if told or one.names[0].line != last.names[0].line or not _kin_of(one, last):
            break
        owners.append(one)
    return owners


def _kin_of(one: Someone, other: Someone) -> bool:
    mine = {form for word in read_name(one.name).words[-1:] for form in word.forms}
    theirs = {form for word in read_name(other.name).words[-1:] for form in word.forms}
    alone = len(read_name(one.name).words) == 1
    return alone or bool(mine & theirs) or fold(one.names[-1].value) == fold(other.names[-1].value)
