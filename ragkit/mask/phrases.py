"""Many phrases looked for at once, whole words only, in one pass over the words of a text.

A compiled alternation of 10,000 names takes the number of names times the length of the text; a dictionary by first
word takes the length alone. White space between the words of a phrase matches any white space but a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ragkit.mask.normalise import fold

_WORDS = re.compile(r"\w+")
_JOINT = re.compile(r"(?:[^\S\n]*\n?[^\S\n]*|[-.,'’_/&+]{0,2}[^\S\n]?)")

Words = tuple[str, ...]


class PhraseIndex:
    """Phrases by their first word and length, folded: case and accents do not count unless ``exact``."""

    def __init__(self) -> None:
        self._by_first: dict[str, dict[int, dict[Words, set[Words]]]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_first)

    def add(self, phrase: str, *, exact: bool = False) -> None:
        """Look for this phrase from now on."""
        words = tuple(_WORDS.findall(phrase))
        if not words:
            return
        folded = tuple(fold(word) for word in words)
        spellings = self._by_first.setdefault(folded[0], {}).setdefault(len(words), {}).setdefault(folded, set())
        spellings.add(words if exact else ())  # the empty spelling stands for any

    def find(self, text: str, *, separators: str = "") -> Iterator[tuple[int, int]]:
        """Where phrases occur, longest first at each word, not overlapping.

        Args:
            text: Where to look.
            separators: Characters that split words here although they are word characters, such as ``_`` in file names.
        """
        if not self._by_first:
            return
        if separators:
            text = text.translate({ord(char): " " for char in separators})
        words = [match.span() for match in _WORDS.finditer(text)]
        position = 0
        while position < len(words):
            start, end = words[position]
            lengths = self._by_first.get(fold(text[start:end]))
            taken = self._match(text, words, position, lengths) if lengths else 0
            if taken:
                yield start, words[position + taken - 1][1]
            position += taken or 1

    def _match(
        self, text: str, words: list[tuple[int, int]], position: int, lengths: dict[int, dict[Words, set[Words]]]
    ) -> int:
        for length in sorted(lengths, reverse=True):
            here = words[position : position + length]
            found = tuple(text[start:end] for start, end in here)
            spellings = lengths[length].get(tuple(map(fold, found)))
            if spellings is None or not (() in spellings or found in spellings):
                continue
            if all(_JOINT.fullmatch(text, left[1], right[0]) for left, right in pairwise(here)):
                return length
        return 0
