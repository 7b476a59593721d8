"""A whole invented company from a seed.

::

    company = generate(people=200, seed=7)
    company.write(folder)          # folder/files/… and folder/records.jsonl
    company.documents[0].truth     # {"p00017": ("Anna Berger", …)}

About two papers a person. Who is mentioned beyond the papers of one's own follows Zipf's law, exponent 0.8.
Run ``python -m benchmarks.company.generate FOLDER --people 5000`` to look at one.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path

from benchmarks.company import papers
from benchmarks.company.papers import Document, Sheet
from benchmarks.company.people import Person, make_people

PEOPLE = 5_000
SEED = 2026
_ROWS = 25
_ZIPF = 0.8


@dataclass(frozen=True, slots=True)
class Company:
    """People, and documents with the truth."""

    people: list[Person]
    documents: list[Document]

    def __repr__(self) -> str:
        return f"Company({len(self.people)} people, {len(self.documents)} documents)"

    def write(self, folder: Path) -> None:
        """Write ``folder/files/…`` for the connector `files` and ``folder/records.jsonl`` for `jsonl`."""
        lines = []
        for one in self.documents:
            if one.path.startswith("records.jsonl#"):
                lines.append(one.content + b"\n")
                continue
            path = folder / "files" / one.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.content)
        (folder / "records.jsonl").write_bytes(b"".join(lines))

    def of(self, person: str) -> list[Document]:
        """The documents that hold a value of this person."""
        return [one for one in self.documents if person in one.truth]


class _Draw:
    """Draws people of one kind by Zipf's law."""

    def __init__(self, people: Sequence[Person], dice: random.Random) -> None:
        self._people, self._dice = list(people), dice
        dice.shuffle(self._people)
        self._weights = list(accumulate(1 / (rank + 1) ** _ZIPF for rank in range(len(people))))

    def one(self, *others: Person) -> Person:
        """Somebody who is none of the others."""
        while True:
            person: Person = self._dice.choices(self._people, cum_weights=self._weights)[0]
            if person not in others:
                return person

    def several(self, count: int) -> list[Person]:
        """Different people, at most as many as there are."""
        drawn: list[Person] = []
        for _ in range(min(count, len(self._people) - 1)):
            drawn.append(self.one(*drawn))
        return drawn


def generate(people: int = PEOPLE, seed: int = SEED) -> Company:
    """Make a company; the same for the same arguments.

    Args:
        people: How many, from 50.
        seed: Of the dice.
    """
    if people < 50:
        raise ValueError("a company has at least 50 people")
    dice = random.Random(seed)
    everybody = make_people(people, dice)
    made = list(_papers(everybody, dice))
    dice.shuffle(made)
    return Company(everybody, made)


def _papers(everybody: Sequence[Person], dice: random.Random) -> Iterator[Document]:
    staff = [one for one in everybody if one.employee]
    customers = [one for one in everybody if not one.employee]
    clerk, customer = _Draw(staff, dice), _Draw(customers, dice)

    def times(share: float) -> range:
        return range(max(round(len(everybody) * share), 1))

    def sheet() -> Sheet:
        return Sheet(dice)

    yield from _own(staff, customers, dice)
    yield from _shared(everybody, customers, sheet)
    for number in times(0.30):
        yield papers.letter(sheet(), number, customer.one(), clerk.one())
    for number in times(0.25):
        by = clerk.one()
        yield papers.ticket(sheet(), number, customer.one(), by, clerk.one(by))
    for number in times(0.20):
        yield papers.call_note(sheet(), number, customer.one(), clerk.one())
    for number in times(0.25):
        yield papers.mail(sheet(), number, (by := clerk.one()), clerk.one(by), customer.one())
    for number in times(0.08):
        yield papers.contract(sheet(), number, (by := clerk.one()), clerk.one(by))
    for number in times(0.06):
        yield papers.minutes(sheet(), number, clerk.several(dice.randint(3, 6)))
    for number in times(0.02):
        yield papers.policy(sheet(), number, clerk.one())
    for number, person in enumerate(one for one in everybody if one.former):
        yield papers.name_change(sheet(), number, person)
        yield papers.old_letter(sheet(), number, person, clerk.one(person))


def _own(staff: Sequence[Person], customers: Sequence[Person], dice: random.Random) -> Iterator[Document]:
    """Papers of one person alone."""
    for number, person in enumerate(staff):
        yield papers.staff_file(Sheet(dice), number, person)
    for make, share in papers.ALONE:
        for number, person in enumerate(dice.sample(customers, round(len(customers) * share))):
            yield make(Sheet(dice), number, person)


def _shared(everybody: Sequence[Person], customers: Sequence[Person], sheet: Callable[[], Sheet]) -> Iterator[Document]:
    """Tables, households and charts: every customer stands in one table, every employee in one chart."""
    for number, at in enumerate(range(0, len(customers), _ROWS)):
        yield papers.table(sheet(), number, customers[at : at + _ROWS])
    families = sorted((one for one in everybody if one.household), key=lambda one: (one.household or "", one.id))
    for number, (_, members) in enumerate(groupby(families, key=lambda one: one.household)):
        yield papers.household(sheet(), number, list(members))
    staff = sorted((one for one in everybody if one.employee), key=lambda one: (one.department, one.id))
    number = 0
    for _, group in groupby(staff, key=lambda one: one.department):
        together = list(group)
        for at in range(0, len(together), _ROWS):
            yield papers.chart(sheet(), number, together[at : at + _ROWS])
            number += 1


def main() -> None:
    """Write a company and say what it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    company = generate(options.people, options.seed)
    company.write(options.folder)
    kinds = Counter(one.path.partition("/")[0].partition("#")[0] for one in company.documents)
    print(company, dict(kinds), dict(Counter(one.group for one in company.people)))


if __name__ == "__main__":
    main()
