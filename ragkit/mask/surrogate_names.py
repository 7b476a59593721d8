"""Names that nobody is known to have, put together of the syllables of real ones.

``Okafor`` and ``Lindqvist`` give ``Okadqvist``. The pools hold some 15,000 names of a kind that mean nothing else. A
company of 100,000 people has more family names than that, and most of the pool may be among them. Syllables give
millions, which a reader can say and an encoder cuts as it cuts names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from ragkit.crypto import keyed_hash
from ragkit.folding import fold
from ragkit.wordlists import everyday, folded

_SYLLABLE = re.compile(r"[^aeiouy]*[aeiouy]+(?:[^aeiouy]+$|[^aeiouy](?=[^aeiouy]))?")
_HARD = re.compile(r"[^aeiouy]{4}|[aeiouy]{3}|(.)\1\1")
_SHORTEST, _LONGEST = 5, 11
_TRIES = 12


@cache
def syllables(word: str) -> tuple[str, ...]:
    """``okafor`` to ``o``, ``ka``, ``for``; nothing for a word without vowels."""
    return tuple(_SYLLABLE.findall(word))


def blend(words: Sequence[str], seed: bytes) -> str:
    """A new word out of the beginning of one and the end of another, the same for the same seed.

    A word that is a name, a place or an everyday word already is passed over.

    Args:
        words: What to take syllables from.
        seed: 32 bytes or more, as if drawn by chance.
    """
    for attempt in range(_TRIES):
        stream = keyed_hash(seed, "blend", attempt.to_bytes(2, "big"))
        first, second = (syllables(_word(words, stream, at)) for at in (0, 8))
        if not first or len(second) < 2:
            continue
        head = first[: 1 + stream[16] % min(2, len(first))]
        made = "".join([*head, *second[-(1 + stream[17] % min(2, len(second) - 1)) :]])
        if _SHORTEST <= len(made) <= _LONGEST and not _HARD.search(made) and not _is_known(made):
            return made.title()
    return "".join(_word(words, keyed_hash(seed, "blend"), at) for at in (0, 8)).title()


def _word(words: Sequence[str], stream: bytes, at: int) -> str:
    return fold(words[int.from_bytes(stream[at : at + 8], "big") % len(words)])


def _is_known(word: str) -> bool:
    return word in everyday() or any(word in folded(name) for name in ("given", "family", "places"))
