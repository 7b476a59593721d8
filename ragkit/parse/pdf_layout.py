"""From measured lines to headings, paragraphs, list items and tables.

A heading is set larger than the body, or is a short bold line by itself. Lines join to a paragraph while their
distance and size stay the same; a row of figures keeps its own line, so that a table without rules stays readable.
What stands at the head or foot of most pages, but for its number, is kept once, page numbers not at all. The lines of a
page with one column, and its tables, go by their place, whatever the order in which they were drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.types import BlockKind

_ITEM = re.compile(r"(?:[•●▪■◦‣∙·\uf0b7\uf0a7–—-]|\(?[0-9]{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
_BULLET = re.compile(r"[•●▪■◦‣∙·\uf0b7\uf0a7]\s+")
_FIGURE = re.compile(r"[\d$€£%]")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_DIGITS = re.compile(r"\d+|\b[ivxl]+$")
_PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.|s\.|página|pagina)\s*#(?:\s*(?:of|von|de|di|van|sur|/)\s*#)?"
    r"|#\s*(?:/|of|von|de|sur)\s*#|[-–—]\s*#\s*[-–—]"
)
_HYPHEN = "\u0002\ufffe\u00ad"
_MAX_HEADING = 200
_MAX_BOLD_HEADING = 110


@dataclass(slots=True)
class Line:
    """One line in points from the lower left corner of the page; ``size`` is its height."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    drawn: bool = True
    level: int = 0


@dataclass(slots=True)
class Table:
    """A ruled table; its box counts from the upper left corner of the page."""

    rows: list[list[str]]
    left: float
    top: float
    right: float
    bottom: float


@dataclass(slots=True)
class Page:
    """One page; ``recognised`` are its paragraphs where they were read from its picture, in place of lines."""

    number: int
    height: float
    lines: list[Line]
    tables: list[Table] = field(default_factory=list)
    recognised: tuple[str, ...] = ()


def write_pages(pages: list[Page], out: BlockWriter) -> None:
    """Write the blocks of all pages; the first heading of the first page is the title if there is none yet."""
    _drop_furniture(pages)
    for page in pages:
        page.lines = _in_order(page)
    _find_headings(pages)
    if not out.title and pages:
        first = [line for line in pages[0].lines if line.level == 1]
        out.title = " ".join(line.text for line in first[:2])
    for page in pages:
        _write_page(page, out)


def _write_page(page: Page, out: BlockWriter) -> None:
    for paragraph in page.recognised:
        out.add(BlockKind.PARAGRAPH, paragraph, page=page.number)
    page.tables = [table for table in page.tables if _covers(table, page)]
    waiting = sorted(page.tables, key=lambda table: table.top)
    group: list[Line] = []
    for line in page.lines:
        middle = page.height - (line.top + line.bottom) / 2
        inside = _held(line, page)
        while waiting and (waiting[0] in inside or (not inside and waiting[0].bottom < middle)):
            _write_group(group, page.number, out)
            group = []
            table = waiting.pop(0)
            out.table(table.rows, header_rows=1 if looks_like_header(table.rows) else 0, page=page.number)
        if inside:
            continue
        if group and _breaks(group[-1], line):
            _write_group(group, page.number, out)
            group = []
        group.append(line)
    _write_group(group, page.number, out)
    for table in waiting:
        out.table(table.rows, header_rows=1 if looks_like_header(table.rows) else 0, page=page.number)


def _covers(table: Table, page: Page) -> bool:
    """Check the table against the lines it would replace: words must not be lost to a better shape."""
    lines = [line for line in page.lines if table in _held(line, page)]
    replaced = sum(len(word) for line in lines for word in line.text.split())
    written = sum(len(word) for row in table.rows for cell in row for word in cell.split())
    return written >= 0.9 * replaced


def _held(line: Line, page: Page) -> list[Table]:
    """The tables that the line's middle lies in."""
    middle = page.height - (line.top + line.bottom) / 2
    return [table for table in page.tables if _holds(table, (line.left + line.right) / 2, middle)]


def _holds(table: Table, center: float, middle: float) -> bool:
    return table.top - 1 <= middle <= table.bottom + 1 and table.left - 2 <= center <= table.right + 2


def _write_group(group: list[Line], page: int, out: BlockWriter) -> None:
    if not group:
        return
    first = group[0]
    if first.level:
        out.add(BlockKind.HEADING, " ".join(line.text for line in group), level=first.level, page=page)
        return
    margin = max(line.right for line in group)
    width = max(margin - min(line.left for line in group), 1.0)
    text = first.text
    for above, line in pairwise(group):
        if text[-1] in _HYPHEN:
            text = text[:-1] + line.text
        elif _is_figures(above.text) or _is_figures(line.text) or margin - above.right > 0.25 * width:
            text = f"{text}\n{line.text}"
        else:
            text = f"{text} {line.text}"
    if _ITEM.match(text):
        out.add(BlockKind.LIST_ITEM, _BULLET.sub("- ", text, count=1), page=page)
    else:
        out.add(BlockKind.PARAGRAPH, text, page=page)


def _breaks(above: Line, line: Line) -> bool:
    """Tell whether a new block begins with this line."""
    if above.level != line.level or abs(above.size - line.size) > 0.12 * max(above.size, line.size):
        return True
    gap = above.bottom - line.top
    if gap > 0.55 * line.size or gap < -1.5 * line.size:  # a space between, or back up into the next column
        return True
    return not line.level and bool(_ITEM.match(line.text)) and not _is_figures(line.text)


def _is_figures(text: str) -> bool:
    """Tell a row of a table from prose with numbers: it ends in two figures, or in one of many."""
    figures = [bool(_FIGURE.search(word)) for word in text.split()]
    return sum(figures) > 1 and figures[-1] and (figures[-2] or 3 * sum(figures) >= len(figures))


def _find_headings(pages: list[Page]) -> None:
    sizes: Counter[float] = Counter()
    bold_share = 0
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
            bold_share += line.bold * len(line.text)
    if not sizes:
        return
    body = sizes.most_common(1)[0][0]
    bold_body = bold_share * 2 > sizes.total()
    large = sorted({size for size in sizes if size >= body * 1.15}, reverse=True)
    ranks = {size: min(rank, 4) for rank, size in enumerate(_merged(large), start=1)}
    steps = len(set(ranks.values()))
    for page in pages:
        for line in page.lines:
            if not _LETTERS.search(line.text) or len(line.text) > _MAX_HEADING:
                continue
            if line.size >= body * 1.15:
                nearest = min(ranks, key=lambda size: abs(size - line.size))
                line.level = ranks[nearest]
        if not bold_body:
            _find_bold_headings(page.lines, body, steps + 1)


def _merged(sizes: list[float]) -> list[float]:
    """Sizes within a tenth of each other are one size; the boxes of one font differ a little."""
    kept: list[float] = []
    for size in sizes:
        if not kept or size < kept[-1] * 0.9:
            kept.append(size)
    return kept


def _find_bold_headings(lines: list[Line], body: float, level: int) -> None:
    for number, line in enumerate(lines):
        if not line.bold or line.level or line.size < body * 0.9 or len(line.text) > _MAX_BOLD_HEADING:
            continue
        above = lines[number - 1] if number else None
        below = lines[number + 1] if number + 1 < len(lines) else None
        alone = (above is None or not above.bold or above.bottom - line.top > 0.3 * line.size) and (
            below is None or not below.bold or line.bottom - below.top > 0.3 * line.size
        )
        ends = line.text[-1] in ".,;" and not line.text[:1].isdigit()
        if alone and not ends and _LETTERS.search(line.text) and not _is_figures(line.text):
            line.level = level


def _drop_furniture(pages: list[Page]) -> None:
    """Remove page numbers, and what stands at the same place of at least half of the pages, from its second time on.

    The order in which a program draws tells nothing: many draw the foot of a page before its text.
    """
    needed = max(2, -(-len(pages) // 2)) if len(pages) > 3 else max(2, len(pages))
    seen: set[str] = set()
    for _ in range(2):  # a second row is furniture only behind a first
        found = [[(line, _key(line, page)) for line in _at_edges(page)] for page in pages]
        counts = Counter(key for lines in found for key in {key for _, key in lines})
        dropped = False
        for page, lines in zip(pages, found):
            for line, key in lines:
                text, number = key[-1], bool(_PAGE_NUMBER.fullmatch(key[-1]))
                if number or counts[key] >= needed:
                    said = any(other is not line and _unnumbered(other) == text for other in page.lines)
                    if number or said or text in seen or not text.strip("# -"):
                        page.lines = [other for other in page.lines if other is not line]
                    seen.add(text)
                    dropped = True
        if not dropped:
            return


def _at_edges(page: Page) -> list[Line]:
    """The lines of the topmost and of the lowest row, where these lie within a sixth of the page's height."""
    rows = [round(line.bottom) for line in page.lines]
    near = [row for row in rows if not page.height / 6 < row < page.height * 5 / 6]
    edges = {min(rows), max(rows)} & set(near) if rows else set()
    return [line for line, row in zip(page.lines, rows) if row in edges]


def _key(line: Line, page: Page) -> tuple[bool, int, str]:
    """Where a line stands, from the nearer edge in steps of three points, and its words but for the numbers."""
    upper = line.bottom > page.height / 2
    distance = page.height - line.top if upper else line.bottom
    return upper, round(distance / 3), _unnumbered(line)


def _unnumbered(line: Line) -> str:
    return _DIGITS.sub("#", line.text.strip().lower())


def _in_order(page: Page) -> list[Line]:
    """The lines from head to foot where the page has one column, else as drawn, but for a foot drawn first."""
    lines = page.lines
    free = [line for line in lines if not _held(line, page)]
    falling = sorted(free, key=lambda line: (-line.top, line.left))
    if all(above.bottom - line.top > -0.5 * min(above.size, line.size) for above, line in pairwise(falling)):
        return sorted(lines, key=lambda line: -line.top)
    late = next((n for n, line in enumerate(lines[:-1]) if any(line.top > after.bottom for after in lines[n + 1 :])), 0)
    return lines[late:] + lines[:late]
