"""The text of OpenDocument files (ODF 1.3 Part 3, chapters 5 to 9): paragraphs, lists and tables in document order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.etree.ElementTree import Element

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.odf_styles import DRAW, FO, OFFICE, TABLE, TEXT, Styles, color_of
from ragkit.parse.presentation_paint import alike
from ragkit.parse.problems import problem
from ragkit.parse.xml_safe import local
from ragkit.types import BlockKind

_MAX_DEPTH: Final = 60
_MAX_REPEAT: Final = 200
_MAX_CELLS: Final = 500_000
_BOXES: Final = frozenset({"frame", "custom-shape", "rect", "g", "ellipse", "text-box", "path", "polygon", "line"})
# Templates of indexes, forms, scripts, alternative texts, and numbers that fields count.
_SKIPPED: Final = frozenset(
    {
        "forms", "event-listeners", "scripts", "script", "title", "desc", "sequence-decls", "variable-decls",
        "user-field-decls", "page-number", "page-count", "bookmark", "number", "ruby-text", "binary-data",
        "table-of-content-source", "illustration-index-source", "table-index-source", "object-index-source",
        "user-index-source", "alphabetical-index-source", "bibliography-source",
    }
)  # fmt: skip


class Walk:
    """Writes the blocks below an element.

    Attributes:
        page: The page that the blocks stand on.
        grounds: The colours that may lie behind the text, as six hexadecimal digits; None is one that cannot be told.
    """

    def __init__(self, styles: Styles, out: BlockWriter, grounds: list[str | None]) -> None:
        self.page: int | None = None
        self.grounds = grounds
        self._styles = styles
        self._out = out
        self._boxes: list[Element] = []
        self._notes: list[Element] = []
        self._numbers: dict[tuple[str, int], int] = {}

    def blocks(self, parent: Iterable[Element], depth: int = 0) -> None:
        """Write paragraphs, lists and tables, through wrappers of any name."""
        if depth > _MAX_DEPTH:
            raise problem("too-nested")  # rather than lose what is further down
        for child in parent:
            name = local(child)
            if self._is_hidden(child, name):
                self._out.hidden += has_text(child)
            elif name in {"p", "h"}:
                self.paragraph(child)
            elif name == "list":
                self._list(child, child.get(f"{TEXT}style-name") or "", 1)
            elif name == "table":
                self._table(child)
            elif name and name not in _SKIPPED:
                self.blocks(child, depth + 1)

    def finish(self) -> None:
        """Write the notes that were met on the way, which stand at the end."""
        while self._notes:
            notes, self._notes = self._notes, []
            self.blocks(notes)

    def paragraph(self, element: Element, label: str = "") -> None:
        """Write one paragraph, heading or list item, then the boxes anchored in it."""
        line = self.line(element)
        text = line.strip()
        named, is_title, is_code = self._styles.role(element.get(f"{TEXT}style-name"))
        level = named
        if local(element) == "h":
            outline = element.get(f"{TEXT}outline-level") or ""
            level = int(outline) if outline.isdigit() else max(named, 1)
        if level and text:
            if is_title or level == 1:
                self._out.title = self._out.title or " ".join(text.split())
            self._out.add(BlockKind.HEADING, text, level=level, page=self.page)
        elif is_code:
            self._out.add(BlockKind.CODE, line, page=self.page)
        elif label and text:
            self._out.add(BlockKind.LIST_ITEM, f"{label} {text}", page=self.page)
        else:
            self._out.add(BlockKind.PARAGRAPH, text, page=self.page)
        boxes, self._boxes = self._boxes, []
        self.blocks(boxes)

    def line(self, element: Element) -> str:
        """The visible text of a paragraph; boxes and notes in it are kept for later."""
        pieces: list[str] = []
        self._collect(element, pieces, element.get(f"{TEXT}style-name"), None, 0)
        return "".join(pieces)

    def _collect(self, element: Element, pieces: list[str], style: str | None, span: str | None, depth: int) -> None:
        shown = not self._hides(style, span)
        self._text(element.text, pieces, shown)
        for child in element:
            name = local(child)
            if name in {"s", "tab", "line-break"}:
                if shown:
                    count = child.get(f"{TEXT}c") or "1"
                    blanks = " " * min(int(count) if count.isdigit() else 1, _MAX_REPEAT)
                    pieces.append({"tab": "\t", "line-break": "\n"}.get(name, blanks))
            elif self._is_hidden(child, name):
                self._out.hidden += has_text(child)
            elif name == "note":
                self._notes.extend(body for body in child if local(body) == "note-body")
            elif name in _BOXES:
                self._boxes.append(child)
            elif name and name not in _SKIPPED:
                if depth >= _MAX_DEPTH:
                    raise problem("too-nested")
                own = child.get(f"{TEXT}style-name") if name == "span" else None
                self._collect(child, pieces, style, own or span, depth + 1)
            self._text(child.tail, pieces, shown)

    def _text(self, text: str | None, pieces: list[str], shown: bool) -> None:
        if text and shown:
            pieces.append(" ".join(text.splitlines()) if "\n" in text else text)  # line breaks are elements
        elif text:
            self._out.hidden += bool(text.strip())

    def _is_hidden(self, element: Element, name: str) -> bool:
        """True for comments, deleted text, and what is marked as not to be shown."""
        if name in {"annotation", "deletion"}:
            return True
        if name == "hidden-text":
            return element.get(f"{TEXT}is-hidden") == "true"
        if name == "section":
            return element.get(f"{TEXT}display") == "none" or element.get(f"{TEXT}is-hidden") == "true"
        if name == "p":
            return any(field.get(f"{TEXT}is-hidden") == "true" for field in element.iterfind(f"{TEXT}hidden-paragraph"))
        return name in _BOXES and element.get(f"{DRAW}display") in {"none", "printer"}

    def _hides(self, style: str | None, span: str | None) -> bool:
        below, above = self._styles.look("paragraph", style), self._styles.look("text", span)
        if below.hidden or above.hidden:
            return True
        color, ground = above.color or below.color, above.ground or below.ground
        grounds = [ground] if ground else self.grounds
        return color is not None and bool(grounds) and all(alike(color, behind) for behind in grounds)

    def _list(self, element: Element, style: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise problem("too-nested")  # rather than lose what is further down
        key = (style, depth)
        goes_on = element.get(f"{TEXT}continue-numbering") == "true" or element.get(f"{TEXT}continue-list")
        number = self._numbers[key] if goes_on and key in self._numbers else self._styles.start(style, depth) - 1
        for item in element:
            fresh = local(item) == "list-item"
            start = item.get(f"{TEXT}start-value") or ""
            for child in item:
                name = local(child)
                if name == "list":
                    self._list(child, child.get(f"{TEXT}style-name") or style, depth + 1)
                elif name in {"p", "h"} and fresh:
                    fresh = False
                    number = int(start) if start.isdigit() else number + 1
                    self.paragraph(child, self._styles.label(style, depth, number))
                else:
                    self.blocks([child])
        self._numbers[key] = number

    def _table(self, table: Element) -> None:
        rows, header_rows = self.grid(table)
        cells = list(table.iter(f"{TABLE}table-cell"))
        if len(rows) == 1 and len(cells) == 1:
            self.blocks(cells[0])  # a frame around text, not a table
            return
        if not 0 < header_rows < len(rows):
            header_rows = 1 if looks_like_header(rows) else 0
        self._out.table(rows, header_rows=header_rows, page=self.page)

    def grid(self, table: Element) -> tuple[list[list[str]], int]:
        """The rows of a table, merged cells spread over their rows, and how many of them are marked as header rows."""
        rows: list[list[str]] = []
        header_rows = cells = 0
        carried: dict[int, tuple[int, str]] = {}
        titled = table.get(f"{TABLE}use-first-row-styles") == "true"
        for row, marked in _rows(table, False):
            is_header = marked or (titled and not rows)
            if row.get(f"{TABLE}visibility") in {"collapse", "filter"}:
                self._out.hidden += has_text(row)
                continue
            line: list[str] = []
            for cell in row:
                name = local(cell)
                if name not in {"table-cell", "covered-table-cell"}:
                    continue
                text = self._cell(cell) if name == "table-cell" else ""
                spans = _count(cell, "number-rows-spanned")
                for _ in range(_count(cell, "number-columns-repeated")):
                    column = len(line)
                    if name == "covered-table-cell" and column in carried:
                        left, above = carried.pop(column)
                        line.append(above)
                        if left > 1:
                            carried[column] = (left - 1, above)
                        continue
                    if is_header and name == "covered-table-cell" and line:
                        text = line[-1]  # every column keeps the title that spans it
                    line.append(text)
                    if spans > 1:
                        carried[column] = (spans - 1, text)
            header_rows += is_header and len(rows) == header_rows
            rows.extend([line] * (_count(row, "number-rows-repeated") if any(line) else 1))
            cells += len(line) * _count(row, "number-rows-repeated")
            if cells > _MAX_CELLS:
                raise problem("archive-bomb")  # a few repeated cells can stand for millions
        return rows, header_rows

    def _cell(self, cell: Element) -> str:
        style = cell.get(f"{TABLE}style-name")
        ground = self._styles.property("table-cell", style, "table-cell-properties", f"{FO}background-color")
        outside = self.grounds
        if ground not in {None, "transparent"}:
            self.grounds = [color_of(ground)]
        pieces = []
        for paragraph in _paragraphs(cell):
            pieces.append(self.line(paragraph))
            boxes, self._boxes = self._boxes, []
            pieces.extend(self.line(inner) for box in boxes for inner in _paragraphs(box))
        self._out.hidden += sum(1 for _ in cell.iterfind(f"{OFFICE}annotation"))
        self.grounds = outside
        return " ".join(filter(None, pieces))


def has_text(element: Element) -> bool:
    """True when there is anything to read in it, shown or not."""
    return any(text.strip() for text in element.itertext())


def _rows(parent: Element, is_header: bool, depth: int = 0) -> Iterator[tuple[Element, bool]]:
    for child in parent:
        name = local(child)
        if name == "table-row":
            yield child, is_header
        elif name in {"table-header-rows", "table-rows", "table-row-group"} and depth < _MAX_DEPTH:
            yield from _rows(child, is_header or name == "table-header-rows", depth + 1)


def _paragraphs(parent: Element, depth: int = 0) -> Iterator[Element]:
    """The paragraphs in a cell, those of lists and tables in it too, but not those inside another paragraph."""
    for child in parent:
        name = local(child)
        if name in {"p", "h"}:
            yield child
        elif name and name not in _SKIPPED and name != "annotation" and depth < _MAX_DEPTH:
            yield from _paragraphs(child, depth + 1)


def _count(element: Element, key: str) -> int:
    value = element.get(f"{TABLE}{key}") or ""
    return max(1, min(int(value), _MAX_REPEAT)) if value.isdigit() and len(value) < 10 else 1
