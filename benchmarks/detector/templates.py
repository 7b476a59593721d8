"""A small language of text templates, and how one becomes a text with exact spans.

``{slot}`` is filled by a function that says which label its text has; ``{@rule}`` by a random line of a rule;
``[[a//b//]]`` by one of its alternatives. Slots that end in ``#1`` keep their value within a text, so that an
organisation can be named twice. ``{p1}`` to ``{p9}`` are the people of a text, ``{p}`` is somebody new.
``{t:Mayor}`` is the word itself, labelled TITLE.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.detector.people import Person, invent

Segment = tuple[str, str | None]
Span = tuple[int, int, str]

_SLOT = re.compile(r"\{(@?[a-z][a-z0-9_.#]*|t:[^{}]+)\}")
_CHOICE = re.compile(r"\[\[((?:(?!\[\[|\]\]).)*)\]\]", re.DOTALL)


@dataclass
class Cast:
    """What one text remembers: its people and the values that are named again."""

    rng: random.Random
    held_out: bool = False
    people: dict[str, Person] = field(default_factory=dict)
    kept: dict[str, list[Segment]] = field(default_factory=dict)

    def person(self, number: str) -> Person:
        """The person of that number; without a number somebody new."""
        if not number:
            return invent(self.rng, self.held_out)
        if number not in self.people:
            self.people[number] = invent(self.rng, self.held_out)
        return self.people[number]


Slot = Callable[[Cast], list[Segment]]


def expand(template: str, rules: dict[str, list[str]], rng: random.Random) -> str:
    """Choose among alternatives and rules until only slots are left."""
    for _ in range(60):
        changed = _CHOICE.sub(lambda match: rng.choice(match[1].split("//")), template)
        changed = _SLOT.sub(lambda m: rng.choice(rules[m[1][1:]]) if m[1].startswith("@") else m[0], changed)
        if changed == template:
            return template
        template = changed
    raise ValueError("a rule does not end")


def segments(template: str, fill: Callable[[str, Cast], list[Segment]], cast: Cast) -> Iterator[Segment]:
    """The filled template, piece by piece."""
    position = 0
    for match in _SLOT.finditer(template):
        if match.start() > position:
            yield template[position : match.start()], None
        yield from fill(match[1], cast)
        position = match.end()
    if position < len(template):
        yield template[position:], None


_ADDRESS_PARTS = ("ADDRESS", "LOCATION", "POSTCODE")
_JOINTS = {"PERSON": (" ",), "ADDRESS": (" ", ", ", "\n")}


def _joined(text: str, last: Span, start: int, label: str) -> bool:
    """Whether a value belongs to the one before: a family name after a given one, a city after its street."""
    wanted = _ADDRESS_PARTS if last[2] == "ADDRESS" else (last[2],)
    return label in wanted and text[last[1] : start] in _JOINTS.get(last[2], ())


def assemble(pieces: Iterator[Segment]) -> tuple[str, list[Span]]:
    """Text and spans of the pieces; spans carry no white space at their ends and are never empty."""
    text = ""
    spans: list[Span] = []
    for piece, label in pieces:
        start = len(text) + len(piece) - len(piece.lstrip())
        text += piece
        end = len(text) - (len(piece) - len(piece.rstrip()))
        if label and end > start:
            if spans and _joined(text, spans[-1], start, label):
                spans[-1] = (spans[-1][0], end, spans[-1][2])
            else:
                spans.append((start, end, label))
    return text, spans
