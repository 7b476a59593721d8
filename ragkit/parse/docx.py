"""DOCX by python-docx's package reader and the document's own XML: headings, lists, tables, notes in document order.

python-docx's paragraph objects lose text in hyperlinks' siblings, content controls, text boxes and insertions, so the
elements are walked by name. Deleted text, hidden runs, type of one point or less, and white type on no shading are not
what a reader sees: removed and counted. Headers and footers, which repeat on every page, are written once.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ragkit.parse.archive import check_zip
from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.docx_styles import Styles, W, is_on, value
from ragkit.parse.drawings import write_drawings
from ragkit.parse.formats import Part
from ragkit.parse.ooxml import comments, to_transitional
from ragkit.parse.problems import problem
from ragkit.parse.xml_safe import DAMAGE, local
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from docx.document import Document as DocxDocument

_SKIPPED = frozenset({"del", "moveFrom", "Fallback", "pPr", "rPr", "instrText", "delText", "sectPr", "tblPr", "trPr"})
_MAX_SPAN = 200
_MAX_DEPTH = 60


def parse(part: Part, out: BlockWriter) -> None:
    """Read a DOCX."""
    check_zip(part.content)
    document = _open(part.content)
    with suppress(KeyError, ValueError):
        title = " ".join((document.core_properties.title or "").split())
        if title.lower() not in {"", "word document", "document", "untitled", "title"}:
            out.title = out.title or title
    out.hidden += comments(document.part, b"comment")
    walk = _Walk(Styles(document), document.part, out)
    edges = list(_headers_and_footers(document))
    for kind, element in edges:
        if kind == "header":
            walk.blocks(element)
    walk.blocks(document.element.body)
    for element in _notes(document):
        walk.blocks(element)
    for kind, element in edges:
        if kind == "footer":
            walk.blocks(element)


def _open(content: bytes) -> DocxDocument:
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError

    try:
        try:
            return Document(io.BytesIO(content))
        except (KeyError, ValueError):
            return Document(io.BytesIO(to_transitional(content)))
    except (OpcError, LxmlError, KeyError, AttributeError, *DAMAGE):
        raise problem("malformed") from None


def _headers_and_footers(document: DocxDocument) -> Iterator[tuple[str, Any]]:
    """Each different header and footer text once, as ``("header" | "footer", element)``."""
    seen: set[tuple[str, str]] = set()
    for section in document.sections:
        for kind, part in (
            ("header", section.first_page_header),
            ("header", section.header),
            ("header", section.even_page_header),
            ("footer", section.first_page_footer),
            ("footer", section.footer),
            ("footer", section.even_page_footer),
        ):
            with suppress(KeyError, ValueError, AttributeError):  # a section may name a part that is not in the package
                if part.is_linked_to_previous:
                    continue
                element = part._element
                text = "".join(element.itertext()).strip()
                if text and (kind, text) not in seen:
                    seen.add((kind, text))
                    yield kind, element


def _notes(document: DocxDocument) -> Iterator[Any]:
    """Yield footnotes and endnotes; python-docx has no objects for them."""
    from docx.oxml import parse_xml  # its parser resolves no entities

    for relation in document.part.rels.values():
        if relation.is_external or not relation.reltype.endswith(("/footnotes", "/endnotes")):
            continue
        with suppress(ValueError, SyntaxError):
            for note in parse_xml(relation.target_part.blob):
                if local(note) in {"footnote", "endnote"} and note.get(f"{W}type") in {None, "normal"}:
                    yield note


class _Walk:
    def __init__(self, styles: Styles, part: Any, out: BlockWriter) -> None:
        self._styles = styles
        self._part = part
        self._out = out
        self._boxes: list[Any] = []
        self._depth = 0

    def blocks(self, parent: Any) -> None:
        """Write the paragraphs and tables below an element, through wrappers of any name."""
        if self._depth > _MAX_DEPTH:
            raise problem("too-nested")  # rather than lose what is further down
        self._depth += 1
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name and name not in _SKIPPED:
                self.blocks(child)
        self._depth -= 1

    def _paragraph(self, element: Any) -> None:
        style = self._styles.of(element)
        text = self.text(element, hidden=style.hidden)
        if style.is_title and not self._out.title:
            self._out.title = " ".join(text.split())
        if style.level:
            label = self._styles.label(style)
            if style.level == 1 and not self._out.title:
                self._out.title = " ".join(text.split())
            if text.strip():
                text = f"{label} {text}" if label and label != "-" else text
                self._out.add(BlockKind.HEADING, text, level=style.level)
        elif style.is_code:
            self._out.add(BlockKind.CODE, text)
        elif text.strip() and (label := self._styles.label(style)):
            self._out.add(BlockKind.LIST_ITEM, f"{label} {text.strip()}")
        else:
            self._out.add(BlockKind.PARAGRAPH, text)
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self.blocks(box)
        for drawing in element.iter(f"{W}drawing"):
            if not _in_box(drawing, element):
                write_drawings(drawing, self._part, self._out)

    def text(self, element: Any, *, hidden: bool = False) -> str:
        """The visible text below an element; text boxes met on the way are kept for after the paragraph."""
        pieces: list[str] = []
        self._collect(element, pieces, hidden, 0)
        return "".join(pieces)

    def _collect(self, element: Any, pieces: list[str], hidden: bool, depth: int) -> None:
        for child in element:
            name = local(child)
            if not name or name in _SKIPPED:
                continue
            if name == "t":
                if hidden:
                    self._out.hidden += bool((child.text or "").strip())
                else:
                    pieces.append(child.text or "")
            elif name in {"tab", "ptab"}:
                pieces.append("\t")
            elif name in {"br", "cr"}:
                pieces.append("\n")
            elif name == "noBreakHyphen":
                pieces.append("-")
            elif name == "txbxContent":
                self._boxes.append(child)
            elif depth >= _MAX_DEPTH:
                raise problem("too-nested")
            else:
                unseen = hidden or (name == "r" and self._styles.hides(child))
                self._collect(child, pieces, unseen, depth + 1)

    def _table(self, table: Any) -> None:
        rows = [row for row in table.iter(f"{W}tr") if _own_table(row) is table]
        if len(rows) == 1 and len(cells := list(_cells(rows[0]))) == 1:
            self.blocks(cells[0])  # a frame around text, not a table
            return
        grid: list[list[str]] = []
        header_rows = 0
        for row in rows:
            line: list[str] = []
            for cell in _cells(row):
                properties = cell.find(f"{W}tcPr")
                span = value(properties, "gridSpan")
                merge = properties.find(f"{W}vMerge") if properties is not None else None
                continued = merge is not None and merge.get(f"{W}val") != "restart"
                above = grid[-1][len(line)] if continued and grid and len(line) < len(grid[-1]) else None
                line.append(above if above is not None else self._cell(cell))
                columns = min(int(span), _MAX_SPAN) if span and span.isdigit() else 1
                line.extend([""] * (columns - 1))
            properties = row.find(f"{W}trPr")
            if len(grid) == header_rows and properties is not None and is_on(properties.find(f"{W}tblHeader")):
                header_rows += 1
            grid.append(line)
        if grid and not 0 < header_rows < len(grid):
            header_rows = 1 if looks_like_header(grid) else 0
        self._out.table(grid, header_rows=header_rows)

    def _cell(self, cell: Any) -> str:
        text = " ".join(self.text(paragraph) for paragraph in cell.iter(f"{W}p") if not _in_box(paragraph, cell))
        boxes, self._boxes = self._boxes, []
        return " ".join((text, *(self.text(box) for box in boxes)))


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        name = local(child)
        if name == "tc":
            yield child
        elif name in {"sdt", "sdtContent", "customXml"}:
            yield from _cells(child)


def _own_table(row: Any) -> Any:
    parent = row.getparent()
    while parent is not None and local(parent) != "tbl":
        parent = parent.getparent()
    return parent


def _in_box(element: Any, outer: Any) -> bool:
    parent = element.getparent()
    while parent is not None and parent is not outer:
        if local(parent) in {"txbxContent", "Fallback"}:
            return True
        parent = parent.getparent()
    return False
