"""Org by its lines: headings, lists, blocks, tables, and inline markup as plain text.

Includes are not followed. Comments are hidden text; drawers and keywords are the program's business and left out, but
for the title and captions.
"""

from __future__ import annotations

import re

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.markup_lines import Lines
from ragkit.parse.text import decode

_HEADING = re.compile(r"(?P<stars>\*{1,20})[ \t]+(?:(?:TODO|DONE|NEXT|WAITING)[ \t]+)?(?:\[#\w\][ \t]+)?(?P<text>\S.*)")
_TAGS = re.compile(r"[ \t]+:[\w@#%:]+:$")
_KEYWORD = re.compile(r"[ \t]*#\+(?P<name>[\w-]+):[ \t]*(?P<value>.*)", re.I)
_BEGIN = re.compile(r"[ \t]*#\+begin_(?P<name>\w+)", re.I)
_END = re.compile(r"[ \t]*#\+end_", re.I)
_DRAWER = re.compile(r"[ \t]*:(?P<name>[\w-]+):[ \t]*$")
_ITEM = re.compile(r"(?:[ \t]*(?P<bullet>[-+])|[ \t]+(?P<star>\*)|[ \t]*(?P<number>\w{1,9}[.)]))[ \t]+(?P<text>\S.*)")
_NUMBER = re.compile(r"(?:\d{1,9}|[A-Za-z])[.)]")
_CHECKBOX = re.compile(r"(?:\[@\d+\][ \t]*)?\[[ X-]\][ \t]+")
_PLANNING = re.compile(r"[ \t]*(?:SCHEDULED|DEADLINE|CLOSED):")
_VERBATIM = frozenset({"src", "example", "export", "latex"})
_INLINE = re.compile(
    r"\[\[[^\[\]]{0,1000}\]\[(?P<words>[^\[\]]{0,1000})\]\]|\[\[(?P<bare>[^\[\]]{0,1000})\]\]"
    r"|(?<![\w*/~=+])(?P<mark>[*/~=+_])(?=\S)(?P<inner>[^\n]{1,500}?)(?<=\S)(?P=mark)(?![\w*/~=+])"
    r"|<<[^<>]{0,200}>>"
)


def parse(part: Part, out: BlockWriter) -> None:
    """Read Org."""
    text = decode(part, out).replace("\r\n", "\n").replace("\r", "\n")
    _Reader(out).over(text.split("\n"))


class _Reader:
    def __init__(self, out: BlockWriter) -> None:
        self._out = out
        self._lines = Lines(out, _plain)

    def over(self, lines: list[str]) -> None:
        position = 0
        while position < len(lines):
            position = self._line(lines, position)
        self._lines.flush()

    def _line(self, lines: list[str], at: int) -> int:
        line = lines[at].rstrip()
        if not line:
            self._lines.flush()
        elif found := _HEADING.fullmatch(line):
            self._lines.heading(_TAGS.sub("", found["text"]), len(found["stars"]))
        elif found := _BEGIN.match(line):
            return self._block(found["name"].lower(), lines, at)
        elif _END.match(line) or _PLANNING.match(line):
            self._lines.flush()
        elif found := _KEYWORD.match(line):
            self._keyword(found["name"].lower(), found["value"])
        elif line.lstrip().startswith("# ") or line.strip() == "#":
            self._out.hidden += bool(line.strip("# \t"))
        elif _DRAWER.match(line):
            return self._drawer(lines, at)
        elif line.lstrip().startswith("|"):
            return self._table(lines, at)
        elif (found := _ITEM.fullmatch(line)) and (not found["number"] or _NUMBER.fullmatch(found["number"])):
            marker = found["number"].rstrip(".)") + "." if found["number"] else "-"
            self._lines.item(marker, _CHECKBOX.sub("", found["text"], count=1))
        elif line.lstrip().startswith(": "):
            self._lines.code([line.lstrip()[2:]])
        else:
            self._lines.text(line)
        return at + 1

    def _keyword(self, name: str, value: str) -> None:
        if name == "title":
            self._out.title = self._out.title or value
        if name in {"title", "subtitle", "caption"}:
            self._lines.flush()
            self._lines.text(value)
            self._lines.flush()

    def _block(self, name: str, lines: list[str], at: int) -> int:
        if name not in _VERBATIM and name != "comment":
            self._lines.flush()
            return at + 1  # a quotation or an example of prose: its lines are lines
        end = next((n for n in range(at + 1, len(lines)) if _END.match(lines[n])), len(lines))
        if name == "comment":
            self._out.hidden += 1
        else:
            self._lines.code(lines[at + 1 : end])
        return end + 1

    def _drawer(self, lines: list[str], at: int) -> int:
        for number in range(at + 1, min(at + 200, len(lines))):
            if lines[number].strip().upper() == ":END:":
                return number + 1
        self._lines.text(lines[at])
        return at + 1

    def _table(self, lines: list[str], at: int) -> int:
        end = next((n for n in range(at, len(lines)) if not lines[n].lstrip().startswith("|")), len(lines))
        rows: list[list[str]] = []
        header_rows = 0
        for line in lines[at:end]:
            line = line.strip()
            if line.startswith(("|-", "|=")):
                header_rows = header_rows or len(rows)  # the rule below the first rows
            else:
                rows.append([cell.strip() for cell in line.strip("|").split("|")])
        self._lines.table(rows, header_rows if 0 < header_rows < len(rows) else None)
        return end


def _plain(text: str) -> str:
    return _INLINE.sub(_inline, text)


def _inline(found: re.Match[str]) -> str:
    if found["words"] is not None:
        return found["words"]
    if found["bare"] is not None:
        return found["bare"]
    inner = found["inner"] or ""
    return inner if found["mark"] in {"=", "~"} else _plain(inner)
