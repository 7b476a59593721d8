"""A few of the misses, to learn from, with everything known to be personal taken out of their context.

What is shown of a text: a few dozen characters around a labelled span that was not fully masked. Every labelled and
every masked span in it stands as its type, the missed one in guillemets: ``Dear »[PERSON]«, your [ORDER_NUMBER]``.
Words that occur in any such span of the text are hidden wherever they occur, and all other digits are ``#``.
What nobody labelled and nothing masked can still be read: it is the user's own file, on the user's own screen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragkit.evaluate.labelled import Gold, Labelled
from ragkit.types import Span

CONTEXT = 48
"""Characters a side, before the words at both ends are cut off whole."""

_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 3
_JOINING = frozenset({"the", "and", "for", "from", "with"})  # in many a value, and no value
_IGNORED = "IGNORED"


@dataclass(frozen=True, slots=True)
class Miss:
    """A labelled span that was not fully masked, and its surroundings without values."""

    entity_type: str
    context: str


class Sample:
    """Keeps ``size`` of the misses that go by, each with the same chance (Vitter 1985, algorithm R).

    Args:
        size: How many to keep; 0 keeps none.
        seed: The same seed and stream keep the same misses.
    """

    def __init__(self, size: int, *, seed: int = 0) -> None:
        self._size = size
        self._dice = random.Random(seed)
        self._kept: list[Miss] = []
        self._seen = 0

    def add(self, document: Labelled, masked: Sequence[Span], missed: Sequence[Gold]) -> None:
        """Let the misses of one text go by."""
        if not self._size:
            return
        for one in missed:
            self._seen += 1
            place = self._seen - 1 if self._seen <= self._size else self._dice.randrange(self._seen)
            if place >= self._size:
                continue
            miss = Miss(one.entity_type, context_of(document, masked, one))
            if place < len(self._kept):
                self._kept[place] = miss
            else:
                self._kept.append(miss)

    def kept(self) -> tuple[Miss, ...]:
        """The misses kept."""
        return tuple(self._kept)


def context_of(document: Labelled, masked: Sequence[Span], missed: Gold, *, width: int = CONTEXT) -> str:
    """The surroundings of a missed span on one line, without values."""
    text = document.text
    ranges = [(one.start, one.end, one.entity_type) for one in document.gold]
    ranges += [(span.start, span.end, span.entity_type) for span in masked]
    ranges += [(start, end, _IGNORED) for start, end in (*document.ignored, *document.kept)]
    words = {
        word.casefold() for start, end, _ in ranges for word in _WORD.findall(text[start:end]) if len(word) >= _SHORTEST
    }
    own = _grown(text, missed.start, missed.end)
    others = [(*_grown(text, start, end), kind) for start, end, kind in ranges]
    before = _hidden(text, max(0, own[0] - width), own[0], others, words)
    after = _hidden(text, own[1], min(len(text), own[1] + width), others, words)
    return " ".join(f"{before}»[{missed.entity_type}]«{after}".split())


def _grown(text: str, start: int, end: int) -> tuple[int, int]:
    """To whole words: half a name tells the other half."""
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _hidden(text: str, start: int, end: int, ranges: Sequence[tuple[int, int, str]], words: set[str]) -> str:
    """``text[start:end]`` from whole word to whole word, its values replaced."""
    while 0 < start < end and text[start - 1].isalnum() and text[start].isalnum():
        start += 1
    while start < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end -= 1
    pieces: list[str] = []
    position = start
    for first, last, kind in sorted(one for one in ranges if one[0] < end and one[1] > start):
        if last <= position:
            continue
        if first > position:
            pieces.append(_plain(text[position:first], words))
        pieces.append(f"[{kind}]")
        position = last
    return "".join([*pieces, _plain(text[position:end], words)])


def _plain(text: str, words: set[str]) -> str:
    shown = _WORD.sub(lambda match: "[…]" if match[0].casefold() in words else match[0], text)
    return re.sub(r"\d", "#", shown)
