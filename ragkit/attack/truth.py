"""The scorer: which guesses are right, judged by what the attacker cannot have.

A document is a person's *own* where the person is named in it and few others of the list are; a table of all the staff
is nobody's file. Whoever has no document of their own is not looked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.attack.matching import Guess, top_count
from ragkit.attack.people import KnownPerson
from ragkit.folding import fold
from ragkit.metrics import Estimate, area_under_roc, wilson

OTHERS = 4
"""A document that names more people of the list than so many others is nobody's own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attack came to.

    Attributes:
        targets: People looked for: on the list, with a document of their own, and not known to the thief beforehand.
        first: Share of them whose own document is the first guess.
        top: Share of them with an own document among the first hundredth.
        named: Share of them that the thief would name, the first guess fitting better than any other.
        precision: Share of those named that are right; NaN where nobody is.
        first_chance, top_chance: What guessing by lot would come to.
        membership: Chance that somebody in the documents fits better than somebody who is not; .5 tells nothing.
    """

    attack: str
    targets: int
    documents: int
    first: Estimate
    top: Estimate
    named: Estimate
    precision: Estimate
    first_chance: float
    top_chance: float
    membership: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is undefined is ``None``."""
        shares = {name: getattr(self, name) for name in ("first", "top", "named", "precision")}
        return {
            "targets": self.targets,
            "documents": self.documents,
            **{
                name: {"value": _plain(e.value), "low": _plain(e.low), "high": _plain(e.high)}
                for name, e in shares.items()
            },
            "first_chance": self.first_chance,
            "top_chance": self.top_chance,
            "membership": self.membership if self.membership is None else _plain(self.membership),
        }


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


@dataclass(frozen=True, slots=True)
class Truth:
    """Which documents are whose.

    ``own`` has positions of documents by position of the person; ``named`` holds who is named anywhere at all.
    """

    own: Mapping[int, frozenset[int]] = field(repr=False)
    named: frozenset[int] = field(repr=False)


def find_truth(people: Sequence[KnownPerson], texts: Sequence[str]) -> Truth:
    """Find who is named where, in clear texts, one a document.

    Names count as a run of their words, folded, in either order (``Yalman, Galip``).
    """
    runs: dict[tuple[str, ...], list[int]] = {}
    for number, person in enumerate(people):
        words = _words(person.name)
        for run in {words, (*words[-1:], *words[:-1])}:
            if len(run) > 1:
                runs.setdefault(run, []).append(number)
    lengths = sorted({len(run) for run in runs})
    own: dict[int, set[int]] = {}
    everywhere: set[int] = set()
    for document, text in enumerate(texts):
        words = _words(text)
        found = {
            number
            for length in lengths
            for at in range(len(words) - length + 1)
            for number in runs.get(words[at : at + length], ())
        }
        everywhere |= found
        if len(found) <= OTHERS + 1:
            for number in found:
                own.setdefault(number, set()).add(document)
    return Truth({number: frozenset(found) for number, found in own.items()}, frozenset(everywhere))


def _words(text: str) -> tuple[str, ...]:
    return tuple("".join(char if char.isalnum() else " " for char in fold(text)).split())


def score(
    attack: str,
    guesses: Sequence[Guess],
    truth: Truth,
    *,
    documents: int,
    known: Mapping[int, int] | None = None,
    absent: Sequence[int] = (),
) -> Outcome:
    """Judge guesses.

    Args:
        attack: Its name.
        guesses: One a person.
        truth: Whose documents are whose.
        documents: How many there are.
        known: People whom the thief knew beforehand; they do not count.
        absent: People on the list, by position, who are in no document.
    """
    looked_for = [g for g in guesses if truth.own.get(g.person) and g.person not in (known or {})]
    count = top_count(documents)
    first = [g for g in looked_for if g.documents[0] in truth.own[g.person]]
    top = [g for g in looked_for if truth.own[g.person].intersection(g.documents)]
    named = [g for g in looked_for if g.sure]
    right = [g for g in named if g.documents[0] in truth.own[g.person]]
    sizes = [len(truth.own[g.person]) for g in looked_for]
    gone = set(absent)
    present = [g.score for g in looked_for]
    away = [g.score for g in guesses if g.person in gone]
    return Outcome(
        attack=attack,
        targets=len(looked_for),
        documents=documents,
        first=wilson(len(first), len(looked_for)),
        top=wilson(len(top), len(looked_for)),
        named=wilson(len(named), len(looked_for)),
        precision=wilson(len(right), len(named)),
        first_chance=_mean([size / documents for size in sizes]),
        top_chance=_mean([_any_of(size, count, documents) for size in sizes]),
        membership=area_under_roc(present + away, [True] * len(present) + [False] * len(away)) if away else None,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _any_of(own: int, drawn: int, documents: int) -> float:
    """Chance that one of ``drawn`` documents is one of ``own`` (hypergeometric)."""
    return 1.0 - math.comb(documents - own, drawn) / math.comb(documents, drawn) if drawn <= documents else 1.0
