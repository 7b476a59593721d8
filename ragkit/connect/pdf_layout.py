"""From measured lines to headings, paragraphs, list items and tables.

A heading is set larger than the body, or is a short bold line by itself. Lines join to a paragraph while their
distance and size stay the same; a row of figures keeps its own line, so that a table without rules stays readable.
What stands at the head or foot of most pages, but for its number, is kept once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

from ragkit.connect.blocks import BlockWriter, looks_like_header
from ragkit.types import BlockKind

_ITEM = re.compile(r"(?:[•●▪■◦‣∙·\uf0b7\uf0a7–—-]|\(?[0-9]{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
_BULLET = re.compile(r"[•●▪■◦‣∙·\uf0b7\uf0a7]\s+")
_FIGURE = re.compile(r"[\d$€£%]")
_LETTERS = re.compile(r"[^\W\d_]{2}")
_DIGITS = re.compile(r"\d+|[ivxl]+$")
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
    """One page."""

    number: int
    height: float
    lines: list[Line]
    tables: list[Table] = field(default_factory=list)


def write_pages(pages: list[Page], out: BlockWriter) -> None:
    """Write the blocks of all pages; the first heading of the first page is the title if there is none yet."""
    _drop_furniture(pages)
    _find_headings(pages)
    if not out.title and pages:
        first = [line for line in pages[0].lines if line.level == 1]
        out.title = " ".join(line.text for line in first[:2])
    for page in pages:
        _write_page(page, out)


def _write_page(page: Page, out: BlockWriter) -> None:
    page.tables = [table for table in page.tables if _covers(table, page)]
    waiting = sorted(page.tables, key=lambda table: table.top)
    group: list[Line] = []
    for line in page.lines:
        middle = page.height - (line.top + line.bottom) / 2
        inside = [table for table in page.tables if _holds(table, line, middle)]
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
    lines = [line for line in page.lines if _holds(table, line, page.height - (line.top + line.bottom) / 2)]
    replaced = sum(len(word) for line in lines for word in line.text.split())
    written = sum(len(word) for row in table.rows for cell in row for word in cell.split())
    return written >= 0.9 * replaced


def _holds(table: Table, line: Line, middle: float) -> bool:
    center = (line.left + line.right) / 2
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
    """Tell a row of a table: it ends in a figure, and has another one."""
    words = text.split()
    return len(words) > 1 and bool(_FIGURE.search(words[-1])) and sum(bool(_FIGURE.search(w)) for w in words) > 1


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
    """Remove what stands at the same edge of at least half of the pages, from its second time on."""
    if len(pages) < 4:
        return
    for edge in (0, -1):
        for _ in range(2):
            keys = [_key(page.lines[edge].text) for page in pages if page.lines]
            common = {key for key, count in Counter(keys).items() if count * 2 >= len(pages)}
            if not common:
                break
            seen: set[str] = set()
            for page in pages:
                if page.lines and (key := _key(page.lines[edge].text)) in common:
                    if key in seen or not key.strip("# -"):
                        page.lines.pop(edge)
                    seen.add(key)


def _key(text: str) -> str:
    return _DIGITS.sub("#", text.strip().lower())
