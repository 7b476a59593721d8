"""Citation markers in a model's text: read in whatever form it writes them, checked, and numbered anew.

Between reading and showing, a citation is one private-use character, which no text that was sanitised holds: so
sentences can be cut, judged and removed with their citations, and only what is shown gets a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragkit.types import Masked

_FIRST = 0xE000
MARK = re.compile("[\ue000-\uf8ff]")
MARKS = re.compile("(?:[ \t]*[\ue000-\uf8ff])+")
MOST = 0xF8FF - _FIRST
"""Sources that can be told apart."""

_WORDS = (
    "sources?|src|s|docs?|documents?|refs?|quellen?|fuentes?|fonti|fontes?|bron(?:nen)?|kilder?|källa|källor|lähde"
    "|forrás|kaynak|источник|来源|來源|出典|출처"
)
_GROUP = re.compile(
    rf"[\[【［](?=[^\]】］\n]{{1,80}}[\]】］])\s*\^?(?:(?:{_WORDS})[\s.:]*)?#?"
    rf"(\d{{1,3}}(?:\s*(?:[,;、，&–-]|and|und|et|y|e|en|og|och|ve)\s*(?:(?:{_WORDS})\s*)?#?\d{{1,3}})*)"
    r"\s*(?:†[^\]】］\n]*)?[\]】］]",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_BRACKET = r"[\[【［][^\]】］\n]{0,80}"
_OPEN = re.compile(rf"[ \t]*(?:{_BRACKET})?\Z")
_GLUED = re.compile(r"[\w:/.\-@<!?&#\[\](=%+~‹]")
_PUNCTUATION = frozenset(".,;:!?")


def mark(number: int) -> str:
    """The character that stands for a citation of this source, from 1."""
    return chr(_FIRST + number)


def cited(text: str) -> list[int]:
    """Return the numbers of the sources that a text with marks cites, in order of first use."""
    return list(dict.fromkeys(ord(found) - _FIRST for found in MARK.findall(text)))


def without_marks(text: str) -> str:
    """Return a text without its citations."""
    return MARKS.sub("", text) if MARK.search(text) else text


def unmarked(text: Masked) -> Masked:
    """Return a source's text without anything that reads like a marker: ``[12]`` of a footnote becomes ``(12)``."""
    return Masked(_GROUP.sub(lambda group: f"({group[0][1:-1]})", text))


class MarkerStream:
    """Turns the markers of a text that comes in pieces into marks; drops and counts those of no source.

    Args:
        sources: How many were supplied.
    """

    def __init__(self, sources: int) -> None:
        self._sources = min(sources, MOST)
        self._held = ""
        self._last = ""  # as it was given back
        self._dropped = False  # whether something was taken out after it
        self._stopped = False  # whether that was followed by a stop or comma
        self._foreign = False  # whether the last marker was written in brackets that make no link
        self.invented = 0

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        text = self._held + piece
        found = _OPEN.search(text, max(0, len(text) - 200))
        cut = found.start() if found else len(text)
        self._held = text[cut:]
        return self._read(text[:cut])

    def flush(self) -> str:
        """Return what was held back, as no more comes."""
        held, self._held = self._held, ""
        return self._read(held)

    def _read(self, text: str) -> str:
        self._parts: list[str] = []
        at = 0
        for group in _GROUP.finditer(text):
            marks = "".join(mark(number) for number in self._valid(group[1]))
            before = text[at : group.start()]
            self._write(before if marks else before.rstrip(" \t"))
            self._write(marks)
            self._dropped = not marks
            self._foreign = group[0][0] != "["
            at = group.end()
        self._write(text[at:])
        return "".join(self._parts)

    def _write(self, text: str) -> None:
        """Append a text, apart from what it must not become one word, a link or an address with."""
        if self._dropped and text[:1] in _PUNCTUATION:
            self._parts.append(text[0])
            self._last, self._dropped, self._stopped = text[0], False, True
            text = text[1:]
        if not text:
            return
        first = text[0]
        glued = (self._stopped or (self._dropped and _GLUED.match(self._last))) and _GLUED.match(first)
        link = MARK.match(self._last) and (first == "(" or (first == ":" and self._foreign))
        if glued or link or (self._last == "!" and MARK.match(first)):
            self._parts.append(" ")
        self._parts.append(text)
        self._last, self._dropped, self._stopped = text[-1], False, False

    def _valid(self, numbers: str) -> list[int]:
        """The sources that a group of numbers cites, each once."""
        ranged = _RANGE.sub(lambda found: _spelt(int(found[1]), int(found[2])), numbers)
        wanted = list(dict.fromkeys(int(found) for found in _NUMBER.findall(ranged)))
        known = [number for number in wanted if 1 <= number <= self._sources]
        self.invented += len(wanted) - len(known)
        return known


def _spelt(first: int, last: int) -> str:
    return ",".join(map(str, range(first, last + 1))) if first < last < first + 20 else f"{first},{last}"


class Renumbering:
    """Gives the cited sources numbers in the order in which a reader meets them."""

    def __init__(self) -> None:
        self._markers: dict[int, int] = {}

    @property
    def sources(self) -> Sequence[int]:
        """The sources cited so far; the first has marker 1."""
        return list(self._markers)

    def show(self, text: str) -> str:
        """Return a text with ``[1]`` for its marks."""
        return MARK.sub(lambda found: f"[{self._marker(ord(found[0]) - _FIRST)}]", text)

    def _marker(self, source: int) -> int:
        return self._markers.setdefault(source, len(self._markers) + 1)
