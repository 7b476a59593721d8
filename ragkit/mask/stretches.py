"""Places in a text that is about to leave: which words are worth a look, and with how much around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ragkit.folding import fold
from ragkit.mask.vouching import Stretch
from ragkit.types import Span
from ragkit.wordlists import everyday

_GAP = 3
_LEAST = 8
_MOST = 600


def is_plain_word(shown: str, place: Stretch) -> bool:
    """A short number or a common word, by which alone nobody is known; rules read it all the same."""
    word = shown[slice(*place)]
    if word.isdigit():
        return len(word) < 5
    begins = shown[: place[0]].rstrip(" *#-\t>\"'([")[-1:] in ("", ".", "!", "?", ":", "\n")
    return (word.islower() or word.isupper() or begins) and fold(word) in everyday()


def windows(shown: str, places: Sequence[Stretch], around: int) -> Iterator[Stretch]:
    """Stretches around these places, joined where they meet, that begin and end at white space."""
    first = last = -1
    for start, end in places:
        begin, stop = max(0, start - around), min(len(shown), end + around)
        while begin > 0 and begin < start and not shown[begin - 1].isspace():
            begin += 1
        while stop < len(shown) and stop > end and not shown[stop].isspace():
            stop -= 1
        if first >= 0 and begin <= last:
            last = max(last, stop)
            continue
        if first >= 0:
            yield first, last
        first, last = begin, stop
    if first >= 0:
        yield first, last


def standing_alone(unusual: Sequence[Stretch], strays: Sequence[Stretch]) -> Iterator[Stretch]:
    """Stray words that stand together, for themselves.

    In a list of menu entries a detector easily reads a sentence about somebody as one of them.
    """
    joined: list[Stretch] = []
    for start, end in strays:
        if joined and start - joined[-1][1] <= _GAP:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    yield from (
        place
        for place in joined
        if _LEAST <= place[1] - place[0] <= _MOST and any(place[0] <= start < place[1] for start, _ in unusual)
    )


def meets(span: Span, places: Iterable[Stretch]) -> bool:
    """Whether a finding has a letter in one of these places."""
    return any(first < span.end and span.start < last for first, last in places)
