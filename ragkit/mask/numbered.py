"""The lines of a text that hold numbers: most hold none, and labels and forms are looked for in those only."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from ragkit.mask.normalise import lower_same_length

_DIGITS = re.compile(r"\d[^\d\n]{0,3}\d")
_LONGEST_LABEL_LINE = 400
"""Characters of the line before a number that may hold its label."""
_WORD = re.compile(r"[^\W\d_]{2,}")
_BEGINNING = 3
_UNSPACED = "\u2e80"
"""From here on scripts put no spaces between words."""


def beginning(phrase: str) -> str | None:
    """By which of :attr:`NumberedLines.beginnings` a phrase is there at all; ``None`` if that cannot be told."""
    first = _WORD.match(phrase)
    return None if first is None or phrase[0] >= _UNSPACED else first[0][:_BEGINNING]


class Cues:
    """Words that say what a number is.

    Args:
        words: Separated by spaces, in lower case; ``_`` for a space in one; matched from their beginning, to their
            end if they end in ``.``.
    """

    def __init__(self, words: str) -> None:
        phrases = [word.replace("_", " ") for word in words.split()]
        self._beginnings = {beginning(phrase) for phrase in phrases}
        patterns = [
            ("" if phrase[0] >= _UNSPACED else r"\b")
            + re.escape(phrase.rstrip("."))
            + (r"\b" if phrase[-1] == "." else "")
            for phrase in phrases
        ]
        self._pattern = re.compile("|".join(patterns))

    def may_be_in(self, lines: NumberedLines) -> bool:
        """Whether one of the words could be in these lines."""
        return None in self._beginnings or not self._beginnings.isdisjoint(lines.beginnings)

    def precede(self, lines: NumberedLines, position: int, within: int) -> bool:
        """Whether one of the words stands in the ``within`` characters before a position of the lines' text."""
        return self._pattern.search(lines.text, max(0, position - within), position) is not None


class NumberedLines:
    """The lines with two digits or more close together, each with the line before it, in lower case, one after another.

    In technical prose they are a sixth of the text.

    Args:
        text: Any text.

    Attributes:
        whole: The text itself.
        text: The lines in lower case.
        beginnings: The first three letters of every word in them: what no word begins like is not looked for.
    """

    def __init__(self, text: str) -> None:
        self.whole = text
        lowered = lower_same_length(text)
        pieces: list[str] = []
        self._starts: list[int] = []
        self._sources: list[int] = []
        length = 0
        for start, end in _stretches(lowered):
            self._starts.append(length)
            self._sources.append(start)
            pieces.append(lowered[start:end])
            length += end - start + 2
        self.text = "\0\0".join(pieces)
        self.beginnings = {word[:_BEGINNING] for word in _WORD.findall(self.text)}

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Where a range of :attr:`text` is in the whole text."""
        piece = bisect_right(self._starts, start) - 1
        shift = self._sources[piece] - self._starts[piece]
        return start + shift, end + shift


def _stretches(lowered: str) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    position = 0
    while (match := _DIGITS.search(lowered, position)) is not None:
        line = lowered.rfind("\n", 0, match.start()) + 1
        start = max(lowered.rfind("\n", 0, line - 1) + 1, line - _LONGEST_LABEL_LINE) if line else 0
        end = lowered.find("\n", match.end())
        end = len(lowered) if end < 0 else end
        position = end + 1
        if current is not None and start <= current[1] + 1:
            current = (current[0], end)
            continue
        if current is not None:
            yield current
        current = (start, end)
    if current is not None:
        yield current
