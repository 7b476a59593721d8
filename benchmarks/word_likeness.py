"""How alike two texts are in their words: which ones there are, and in which order."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence

_COMMENT = re.compile(r"<!--.*?-->", re.S)
_TARGET = re.compile(r"\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text in Markdown or none: no markup, comments, addresses of links, no case."""
    plain = _TAG.sub(" ", _TARGET.sub("]", _COMMENT.sub(" ", text)))
    return _WORD.findall(html.unescape(plain).replace("\\_", "_").casefold())


def shared_words(left: Sequence[str], right: Sequence[str]) -> float:
    """F1 of the two multisets of words, 0 to 1: twice the words in common by the words of both."""
    if not left and not right:
        return 1.0
    return 2 * (Counter(left) & Counter(right)).total() / (len(left) + len(right))


def same_order(left: Sequence[str], right: Sequence[str]) -> float:
    """Twice the longest common subsequence by the words of both, 0 to 1: words that moved count once only.

    By bits (Hyyrö 2004, *Bit-parallel LCS-length computation revisited*): a row of the table is one large integer.
    """
    if not left and not right:
        return 1.0
    places: dict[str, int] = {}
    for place, word in enumerate(left):
        places[word] = places.get(word, 0) | 1 << place
    whole = (1 << len(left)) - 1
    row = whole
    for word in right:
        met = row & places.get(word, 0)
        row = ((row + met) | (row - met)) & whole
    return 2 * (len(left) - row.bit_count()) / (len(left) + len(right))
