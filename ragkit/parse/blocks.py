"""The one way in which every parser writes: blocks go in, a text with exact offsets comes out.

::

    out = BlockWriter()
    out.add(BlockKind.HEADING, "Returns", level=1)
    out.table([["Days", "Fee"], ["14", "none"]])
    text, blocks = out.finish()

The writer also removes what a reader cannot see: zero-width, direction-changing, tag and private-use characters, which
carry hidden instructions past a person (Goodside 2024 on the Unicode tag block; CVE-2021-42574 on bidirectional
controls). They are counted, and the count becomes a notice.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from itertools import zip_longest

from ragkit.parse.problems import problem
from ragkit.types import Block, BlockKind, Notice

SEPARATOR = "\n\n"
MAX_CHARACTERS = 50_000_000
MAX_BLOCKS = 1_000_000
_MAX_PADDED = 1_000_000

# Joiners inside Arabic and Indic words are spelling, not hiding; between other letters they are removed.
_HIDDEN = re.compile(
    "[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u180e\ufeff\U000e0000-\U000e01ef"
    "\U000f0000-\U0010ffff]|(?<![\u0600-\u0dff\u1780-\u17ff])[\u200c\u200d]"
)
# Soft hyphens and symbol-font bullets (private use) are everywhere in honest documents: removed, not counted.
_NOISE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\ue000-\uf8ff\ufff9-\ufffc\ufffe\uffff]")
_LINE_BREAKS = re.compile("\r\n?|[\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,' ]*\)?\s?[%€$£]?|\d{4}-\d\d-\d\d.*|[$€£¥%–—-]")


def visible(text: str) -> tuple[str, int]:
    """Return the text composed (Unicode NFC) and without invisible characters, and how many hidden ones there were.

    A name spelt with combining marks, or with an invisible character inside, would get past every detector.
    """
    if "\r" in text or not text.isascii():
        text = _LINE_BREAKS.sub("\n", text)
        if _SURROGATES.search(text):  # halves of characters: some formats count in UTF-16
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text, hidden = _HIDDEN.subn("", text)
        return unicodedata.normalize("NFC", _NOISE.sub("", text)), hidden
    return _NOISE.sub("", text), 0


def table_lines(rows: Sequence[Sequence[str]], header_rows: int) -> tuple[str, str]:
    """Write rows as a Markdown table: the header with its rule (empty without header rows), and the body.

    Several header rows become one, joined column by column, so that every piece of a split table can repeat it.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    used = sorted({column for row in cells for column, cell in enumerate(row) if cell})
    # One broken row of a thousand cells must not make a thousand of every other: such tables keep their ragged edge.
    width = len(used) if len(used) * len(cells) <= _MAX_PADDED else 0
    kept = []
    for row in cells:
        shown = [row[column] for column in used[: bisect_left(used, len(row))]]
        kept.append(shown + [""] * (width - len(shown)))
    head, body = kept[:header_rows], [row for row in kept[header_rows:] if any(row)]
    header = ""
    if head and used:
        merged = [" ".join(dict.fromkeys(filter(None, column))) for column in zip_longest(*head)]
        header = f"{_row(merged)}\n{_row(['---'] * len(merged))}"
    return header, "\n".join(map(_row, body))


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names columns: texts (two, of three columns or more) and no figure but years."""
    if len(rows) < 2:
        return False
    first = [cell.strip() for cell in rows[0] if cell.strip()]
    words = [cell for cell in first if not _NUMBER.fullmatch(cell)]
    if len(rows[0]) == 1:
        return bool(words) and any(_NUMBER.fullmatch(row[0].strip()) for row in rows[1:] if row)
    figures = [cell for cell in first if _NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell)]
    return bool(words) and not figures and len(first) >= min(2, len(rows[0]) - 1)


def _cell(cell: str) -> str:
    flat = " ".join(cell.split())
    return flat.replace("|", "\\|") if "|" in flat else flat


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


class BlockWriter:
    """Collects the blocks of one document.

    Attributes:
        title: Best title found so far, empty when none.
        hidden: How many hidden characters and elements were removed.
        level_offset: Added to heading levels; the parts of an e-mail stand below its own headings.
    """

    __slots__ = ("_blocks", "_length", "_notices", "_pieces", "hidden", "level_offset", "title")

    def __init__(self) -> None:
        self.title = ""
        self.hidden = 0
        self.level_offset = 0
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._notices: dict[str, tuple[int, tuple[int, ...]]] = {}
        self._length = 0

    def __repr__(self) -> str:
        return f"BlockWriter({len(self._blocks)} blocks)"

    @property
    def is_empty(self) -> bool:
        """True while no block was written."""
        return not self._blocks

    def add(self, kind: BlockKind, text: str, *, level: int = 0, page: int | None = None) -> None:
        """Append a block; one without any visible text is left out."""
        text, hidden = visible(text)
        self.hidden += hidden
        text = text.strip("\n") if kind is BlockKind.CODE else text.strip()
        if kind is BlockKind.HEADING:
            text = " ".join(text.split())
            level = min(max(level, 1) + self.level_offset, 9)
        else:
            level = 0
        if text.strip():
            self._append(kind, text.rstrip(), level, page, 0)

    def table(self, rows: Sequence[Sequence[str]], *, header_rows: int = 1, page: int | None = None) -> None:
        """Append a table, its first ``header_rows`` rows as the header."""
        header, body = table_lines(rows, header_rows)
        header, hidden_above = visible(header)
        body, hidden_below = visible(body)
        self.hidden += hidden_above + hidden_below
        text = "\n".join(filter(None, (header, body)))
        if text:
            self._append(BlockKind.TABLE, text, 0, page, self._start() + len(header))

    def notice(self, code: str, *, count: int = 1, where: Sequence[int] = ()) -> None:
        """Add to the notice of this code."""
        before, places = self._notices.get(code, (0, ()))
        self._notices[code] = (before + count, (*places, *where))

    def mark(self) -> int:
        """Where the writing stands, for :meth:`rewind`."""
        return len(self._blocks)

    def rewind(self, mark: int) -> None:
        """Take back the blocks written since the mark; notices and what was counted as hidden stay."""
        del self._blocks[mark:], self._pieces[mark:]
        self._length = self._blocks[-1].end if self._blocks else 0

    def finish(self) -> tuple[str, tuple[Block, ...], tuple[Notice, ...]]:
        """Return the text, its blocks and the notices."""
        if self.hidden:
            self._notices["hidden-text"] = (self.hidden, ())
        if not self._blocks:
            self.notice("no-text")
        notices = tuple(Notice(code, count, where) for code, (count, where) in self._notices.items())
        return SEPARATOR.join(self._pieces), tuple(self._blocks), notices

    def _start(self) -> int:
        return self._length + len(SEPARATOR) if self._pieces else 0

    def _append(self, kind: BlockKind, text: str, level: int, page: int | None, header_end: int) -> None:
        start = self._start()
        end = start + len(text)
        if end > MAX_CHARACTERS or len(self._blocks) >= MAX_BLOCKS:
            raise problem("too-much-text")
        self._pieces.append(text)
        self._blocks.append(Block(kind, start, end, level, page, header_end))
        self._length = end
