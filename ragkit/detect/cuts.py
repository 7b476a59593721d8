"""Long texts in pieces that a model can take at once, cut where sentences are least likely to run on.

The work stays linear in the length whatever the text holds, and a piece is treated like any short text, so a long
document gives the same spans alone and in a batch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ragkit.types import Span

_SENTENCE = re.compile(r"[.!?][\"')\]]*\s")
_SPACE = re.compile(r"\s")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """``text`` stands at ``start`` of the text number ``source``."""

    source: int
    start: int
    text: str = field(repr=False)


def cut(texts: Sequence[str], *, limit: int, overlap: int = 200) -> Iterator[Piece]:
    """Pieces of at most ``limit`` characters, in order; texts without a word give none.

    The cut is made after the last blank line in the second half of the piece, else after the last line, sentence or
    word, else anywhere. After a cut inside a paragraph the next piece begins ``overlap`` characters earlier.
    """
    for number, text in enumerate(texts):
        start = 0
        while start < len(text):
            end, clean = _end(text, start, limit)
            if not text[start:end].isspace():
                # Half a pair cannot be encoded, and would make a tokenizer fail; its place is kept.
                yield Piece(number, start, _SURROGATE.sub("\ufffd", text[start:end]))
            if end == len(text):
                break
            start = end if clean else max(start + limit // 4, _word_start(text, end - overlap, end))


def _end(text: str, start: int, limit: int) -> tuple[int, bool]:
    """Where a piece that begins at ``start`` ends, and whether a paragraph or line ends there too."""
    last = start + limit
    if last >= len(text):
        return len(text), True
    middle = start + limit // 2
    for mark in ("\n\n", "\n"):
        at = text.rfind(mark, middle, last)
        if at >= 0:
            return at + len(mark), True
    for pattern in (_SENTENCE, _SPACE):
        # The last match: only the tail is looked at, so that this stays cheap.
        found = [match.end() for match in pattern.finditer(text, max(middle, last - 2_000), last)]
        if found:
            return found[-1], False
    return last, False


def _word_start(text: str, position: int, end: int) -> int:
    """The next beginning of a word from a position on, or the position."""
    space = _SPACE.search(text, position, end)
    return space.end() if space else position


def gather(found: Iterable[tuple[Piece, Sequence[Span]]], count: int) -> list[list[Span]]:
    """Findings of pieces as those of their texts, in order; what two overlapping pieces both found is kept once."""
    best: list[dict[tuple[int, int, str], Span]] = [{} for _ in range(count)]
    for piece, spans in found:
        for span in spans:
            moved = replace(span, start=span.start + piece.start, end=span.end + piece.start)
            key = (moved.start, moved.end, moved.entity_type)
            known = best[piece.source].get(key)
            if known is None or known.score < moved.score:
                best[piece.source][key] = moved
    return [[spans[key] for key in sorted(spans)] for spans in best]
