"""Split a table that is longer than a chunk: by rows, and a row that is too long by cells.

Every part knows its column names. They stand in the index context as far as the window has room, because a row's own
words find it better than the names; in the record context, which nothing limits, they stand in full. A part of a row
names only the columns that it holds, and shares its chunk with nothing, so that names and cells stay in step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ragkit.index.chunk_splitter import StretchSplitter
from ragkit.index.chunk_units import Body, Label, Unit, Views, runs_across
from ragkit.types import Masked

_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[\s|:-]*")


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a table's columns in both views; empty where it has none, or where they cannot be told apart."""

    index: tuple[str, ...] = ()
    record: tuple[str, ...] = ()

    def label(self, first: int, last: int, splitter: StretchSplitter, *, room: int) -> Label | None:
        """The names of columns ``first`` to ``last`` (exclusive) as a header, ``None`` beyond ``room`` word pieces."""
        names, shown = self.index[first:last], self.record[first:last]
        text = " | ".join(names)
        pieces = splitter.count([text])[0]
        if not 0 < pieces <= room:
            return None
        header = f"| {' | '.join(shown)} |\n|{' --- |' * len(shown)}"
        return Label(Masked(text), Masked(header), pieces)


class TableSplitter:
    """Splits the tables of one document.

    Args:
        views: The document's text.
        splitter: Counts word pieces, and cuts a cell that is too long by itself.
        longest: Most characters of a part.
    """

    def __init__(self, views: Views, splitter: StretchSplitter, *, longest: int) -> None:
        self._views = views
        self._splitter = splitter
        self._longest = longest

    def split(self, unit: Unit, budget: int) -> list[Unit]:
        """Header and rows of a table, in parts of at most ``budget`` word pieces, their column names included."""
        header_end = self._views.uncut(unit.header_end)
        start, header, columns, parts = unit.start, None, Columns(), []
        if unit.start < header_end < unit.end:
            body = self._views.trim(unit.start, header_end)
            pieces = self._splitter.count([body.index])[0]
            columns = _columns(body)
            header = self._header(body, pieces, columns, budget)
            if header and pieces <= budget:
                parts.append(replace(unit, end=header_end, pieces=pieces, introduces=True))
                start = header_end
        for first, last, pieces in self._lines(start, unit.end):
            if pieces > budget or last - first > self._longest:
                parts += self._cut_row(unit, first, last, columns, budget)
            else:
                label = self._shorten(header, columns, budget - pieces)
                parts.append(self._part(unit, first, last, pieces, label))
        return parts

    def _header(self, body: Body, pieces: int, columns: Columns, budget: int) -> Label | None:
        """The header to repeat: whole, or without its rule line where it would take more than a third of a chunk."""
        if body.end - body.start > self._longest // 4:
            return None
        if 0 < pieces <= budget // 3:
            return Label(body.index, body.record, pieces)
        label = columns.label(0, len(columns.index), self._splitter, room=budget // 2)
        return replace(label, record=body.record) if label else None

    def _shorten(self, header: Label | None, columns: Columns, room: int) -> Label | None:
        """The header with as many names in the index view as there is room for; all of them in the record view."""
        if header is None or header.pieces <= room:
            return header
        for last in range(len(columns.index) - 1, 0, -1):
            if label := columns.label(0, last, self._splitter, room=room):
                return replace(label, record=header.record)
        return Label(Masked(""), header.record, 0)

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        text: str = self._views.text.index
        cuts = (match.end() for match in re.compile("\n").finditer(text, start, end))
        edges = sorted({start, end, *(at for at in map(self._views.uncut, cuts) if start < at < end)})
        ranges = list(pairwise(edges))
        for (first, last), pieces in zip(ranges, self._splitter.count([text[a:b] for a, b in ranges])):
            yield first, last, pieces

    def _cut_row(self, unit: Unit, first: int, last: int, columns: Columns, budget: int) -> Iterator[Unit]:
        """Parts of a row, cut between cells; a cell that is too long by itself is cut as prose."""
        edges = self._cells(first, last)
        at = 0
        while at < len(edges) - 1:
            stop, label, pieces = self._fill(edges, at, columns, budget)
            if pieces:
                yield self._part(unit, edges[at], edges[stop], pieces, label, alone=True)
            else:
                room = budget - (label.pieces if label else 0)
                cell = self._splitter.split(self._views, edges[at], edges[stop], budget=room, by_lines=False)
                yield from (self._part(unit, a, b, count, label, alone=True) for a, b, count in cell)
            at = stop

    def _fill(self, edges: Sequence[int], at: int, columns: Columns, budget: int) -> tuple[int, Label | None, int]:
        """The most cells from ``at`` on that fit with their names: where they end, names, and word pieces.

        No word pieces mean one cell that does not fit.
        """
        text: str = self._views.text.index
        best = (at + 1, columns.label(at, at + 1, self._splitter, room=budget // 3), 0)
        for stop in range(at + 1, len(edges)):
            pieces = self._splitter.count([text[edges[at] : edges[stop]]])[0]
            label = columns.label(at, stop, self._splitter, room=budget // 2)
            too_long = edges[stop] - edges[at] > self._longest
            if too_long or pieces + (label.pieces if label else 0) > budget or (best[1] and best[2] and not label):
                break
            best = (stop, label, pieces)
        return best

    def _cells(self, first: int, last: int) -> list[int]:
        """Where the cells of a row begin, the first with its outer bar, and where the row ends."""
        text: str = self._views.text.index
        bars = [
            bar.start() for bar in _BAR.finditer(text, first, last) if self._views.uncut(bar.start()) == bar.start()
        ]
        if bars and not text[first : bars[0]].strip():
            bars = bars[1:]
        if bars and not text[bars[-1] + 1 : last].strip():
            bars.pop()
        return [first, *bars, last]

    def _part(self, unit: Unit, start: int, end: int, pieces: int, label: Label | None, *, alone: bool = False) -> Unit:
        fused = runs_across(self._views.text.index, start)
        return replace(unit, start=start, end=end, pieces=pieces, fused=fused, table_header=label, alone=alone)


def _columns(body: Body) -> Columns:
    """The cells of the last header row, in both views."""
    index, record = _last_row(body.index), _last_row(body.record)
    return Columns(index, record) if len(index) == len(record) > 1 else Columns()


def _last_row(header: str) -> tuple[str, ...]:
    lines = [line.strip() for line in header.splitlines() if not _RULE.fullmatch(line)]
    if not lines:
        return ()
    cells = _BAR.split(lines[-1])
    cells = cells[1:] if not cells[0].strip() else cells
    return tuple(cell.strip() for cell in (cells[:-1] if cells and not cells[-1].strip() else cells))
