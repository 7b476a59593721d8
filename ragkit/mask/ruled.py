"""Where ruled values stand in a text, whether or not a detector finds them.

A text is read word by word. Each new word is hashed once and looked up among the *starts* (the words of ruled names,
the first words of other ruled values, the last characters of ruled numbers); only where one is found are longer
stretches hashed. So the cost hardly grows with the number of rulings, and there is none while there are no rulings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Protocol

from ragkit.folding import fold
from ragkit.mask.normalise import normalise, strip_possessive
from ragkit.mask.people import PARTICLES, Name, NameKey, read_name
from ragkit.mask.rows import Item
from ragkit.types import Span
from ragkit.wordlists import folded

_WORD = re.compile(r"[+(]?\w+(?:[-.'’/@+)(]\w+)*")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_BETWEEN = re.compile(r"(?:[.,]{0,2}[\s\u00a0_]{1,2}|[._\-])")
_DIGIT = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_LAST_WORD = re.compile(r"([^\W\d_]+)[ \u00a0]{1,2}\Z")
_NOT_ALNUM = re.compile(r"[\W_]+")
_LONGEST = 8
_LONGEST_NUMBER = 6
_BACK = 3
_LONGEST_NAME = 5
_TAILS = (6, 4)
_REACH = 32
_MOST_REMEMBERED = 200_000
FOUND = "ruling:found"
"""The recognizer of a span that only the rulings know."""

Rule = tuple[str, str, str | None]
"""Request, verb, and what the value becomes."""


@dataclass(slots=True, repr=False)
class Known:
    """The rulings in force, by number; ``seen`` remembers what was looked up for a word."""

    start_number: Callable[[str, str], int] = lambda _kind, _text: 0
    own: dict[int, list[Rule]] = field(default_factory=dict)
    shared: dict[int, list[Rule]] = field(default_factory=dict)
    names: dict[int, set[str]] = field(default_factory=dict)
    beside: dict[int, set[str]] = field(default_factory=dict)
    starts: set[int] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    seen: dict[tuple[str, str], bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.starts)

    def is_start(self, kind: str, text: str) -> bool:
        """Whether a ruled value may begin (or, of numbers, end) with this."""
        key = (kind, text)
        known = self.seen.get(key)
        if known is None:
            if len(self.seen) > _MOST_REMEMBERED:
                self.seen.clear()
            forms = begins_of_word(text, names=kind == "name") if kind != "tail" else [text]
            known = self.seen[key] = any(self.start_number(kind, form) in self.starts for form in forms)
        return known


NOTHING_RULED = Known()


class Asked(Protocol):
    """What the scan asks of the rulings."""

    def is_listed(self, item: Item) -> bool: ...

    def name_requests(self, name: Name) -> frozenset[str]: ...


def begins(entity_type: str, value: str) -> Iterator[tuple[str, str]]:
    """Where to look for a value: kind and text, to be hashed."""
    if entity_type == "PERSON":
        for word in read_name(value).words:
            yield from (("name", form) for form in word.forms)
        return
    words = [word for word in _WORD.findall(value)[: _BACK + 1] if _LETTERS.search(word) and not _DIGIT.search(word)]
    if words:
        yield "word", fold(strip_possessive(words[0]))
    else:
        normal = _NOT_ALNUM.sub("", fold(normalise(entity_type, value)))
        yield "tail", normal[-_TAILS[0] :] if len(normal) >= _TAILS[0] else normal[-_TAILS[1] :]


def begins_of_word(word: str, *, names: bool) -> list[str]:
    """The forms under which a word of a text is looked up, as part of a name or of another value."""
    whole = fold(strip_possessive(word))
    return list(
        dict.fromkeys([whole, *(form for one in read_name(word).words for form in one.forms)] if names else [whole])
    )


def pairs_of(name: Name) -> Iterator[list[NameKey]]:
    """The keys that all must be ruled for a name to be: each pair of its words; of a single one, each initial."""
    words = name.words[:4]
    if len(words) > 1:
        for one, other in combinations(words, 2):
            yield [("pair", min(a, b), max(a, b)) for a in one.forms for b in other.forms]
    elif words and name.initials:
        for letter in name.initials:
            yield [("initial", letter, form) for form in words[0].forms]
    elif words:
        yield [("word", form) for form in words[0].forms]


def find_ruled(text: str, known: Known, asked: Asked) -> list[Span]:
    """Ruled values in a text, disjoint, in order; the longer one where two overlap."""
    found = [*_values(text, known, asked)]
    if "PERSON" in known.types:
        found += _names(text, known, asked)
    kept: list[Span] = []
    for span in sorted(found, key=lambda one: (one.start, -one.end)):
        if kept and span.start < kept[-1].end:
            if span.end - span.start <= kept[-1].end - kept[-1].start:
                continue
            kept.pop()
        kept.append(span)
    return kept


def _values(text: str, known: Known, asked: Asked) -> Iterator[Span]:
    types = sorted(known.types - {"PERSON"})
    if not types:
        return
    matches = [(match.start(), match.end(), match[0]) for match in _WORD.finditer(text)]
    for at, (_, end, word) in enumerate(matches):
        if known.is_start("word", word):
            ends = [stop for _, stop, _ in reversed(matches[at : at + _LONGEST])]
            begins_at = [begin for begin, _, _ in matches[max(0, at - _BACK) : at + 1]]
            yield from _first(text, [(begin, stop) for begin in begins_at for stop in ends], types, asked)
        if _DIGIT.search(word) and _may_end(text, end, known):
            window = [one_start for one_start, _, _ in matches[max(0, at - _LONGEST_NUMBER + 1) : at + 1]]
            yield from _first(text, [(begin, end) for begin in window], types, asked)


def _may_end(text: str, end: int, known: Known) -> bool:
    compact = _NOT_ALNUM.sub("", fold(text[max(0, end - _REACH) : end]))
    return any(known.is_start("tail", compact[-length:]) for length in _TAILS)


def _first(text: str, places: Sequence[tuple[int, int]], types: Sequence[str], asked: Asked) -> Iterator[Span]:
    """The first of these stretches, the longest, that is a ruled value of some type."""
    for start, end in places:
        for entity_type in types:
            if asked.is_listed((entity_type, text[start:end])):
                yield Span(start, end, entity_type, 1.0, FOUND)
                return


def _names(text: str, known: Known, asked: Asked) -> Iterator[Span]:
    words = [
        (match.start(), match.end())
        for match in _NAME_WORD.finditer(text)
        if known.is_start("name", match[0]) or match.end() - match.start() == 1 or fold(match[0]) in PARTICLES
    ]
    at = 0
    while at < len(words):
        stop = at + 1
        while (
            stop < len(words)
            and stop - at < _LONGEST_NAME
            and _BETWEEN.fullmatch(text, words[stop - 1][1], words[stop][0])
        ):
            stop += 1
        at = yield from _longest(text, words, at, stop, known, asked)


def _longest(
    text: str, words: Sequence[tuple[int, int]], at: int, stop: int, known: Known, asked: Asked
) -> Generator[Span, None, int]:
    """The longest ruled name that begins at a word; return where to go on."""
    for end in range(stop, at, -1):
        first, last = words[at][0], words[end - 1][1]
        name = read_name(text[first:last])
        if not name.words or not any(known.is_start("name", text[a:b]) for a, b in words[at:end]):
            continue
        if len(name.words) + len(name.initials) == 1 and _another_before(text, first, known):
            continue
        if asked.name_requests(name) or asked.is_listed(("PERSON", text[first:last])):
            yield Span(first, last, "PERSON", 1.0, FOUND)
            return end
    return at + 1


def _another_before(text: str, start: int, known: Known) -> bool:
    """Whether a given name stands before a single word, and not the erased person's: ``Ada Yalman``."""
    before = _LAST_WORD.search(text, max(0, start - _REACH), start)
    return before is not None and fold(before[1]) in folded("given") and not known.is_start("name", before[1])
