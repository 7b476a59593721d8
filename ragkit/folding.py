"""Words without case and accents, the form in which they are compared and looked up."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_EXPAND = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Lower case without accents: ``Müller`` to ``muller``, ``Łukasz`` to ``lukasz``. For words, since it remembers."""
    return fold_text(text)


def fold_text(text: str) -> str:
    """Do the same to what somebody typed: nothing of it is remembered."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_EXPAND))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
