"""The people of an invented company: employees and customers, some of one name, some in families, some renamed.

Names come from the pools of the detector's training, three in ten of them reserved ones that training never saw.
Telephone numbers are those that regulators keep for fiction (Ofcom, ARCEP, BNetzA, NANPA 555-01xx); e-mail domains are
below ``example.com`` and its like; IBANs have right check digits (ISO 13616) and no account behind them.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from benchmarks.detector.people import invent
from ragkit.folding import fold

COMPANY = "Brightwater Outdoor"
DOMAIN = "brightwater.example.com"
SWITCHBOARD = "+44 20 7946 0000"
MAILBOXES = tuple(f"{role}@{DOMAIN}" for role in ("info", "service", "billing", "hr", "returns", "privacy"))
"""The office telephone and the mailboxes of roles: nobody's."""

DEPARTMENTS = ("Sales", "Service", "Logistics", "Finance", "People", "Legal", "Purchasing", "Engineering", "Marketing")
ROLES = (
    "Clerk", "Clerk", "Clerk", "Team Lead", "Analyst", "Analyst", "Buyer", "Technician", "Technician", "Adviser",
    "Head of Department", "Planner", "Auditor", "Trainer", "Designer",
)  # fmt: skip
CITIES = (
    ("Leeds", "LS1 4AP"), ("Bristol", "BS1 5TR"), ("York", "YO1 7HH"), ("Oxford", "OX1 3DW"), ("Cardiff", "CF10 1EP"),
    ("Lyon", "69002"), ("Nantes", "44000"), ("Lille", "59800"), ("Rennes", "35000"), ("Dijon", "21000"),
    ("Bremen", "28195"), ("Leipzig", "04109"), ("Münster", "48143"), ("Kassel", "34117"), ("Potsdam", "14467"),
    ("Utrecht", "3511 AB"), ("Ghent", "9000"), ("Turin", "10121"), ("Porto", "4000-008"), ("Malmö", "211 19"),
)  # fmt: skip
_STREETS = (
    "Orchard Road", "Mill Lane", "Station Road", "Church Street", "Kestrel Avenue", "Harbour Street", "Elm Grove",
    "Castle Street", "Weaver Lane", "Linden Avenue", "Ropewalk Street", "Quarry Road", "Chapel Lane", "Meadow Drive",
    "Foundry Street", "Priory Road", "Saddler Street", "Bramble Lane", "Victoria Road", "Canal Street",
)  # fmt: skip
_HOSTS = ("mail.example.com", "post.example.org", "inbox.example.net", "home.example.org", "webmail.example.com")
_EMPLOYEES = 0.2
_SAME_NAME = 0.05
_CHANGED = 0.04
_IN_FAMILIES = 0.2
_UNSEEN = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One invented person.

    Attributes:
        born: Date of birth.
        phone: Of this person alone.
        home_phone: Of the household; the same for all of a family.
        number: Customer number, or staff number of an employee.
        former: Family name before marriage.
        former_email: The address under the former name.
        household: Id of the family's first member, for families.
        group: ``unique``, ``same-name`` (another person has this full name), ``family`` (shares telephone and address),
            ``namesake-family`` (both: father and son of one name) or ``changed`` (another family name before).
        place: City and postcode.
    """

    id: str
    employee: bool
    given: str
    family: str
    born: date
    email: str
    phone: str
    home_phone: str
    street: str
    place: tuple[str, str]
    number: str
    iban: str
    role: str
    department: str
    joined: date
    title: str
    former: str | None = None
    former_email: str | None = None
    household: str | None = None
    group: str = "unique"

    def __repr__(self) -> str:
        return f"Person({self.id})"

    @property
    def full(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    @property
    def old_full(self) -> str:
        """Given and former family name; the present name where it never changed."""
        return f"{self.given} {self.former or self.family}"

    @property
    def sorted(self) -> str:
        """Family name first."""
        return f"{self.family}, {self.given}"

    @property
    def initialled(self) -> str:
        """With an initial for the given name."""
        return f"{self.given[0]}. {self.family}"

    @property
    def city(self) -> str:
        """Where this person lives."""
        return self.place[0]

    @property
    def address(self) -> str:
        """Street, city and postcode in a line."""
        return f"{self.street}, {self.place[0]} {self.place[1]}"

    @property
    def born_long(self) -> str:
        """The date of birth as a letter writes it."""
        return f"{self.born.day} {self.born:%B %Y}"

    def values(self) -> dict[str, str]:
        """Every way this person's data may be written in a document, with its kind.

        Kinds: ``name``, ``former-name``, ``short-name`` (a part or an initial, which many people have), ``email``,
        ``phone``, ``number``, ``iban``, ``birth-date`` and ``address``.
        """
        found = {self.family: "short-name", self.given: "short-name", self.initialled: "short-name"}
        if self.former and self.former_email:
            found |= {self.former: "short-name", self.old_full: "former-name", self.former_email: "email"}
        return found | {
            self.full: "name", self.sorted: "name", self.email: "email", self.phone: "phone", self.home_phone: "phone",
            self.number: "number", self.iban: "iban", self.born.isoformat(): "birth-date",
            self.born_long: "birth-date", self.address: "address",
        }  # fmt: skip


@dataclass(slots=True)
class _Supply:
    """What may be given out once only."""

    dice: random.Random
    phones: Iterator[str]
    numbers: Iterator[int]
    mails: set[str] = field(default_factory=set)

    def email(self, given: str, family: str, host: str) -> str:
        plain = [re.sub(r"[^a-z]", "", fold(part)) or "x" for part in (given, family)]
        first, last = plain
        local = self.dice.choice((f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last[0]}", f"{last}.{first}"))
        again = 1
        while (address := f"{local}{again if again > 1 else ''}@{host}") in self.mails:
            again += 1
        self.mails.add(address)
        return address


def make_people(count: int, dice: random.Random) -> list[Person]:
    """Draw ``count`` people; a fifth are employees. The same for the same dice."""
    supply = _Supply(dice, _phones(dice), iter(dice.sample(range(1_000_000, 9_999_999), count)))
    taken: set[str] = set()
    people: list[Person] = []
    for number in range(count):
        given, family = _name(dice, taken)
        people.append(_person(f"p{number:05}", number < round(count * _EMPLOYEES), given, family, supply))
    dice.shuffle(people)
    _make_families(people, supply)
    _make_namesakes(people, supply)
    _rename_some(people, supply)
    names = Counter(one.full for one in people)  # a bride may take the name of somebody else
    people = [
        replace(one, group="same-name") if names[one.full] > 1 and one.group == "unique" else one for one in people
    ]
    return sorted(people, key=lambda one: one.id)


def _person(key: str, employee: bool, given: str, family: str, supply: _Supply, **more: Any) -> Person:
    dice = supply.dice
    number = next(supply.numbers)
    phone = next(supply.phones)
    told = {
        "street": f"{dice.randint(2, 299)} {dice.choice(_STREETS)}",
        "place": dice.choice(CITIES),
        "home_phone": phone,
        "born": date(1945, 1, 1) + timedelta(days=dice.randrange(21_500)),
        **more,
    }
    return Person(
        id=key, employee=employee, given=given, family=family,
        email=supply.email(given, family, DOMAIN if employee else dice.choice(_HOSTS)), phone=phone,
        number=f"E-{number}" if employee else f"C-{number}", iban=_iban(dice),
        role=dice.choice(ROLES), department=dice.choice(DEPARTMENTS),
        joined=date(2005, 1, 3) + timedelta(days=dice.randrange(7_000)), title=dice.choice(("Ms", "Mr")), **told,
    )  # fmt: skip


def _again(old: Person, supply: _Supply, **more: Any) -> Person:
    """The same person with another name, and the e-mail address that goes with it."""
    told = replace(old, **more)
    return replace(told, email=supply.email(told.given, told.family, old.email.partition("@")[2]))


def _make_families(people: list[Person], supply: _Supply) -> None:
    """Give a fifth of the customers households of two to four; in one of ten, father and son have one name."""
    dice = supply.dice
    places = [place for place, one in enumerate(people) if not one.employee]
    left, first = round(len(places) * _IN_FAMILIES), True
    while left >= 2 and len(places) >= 4:
        size = min(dice.choice((2, 2, 3, 4)), left)
        members = [places.pop() for _ in range(size)]
        head = people[members[0]]
        together = first or dice.random() < 0.1
        for place in members:
            shared = {"family": head.family, "street": head.street, "place": head.place, "home_phone": head.home_phone}
            people[place] = _again(people[place], supply, **shared, household=head.id, group="family")
        if together:  # father and son
            father, son = people[members[0]], people[members[1]]
            old = date(1945, 1, 1) + timedelta(days=dice.randrange(9_000))
            young = {"born": old + timedelta(days=9_000 + dice.randrange(3_000)), "title": "Mr"}
            people[members[0]] = replace(father, born=old, group="namesake-family", title="Mr")
            people[members[1]] = _again(son, supply, given=father.given, group="namesake-family", **young)
        left, first = left - size, False


def _make_namesakes(people: list[Person], supply: _Supply) -> None:
    """Give one in twenty the full name of somebody else, who lives elsewhere."""
    plain = [place for place, one in enumerate(people) if one.group == "unique"]
    supply.dice.shuffle(plain)
    for _ in range(max(round(len(people) * _SAME_NAME / 2), 1)):
        one, other = plain.pop(), plain.pop()
        people[one] = replace(people[one], group="same-name")
        name = {"given": people[one].given, "family": people[one].family}
        people[other] = _again(people[other], supply, **name, group="same-name")


def _rename_some(people: list[Person], supply: _Supply) -> None:
    """Let one in twenty-five have had another family name, and an e-mail address of it."""
    plain = [place for place, one in enumerate(people) if one.group == "unique"]
    for place in supply.dice.sample(plain, max(round(len(people) * _CHANGED), 1)):
        one = people[place]
        while (name := invent(supply.dice)).family == one.family:
            pass
        renamed = {"family": name.family, "former": one.family, "former_email": one.email, "group": "changed"}
        people[place] = _again(one, supply, **renamed)


def _name(dice: random.Random, taken: set[str]) -> tuple[str, str]:
    while True:
        name = invent(dice, held_out=dice.random() < _UNSEEN)
        if name.full not in taken:
            taken.add(name.full)
            return name.given, name.family


def _phones(dice: random.Random) -> Iterator[str]:
    """Numbers that nobody has, in the order of the dice."""
    areas = (201, 212, 303, 305, 310, 312, 404, 415, 512, 602, 617, 702, 713, 718, 808, 917)
    numbers = [f"+1 {area}-555-{last:04}" for area in areas for last in range(100, 200)]
    numbers += [f"+44 {city} {last:04}" for city in ("20 7946", "113 496", "117 496", "131 496", "161 496")
                for last in range(1, 1000)]  # fmt: skip
    numbers += [f"+33 {area} {last // 100:02} {last % 100:02}" for area in ("1 99 00", "2 61 91", "4 65 71")
                for last in range(10_000)]  # fmt: skip
    numbers += [f"+49 {city}{last:03}" for city in ("30 23125", "69 90009", "40 66969", "89 99998")
                for last in range(1000)]  # fmt: skip
    dice.shuffle(numbers)
    return iter(numbers)


def _iban(dice: random.Random) -> str:
    account = "".join(str(dice.randint(0, 9)) for _ in range(18))
    return f"DE{98 - int(f'{account}131400') % 97:02}{account}"  # letters as numbers: D = 13, E = 14
