"""What line-based markups (AsciiDoc, Org) have in common: lines gather into a paragraph or a list item."""

from __future__ import annotations

from collections.abc import Callable

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.types import BlockKind


class Lines:
    """Gathers the lines of one paragraph or list item; ``plain`` takes the inline markup away."""

    def __init__(self, out: BlockWriter, plain: Callable[[str], str]) -> None:
        self.out = out
        self.plain = plain
        self._lines: list[str] = []
        self._marker = ""

    def text(self, line: str) -> None:
        """Add a line to what is open."""
        self._lines.append(line)

    def item(self, marker: str, line: str) -> None:
        """Begin a list item."""
        self.flush()
        self._marker = marker
        self._lines.append(line)

    def heading(self, line: str, level: int) -> None:
        """Write a heading; the first of level 1 is the title."""
        self.flush()
        text = self.plain(line)
        if level == 1 and not self.out.title:
            self.out.title = text
        self.out.add(BlockKind.HEADING, text, level=level)

    def code(self, lines: list[str]) -> None:
        """Write lines as they stand."""
        self.flush()
        self.out.add(BlockKind.CODE, "\n".join(lines))

    def table(self, rows: list[list[str]], header_rows: int | None) -> None:
        """Write a table; ``None`` for a header that has to be guessed."""
        self.flush()
        rows = [[self.plain(cell) for cell in row] for row in rows]
        if header_rows is None:
            header_rows = 1 if looks_like_header(rows) else 0
        self.out.table(rows, header_rows=header_rows)

    def flush(self) -> None:
        """Close the paragraph or item."""
        text = self.plain(" ".join(line.strip() for line in self._lines))
        if self._marker and text.strip():
            self.out.add(BlockKind.LIST_ITEM, f"{self._marker} {text}")
        else:
            self.out.add(BlockKind.PARAGRAPH, text)
        self._lines.clear()
        self._marker = ""
