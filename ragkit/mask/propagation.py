"""A name found once is looked for everywhere in its document: text, title, file name, path and metadata.

Looked for: the full name, and its first and last word alone, in any case. A part that is also an everyday word
(Brown, May) counts only when it is capitalised inside a sentence, so that prose is not flooded.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ragkit.mask.normalise import fold, name_words
from ragkit.mask.phrases import PhraseIndex
from ragkit.mask.pools import everyday
from ragkit.types import Span

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
        self._seen: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._seen)

    def add(self, name: str) -> None:
        """Look for this name and its parts from now on."""
        words = name_words(name)
        key = " ".join(words)
        if not words or key in self._seen:
            return
        self._seen.add(key)
        if len(words) > 1:
            self._sure.add(key)
            self._sure.add(" ".join([words[-1], *words[:-1]]))  # Yalman, Galip
            for glued in ((*words,), (words[-1], *words[:-1]), (words[0], words[-1]), (words[-1], words[0])):
                if len("".join(glued)) >= 6:
                    self._sure.add("".join(glued))  # GalipYalman, yalmangalip
        for part in {words[0], words[-1]}:
            if len(part) >= 3 and part not in _PARTICLES and not part.isdigit():
                (self._doubtful if part in everyday() else self._sure).add(part)

    def find(self, text: str, *, glued: bool = False) -> Iterator[Span]:
        """Every mention; ``glued`` in file names and paths, where a short word in lower case may be a name too."""
        text = text if "%" not in text else _ESCAPE.sub("   ", text)
        for start, end in self._sure.find(text, separators="_"):
            if glued or _could_be_name(text[start:end]):
                yield Span(start, end, "PERSON", 0.75, "rules:propagated")
        for start, end in self._doubtful.find(text, separators="_"):
            if text[start].isupper() and (glued or not _SENTENCE_START.search(text[max(0, start - 12) : start])):
                yield Span(start, end, "PERSON", 0.6, "rules:propagated")

    def __repr__(self) -> str:
        return f"KnownNames({len(self._seen)})"


def _could_be_name(found: str) -> bool:
    """Short words in lower case are rather words (``lee``, ``ana``) unless they stand beside another part."""
    return not found.islower() or len(found) > 4 or len(found.split()) > 1


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


def collect(names: Iterable[str]) -> KnownNames:
    """The names of one document, to be looked for together."""
    known = KnownNames()
    for name in names:
        known.add(name)
    return known
