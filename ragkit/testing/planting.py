"""Hides canaries where personal data is found in documents: text, title, file name, metadata, e-mail headers, tables.

::

    planting = plant(make_canaries(700), folder)
    # folder/files/… for the `files` connector, folder/lines.jsonl for `jsonl`
    for question in planting.questions: workspace.ask(question)

Every seventh canary goes to the same place, so each type comes to each place. Others can stand in lists of names, for a
policy's deny and allow lists: :func:`plant_lists`.
"""

from __future__ import annotations

import contextlib
import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import islice
from pathlib import Path

from ragkit.testing.canaries import Canary

PLACES = ("text", "title", "file name", "metadata", "e-mail header", "table cell", "question")

_TOGETHER = 20  # sentences of one document, rows of one table
_FILLER = (
    "The delivery was late by two days and the parcel came to the neighbour.",
    "The invoice for the spring order was sent again with the right address of the company.",
    "A replacement for the broken lamp leaves the warehouse this week.",
    "The return label had expired, so a new one was printed at the desk.",
)


@dataclass(frozen=True, slots=True)
class Planting:
    """What was planted, where each canary went, by position, and the questions to ask."""

    places: tuple[str, ...]
    questions: tuple[str, ...]
    canaries: tuple[Canary, ...] = ()

    def __repr__(self) -> str:
        return f"Planting({len(self.places)} canaries)"


def plant(canaries: Sequence[Canary], folder: Path) -> Planting:
    """Write documents that hold the canaries under ``folder/files`` and in ``folder/lines.jsonl``."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    places = tuple(_place(number, canary) for number, canary in enumerate(canaries))
    by_place = {place: [one for one, where in zip(canaries, places) if where == place] for place in PLACES}
    for number, group in enumerate(_groups(by_place["text"])):
        (files / f"notes-{number}.txt").write_text(_prose(number, group), encoding="utf-8")
    for number, canary in enumerate(by_place["title"]):
        (files / f"page-{number}.md").write_text(f"# {canary.sentence}\n\n{_prose(number, ())}", encoding="utf-8")
    for number, canary in enumerate(by_place["file name"]):
        (files / f"{canary.sentence} {number}.txt").write_text(_prose(number, ()), encoding="utf-8")
    for number, canary in enumerate(by_place["e-mail header"]):
        (files / f"mail-{number}.eml").write_bytes(_mail(number, canary))
    for number, group in enumerate(_groups(by_place["table cell"])):
        _write_table(files / f"table-{number}.csv", group)
    with (folder / "lines.jsonl").open("w", encoding="utf-8") as lines:
        for number, canary in enumerate(by_place["metadata"]):
            row = {"id": f"line-{number}", "title": "Note", "text": _prose(number, ())}
            lines.write(json.dumps({**row, "meta": {"remark": canary.sentence}}) + "\n")
    questions = tuple(f"What about this: {canary.sentence}" for canary in by_place["question"])
    return Planting(places, questions, tuple(canaries))


def plant_lists(people: Sequence[Canary], folder: Path) -> None:
    """Write lists of names under ``folder/lists``: ``customers.txt``, ``crm.db`` and ``products.csv``, a third each.

    Every second one of the first two is also named in a document, in lower case, where only the list can find it.
    The rest stand in no document: nothing may ever hold them.
    """
    lists = folder / "lists"
    lists.mkdir(parents=True, exist_ok=True)
    names = [canary.value for canary in people]
    (lists / "customers.txt").write_text("\n".join(names[::3]), encoding="utf-8")
    with contextlib.closing(sqlite3.connect(lists / "crm.db")) as database, database:
        database.execute("create table customers (name text)")
        database.executemany("insert into customers values (?)", [(name,) for name in names[1::3]])
    with (lists / "products.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["product"], *([name] for name in names[2::3])])
    named = [*names[::6], *names[1::6]]
    lines = (
        f"{_FILLER[number % len(_FILLER)]}\n\nthe tent of {name.lower()} is ready" for number, name in enumerate(named)
    )
    (folder / "files" / "ready.txt").write_text("\n\n".join(lines), encoding="utf-8")


def _place(number: int, canary: Canary) -> str:
    # Types and places run against each other: 18 types, 7 places.
    place = PLACES[number % len(PLACES)]
    return "text" if place == "file name" and "/" in canary.sentence else place


def _groups(canaries: Iterable[Canary]) -> Iterator[list[Canary]]:
    left = iter(canaries)
    while group := list(islice(left, _TOGETHER)):
        yield group


def _prose(number: int, canaries: Sequence[Canary]) -> str:
    """Running text, a different one each time, with the canaries between its sentences."""
    lines = [f"This is note {number} of the service desk. {_FILLER[number % len(_FILLER)]}"]
    for place, canary in enumerate(canaries):
        lines.append(f"{_FILLER[(number + place) % len(_FILLER)]}\n\n{canary.sentence}")
    return "\n\n".join(lines) + "\n"


def _mail(number: int, canary: Canary) -> bytes:
    """A message with the canary in the header that suits it."""
    mail = EmailMessage()
    mail["From"] = f"{canary.value} <desk@example.com>" if canary.entity_type == "PERSON" else "desk@example.com"
    mail["To"] = canary.value if canary.entity_type == "EMAIL_ADDRESS" else "team@example.com"
    mail["Subject"] = f"Note {number}" if canary.entity_type in {"PERSON", "EMAIL_ADDRESS"} else canary.sentence
    mail.set_content(_prose(number, ()))
    return mail.as_bytes()


def _write_table(path: Path, canaries: Sequence[Canary]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Row", "Remark", "State"])
        rows.writerows([number, canary.sentence, "open"] for number, canary in enumerate(canaries))
