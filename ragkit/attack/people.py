"""The list of people that the attacker has: who they are, what is known of each, and how that would stand in an index.

A staff list, a customer export of another company, a page of the press: a CSV file with a header, or JSON lines. The
column ``name`` is needed; any others are what is known besides.
"""

from __future__ import annotations

import csv
import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ragkit.errors import EvaluationError

DIRECT = {
    "name": "PERSON", "email": "EMAIL_ADDRESS", "phone": "PHONE_NUMBER", "mobile": "PHONE_NUMBER",
    "address": "ADDRESS", "street": "ADDRESS", "iban": "IBAN_CODE", "customer": "CUSTOMER_NUMBER",
    "employee": "UNIQUE_ID", "account": "ACCOUNT_NUMBER", "case": "CASE_NUMBER",
}  # fmt: skip
"""Columns that single out a person by themselves, with the type that a policy gives them."""

INDIRECT = {
    "birthdate": "DATE_OF_BIRTH",
    "city": "LOCATION", "place": "LOCATION", "country": "LOCATION", "employer": "ORGANIZATION",
    "company": "ORGANIZATION", "department": "ORGANIZATION", "role": "TITLE", "title": "TITLE", "job": "TITLE",
    "date": "DATE_TIME", "joined": "DATE_TIME", "started": "DATE_TIME", "nationality": "NRP", "postcode": "POSTCODE",
}  # fmt: skip
"""Columns that many people share (quasi-identifiers). Any other column counts as one of these, of no known type."""

_SPELLINGS = {
    "mail": "email", "emailaddress": "email", "telephone": "phone", "phonenumber": "phone", "dateofbirth": "birthdate",
    "dob": "birthdate", "born": "birthdate", "birthday": "birthdate", "customernumber": "customer",
    "customerid": "customer", "employeeid": "employee", "employeenumber": "employee", "jobtitle": "role",
    "location": "city", "town": "city", "fullname": "name", "organisation": "employer", "organization": "employer",
    "accountnumber": "account", "casenumber": "case", "hired": "joined", "start": "started", "startdate": "started",
}  # fmt: skip
_IGNORED = frozenset({"id", "key", "number", "documents"})
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)
_TRAILING = re.compile(r"\d+$")

Terms = Callable[[str], Sequence[str]]
"""Cuts a text into terms as the stolen index does."""


@dataclass(frozen=True, slots=True, repr=False)
class KnownPerson:
    """Somebody the attacker has heard of: name, and text by column."""

    name: str
    facts: Mapping[str, str] = field(default_factory=dict)

    def of(self, columns: Mapping[str, str]) -> dict[str, str]:
        """What is known of these columns, name included if it is one of them."""
        every = {"name": self.name, **self.facts}
        return {column: text for column, text in every.items() if _TRAILING.sub("", column) in columns and text}

    @property
    def indirect(self) -> dict[str, str]:
        """What is known besides the direct identifiers."""
        return {column: text for column, text in self.facts.items() if _TRAILING.sub("", column) not in DIRECT and text}


def read_people(path: Path) -> list[KnownPerson]:
    """Read a list of people.

    Raises:
        EvaluationError: It cannot be read, or a line of it is nobody; by line number, never by content.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as bad:
        raise EvaluationError(
            f"the list of people cannot be read ({type(bad).__name__})", remedy="Name a CSV or JSON-lines file, UTF-8."
        ) from None
    rows = _json_rows(lines) if lines and lines[0].lstrip().startswith("{") else csv.DictReader(lines)
    people = []
    for number, row in enumerate(rows, start=1):
        person = person_of(row)
        if not person.name:
            raise EvaluationError(
                f"entry {number} of the list of people has no name", remedy="Give every entry a `name`."
            )
        people.append(person)
    if len(people) < 2:
        raise EvaluationError("the list of people has fewer than two entries", remedy="List at least two people.")
    return people


def _json_rows(lines: Sequence[str]) -> Iterator[Mapping[str, object]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, Mapping):
            raise EvaluationError(
                f"line {number} of the list of people is no JSON object", remedy='Write {"name": "...", "city": "..."}.'
            )
        yield row


def person_of(row: Mapping[str, object]) -> KnownPerson:
    """A person of a row; columns go by their usual names, and cells that hold no text are left out."""
    facts: dict[str, str] = {}
    for column, value in row.items():
        key = re.sub(r"[^a-z0-9]", "", str(column).lower())
        key = _SPELLINGS.get(key, key)
        if key not in _IGNORED and isinstance(value, str | int) and str(value).strip():
            facts[key] = str(value).strip()
    return KnownPerson(facts.pop("name", ""), facts)


def decoys(people: Sequence[KnownPerson], count: int, dice: random.Random) -> list[KnownPerson]:
    """Nobody's names, put together of given and family names of the list, as are their facts: who is in no document."""
    words = [person.name.split() for person in people if len(person.name.split()) > 1]
    known = {person.name.casefold() for person in people}
    made: dict[str, KnownPerson] = {}
    for _ in range(20 * count):
        if len(made) >= count or not words:
            break
        name = f"{dice.choice(words)[0]} {dice.choice(words)[-1]}"
        if name.casefold() not in known:
            facts = {
                column: dice.choice(people).indirect.get(column, text)
                for column, text in dice.choice(people).indirect.items()
            }
            made.setdefault(name.casefold(), KnownPerson(name, facts))
    return list(made.values())


def alternatives(text: str, terms: Terms) -> list[list[str]]:
    """The lists of terms as which a fact may stand in an index; all of one list must be there."""
    date = _DATE.fullmatch(text)
    if date is None:
        cut = list(dict.fromkeys(terms(text)))
        return [cut] if cut else []
    year, month, day = date.groups()
    spelled = _MONTHS[int(month) - 1] if 1 <= int(month) <= 12 else month
    written = (f"{int(day)} {spelled} {year}", f"{spelled[:3]} {int(day)} {year}", text, f"{year}")
    return [list(dict.fromkeys(terms(one))) for one in written]
