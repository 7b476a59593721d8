"""A name found once is looked for everywhere in its document: text, title, file name, path and metadata.

Looked for: the full name, and its first and last word alone, in any case. A part that is also an everyday word
(Brown, May) counts only when it is capitalised inside a sentence, so that prose is not flooded.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ragkit.mask.normalise import name_words
from ragkit.mask.phrases import PhraseIndex
from ragkit.mask.pools import everyday
from ragkit.types import Span

_PARTICLES = frozenset(
    "von van vom zu zur der den de del della di da das dos du des la le el al bin ibn ben ter ten af y e".split()
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:;|>*#\-\n\u2022])[ \t\"'*_(\[]*$")


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
        for part in {words[0], words[-1]}:
            if len(part) >= 3 and part not in _PARTICLES and not part.isdigit():
                (self._doubtful if part in everyday() else self._sure).add(part)

    def find(self, text: str, *, separators: str = "") -> Iterator[Span]:
        """Every mention. ``separators`` split words in file names and paths."""
        for start, end in self._sure.find(text, separators=separators):
            if separators or _could_be_name(text[start:end]):
                yield Span(start, end, "PERSON", 0.75, "rules:propagated")
        for start, end in self._doubtful.find(text, separators=separators):
            if text[start].isupper() and (separators or not _SENTENCE_START.search(text[max(0, start - 12) : start])):
                yield Span(start, end, "PERSON", 0.6, "rules:propagated")

    def __repr__(self) -> str:
        return f"KnownNames({len(self._seen)})"


def _could_be_name(found: str) -> bool:
    """Short words in lower case are rather words (``lee``, ``ana``) unless they stand beside another part."""
    return not found.islower() or len(found) > 4 or len(found.split()) > 1


def collect(names: Iterable[str]) -> KnownNames:
    """The names of one document, to be looked for together."""
    known = KnownNames()
    for name in names:
        known.add(name)
    return known
