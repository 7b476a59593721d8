"""Whom the attack of ``attack.py`` looks for: documents, the attacker's list, and whose documents are whose.

The company is invented (``benchmarks/company``); of its papers those of one person alone, the tables and charts of many
and the notes on households are indexed, so that a run of three policies stays short. A person's *own* documents are the
papers about that person alone. The attacker's list is that of a personnel office: name, e-mail address, city, date of
birth, and of employees role, department and first day.

TAB: the judgments of the European Court of Human Rights whose labels are public (Pilán et al., "The Text Anonymization
Benchmark", Computational Linguistics 2022, who ask the same: can the applicant be told from what is left?). The
attacker is looking for the applicant, and knows, besides the name, what a newspaper would say: the first place,
nationality and organisation that the judgment tells of, and its first two dates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data import write_lines
from masked_cases import _name
from pii_data import records

from benchmarks.company.generate import generate
from ragkit.attack.people import KnownPerson

_MANY = ("tables", "charts", "households")
_FACTS = {"LOCATION": "place", "NRP": "nationality", "ORGANIZATION": "organisation", "DATE_TIME": "date"}


@dataclass(frozen=True)
class Wanted:
    """A set: people, and by the source's own id whose each document is.

    Attributes:
        source: A folder of files, or a file of JSON lines.
        own: Native ids of a person's own documents, by position in ``people``.
    """

    name: str
    people: Sequence[KnownPerson] = field(repr=False)
    own: Mapping[int, frozenset[str]] = field(repr=False)
    source: Path


def company(folder: Path, count: int, seed: int) -> Wanted:
    """Write the papers of an invented company."""
    made = generate(count, seed)
    places = {person.id: place for place, person in enumerate(made.people)}
    own: dict[int, set[str]] = {}
    source = folder / "papers"
    for one in made.documents:
        if one.path.startswith("records.jsonl") or not (one.wholly or one.path.partition("/")[0] in _MANY):
            continue
        path = source / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content)
        if one.wholly:
            own.setdefault(places[one.wholly], set()).add(one.path)
    people = []
    for person in made.people:
        facts = {"email": person.email, "city": person.city, "birthdate": person.born.isoformat()}
        if person.employee:
            facts |= {"role": person.role, "department": person.department, "joined": person.joined.isoformat()}
        people.append(KnownPerson(person.full, facts))
    return Wanted("company", people, {place: frozenset(paths) for place, paths in own.items()}, source)


def judgments(folder: Path, split: str, limit: int) -> Wanted:
    """Write TAB's judgments: those for testing, or ``dev`` to find out why."""
    rows = records("tab_test127" if split == "test" else "tab_dev")[: limit or None]
    people = []
    for row in rows:
        facts: dict[str, str] = {}
        for gold in sorted(row.gold, key=lambda one: one.start):
            column = _FACTS.get(gold.entity_type)
            for name in (column, f"{column}2") if column == "date" else (column,):
                if name is not None and name not in facts and row.text[gold.start : gold.end] not in facts.values():
                    facts[name] = row.text[gold.start : gold.end]
                    break
        people.append(KnownPerson(_name(row.text, [one for one in row.gold if one.entity_type == "PERSON"]), facts))
    lines = [{"id": f"case-{n}", "title": "Judgment", "text": row.text} for n, row in enumerate(rows)]
    folder.mkdir(parents=True, exist_ok=True)
    source = write_lines(folder / "judgments.jsonl", lines)
    return Wanted("tab", people, {n: frozenset({f"case-{n}"}) for n in range(len(rows))}, source)
