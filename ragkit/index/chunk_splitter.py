"""Split one over-long stretch: prose by sentences, code and tables by lines, the rest anywhere.

Sentences are the work of llama-index's SentenceSplitter. A cut never falls inside a masked span.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from ragkit.errors import ChunkTooLong
from ragkit.index.chunk_units import Views

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PROSE_WINDOW = 20_000  # characters given to the sentence splitter at once; it tokenises its input whole several times
_ROUNDING = 16  # word pieces; few different splitters are built

Piece = tuple[int, int, int]
"""Start, end and word pieces."""


class StretchSplitter:
    """Splits stretches of one tokenizer's length.

    Args:
        tokenizer: As :func:`load_tokenizer` gives it.
        max_characters: No piece is longer, however few its word pieces: an unbroken run of 100 characters or more
            is one ``[UNK]`` to WordPiece.
    """

    def __init__(self, tokenizer: Tokenizer, *, max_characters: int) -> None:
        self._tokenizer = tokenizer
        self._max_characters = max_characters
        self._splitter = lru_cache(maxsize=32)(self._build_splitter)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, special tokens excluded."""
        return [len(one) for one in self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def tail(self, text: str, pieces: int) -> int:
        """Where the last ``pieces`` word pieces of the text begin."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return int(offsets[-pieces][0]) if len(offsets) > pieces else 0

    def split(self, views: Views, start: int, end: int, *, budget: int, by_lines: bool) -> list[Piece]:
        """Contiguous pieces of ``index[start:end]``, each within the budget of word pieces.

        Raises:
            ChunkTooLong: A single masked span has more word pieces than the budget.
        """
        text: str = views.text.index
        cuts = self._line_starts(text, start, end) if by_lines else self._sentence_starts(text, start, end, budget)
        edges = sorted({start, end, *(at for at in map(views.uncut, cuts) if start < at < end)})
        ranges = list(pairwise(edges))
        pieces: list[Piece] = []
        for (first, last), pieces_in in zip(ranges, self.count([text[first:last] for first, last in ranges])):
            if pieces_in <= budget and last - first <= self._max_characters:
                pieces.append((first, last, pieces_in))
            else:
                pieces += self._force(views, first, last, budget)
        return pieces

    def _line_starts(self, text: str, start: int, end: int) -> Iterator[int]:
        at = text.find("\n", start, end)
        while at >= 0:
            yield at + 1
            at = text.find("\n", at + 1, end)

    def _sentence_starts(self, text: str, start: int, end: int, budget: int) -> Iterator[int]:
        """Where SentenceSplitter begins its chunks. They are equal parts rather than full ones and a rest."""
        for window_start, window_end in self._windows(text, start, end):
            prose = text[window_start:window_end]
            total = self.count([prose])[0]
            parts = -(-total // budget)
            fair = min(budget, -(-int(total / max(parts, 1) * 1.15) // _ROUNDING) * _ROUNDING)
            yield window_start
            cursor = 0
            for piece in self._splitter(max(fair, _ROUNDING)).split_text(prose):
                found = prose.find(piece, cursor)
                if found < 0:
                    continue  # its words are still in the text; a later cut covers them
                yield window_start + found
                cursor = found + len(piece)

    def _windows(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        while end - start > _PROSE_WINDOW:
            stop = text.rfind(" ", start + _PROSE_WINDOW // 2, start + _PROSE_WINDOW)
            stop = stop + 1 if stop >= 0 else start + _PROSE_WINDOW
            yield start, stop
            start = stop
        yield start, end

    def _build_splitter(self, chunk_size: int) -> Any:
        from llama_index.core.node_parser import SentenceSplitter

        def tokenize(text: str) -> list[int]:
            # The splitter only takes the length; the ids need not be listed.
            return cast("list[int]", range(len(self._tokenizer.encode(text, add_special_tokens=False))))

        return SentenceSplitter(chunk_size=chunk_size, chunk_overlap=0, tokenizer=tokenize)

    def _force(self, views: Views, start: int, end: int, budget: int) -> list[Piece]:
        """Cut at a word boundary where there is one near, else between any two characters."""
        text: str = views.text.index
        offsets = self._tokenizer.encode(text[start:end], add_special_tokens=False).offsets
        starts = [start + first for first, _ in offsets]
        pieces: list[Piece] = []
        at = start
        while at < end:
            limit = bisect_left(starts, at) + budget
            stop = min(starts[limit] if limit < len(starts) else end, at + self._max_characters)
            stop, size = self._fit(views, at, self._soften(text, at, stop, end), budget)
            pieces.append((at, stop, size))
            at = stop
        return pieces

    def _fit(self, views: Views, at: int, stop: int, budget: int) -> tuple[int, int]:
        """Draw ``stop`` back until ``index[at:stop]`` cuts no span and is within the budget."""
        text: str = views.text.index
        while True:
            safe = views.uncut(stop)
            if safe <= at:
                safe = views.span_end(at)
            size = self.count([text[at:safe]])[0]
            if size <= budget:
                return safe, size
            stop = at + (min(stop, safe) - at) * budget // (size + 1)
            if stop <= at or views.uncut(stop) <= at:
                raise ChunkTooLong(
                    f"a masked span has {size} word pieces and may not be cut; the window leaves {budget}",
                    remedy="Use a shorter replacement for this entity, or an encoder with a longer window.",
                )

    @staticmethod
    def _soften(text: str, at: int, stop: int, end: int) -> int:
        """The last word boundary in the last quarter of the piece, if there is one."""
        if stop >= end:
            return end
        floor = at + (stop - at) * 3 // 4
        for position in range(stop, floor, -1):
            if text[position - 1].isspace():
                return position
        return stop
