"""The lists of names, places and everyday words, under the name this room knows them by."""

from __future__ import annotations

from ragkit.wordlists import everyday, folded, pool

__all__ = ["everyday", "folded", "pool"]
