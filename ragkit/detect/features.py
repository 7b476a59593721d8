"""What the detector reads of a text: words, their pieces, and what the uncased encoder cannot see.

A word is a run of letters and digits, or one other mark, as BERT's own pre-tokenizer cuts it. For each word the
encoder gets its pieces, and one learned vector for each of four observations, added to the pieces' embeddings:

- its case (the tokenizer is uncased);
- what stands before it: nothing, a space, a line end, an empty line, a tab or bar (the tokenizer drops white space);
- which name lists hold it (given names, family names, places, everyday words);
- whether it has letters beyond ASCII (the tokenizer strips accents).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.folding import fold
from ragkit.wordlists import membership

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FEATURES_VERSION = 1
"""Raised when the same text gives other features: an adapter fits one version only."""

CASES = ("special", "lower", "title", "upper", "initial", "mixed", "digits", "alphanumeric", "mark", "other")
GAPS = ("special", "none", "space", "line", "paragraph", "column")
WIDTHS = {"case": len(CASES), "gap": len(GAPS), "lists": 16, "accent": 2}
"""How many values each observation has; the lists' value is :func:`ragkit.wordlists.membership`."""

CODES = len(CASES) * len(GAPS) * 16 * 2
"""The four observations of a word in one number: ``((case * 6 + gap) * 16 + lists) * 2 + accent``."""

MOST_PIECES = 8
"""Pieces of one word that are read: the rest of a very long code adds cost and tells nothing."""

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_CACHE = 65_536
UNKNOWN = 100


@dataclass(frozen=True, slots=True, repr=False)
class Words:
    """The words of one text, in order.

    Attributes:
        starts: First character of each.
        ends: Character after the last.
        pieces: Word piece ids, one to eight a word.
        codes: Observations; see :data:`CODES`.
    """

    starts: list[int]
    ends: list[int]
    pieces: list[tuple[int, ...]]
    codes: list[int]

    def __len__(self) -> int:
        return len(self.starts)

    def is_mark(self, word: int) -> bool:
        """Whether a word is a mark and no letters or digits."""
        return self.codes[word] // 192 == CASES.index("mark")


class WordReader:
    """Cuts texts into words with their pieces and observations.

    Args:
        tokenizer: The encoder's, without truncation.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._seen: dict[str, tuple[tuple[int, ...], int]] = {}

    def read(self, text: str) -> Words:
        """The words of a text. Linear in its length."""
        words = Words([], [], [], [])
        seen = self._seen
        before = 0
        for match in _WORD.finditer(text):
            start, end = match.span()
            word = match[0]
            known = seen.get(word)
            if known is None:
                known = self._observe(word)
                if len(seen) >= _CACHE:
                    seen.clear()
                seen[word] = known
            gap = 2 if start == before + 1 and text[before] == " " else _gap(text, before, start)
            words.starts.append(start)
            words.ends.append(end)
            words.pieces.append(known[0])
            words.codes.append(known[1] + gap * 32)
            before = end
        return words

    def _observe(self, word: str) -> tuple[tuple[int, ...], int]:
        ids = self._tokenizer.encode(word, add_special_tokens=False).ids[:MOST_PIECES]
        lists = membership(fold(word)) if word[0].isalpha() else 0
        return tuple(ids) or (UNKNOWN,), (_case(word) * len(GAPS) * 16 + lists) * 2 + (not word.isascii())


def _case(word: str) -> int:
    first = word[0]
    if not (first.isalnum()):
        return 8
    if word.isdigit():
        return 6
    if any(char.isdigit() for char in word):
        return 7
    if word.islower():
        return 1
    if word.isupper():
        return 4 if len(word) == 1 else 3
    if word.istitle():
        return 2
    return 5 if first.upper() != first.lower() else 9


def _gap(text: str, before: int, start: int) -> int:
    if start == before:
        return 1
    between = text[before:start]
    lines = between.count("\n")
    if lines:
        return 4 if lines > 1 else 3
    return 5 if "\t" in between or len(between) > 3 else 2


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of words, ``first`` to ``last`` (exclusive), and how many pieces it has without special ones."""

    first: int
    last: int
    pieces: int


def windows(words: Words, *, most: int) -> list[Window]:
    """Cut the words into windows of at most ``most`` pieces, at the best place in the last half of each.

    An empty line is better than a line end, a line end better than the end of a sentence.
    """
    cut: list[Window] = []
    first, count = 0, len(words)
    pieces = words.pieces
    while first < count:
        last, size = first, 0
        best, best_rank, best_size = -1, 0, 0
        while last < count:
            more = len(pieces[last])
            if size + more > most:
                break
            if size >= most // 2 and last > first:
                rank = _rank(words, last)
                if rank >= best_rank and rank > 0:
                    best, best_rank, best_size = last, rank, size
            size += more
            last += 1
        if last < count and best > first:
            last, size = best, best_size
        cut.append(Window(first, last, size))
        first = last
    return cut


_END_MARKS = frozenset(".!?;")


def _rank(words: Words, at: int) -> int:
    """How good a cut before this word is: 3 paragraph, 2 line, 1 sentence, 0 anywhere."""
    case, gap = divmod(words.codes[at] // 32, len(GAPS))
    if gap >= 3:
        return {3: 2, 4: 3}.get(gap, 0)
    return 1 if gap == 2 and case in (2, 3, 4) and words.codes[at - 1] // 32 // len(GAPS) == 8 else 0


def flat_pieces(words: Words, window: Window) -> tuple[list[int], list[int], list[int]]:
    """The pieces of a window, the code of each, and the place of each word's first piece; without special ones."""
    ids: list[int] = []
    codes: list[int] = []
    firsts: list[int] = []
    for at in range(window.first, window.last):
        pieces = words.pieces[at]
        firsts.append(len(ids))
        ids += pieces
        codes += [words.codes[at]] * len(pieces)
    return ids, codes, firsts
