"""Markdown by CommonMark's block grammar (markdown-it-py), with inline markup read as plain text.

Headings keep their level, lists their markers, code its lines; tables are written out again as tables. HTML blocks go
to the HTML reader, comments are hidden text. Of a YAML front matter the title is taken and the rest left out.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.inline import plain
from ragkit.parse.text import decode, write_paragraphs
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT = re.compile(r"---[ \t]*\n(?P<body>(?:(?!---[ \t]*\n|\.\.\.[ \t]*\n).*\n){1,200})(?:---|\.\.\.)[ \t]*(?:\n|$)")
_FRONT_TITLE = re.compile(r"^title:\s*[\"']?(?P<title>.+?)[\"']?\s*$", re.M | re.I)
_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.S)
_MAX_NESTING = 60
_ONLY_TAGS = re.compile(r"(?:\s|</?[a-zA-Z][^<>]*>)*")


def parse(part: Part, out: BlockWriter) -> None:
    """Read Markdown."""
    text = decode(part, out).replace("\r\n", "\n")
    if text.startswith("---") and (front := _FRONT.match(text)):
        if found := _FRONT_TITLE.search(front["body"]):
            out.title = out.title or found["title"]
        text = text[front.end() :]
    tokens = _engine().parse(text)
    if any(token.level >= _MAX_NESTING - 1 for token in tokens):
        write_paragraphs(text, out)  # the engine drops what is nested deeper; nothing may vanish
    else:
        _Walk(out).over(iter(tokens))


@cache
def _engine() -> MarkdownIt:
    from markdown_it import MarkdownIt

    engine = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table")
    engine.core.ruler.enableOnly(["normalize", "block"])
    return engine


class _Walk:
    def __init__(self, out: BlockWriter) -> None:
        self._out = out
        self._lists: list[int | None] = []  # next number of each open list, None for bullets
        self._marker = ""

    def over(self, tokens: Iterator[Token]) -> None:
        for token in tokens:
            kind = token.type
            if kind == "inline":
                self._paragraph(token.content)
            elif kind == "heading_open":
                self._heading(next(tokens).content, int(token.tag[1]))
            elif kind == "list_item_open":
                self._item()
            elif kind in {"bullet_list_open", "ordered_list_open"}:
                first = int(token.attrGet("start") or 1)
                self._lists.append(first if kind == "ordered_list_open" else None)
            elif kind in {"bullet_list_close", "ordered_list_close"}:
                self._lists.pop()
            elif kind in {"fence", "code_block"}:
                self._out.add(BlockKind.CODE, token.content)
            elif kind == "table_open":
                self._table(tokens)
            elif kind == "html_block":
                self._html(token.content)

    def _plain(self, content: str) -> str:
        text, hidden = plain(content)
        self._out.hidden += hidden
        return text

    def _paragraph(self, content: str) -> None:
        text = self._plain(content)
        if self._marker:
            self._out.add(BlockKind.LIST_ITEM, f"{self._marker} {text.strip()}")
            self._marker = ""
        else:
            self._out.add(BlockKind.PARAGRAPH, text)

    def _heading(self, content: str, level: int) -> None:
        text = self._plain(content)
        if level == 1 and not self._out.title:
            self._out.title = text
        self._out.add(BlockKind.HEADING, text, level=level)

    def _item(self) -> None:
        number = self._lists[-1]
        if number is None:
            self._marker = "-"
        else:
            self._marker = f"{number}."
            self._lists[-1] = number + 1

    def _table(self, tokens: Iterator[Token]) -> None:
        rows: list[list[str]] = []
        for token in tokens:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(self._plain(token.content))
        self._out.table(rows, header_rows=1)

    def _html(self, content: str) -> None:
        content, comments = _COMMENT.subn("", content)
        self._out.hidden += comments
        if _ONLY_TAGS.fullmatch(content):
            return
        from ragkit.parse.webpage import write_html

        write_html(content, self._out)
