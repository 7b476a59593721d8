"""Many phrases looked for at once, whole words only, in one pass over the words of a text.

A compiled alternation of 10,000 names takes the number of names times the length of the text; a dictionary by first
word takes the length alone. White space between the words of a phrase matches any white space but a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ragkit.folding import fold

_WORDS = re.compile(r"\w+")
_JOINT = re.compile(r"(?:[^\S\n]*\n?[^\S\n]*|[^\S\n]?[-.,'’_/&+]{1,2}[^\S\n]?)")

Words = tuple[str, ...]


class PhraseIndex:
    """Phrases by their folded words: case and accents do not count unless ``exact``.

    A hundred thousand phrases take 25 MB: one string each, and the lengths there are by first word.
    """

    def __init__(self) -> None:
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._phrases: dict[str, frozenset[Words] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._phrases)

    def add(self, phrase: str, *, exact: bool = False) -> None:
        """Look for this phrase from now on."""
        words = tuple(_WORDS.findall(phrase))
        if words:
            self.add_words(words, exact=exact)

    def add_words(self, words: Words, *, exact: bool = False) -> None:
        """Look for these words in a row from now on."""
        folded = [fold(word) for word in words]
        key = " ".join(folded)
        there = self._phrases.get(key, frozenset())
        self._phrases[key] = there | {words} if exact and there is not None else None  # None: in any spelling
        lengths = self._lengths.get(folded[0], ())
        if len(words) not in lengths:
            self._lengths[folded[0]] = tuple(sorted({*lengths, len(words)}, reverse=True))

    def find(self, text: str, *, separators: str = "") -> Iterator[tuple[int, int]]:
        """Where phrases occur, longest first at each word, not overlapping.

        Args:
            text: Where to look.
            separators: Characters that split words here although they are word characters, such as ``_`` in file names.
        """
        if not self._phrases:
            return
        if separators:
            text = text.translate({ord(char): " " for char in separators})
        words = [match.span() for match in _WORDS.finditer(text)]
        position = 0
        while position < len(words):
            start, end = words[position]
            lengths = self._lengths.get(fold(text[start:end]))
            taken = self._match(text, words, position, lengths) if lengths else 0
            if taken:
                yield start, words[position + taken - 1][1]
            position += taken or 1

    def _match(self, text: str, words: list[tuple[int, int]], position: int, lengths: tuple[int, ...]) -> int:
        for length in lengths:
            if position + length > len(words):
                continue
            here = words[position : position + length]
            found = tuple(text[start:end] for start, end in here)
            spellings = self._phrases.get(" ".join(map(fold, found)), frozenset())
            if spellings is not None and found not in spellings:
                continue
            if all(_JOINT.fullmatch(text, left[1], right[0]) for left, right in pairwise(here)):
                return length
        return 0
