"""HTML by the HTML5 grammar (selectolax on Lexbor): headings, paragraphs, lists, code, tables.

What a reader of the page would not see is removed and counted, since that is how instructions are slipped past a
person: comments with words, and elements hidden by attribute or style (:mod:`.webpage_hidden`). Scripts, styles,
navigation and form controls are left out without a word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.formats import Part
from ragkit.parse.main_text import main_text, wants_main_text
from ragkit.parse.text import decode
from ragkit.parse.webpage_hidden import drop_hidden, is_remark
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_LEFT_OUT = frozenset(
    {
        "script", "style", "noscript", "template", "nav", "svg", "iframe", "object", "embed", "applet", "annotation",
        "canvas", "audio", "video", "map", "select", "datalist", "textarea", "button", "input", "head", "link",
        "meta", "base", "area", "param", "source", "track", "-comment", "_comment", "!doctype",
        "annotation-xml",
    }
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
        "h6", "header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "ol", "p", "section", "summary",
        "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
_NOT_IN_DATA = "table,h1,h2,h3,h4,h5,h6,pre,form,section,article"
_BREAK = "\x1e"
_SPACES = re.compile(r"\s+")
_MAX_SPAN = 200
_MAX_TABLE_CELLS = 2_000_000


def parse(part: Part, out: BlockWriter) -> None:
    """Read an HTML page, or its main text where the media type asks for that."""
    write_html(decode(part, out), out, whole=True, main_only=wants_main_text(part.media_type))


def write_html(source: str, out: BlockWriter, *, whole: bool = False, main_only: bool = False) -> None:
    """Write the blocks of a page, or of a fragment within other text."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(source.replace("\x00", ""))
    if tree.root is None:
        return
    if whole and not out.title and (title := tree.css_first("head > title")) is not None:
        out.title = _flat(title.text())
    out.hidden += drop_hidden(tree.root)
    if main_only and (kept := main_text(tree.html or "")):
        tree = LexborHTMLParser(kept)
    start = tree.body or tree.root
    if start is not None:
        _Walk(out).over(start)


def _flat(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


class _Walk:
    """Depth first over the tree with a stack of its own: a page nested 100,000 deep must not end the process."""

    def __init__(self, out: BlockWriter) -> None:
        self._out = out
        self._inline: list[str] = []
        self._lists: list[int | None] = []
        self._marker = ""
        self._level = 0
        self._layouts: set[int] = set()

    def over(self, root: LexborNode) -> None:
        self._layouts = _around(root, _NOT_IN_DATA)
        stack: list[tuple[LexborNode, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            tag = node.tag or ""
            if leaving:
                self._leave(tag)
                continue
            if tag == "-text":
                self._inline.append(node.text_content or "")
                continue
            if tag in _LEFT_OUT:
                self._out.hidden += tag == "-comment" and is_remark(node.comment_content or "")
                continue
            if tag == "br":
                self._inline.append(_BREAK)
            elif tag in {"pre", "listing", "xmp"}:
                self._flush()
                self._out.add(BlockKind.CODE, node.text(deep=True))
            elif tag == "table" and node.mem_id not in self._layouts and (rows := _data_rows(node)) is not None:
                self._flush()
                self._table(node, *rows)
            else:
                if tag in _BLOCKS:
                    self._enter(tag, node)
                    stack.append((node, True))
                children = []
                child = node.child
                while child is not None:
                    children.append((child, False))
                    child = child.next
                stack.extend(reversed(children))
        self._flush()

    def _enter(self, tag: str, node: LexborNode) -> None:
        self._flush()
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self._level = int(tag[1])
        elif tag in {"ul", "menu"}:
            self._lists.append(None)
        elif tag == "ol":
            start = node.attributes.get("start") or ""
            self._lists.append(int(start) if re.fullmatch(r"\d{1,9}", start) else 1)
        elif tag == "li":
            number = self._lists[-1] if self._lists else None
            self._marker = "-" if number is None else f"{number}."
            if number is not None:
                self._lists[-1] = number + 1

    def _leave(self, tag: str) -> None:
        self._flush()
        if len(tag) == 2 and tag[0] == "h":
            self._level = 0
        elif tag in {"ul", "ol", "menu"}:
            self._lists.pop()
        elif tag == "li":
            self._marker = ""

    def _flush(self) -> None:
        if not self._inline:
            return
        pieces = "".join(self._inline).split(_BREAK)
        text = "\n".join(filter(None, map(_flat, pieces)))
        self._inline.clear()
        if not text:
            return
        if self._level:
            if self._level == 1 and not self._out.title:
                self._out.title = _flat(text)
            self._out.add(BlockKind.HEADING, text, level=self._level)
        elif self._marker:
            self._out.add(BlockKind.LIST_ITEM, f"{self._marker} {text}")
            self._marker = ""
        else:
            self._out.add(BlockKind.PARAGRAPH, text)

    def _table(self, node: LexborNode, rows: list[list[str]], header_rows: int) -> None:
        caption = node.css_first("caption")
        if caption is not None:
            self._out.add(BlockKind.PARAGRAPH, _flat(caption.text(separator=" ")))
        self._out.table(rows, header_rows=header_rows)


def _around(root: LexborNode, selector: str) -> set[int]:
    """The elements around those that the selector finds, each visited once however deep they lie in one another."""
    around: set[int] = set()
    for node in root.css(selector):
        above = node.parent
        while above is not None and above.mem_id not in around:
            around.add(above.mem_id)
            above = above.parent
    return around


def _data_rows(table: LexborNode) -> tuple[list[list[str]], int] | None:
    """Return rows and the number of header rows; ``None`` for a table that only lays out the page."""
    rows: list[list[str]] = []
    carried: dict[int, tuple[int, str]] = {}  # column -> rows it still spans, text
    header_rows, in_header, cells_in_all = 0, True, 0
    for line in table.css("tr"):
        cells, all_head = _cells(line)
        row: list[str] = []
        for text, columns, span in cells:
            _carry(row, carried)
            for offset in range(columns):
                if span > 1:
                    carried[len(row)] = (span - 1, text if offset == 0 else "")
                row.append(text if offset == 0 or all_head else "")  # every column keeps the title that spans it
        _carry(row, carried)
        cells_in_all += len(row)
        if cells_in_all > _MAX_TABLE_CELLS:
            return None
        if not row:
            continue
        parent = line.parent
        in_header = in_header and (all_head or (parent is not None and parent.tag == "thead"))
        header_rows += in_header
        rows.append(row)
    if len(rows) == 1 and len(rows[0]) == 1:
        return None
    if header_rows == len(rows):
        header_rows = 0
    if not header_rows and rows and not table.css_first("th") and looks_like_header(rows):
        header_rows = 1
    return rows, header_rows


def _carry(row: list[str], carried: dict[int, tuple[int, str]]) -> None:
    while len(row) in carried:
        left, text = carried.pop(len(row))
        if left > 1:
            carried[len(row)] = (left - 1, text)
        row.append(text)


def _cells(line: LexborNode) -> tuple[list[tuple[str, int, int]], bool]:
    cells, all_head = [], True
    child = line.child
    while child is not None:
        if child.tag in {"td", "th"}:
            all_head = all_head and child.tag == "th"
            attributes = child.attributes
            cells.append((_cell_text(child), _span(attributes.get("colspan")), _span(attributes.get("rowspan"))))
        child = child.next
    return cells, all_head and bool(cells)


def _span(value: str | None) -> int:
    return min(int(value), _MAX_SPAN) if value and re.fullmatch(r"[1-9]\d{0,4}", value.strip()) else 1


def _cell_text(cell: LexborNode) -> str:
    pieces = []
    for node in cell.traverse(include_text=True):
        tag = node.tag or ""
        if tag == "-text":
            parent = node.parent
            if parent is None or parent.tag not in _LEFT_OUT:
                pieces.append(node.text_content or "")
        elif tag == "br" or tag in _BLOCKS:
            pieces.append(" ")
    return _flat("".join(pieces))
