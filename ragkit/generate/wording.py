"""Writes a quoted piece for a reader: word for word, without Markdown's marks and a page's line breaks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragkit.generate.pieces import Piece, row_text

_MARKS = (
    (re.compile(r"^\s{0,3}#{1,6}\s+", re.MULTILINE), ""),
    (re.compile(r"!?\[(?![A-Z_]+:[0-9A-Z]{10}-)([^\[\]\n]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"`([^`\n]+)`"), r"\1"),
    (re.compile(r"<br\s*/?>", re.IGNORECASE), " "),
    (re.compile(r"\\([|*_#\[\]`\\])"), r"\1"),
)
"""Heading, link, strong and weak emphasis, code, line break, escape. Tokens in square brackets are no links."""


def show(quote: str, piece: Piece) -> str:
    """The quote as a reader sees it: a row as ``Header: value`` pairs, a list line by line, prose on one line."""
    if piece.kind == "code":
        return quote
    if piece.kind == "row":
        return _without_marks(row_text(quote, piece.header).replace(" | ", "; "))
    if piece.kind in ("list", "record"):
        return "\n".join(_without_marks(line.rstrip()) for line in quote.splitlines() if line.strip())
    return " ".join(_without_marks(quote).split())


def show_row(values: Sequence[str]) -> str:
    """A table's header or row on one line, its cells apart by bars."""
    return " | ".join(_without_marks(value) for value in values)


def show_value(value: str) -> str:
    """A part of a quote as a reader sees it."""
    return " ".join(_without_marks(value).split())


def _without_marks(text: str) -> str:
    for mark, instead in _MARKS:
        text = mark.sub(instead, text)
    return text
