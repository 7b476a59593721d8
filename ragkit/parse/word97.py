"""DOC (Word 97 to 2003) by olefile and [MS-DOC]: text by the piece table (2.4.1), headings, lists, tables, notes.

Hidden, deleted and one-point type, and white type outside tables on no shading, are removed and counted, as comments
are. Older Word (nFib below 193) keeps its text in another way: ``unsupported-type``. No well-kept library of an
acceptable licence reads DOC; the file's own structures are few, and every offset in them is checked by ``struct``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.formats import Part
from ragkit.parse.ole import Container
from ragkit.parse.problems import problem
from ragkit.parse.word97_lists import Lists
from ragkit.parse.word97_paragraphs import Form, paragraph_forms
from ragkit.parse.word97_properties import character_marks, piece_table
from ragkit.types import BlockKind

_WORD97: Final = 193
_ENCRYPTED: Final = 0x0100
_TABLE_ONE: Final = 0x0200
_LENGTHS_AT: Final = 0x4C
"""Where the FIB has the lengths of its stories: text, footnotes, headers, macros, comments, endnotes, boxes, theirs."""
_FIELD: Final = re.compile("\x13(?!\\s*(?:NUM)?PAGE)[^\x13\x14\x15]*\x14([^\x13\x14\x15]*)\x15|\x13[^\x13\x15]*\x15")
_MAX_NESTED_FIELDS: Final = 20
_CHARACTERS: Final = {ord("\x0b"): "\n", 0x1E: "-", 0x1F: None, 0x07: None, 0x0C: None, 0x0D: None}
_CONTROLS: Final = {code: None for code in range(0x20) if code not in {0x09, 0x0A, 0x0B}}
_END: Final = re.compile("[\x07\x0c\r]")


def parse(part: Part, out: BlockWriter) -> None:
    """Read a DOC."""
    container = Container(part.content)
    try:
        _Document(container, out).write()
    except (struct.error, IndexError, ValueError, OverflowError):
        raise problem("malformed") from None
    out.title = out.title or container.title


class _Document:
    def __init__(self, container: Container, out: BlockWriter) -> None:
        main = container.stream("WordDocument")
        magic, version = struct.unpack_from("<HH", main)
        (flags,) = struct.unpack_from("<H", main, 0x0A)
        if flags & _ENCRYPTED:
            raise problem("encrypted")
        if magic != 0xA5EC or version < _WORD97:
            raise problem("unsupported-type", detail="application/msword")
        table = container.stream("1Table" if flags & _TABLE_ONE else "0Table")
        self._out = out
        self._lengths = struct.unpack_from("<8i", main, _LENGTHS_AT)
        pieces = piece_table(main, table)
        self._text = "".join(piece.text(main) for piece in pieces)
        self._marks = character_marks(main, table, pieces, len(self._text))
        self._forms = paragraph_forms(main, table, pieces)
        self._lists = Lists(main, table)
        self._rows: list[list[str]] = []
        self._cells: list[str] = []
        self._cell: list[str] = []
        self._header_rows = 0

    def write(self) -> None:
        """Write the stories: text, boxes, footnotes, endnotes, and what stands on every page."""
        text, footnotes, headers, macros, comments, endnotes, boxes, page_boxes = self._lengths
        places, start = {}, 0
        for name, length in (
            ("text", text), ("footnotes", footnotes), ("headers", headers), ("macros", macros),
            ("comments", comments), ("endnotes", endnotes), ("boxes", boxes), ("page boxes", page_boxes),
        ):  # fmt: skip
            if length < 0:
                raise problem("malformed")
            places[name] = (start, start := start + length)
        self._out.hidden += self._text[slice(*places["comments"])].count("\x05")
        seen: set[str] = set()
        for name in ("text", "boxes", "footnotes", "endnotes", "headers", "page boxes"):
            self._story(*places[name], seen if name in {"headers", "page boxes"} else None)

    def _story(self, start: int, end: int, seen: set[str] | None) -> None:
        for first, last in self._paragraphs(start, min(end, len(self._text))):
            form = self._forms.at(last)
            text = self._line(first, last, form)
            if form.in_table:
                self._in_table(text, self._text[last], form)
                continue
            self._end_table()
            if seen is not None and text in seen:
                continue
            if seen is not None:
                seen.add(text)
            self._paragraph(text, form)
        self._end_table()

    def _paragraphs(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        for found in _END.finditer(self._text, start, end):
            yield start, found.start()
            start = found.end()
        if start < end:
            yield start, end - 1

    def _line(self, first: int, last: int, form: Form) -> str:
        """The visible text of a paragraph, instructions of fields taken out."""
        pieces = []
        start = first
        last += self._text[last] not in "\x07\x0c\r"
        while start < last:
            mark, end = self._marks.at(start)
            end = min(end, last)
            text = self._text[start:end]
            if mark.is_gone or (mark.is_white and not (form.shaded or form.in_table)):
                self._out.hidden += bool(text.strip("\x01\x05\x08\x13\x14\x15 \r\x07\x0c"))
                text = "".join(character for character in text if character in "\x13\x14\x15")
            pieces.append(text)
            start = end
        line = "".join(pieces)
        for _ in range(_MAX_NESTED_FIELDS):
            line, replaced = _FIELD.subn(lambda found: found[1] or "", line)
            if not replaced:
                break
        return line.translate(_CONTROLS).translate(_CHARACTERS).strip()

    def _paragraph(self, text: str, form: Form) -> None:
        label = self._lists.label(form) if text else ""
        if form.level and text:
            if form.level == 1:
                self._out.title = self._out.title or " ".join(text.split())
            self._out.add(BlockKind.HEADING, f"{label} {text}" if label not in {"", "-"} else text, level=form.level)
        elif label:
            self._out.add(BlockKind.LIST_ITEM, f"{label} {text}")
        else:
            self._out.add(BlockKind.PARAGRAPH, text)

    def _in_table(self, text: str, mark: str, form: Form) -> None:
        if form.ends_row:
            if self._cells:
                self._header_rows += form.is_header and self._header_rows == len(self._rows)
                self._rows.append(self._cells)
            self._cells, self._cell = [], []
            return
        self._cell.append(text)
        if mark == "\x07":
            self._cells.append(" ".join(filter(None, self._cell)))
            self._cell = []

    def _end_table(self) -> None:
        if self._cell or self._cells:
            self._rows.append([*self._cells, " ".join(filter(None, self._cell))])
        if self._rows:
            marked = self._header_rows if self._header_rows < len(self._rows) else 0
            self._out.table(self._rows, header_rows=marked or int(looks_like_header(self._rows)))
        self._rows, self._cells, self._cell, self._header_rows = [], [], [], 0
