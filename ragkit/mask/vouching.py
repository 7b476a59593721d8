"""Remembers the words that came out of the masker, so that the re-scan knows what was looked at already.

Kept are keyed hashes of runs of five words, in memory only and of the last few hundred chunks; no word can be read
back. A text that is put together of masked pieces, cut, reordered and with other aliases, is recognised word by word;
a name where a token stood is not, since no run of five with it was ever seen.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from threading import Lock

_WORD = re.compile(r"\[[A-Z][A-Z0-9_]*\]|[^\W_]+")
_TOKEN = re.compile(
    r"\[([A-Z][A-Z0-9_]{1,39})(?::[0-9A-HJKMNP-TV-Z]{10,24}-[0-9A-HJKMNP-TV-Z]{2}|_[1-9]\d{0,5}·[0-9a-hjkmnp-tv-z]{2,6})\]"
)
VEIL = re.compile(r"\[[A-Z][A-Z0-9_]{1,39}\]")
LONGEST_VEIL = 42
_CODE = re.compile(r"(?<![^\W_])(?:\d{1,3} )?[bcdfghjkmnpqrstvwxz]{16}(?![^\W_])")
"""The code of a fence, sixteen consonants drawn anew for each prompt, which no name, word or number has, and the
number of the source before it."""
_RUN = 5
_MOST = 150_000
"""Runs in each of two generations: about a thousand chunks, 20 MB."""

Stretch = tuple[int, int]


def veiled(text: str) -> str:
    """A text with every token of the record view and alias of the prompt view as ``[PERSON]``, and without codes."""
    return _CODE.sub("", _TOKEN.sub(r"[\1]", text))


class Vouched:
    """What is known to have been masked."""

    def __init__(self) -> None:
        self._key = secrets.randbits(62)
        self._lock = Lock()
        self._always: set[int] = set()
        self._young: set[int] = set()
        self._old: set[int] = set()

    def add(self, texts: Iterable[str], *, always: bool = False) -> None:
        """Remember masked texts, in the record or the prompt view; ``always`` for the words of ragkit itself."""
        fresh: set[int] = set()
        for text in texts:
            shown = veiled(text)
            fresh.update(self._runs([match[0].casefold() for match in _WORD.finditer(shown)]))
            for line in shown.splitlines():
                words = [match[0].casefold() for match in _WORD.finditer(line)]
                if 0 < len(words) < _RUN:
                    fresh.add(self._hash(words))
        with self._lock:
            if always:
                self._always |= fresh
                return
            if len(self._young) + len(fresh) > _MOST:
                self._old, self._young = self._young, set()
            self._young |= fresh

    def strays(self, shown: str) -> list[Stretch]:
        """The words of a veiled text that nobody vouches for, as places in it."""
        places = [match.span() for match in _WORD.finditer(shown)]
        words = [shown[start:end].casefold() for start, end in places]
        known = bytearray(len(words))
        with self._lock:
            runs = (self._young, self._old, self._always)
            if any(runs):
                for at, run in enumerate(self._runs(words)):
                    if any(run in some for some in runs):
                        known[at : at + _RUN] = b"\x01" * _RUN
                for length in range(1, _RUN):
                    for at in range(len(words) - length + 1):
                        if 0 in known[at : at + length]:
                            run = self._hash(words[at : at + length])
                            if any(run in some for some in runs):
                                known[at : at + length] = b"\x01" * length
        return [place for place, word, one in zip(places, words, known) if not one and word[0] != "["]

    def _runs(self, words: Sequence[str]) -> list[int]:
        key = self._key
        return [hash((key, _RUN, *run)) for run in zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)]

    def _hash(self, words: Sequence[str]) -> int:
        return hash((self._key, len(words), *words))

    def __repr__(self) -> str:
        return f"Vouched({len(self._young) + len(self._old)} runs)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("what was vouched for stays in this process")
