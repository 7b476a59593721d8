"""The layout of a chunk as it can be read off its text: headings, running text, lists, records, tables, code.

A chunk carries no blocks, only text in which tables are Markdown and blocks stand apart by blank lines; what was a
heading in the document is a short line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

BlockKind = Literal["table", "list", "code", "text", "heading", "record"]

WRAP_MINIMUM = 45  # characters: shorter lines were broken by the author, not by a page width
_HEADING_WORDS = 12

TABLE_LINE = re.compile(r"\s*\|")
ITEM = re.compile(r"\s*(?:[-*+•‣◦▪–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+(?=\S)")
HEADING_MARK = re.compile(r"\s{0,3}#{1,6}\s+")
KEY_VALUE = re.compile(r"\s*(?:\*\*|__)?[^\W\d_][\w .,'’/()-]{0,38}(?:\*\*|__)?:(?:\*\*|__)?\s+\S")
_LINE = re.compile(r"[^\n]*\n?")
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines of one kind; ``lines`` are ranges of the text without their line ends."""

    kind: BlockKind
    lines: tuple[tuple[int, int], ...]

    @property
    def start(self) -> int:
        """Where the first line begins."""
        return self.lines[0][0]

    @property
    def end(self) -> int:
        """Where the last line ends."""
        return self.lines[-1][1]


def read_layout(text: str, headings: str, starts: Sequence[int] = ()) -> list[Block]:
    """Return the blocks of a text in order.

    Args:
        text: A chunk in the record view.
        headings: Those above it, joined by ``" > "``.
        starts: Where lines begin that the document has as headings, however they look.
    """
    known = {part.strip() for part in headings.split(" > ") if part.strip()}
    blocks = [_refined(block, text, known, starts) for block in _merged(_group(text), text)]
    return [
        replace(block, kind="heading") if _heads(block, blocks[number + 1 :], text) else block
        for number, block in enumerate(blocks)
    ]


def _group(text: str) -> Iterator[Block]:
    """Group lines of one kind that no blank line parts."""
    lines: list[tuple[int, int]] = []
    kind: BlockKind = "text"
    for match in _LINE.finditer(text):
        start, end = match.start(), match.start() + len(match.group().rstrip())
        line = text[start:end]
        found = _line_kind(line, kind, lines, text)
        if found != kind or found == "heading" or (not line and kind != "code"):
            if lines:
                yield Block(kind, tuple(lines))
            lines = []
        kind = found
        if line:
            lines.append((start, end))
        if kind == "code" and len(lines) > 1 and _FENCE.match(line):
            yield Block(kind, tuple(lines))
            lines, kind = [], "text"
    if lines:
        yield Block(kind, tuple(lines))


def _line_kind(line: str, kind: BlockKind, lines: Sequence[tuple[int, int]], text: str) -> BlockKind:
    if (kind == "code" and lines) or _FENCE.match(line):
        return "code"
    if HEADING_MARK.match(line):
        return "heading"
    if TABLE_LINE.match(line):
        return "table"
    if ITEM.match(line):
        return "list"
    if kind == "list" and lines and line[:1].isspace():  # an indented line goes on with the item
        return "list"
    if kind == "list" and lines and line and len(text[slice(*lines[-1])]) >= WRAP_MINIMUM and line[:1].islower():
        return "list"
    return "text"


def _merged(blocks: Iterator[Block], text: str) -> Iterator[Block]:
    """Join list blocks that only blank lines part."""
    last: Block | None = None
    for block in blocks:
        if last and last.kind == block.kind == "list" and ITEM.match(text[slice(*block.lines[0])]):
            last = Block("list", (*last.lines, *block.lines))
            continue
        if last:
            yield last
        last = block
    if last:
        yield last


def _refined(block: Block, text: str, known: set[str], starts: Sequence[int]) -> Block:
    """Tell records (``Key: value`` lines) and the headings that the chunk names from running text."""
    if block.start in starts and len(block.lines) == 1 and block.kind in ("text", "list"):
        return replace(block, kind="heading")
    if block.kind != "text":
        return block
    if len(block.lines) > 1 and all(KEY_VALUE.match(text[start:end]) for start, end in block.lines):
        return replace(block, kind="record")
    if len(block.lines) == 1 and text[block.start : block.end].strip("*_ ") in known:
        return replace(block, kind="heading")
    return block


def _heads(block: Block, after: Sequence[Block], text: str) -> bool:
    """Tell whether a text block is a heading: short, one line, no stop, and over something that is not."""
    if not _short(block, text):
        return block.kind == "heading"
    below = next((other for other in after if not _short(other, text) and other.kind != "heading"), None)
    return below is not None


def _short(block: Block, text: str) -> bool:
    line = text[block.start : block.end].strip("*_ ")
    if block.kind != "text" or len(block.lines) > 1 or KEY_VALUE.match(line):
        return False
    return len(line.split()) <= _HEADING_WORDS and line[-1:].isalnum() and not line[:1].islower()


def wrapped_lines(block: Block, text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield ``(start, end, joined)``: lines that a page width broke joined, lines that the author broke as they are."""
    longest = max(end - start for start, end in block.lines)
    start, joined = block.start, False
    for (line_start, line_end), (next_start, next_end) in pairwise(block.lines):
        wrapped = longest >= WRAP_MINIMUM and line_end - line_start >= 0.6 * longest
        if wrapped and not KEY_VALUE.match(text[next_start:next_end]):
            joined = True
            continue
        yield start, line_end, joined
        start, joined = next_start, False
    yield start, block.end, joined
