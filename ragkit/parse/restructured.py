"""reStructuredText by docutils: its document tree written out, its errors passed over.

Nothing is read beside the text itself: file insertion and raw passages are off, and no configuration file is looked
for. Directives that docutils does not know (Sphinx has many) keep their contents, unknown roles their words. What
docutils takes too long for - a line of more than 10,000 characters, which it refuses, or five million in all, at some
five seconds a million - and what is nested too deeply or makes docutils itself fail is read as plain text with the
notice ``read-as-text``.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.formats import Part
from ragkit.parse.text import decode, write_paragraphs
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from docutils.nodes import Element, Node, document

_LONGEST_LINE = 10_000
_LONGEST = 5_000_000
_SETTINGS = {
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "report_level": 5,
    "halt_level": 6,
    "warning_stream": False,
    "syntax_highlight": "none",
    "doctitle_xform": False,
    "docinfo_xform": False,
    "line_length_limit": _LONGEST_LINE,
    "datestamp": None,
    "input_encoding": "unicode",
}
_UNKNOWN_ROLE = re.compile(r":[\w:+.-]{1,60}:`([^`<]{1,500})(?:<[^`>]{0,500}>)?`")
_DIRECTIVE = re.compile(
    r"\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?(?P<name>[\w:+.-]+)::[ \t]*(?P<argument>[^\n]*)\n?(?P<rest>.*)", re.S
)
_OPTIONS = re.compile(r"(?:[ \t]*\n|[ \t]+:[\w-]+:[^\n]*(?:\n|$))*")
# What these hold is a list of files or an instruction to the program, not text.
_NOT_TEXT = frozenset(
    {"toctree", "include", "literalinclude", "raw", "highlight", "default-domain", "currentmodule", "py:currentmodule",
     "automodule", "autoclass", "autofunction", "automethod", "autosummary", "index", "tabularcolumns"}
)  # fmt: skip
_MAX_DIRECTIVES = 3


def parse(part: Part, out: BlockWriter) -> None:
    """Read reStructuredText."""
    text = decode(part, out).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    mark, title = out.mark(), out.title
    try:
        if len(text) <= _LONGEST and max(map(len, text.split("\n"))) <= _LONGEST_LINE:
            _write(text, out, 0, 0)
            return
    except (ItemError, MemoryError):
        raise
    except Exception:  # docutils fails in ways of its own, as over substitutions that name no other (KeyError)
        out.rewind(mark)
        out.title = title
    out.notice("read-as-text")
    write_paragraphs(text, out)


def _write(text: str, out: BlockWriter, level: int, directives: int) -> None:
    _Walk(out, level, directives).over(_document(text))


def _document(text: str) -> document:
    from docutils.core import publish_doctree

    tree: document = publish_doctree(text, settings_overrides=dict(_SETTINGS))
    return tree


class _Walk:
    def __init__(self, out: BlockWriter, level: int, directives: int) -> None:
        self._out = out
        self._level = level
        self._directives = directives
        self._marker = ""

    def over(self, node: Element) -> None:
        for child in node.children:
            self._node(child)

    def _node(self, node: Node) -> None:
        from docutils import nodes

        if isinstance(node, nodes.section):
            self._level += 1
            self.over(node)
            self._level -= 1
        elif isinstance(node, nodes.title | nodes.subtitle | nodes.rubric):
            self._heading(node)
        elif isinstance(node, nodes.table):
            self._table(node)
        elif isinstance(node, nodes.literal_block | nodes.doctest_block | nodes.math_block):
            self._out.add(BlockKind.CODE, node.astext())
        elif isinstance(node, nodes.bullet_list | nodes.enumerated_list):
            self._list(node)
        elif isinstance(node, nodes.definition_list_item | nodes.field | nodes.option_list_item):
            self._pair(node)
        elif isinstance(node, nodes.comment):
            self._out.hidden += bool(node.astext().strip())
        elif isinstance(node, nodes.system_message):
            self._unknown(node)
        elif isinstance(node, nodes.image):
            self._paragraph(node.get("alt", ""))
        elif isinstance(node, nodes.footnote | nodes.citation):
            label, *rest = node.children
            self._marker = f"[{label.astext()}]"
            for child in rest:
                self._node(child)
        elif isinstance(node, nodes.line_block):
            self._paragraph("\n".join(line.astext() for line in node.findall(nodes.line)))
        elif isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Invisible):
            self._paragraph(_words(node))
        elif isinstance(node, nodes.Element) and not isinstance(node, nodes.Invisible):
            self.over(node)

    def _heading(self, node: Element) -> None:
        text = _words(node)
        if self._level == 1 and not self._out.title:
            self._out.title = text
        self._out.add(BlockKind.HEADING, text, level=max(self._level, 1))

    def _paragraph(self, text: str) -> None:
        if self._marker and text.strip():
            self._out.add(BlockKind.LIST_ITEM, f"{self._marker} {text}")
            self._marker = ""
        else:
            self._out.add(BlockKind.PARAGRAPH, text)

    def _list(self, node: Element) -> None:
        from docutils import nodes

        numbered = isinstance(node, nodes.enumerated_list)
        for number, item in enumerate(node.children, start=node.get("start", 1)):
            self._marker = f"{number}." if numbered else "-"
            self.over(item)
        self._marker = ""

    def _pair(self, node: Element) -> None:
        """A term with its definition, a field with its value, an option with what it does."""
        from docutils import nodes

        *terms, body = node.children
        term = " ".join(child.astext() for child in terms)
        first = body.children[0] if body.children else None
        if isinstance(first, nodes.paragraph):
            self._paragraph(f"{term}: {_words(first)}")
        else:
            self._paragraph(term)
        for child in body.children:
            if child is not first or not isinstance(first, nodes.paragraph):
                self._node(child)

    def _table(self, table: Element) -> None:
        from docutils import nodes

        for title in table.findall(nodes.title):
            self._paragraph(_words(title))
        rows: list[list[str]] = []
        headers = 0
        for row in table.findall(nodes.row):
            cells: list[str] = []
            for cell in row.children:
                assert isinstance(cell, nodes.Element)
                cells += [_words(cell), *[""] * min(cell.get("morecols", 0), 200)]
            rows.append(cells)
            headers += isinstance(row.parent, nodes.thead)
        self._out.table(rows, header_rows=headers or (1 if looks_like_header(rows) else 0))

    def _unknown(self, message: Element) -> None:
        """What docutils could not make sense of: the contents of a directive are text all the same."""
        from docutils import nodes

        for literal in message.findall(nodes.literal_block):
            found = _DIRECTIVE.match(literal.astext())
            if found is None:
                self._paragraph(literal.astext())
                continue
            if found["name"].lower() in _NOT_TEXT:
                continue
            self._paragraph(_plain(found["argument"]))
            body = textwrap.dedent(_OPTIONS.sub("", found["rest"], count=1))
            if body.strip() and self._directives < _MAX_DIRECTIVES:
                _write(body, self._out, self._level, self._directives + 1)
            else:
                self._out.add(BlockKind.PARAGRAPH, body)


def _words(node: Element) -> str:
    from docutils import nodes

    if any(True for _ in node.findall(nodes.image)):
        for image in list(node.findall(nodes.image)):
            image.parent.replace(image, nodes.Text(image.get("alt", "")))
    return _plain(" ".join(node.astext().split("\n")))


def _plain(text: str) -> str:
    return _UNKNOWN_ROLE.sub(lambda found: found[1].strip(), text)
