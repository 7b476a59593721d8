"""The slots of the detector's templates: the name in braces, and what fills it."""
# ruff: noqa: E501

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from benchmarks.detector import places
from benchmarks.detector import templates_values as values
from benchmarks.detector import templates_words as words
from benchmarks.detector.templates import Cast, Segment

_PERSON = re.compile(r"p(\d*)(?:\.([a-z]+))?")


def _one(label: str | None, draw: Callable[[Cast], str]) -> Callable[[Cast], list[Segment]]:
    return lambda cast: [(draw(cast), label)]


def _age(cast: Cast) -> list[Segment]:
    return [
        (str(cast.rng.choice((cast.rng.randint(18, 92), cast.rng.randint(18, 92), cast.rng.randint(1, 17)))), "AGE")
    ]


def _age_long(cast: Cast) -> list[Segment]:
    n = cast.rng.randint(1, 95)
    forms = (f"{n} years old", f"{n}-year-old", f"{n} year old", f"{n} y/o", f"{n} yrs", f"{n}yo", f"aged {n}", f"age {n}",
             f"{max(2, n // 10)} months old", f"in {'his' if n % 2 else 'her'} {n // 10 * 10 or 20}s")  # fmt: skip
    return [(cast.rng.choice(forms), "AGE")]


def _location(cast: Cast, kind: str = "") -> list[Segment]:
    """A place; its article stands before the span."""
    name = values.location(cast.rng, kind)
    return [("the ", None), (name[4:], "LOCATION")] if name.startswith("the ") else [(name, "LOCATION")]


def _placed(cast: Cast) -> list[Segment]:
    """A city with its country or state, each its own span."""
    rng = cast.rng
    if rng.random() < 0.4:
        name, short = rng.choice(places.states())
        return [(places.city(rng, "US"), "LOCATION"), (", ", None), (rng.choice((name, short)), "LOCATION")]
    left, right = rng.choice(((", ", ""), (", ", ""), (" (", ")")))
    return [(places.city(rng), "LOCATION"), (left, None), *_location(cast, "country"), (right, None)]


def _nationality(cast: Cast) -> str:
    return cast.rng.choice(cast.rng.choice((words.PEOPLES, words.PEOPLES, words.BELIEFS, words.POLITICAL)))


def _plural(cast: Cast) -> str:
    return cast.rng.choice(cast.rng.choice((words.PEOPLE_PLURALS, words.PEOPLE_PLURALS, words.BELIEF_PLURALS)))


def _job(cast: Cast) -> str:
    return cast.rng.choice(words.JOBS)


def _section(cast: Cast) -> str:
    n = cast.rng.randint
    return cast.rng.choice(
        (f"{n(1, 20)}.{n(1, 9)}", f"{n(1, 99)}", f"{n(1, 12)}({'abcd'[n(0, 3)]})", f"{n(1, 9)}.{n(1, 9)}.{n(1, 9)}")
    )


def _version(cast: Cast) -> str:
    n = cast.rng.randint
    return cast.rng.choice(
        (f"v{n(0, 9)}.{n(0, 30)}.{n(0, 12)}", f"{n(1, 20)}.{n(0, 9)}", f"{n(1, 9)}.{n(0, 99)}.{n(0, 9)}-rc{n(1, 4)}")
    )


SLOTS: dict[str, Callable[[Cast], list[Segment]]] = {
    "loc": _location,
    "placed": _placed,
    "title": _one("TITLE", lambda c: c.rng.choice(words.HONORIFICS)),
    "job": _one("TITLE", _job),
    "job_cap": _one("TITLE", lambda c: _job(c).title() if c.rng.random() < 0.7 else _job(c)),
    "nrp": _one("NRP", _nationality),
    "nat": _one("NRP", lambda c: c.rng.choice(words.PEOPLES)),
    "belief": _one("NRP", lambda c: c.rng.choice(words.BELIEFS)),
    "political": _one("NRP", lambda c: c.rng.choice(words.POLITICAL)),
    "nrps": _one("NRP", _plural),
    "date": _one("DATE_TIME", lambda c: values.day_of(c.rng)),
    "born": _one("DATE_TIME", lambda c: values.day_of(c.rng, born=True)),
    "year": _one("DATE_TIME", lambda c: str(c.rng.randint(1850, 2026))),
    "rel": _one("DATE_TIME", lambda c: values.relative(c.rng)),
    "time": _one("DATE_TIME", lambda c: values.clock(c.rng)),
    "stamp": _one("DATE_TIME", lambda c: values.stamp(c.rng)),
    "dur": _one("DATE_TIME", lambda c: values.duration(c.rng)),
    "when": _one("DATE_TIME", lambda c: values.relative(c.rng) if c.rng.random() < 0.5 else values.day_of(c.rng)),
    "age": _age,
    "aged": _age_long,
    "address": _one("ADDRESS", lambda c: places.address(c.rng)),
    "block": _one("ADDRESS", lambda c: places.address(c.rng, "\n")),
    "street": _one("ADDRESS", lambda c: places.street(c.rng)),
    "postcode": _one("POSTCODE", lambda c: places.postcode(c.rng)),
    "phone": _one("PHONE", lambda c: values.phone(c.rng)),
    "mail": _one("EMAIL", lambda c: values.mailbox(c.rng, c.rng.choice(("info", "support", "office", "hello", "billing", "noreply", "jobs")))),
    "ip": _one("IP", lambda c: values.network(c.rng)),
    "url": _one("URL", lambda c: values.url(c.rng)),
    "money": _one("MONEY", lambda c: values.money(c.rng)),
    "qty": _one("QUANTITY", lambda c: values.quantity(c.rng)),
    "noun": _one(None, lambda c: c.rng.choice(words.NOUNS)),
    "product": _one(None, lambda c: c.rng.choice(words.PRODUCTS)),
    "section": _one(None, _section),
    "version": _one(None, _version),
    "n": _one(None, lambda c: str(c.rng.randint(2, 60))),
}  # fmt: skip
for _kind in ("de", "fr", "es", "it", "nl", "pt"):
    SLOTS[f"date.{_kind}"] = _one("DATE_TIME", lambda c, kind=_kind: values.day_in(c.rng, kind))  # type: ignore[misc]
for _kind in ("city", "country", "state", "region", "landmark"):
    SLOTS[_kind] = partial(_location, kind=_kind)  # type: ignore[misc]
for _kind in ("", "bank", "uni", "gov", "club", "paper", "acr", "brand", "health", "firm", "family", "assoc"):
    SLOTS["org" + (f".{_kind}" if _kind else "")] = _one(
        "ORGANIZATION", lambda c, kind=_kind: values.organisation(c, kind)
    )  # type: ignore[misc]
for _kind in ("", "bank", "card", "gov", "med", "car", "short"):
    SLOTS["id" + (f".{_kind}" if _kind else "")] = _one("ID", lambda c, kind=_kind: values.code(c.rng, kind))  # type: ignore[misc]


def fill(name: str, cast: Cast) -> list[Segment]:
    """The text of one slot; a name that ends in # and a number is drawn once in a text."""
    if name.startswith("t:"):
        return [(name[2:], "TITLE")]
    who = _PERSON.fullmatch(name)
    if who:
        return values.person(cast, cast.person(who[1]), who[2] or "")
    kind, mark, _ = name.partition("#")
    if not mark:
        return SLOTS[kind](cast)
    if name not in cast.kept:
        cast.kept[name] = SLOTS[kind](cast)
    return cast.kept[name]
