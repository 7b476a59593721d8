"""A masked document as a row of units over its index view: what the chunker packs, splits and never cuts through.

Positions here are characters of the *index* view. Units partition the text: every character, and every masked span,
belongs to exactly one of them, so that chunks made of whole units lose and repeat nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ragkit.types import Block, BlockKind, Masked, MaskedSpan, MaskedText

_COUNT_WINDOW = 200_000  # characters tokenised at once; bounds memory on a very long document


@dataclass(frozen=True, slots=True)
class Label:
    """A title, heading or table header in both views, shortened to some word pieces. ``level`` is 0 for a title."""

    index: Masked
    record: Masked
    pieces: int
    level: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """``index[start:end]`` with its word pieces and what stands above it.

    Attributes:
        above: Headings in force before this unit, outermost first.
        level: Heading level from 1; 0 for other kinds.
        label: The heading itself, when this unit is one.
        table_header: For rows of a table that is split, the header to repeat.
        header_end: For a whole table, where its header rows end; ``start`` or less without one.
        fused: Whether a word may run across its start, so that its pieces do not simply add to those before.
        introduces: Whether it belongs to what follows: a heading, or the header rows of a split table.
        alone: Whether it shares its chunk with nothing: a part of a table row.
    """

    start: int
    end: int
    pieces: int
    kind: BlockKind
    page: int | None = None
    level: int = 0
    above: tuple[Label, ...] = ()
    label: Label | None = None
    table_header: Label | None = None
    header_end: int = 0
    introduces: bool = False
    alone: bool = False
    fused: bool = False


_NOT_BREAKS = frozenset("\x0b\x0c\x1c\x1d\x1e\x1f\x85")
"""Blank to Python, deleted by BERT's normaliser: they join words."""


class Views:
    """Maps index positions that lie between spans to the other views, in logarithmic time.

    A position where a span of no length stands is ambiguous, so pieces say which spans they own.
    """

    def __init__(self, text: MaskedText) -> None:
        self.text = text
        self._index_starts = [span.index_start for span in text.spans]
        self._source_starts = [span.source_start for span in text.spans]

    def from_source(self, position: int, *, end: bool = False) -> int:
        """As :meth:`MaskedText.to` from source to index."""
        nearest = bisect_right(self._source_starts, position) - 1
        if nearest < 0:
            return position
        span = self.text.spans[nearest]
        if position >= span.source_end:
            return span.index_end + position - span.source_end
        return span.index_end if end and position > span.source_start else span.index_start

    def uncut(self, position: int) -> int:
        """The position itself, or the start of the span that it would cut."""
        nearest = bisect_left(self._index_starts, position) - 1
        if nearest >= 0 and position < self.text.spans[nearest].index_end:
            return self._index_starts[nearest]
        return position

    def span_end(self, position: int) -> int:
        """Where the span starting at ``position`` ends."""
        at = bisect_right(self._index_starts, position) - 1
        return max(position, self.text.spans[at].index_end) if at >= 0 else position

    def trim(self, start: int, end: int) -> Body:
        """``index[start:end]`` without blank margins, but with every span that begins in it."""
        text, spans = self.text.index, self.text.spans
        first = bisect_left(self._index_starts, start)
        last = len(spans) if end >= len(text) else bisect_left(self._index_starts, end)
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = end - len(piece) + len(piece.rstrip())
        if first < last:
            left, right = min(left, spans[first].index_start), max(right, spans[last - 1].index_end)
        return Body(self, min(left, right), right, first, last)


@dataclass(frozen=True, slots=True)
class Body:
    """A stretch of the index view with the spans ``first`` to ``last`` (exclusive) in it."""

    views: Views
    start: int
    end: int
    first: int
    last: int

    @property
    def index(self) -> Masked:
        """The stretch in the index view."""
        return Masked(self.views.text.index[self.start : self.end])

    @property
    def record(self) -> Masked:
        """The stretch in the record view."""
        start, end = self._range("record")
        return Masked(self.views.text.record[start:end])

    @property
    def record_start(self) -> int:
        """Where the stretch begins in the record view of the document."""
        return self._range("record")[0]

    @property
    def source(self) -> tuple[int, int]:
        """The stretch in the parsed source text."""
        return self._range("source")

    def spans(self) -> tuple[MaskedSpan, ...]:
        """The spans, counted from the start of the stretch in each view."""
        record, source = self._range("record")[0], self._range("source")[0]
        return tuple(
            replace(
                span,
                source_start=span.source_start - source,
                source_end=span.source_end - source,
                record_start=span.record_start - record,
                record_end=span.record_end - record,
                index_start=span.index_start - self.start,
                index_end=span.index_end - self.start,
            )
            for span in self.views.text.spans[self.first : self.last]
        )

    def _range(self, view: str) -> tuple[int, int]:
        return self.start + self._shift(self.first, view), self.end + self._shift(self.last, view)

    def _shift(self, spans_before: int, view: str) -> int:
        """How far the other view is ahead after that many spans; between spans the views are equal."""
        if not spans_before:
            return 0
        span = self.views.text.spans[spans_before - 1]
        there: int = getattr(span, f"{view}_end")
        return there - span.index_end


def partition(views: Views, blocks: Sequence[Block]) -> list[Unit]:
    """Units of a document, uncounted: its blocks in order, and any text that no block covers as paragraphs."""
    text = views.text.index
    units: list[Unit] = []
    cursor = 0
    for block in blocks:
        start = max(cursor, views.from_source(block.start))
        end = views.from_source(block.end, end=True)
        if text[cursor:start].strip():
            units.append(Unit(cursor, start, 0, BlockKind.PARAGRAPH))
            cursor = start
        if end > cursor:
            header_end = views.from_source(block.header_end, end=True) if block.kind is BlockKind.TABLE else 0
            units.append(Unit(cursor, end, 0, block.kind, block.page, block.level, header_end=header_end))
            cursor = end
    if text[cursor:].strip() or not units:
        units.append(Unit(cursor, len(text), 0, BlockKind.PARAGRAPH))
    else:
        units[-1] = replace(units[-1], end=len(text))
    return units


def read_units(
    views: Views,
    blocks: Sequence[Block],
    *,
    count: Callable[[Sequence[str]], list[int]],
    label: Callable[[Body, int, int], Label],
) -> list[Unit]:
    """Units with their word pieces and the headings above them.

    Args:
        views: The document's text.
        blocks: Its blocks, in source positions.
        count: Word pieces of texts, special tokens excluded.
        label: Makes a heading's label from its body, level and word pieces.
    """
    units: list[Unit] = []
    path: tuple[Label, ...] = ()
    for unit, pieces in zip(parts := partition(views, blocks), _counts(views.text.index, parts, count)):
        counted = replace(unit, pieces=pieces, above=path, fused=runs_across(views.text.index, unit.start))
        if unit.kind is BlockKind.HEADING:
            heading = label(views.trim(unit.start, unit.end), max(1, unit.level), pieces)
            path = tuple(label for label in path if label.level < heading.level)
            counted = replace(counted, above=path, label=heading, introduces=True)
            path = (*path, heading)
        units.append(counted)
    return units


def runs_across(text: str, position: int) -> bool:
    """Whether one word may stand on both sides of a position: neither neighbour is a blank."""
    beside = text[max(0, position - 1) : position + 1]
    return not any(character.isspace() and character not in _NOT_BREAKS for character in beside)


def _counts(text: str, units: Sequence[Unit], count: Callable[[Sequence[str]], list[int]]) -> list[int]:
    counts: list[int] = []
    window: list[str] = []
    size = 0
    for unit in units:
        window.append(text[unit.start : unit.end])
        size += unit.end - unit.start
        if size > _COUNT_WINDOW:
            counts += count(window)
            window, size = [], 0
    return counts + (count(window) if window else [])
