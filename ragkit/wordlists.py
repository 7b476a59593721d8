"""Lists of names, places and everyday words, read from the package at the first use (25 ms for all four)."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from ragkit.folding import fold


@cache
def pool(name: str) -> tuple[str, ...]:
    """The words of ``given``, ``family``, ``places`` or ``common``, sorted."""
    packed = files("ragkit").joinpath("assets", "pools", f"{name}.txt.gz").read_bytes()
    return tuple(gzip.decompress(packed).decode().split("\n"))


@cache
def folded(name: str) -> frozenset[str]:
    """The same words in lower case without accents, for look-up."""
    return frozenset(fold(word) for word in pool(name))


@cache
def everyday() -> frozenset[str]:
    """Words that are also names but mostly are not; taken for a name only beside other evidence."""
    ambiguous = files("ragkit").joinpath("assets", "pools", "ambiguous.txt").read_text(encoding="utf-8")
    return folded("common") | frozenset(ambiguous.split())


def membership(word: str) -> int:
    """Which lists hold a folded word: 1 given names, 2 family names, 4 places, 8 everyday words, added up."""
    return (
        (word in folded("given"))
        | (word in folded("family")) << 1
        | (word in folded("places")) << 2
        | (word in everyday()) << 3
    )
