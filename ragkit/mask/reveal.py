"""Putting values back into text that comes in pieces, as a generator writes it.

::

    stream = RevealStream(vault.reveal)
    for piece in pieces:
        print(stream.feed(piece), end="")
    print(stream.flush(), end="")

A piece may end within a token, so what may still become one is held back: at most :data:`LONGEST` characters, and
nothing after a text without ``[``. Restored is what :func:`ragkit.mask.tokens.find_tokens` finds and the vault holds,
by exact match; what a model or a person has changed (case, spaces, a bracket, one character) stays as it is. Peers
that repair cut or changed placeholders restore the wrong person (LiteLLM #31959, LLM Guard's fuzzy match).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from ragkit.mask.tokens import LONGEST, unfinished

__all__ = ["LONGEST", "Restore", "RevealStream", "reveal_pieces"]

Restore = Callable[[str], tuple[str, Mapping[str, int]]]
"""From masked text to the text with its values, and how many tokens of each type were replaced."""


class RevealStream:
    """Restores the tokens of a text that is fed in pieces; the pieces given back, joined, are the whole restored.

    Args:
        restore: What :meth:`ragkit.mask.vault.Vault.reveal` does to a whole text.
    """

    def __init__(self, restore: Restore) -> None:
        self._restore = restore
        self._held = ""
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """How many tokens of each type were replaced so far."""
        return dict(self._counts)

    def feed(self, piece: str) -> str:
        """Return all that can be told by now, values put back."""
        text = self._held + piece
        cut = unfinished(text)
        self._held = text[cut:]
        return self._restored(text[:cut])

    def flush(self) -> str:
        """Return what was held back, as no more comes; the stream may then be fed another text."""
        held, self._held = self._held, ""
        return self._restored(held)

    def _restored(self, text: str) -> str:
        if "[" not in text:
            return text
        clear, counts = self._restore(text)
        self._counts.update(counts)
        return clear

    def __repr__(self) -> str:
        return f"RevealStream({len(self._held)} characters held back)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a stream of clear text is not pickled")


def reveal_pieces(
    pieces: Iterable[str], restore: Restore, *, ended: Callable[[Mapping[str, int], int], None]
) -> Iterator[str]:
    """Yield the text of the pieces with its values, each part as soon as it can be told. Never an empty text.

    Args:
        pieces: Masked text, cut anywhere.
        restore: As for :class:`RevealStream`.
        ended: Called once with the tokens replaced by type and the characters read: at the end, when the caller stops
            listening, and when the source of the pieces fails.
    """
    stream, characters = RevealStream(restore), 0
    try:
        for piece in pieces:
            characters += len(piece)
            if clear := stream.feed(piece):
                yield clear
        if clear := stream.flush():
            yield clear
    finally:
        ended(stream.counts, characters)
