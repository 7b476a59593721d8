"""A name found once is looked for everywhere in its document: text, title, file name, path and metadata.

Looked for: the full name, its first and last word alone, in any case, and ``G. Yalman``. A part that is also an
everyday word (Brown, May) counts only when it is capitalised inside a sentence, so that prose is not flooded. What only
a learned detector found is looked for with a capital, and an everyday word of it not at all: one wrong finding must not
blacken a word of the whole document.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from ragkit.folding import fold
from ragkit.mask.normalise import name_words
from ragkit.mask.phrases import PhraseIndex
from ragkit.types import Span
from ragkit.wordlists import everyday, folded

_PARTICLES = frozenset(
    "von van vom zu zur der den de del della di da das dos du des la le el al bin ibn ben ter ten af y e".split()
)
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;|>*#\-\n\u2022])[ \t\"'*_(\[]*$")


_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_REFERENCES = frozenset({
    "CUSTOMER_NUMBER", "ACCOUNT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER", "MEDICAL_RECORD_NUMBER",
    "HEALTH_PLAN_NUMBER", "LICENSE_NUMBER", "VEHICLE_ID", "LICENSE_PLATE", "DEVICE_ID", "BIOMETRIC_ID", "UNIQUE_ID",
})  # fmt: skip
_EXACT = _REFERENCES | {
    "ADDRESS", "CREDIT_CARD", "DATE_OF_BIRTH", "EMAIL_ADDRESS", "IBAN_CODE", "PHONE_NUMBER", "US_SSN",
}  # fmt: skip
"""Types whose values are looked for again, as numbers are found by a label that only one of their mentions has."""
_FEWEST_CHARACTERS = 5


class KnownNames:
    """The names of one document."""

    def __init__(self) -> None:
        self._sure = PhraseIndex()
        self._doubtful = PhraseIndex()
        self._capital = PhraseIndex()
        self._initials = PhraseIndex()
        self._seen: set[tuple[str, bool]] = set()

    def __bool__(self) -> bool:
        return bool(self._seen)

    def add(self, name: str, *, learned: bool = False) -> None:
        """Look for this name and its parts from now on.

        Args:
            name: As it was found.
            learned: A learned detector found it, and no rule.
        """
        words = name_words(name)
        key = " ".join(words)
        if not words or (key, learned) in self._seen or (key, False) in self._seen:
            return
        if learned and len(words) == 1 and words[0] in everyday():
            return
        self._seen.add((key, learned))
        whole = self._capital if learned else self._sure
        if len(words) > 1 and all(len(word) == 1 for word in words):
            return
        if len(words) > 1 and any(len(word) == 1 for word in words):
            self._initials.add(key)  # "A. Brown" must not find "a brown"
            self._initials.add(" ".join([words[-1], *words[:-1]]))
        elif len(words) > 1:
            whole.add(key)
            whole.add(" ".join([words[-1], *words[:-1]]))  # Yalman, Galip
            for glued in ((*words,), (words[-1], *words[:-1]), (words[0], words[-1]), (words[-1], words[0])):
                if len("".join(glued)) >= 6:
                    whole.add("".join(glued))  # GalipYalman, yalmangalip
            self._add_initials(words)
        for part in {words[0], words[-1]}:
            if len(part) < 3 or part in _PARTICLES or part.isdigit():
                continue
            if part not in everyday():
                (whole if len(words) < 3 or part in _known() else self._capital).add(part)
            elif not learned:
                self._doubtful.add(part)

    def _add_initials(self, words: list[str]) -> None:
        """``G. Yalman``, ``Yalman G.`` and, for three words, ``J. R. Hartley``."""
        if len(words[-1]) < 3 or words[-1] in _PARTICLES or len(words[0]) < 2:
            return
        firsts = [word[0] for word in words[:-1] if word not in _PARTICLES]
        for initials in {tuple(firsts), (firsts[0],)} if firsts else ():
            self._initials.add(" ".join([*initials, words[-1]]))
            self._initials.add(" ".join([words[-1], *initials]))

    def find(self, text: str, *, glued: bool = False) -> Iterator[Span]:
        """Every mention; ``glued`` in file names and paths, where a short word in lower case may be a name too."""
        text = text if "%" not in text else _ESCAPE.sub("   ", text)
        for start, end in self._sure.find(text, separators="_"):
            if glued or _could_be_name(text[start:end]):
                yield Span(start, end, "PERSON", 0.75, "rules:propagated")
        for start, end in self._capital.find(text, separators="_"):
            if glued or _all_upper(text[start:end]):
                yield Span(start, end, "PERSON", 0.65, "rules:propagated")
        for start, end in self._initials.find(text, separators="_"):
            if _all_capital(text[start:end]):
                yield Span(start, end, "PERSON", 0.7, "rules:propagated")
        for start, end in self._doubtful.find(text, separators="_"):
            if text[start].isupper() and (glued or not _SENTENCE_START.search(text[max(0, start - 12) : start])):
                yield Span(start, end, "PERSON", 0.6, "rules:propagated")

    def __repr__(self) -> str:
        return f"KnownNames({len(self._seen)})"


@cache
def _known() -> frozenset[str]:
    """A part of a long name that is in no list may be the next word of the text: only with a capital is it a name."""
    return folded("given") | folded("family")


def _could_be_name(found: str) -> bool:
    """Short words in lower case are rather words (``lee``, ``ana``) unless they stand beside another part."""
    return not found.islower() or len(found) > 4 or len(found.split()) > 1


def _all_capital(found: str) -> bool:
    """Every word has a capital, and a single letter that is also a word (``A Brown``, ``I May``) a dot."""
    dotted = all(len(word) > 1 or word not in {"A", "I", "E", "Y", "O"} for word in found.replace(".", ". ").split())
    return dotted and _all_upper(found)


def _all_upper(found: str) -> bool:
    return all(word[0].isupper() for word in _WORD.findall(found) if word[0].isalpha())


class KnownValues:
    """Numbers and addresses of one document, to be found again where nothing says what they are.

    Args:
        values: Entity types and values as written; other types and short values are left out.
    """

    def __init__(self, values: Iterable[tuple[str, str]]) -> None:
        self._types: dict[tuple[str, ...], str] = {}
        self._phrases = PhraseIndex()
        for entity_type, value in values:
            words = tuple(fold(word) for word in _WORD.findall(value))
            if entity_type not in _EXACT or not _tells_apart(words) or words in self._types:
                continue
            for spelling in (words, ("".join(words),)):
                self._types.setdefault(spelling, entity_type)
                self._phrases.add(" ".join(spelling))

    def __bool__(self) -> bool:
        return bool(self._types)

    def find(self, text: str) -> Iterator[Span]:
        """Every mention, whatever stands between its groups: ``4711-2234``, ``4711_2234``, ``47112234``."""
        text = text if "%" not in text else _ESCAPE.sub("   ", text)
        for start, end in self._phrases.find(text, separators="_"):
            words = tuple(fold(word) for word in _WORD.findall(text[start:end]))
            while self._types[words] == "PHONE_NUMBER" and start and text[start - 1] in "+(":
                start -= 1  # else the country code could not be told from the number
            yield Span(start, end, self._types[words], 0.75, "rules:propagated")

    def __repr__(self) -> str:
        return f"KnownValues({len(self._types)})"


def _tells_apart(words: tuple[str, ...]) -> bool:
    """Long enough, and no bare year or count: ``2024`` in an order number's place must not blacken every 2024."""
    joined = "".join(words)
    return len(joined) >= _FEWEST_CHARACTERS and (len(words) == 1 or any(len(word) > 1 for word in words))


def collect(names: Iterable[tuple[str, bool]]) -> KnownNames:
    """The names of one document, to be looked for together.

    Args:
        names: Each as it was found, and whether only a learned detector found it. A single word that no list of names
            holds must have been found so twice, or be sure (it is then given twice).
    """
    found = list(names)
    known = KnownNames()
    for name, _ in (pair for pair in found if not pair[1]):
        known.add(name)
    learned = Counter(name for name, by_model in found if by_model)
    for name, times in learned.items():
        words = name_words(name)
        if len(words) > 1 or times > 1 or (words and words[0] in _known()):
            known.add(name, learned=True)
    return known
