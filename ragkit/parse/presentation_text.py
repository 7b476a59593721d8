"""Lists and tables of DrawingML (ECMA-376 Part 1, 21.1), as labels and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ragkit.parse.blocks import looks_like_header
from ragkit.parse.presentation_paint import A
from ragkit.parse.xml_safe import local

_MAX_LEVEL: Final = 8


class Bullets:
    """The list labels of one text body.

    Args:
        body: The ``txBody``.
        styles: Elements with ``lvl1pPr`` to ``lvl9pPr`` that the body inherits from, nearest first.
    """

    def __init__(self, body: Any, styles: Sequence[Any]) -> None:
        own = body.find(f"{A}lstStyle")
        self._styles = [style for style in (own, *styles) if style is not None]
        self._counters: dict[int, int] = {}

    def label(self, paragraph: Any) -> str:
        """``-``, ``3.`` or ``b.``; empty outside a list. Counts on, so call it once for each paragraph with text."""
        properties = paragraph.find(f"{A}pPr")
        depth = (properties.get("lvl") or "") if properties is not None else ""
        level = min(int(depth), _MAX_LEVEL) if depth.isdigit() else 0
        chain = [properties, *(style.find(f"{A}lvl{level + 1}pPr") for style in self._styles)]
        bullet = next((found for found in map(_bullet, chain) if found is not None), None)
        numbered = bullet is not None and local(bullet) == "buAutoNum"
        for other in [known for known in self._counters if known > level or (known == level and not numbered)]:
            del self._counters[other]
        if bullet is None or local(bullet) == "buNone":
            return ""
        if not numbered:
            return "-"
        start = bullet.get("startAt") or "1"
        number = self._counters.get(level, int(start) - 1 if start.isdigit() else 0) + 1
        self._counters[level] = number
        form = bullet.get("type") or ""
        if form.startswith("alpha") and number <= 26:
            return f"{chr((64 if form.startswith('alphaUc') else 96) + number)}."
        return f"{number}."


def _bullet(properties: Any) -> Any:
    if properties is None:
        return None
    names = {"buNone", "buChar", "buAutoNum", "buBlip"}
    return next((child for child in properties if local(child) in names), None)


def grid_of(table: Any, text: Callable[[Any], str]) -> tuple[list[list[str]], int]:
    """The rows of an ``a:tbl`` and how many of them are header rows.

    A cell merged downwards keeps its text in every row, a title merged over columns keeps it in every column.
    """
    grid: list[list[str]] = []
    spanned: list[tuple[int, int]] = []
    for number, row in enumerate(table.iter(f"{A}tr")):
        line: list[str] = []
        for column, cell in enumerate(row.iterfind(f"{A}tc")):
            if cell.get("vMerge") in {"1", "true"} and grid and column < len(grid[-1]):
                line.append(grid[-1][column])
                continue
            if cell.get("hMerge") in {"1", "true"} and line:
                spanned.append((number, column))
            line.append(text(cell))
        grid.append(line)
    properties = table.find(f"{A}tblPr")
    named = properties is not None and properties.get("firstRow") in {"1", "true"}
    if len(grid) < 2 or not (named or looks_like_header(grid)):
        return grid, 0
    two = any(number == 0 for number, _ in spanned) and len(grid) > 2 and not grid[1][0].strip()
    for number, column in spanned:
        if number <= two:
            grid[number][column] = grid[number][column - 1]
    return grid, 1 + two
