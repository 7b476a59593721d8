"""Many phrases looked for at once, whole words only, in one pass over the words of a text.

A compiled alternation of 10,000 names takes the number of names times the length of the text; a dictionary by first
word takes the length alone. White space between the words of a phrase matches any white space but a blank line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.normalise import fold

_WORDS = re.compile(r"\w+")
_JOINTS = re.compile(r"(?:[^\S\n]*\n?[^\S\n]*|[-.,'’_/&+]{0,2}[^\S\n]?)")


class PhraseIndex:
    """Phrases by their first word, folded (case and accents do not count unless ``exact``)."""

    def __init__(self) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[str, ...] | None]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_first.values()))

    def add(self, phrase: str, *, exact: bool = False) -> None:
        """Look for this phrase from now on."""
        words = tuple(_WORDS.findall(phrase))
        if words:
            folded = tuple(fold(word) for word in words)
            entry = (folded, words if exact else None)
            entries = self._by_first.setdefault(folded[0], [])
            if entry not in entries:
                entries.append(entry)
                entries.sort(key=lambda item: -len(item[0]))

    def find(self, text: str, *, separators: str = "") -> Iterator[tuple[int, int]]:
        """Where phrases occur, longest first at each word, not overlapping.

        Args:
            separators: Characters that split words here although they are word characters, such as ``_`` in file names.
        """
        if not self._by_first:
            return
        if separators:
            text = text.translate({ord(char): " " for char in separators})
        words = [(match.start(), match.end()) for match in _WORDS.finditer(text)]
        position = 0
        while position < len(words):
            taken = self._match(text, words, position)
            if taken:
                yield words[position][0], words[position + taken - 1][1]
            position += taken or 1

    def _match(self, text: str, words: list[tuple[int, int]], position: int) -> int:
        start, end = words[position]
        for folded, exact in self._by_first.get(fold(text[start:end]), ()):
            if position + len(folded) > len(words):
                continue
            here = words[position : position + len(folded)]
            if not all(_JOINTS.fullmatch(text, a[1], b[0]) for a, b in zip(here, here[1:], strict=False)):
                continue
            found = tuple(text[a:b] for a, b in here)
            if (exact is None and tuple(map(fold, found)) == folded) or (exact is not None and found == exact):
                return len(folded)
        return 0
