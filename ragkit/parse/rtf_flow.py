"""The paragraphs, lists and table rows of one place in an RTF file."""

from __future__ import annotations

from typing import Final

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.rtf_state import Tables
from ragkit.types import BlockKind

_MAX_COLUMNS: Final = 200


class Flow:
    """Paragraphs and table rows of one place: the body, the notes, a header.

    Attributes:
        label: The list label of the paragraph to come.
    """

    def __init__(self, tables: Tables) -> None:
        self.label = ""
        self._tables = tables
        self._shaded = {"cbpat": False, "clcbpat": False}
        self._blocks: list[tuple[BlockKind, str, int, list[list[str]]]] = []
        self._line: list[str] = []
        self._cell: list[str] = []
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._header_rows = 0
        self._is_header_row = False
        self._edges: list[str] = []
        self._edge = ""
        self._in_table = False
        self._level = 0

    @property
    def shaded(self) -> bool:
        """True where the paragraph, or a cell of its row, has a colour of its own behind the text."""
        return any(self._shaded.values())

    def add(self, text: str) -> None:
        """Add visible text to the paragraph."""
        self._line.append(text)

    def take(self) -> str:
        """The text so far, which is thereby gone."""
        return self._joined().strip()

    def words(self) -> str:
        """All text of the paragraphs."""
        return " ".join(text for _, text, _, _ in self._blocks)

    def format(self, word: str, number: int | None) -> None:
        """Apply a control word of a paragraph, row or cell."""
        if word == "pard":
            self._level, self._in_table, self._shaded["cbpat"] = 0, False, False
        elif word == "s":
            self._level = self._tables.levels.get(number or 0, 0)
        elif word == "outlinelevel":
            self._level = number + 1 if number is not None and 0 <= number < 9 else 0
        elif word == "intbl":
            self._in_table = True
        elif word in self._shaded:
            self._shaded[word] = self._shaded[word] or bool(number)
        elif word == "trowd":
            self._shaded["clcbpat"] = False
            self._edges, self._edge, self._is_header_row = [], "", False
        elif word == "trhdr":
            self._is_header_row = True
        elif word in {"clmrg", "clvmrg"}:
            self._edge = word
        elif word == "cellx" and len(self._edges) < _MAX_COLUMNS:
            self._edges.append(self._edge)
            self._edge = ""

    def end(self, word: str) -> None:
        """End what the control word ends."""
        if word == "row":
            self._end_row()
        elif word == "cell":
            self._cells.append(" ".join(filter(None, (*self._cell, self._joined().strip()))))
            self._cell = []
        elif word in {"nestcell", "nestrow"}:
            self._line.append(" ")
        elif self._in_table and word == "par":
            self._cell.append(self._joined().strip())
        else:
            self.end_paragraph()

    def end_box(self) -> None:
        """End a text box, which stands apart from the paragraph it hangs on."""
        if not self._in_table:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        """Write the paragraph; outside a table only."""
        text = self._joined().strip()
        text = " ".join(filter(None, (*self._cell, text)))
        self._cell = []
        if not text:
            return
        self.end_table()
        label, self.label = self.label, ""
        if self._level:
            self._blocks.append((BlockKind.HEADING, f"{label} {text}".strip(), self._level, []))
        elif label:
            label = "-" if not any(map(str.isalnum, label)) else label
            self._blocks.append((BlockKind.LIST_ITEM, f"{label} {text}", 0, []))
        else:
            self._blocks.append((BlockKind.PARAGRAPH, text, 0, []))

    def _end_row(self) -> None:
        if self._line or self._cell:
            self.end("cell")
        row: list[str] = []
        for column, text in enumerate(self._cells):
            edge = self._edges[column] if column < len(self._edges) else ""
            above = self._rows[-1] if self._rows else []
            row.append(above[column] if edge == "clvmrg" and column < len(above) else text)
        self._cells = []
        if row:
            self._header_rows += self._is_header_row and self._header_rows == len(self._rows)
            self._rows.append(row)

    def end_table(self) -> None:
        """Write the rows so far as a table."""
        if self._cells:
            self._end_row()
        if self._rows:
            self._blocks.append((BlockKind.TABLE, "", self._header_rows, self._rows))
        self._rows, self._header_rows = [], 0

    def _joined(self) -> str:
        text = "".join(self._line)
        self._line = []
        return text

    def write(self, out: BlockWriter, *, once: bool) -> None:
        """Write the blocks; with ``once`` the same text only the first time."""
        seen: set[str] = set()
        for kind, text, level, rows in self._blocks:
            if kind is BlockKind.TABLE:
                marked = level if level < len(rows) else 0
                out.table(rows, header_rows=marked or int(looks_like_header(rows)))
            elif not (once and text in seen):
                seen.add(text)
                if kind is BlockKind.HEADING and level == 1 and not out.title:
                    out.title = " ".join(text.split())
                out.add(kind, text, level=level)
