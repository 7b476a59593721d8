"""AsciiDoc by its lines: headings, lists, listings, tables, and inline markup as plain text.

No processor: includes are not followed, conditions not evaluated, and an attribute stands for its text once, whatever
that text holds. Comments are hidden text.
"""

from __future__ import annotations

import re

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.markup_lines import Lines
from ragkit.parse.text import decode

_HEADING = re.compile(r"(?P<marks>={1,6}|#{1,6})[ \t]+(?P<text>\S.*)")
_ATTRIBUTE = re.compile(r":(?P<name>!?[\w-]+!?):(?:[ \t]+(?P<value>.*))?$")
_ITEM = re.compile(r"[ \t]*(?:(?P<bullet>\*{1,6}|-)|(?P<dots>\.{1,6})|(?P<number>\d{1,9}\.))[ \t]+(?P<text>\S.*)")
_TERM = re.compile(r"(?P<term>\S.{0,300}?)(?:::{1,3}|;;)(?:[ \t]+(?P<text>.*))?$")
_BLOCK_TITLE = re.compile(r"\.(?P<text>[^\s.].*)")
_MACRO = re.compile(
    r"(?P<name>image|video|audio|include|ifdef|ifndef|ifeval|endif|toc|xref|link)::[^\[]*\[(?P<text>[^\]]*)\]"
)
_LIST_OF_ATTRIBUTES = re.compile(r"\[.*\][ \t]*$")
_VERBATIM = re.compile(r"(?:-{4,}|\.{4,}|`{3,}.*|\+{4,}|/{4,})[ \t]*$")
_FENCE = re.compile(r"(?:={4,}|\*{4,}|_{4,}|--|~{4,}|<<<|'''|---)[ \t]*$")
_TABLE = re.compile(r"[|,:!]={3,}[ \t]*$")
_CELL = re.compile(
    r"(?:(?:(?<=\s)|^)(?P<span>(?:\d+(?:\.\d+)?|\.\d+)[*+])?(?:[<^>](?:\.[<^>])?|\.[<^>])?(?P<style>[adehlmsv])?)?"
    r"(?<!\\)\|"
)
_COLUMNS = re.compile(r"cols=(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^,\]\s]*))")
# Every repetition is bounded, or stops where the next match could begin, so that the cost stays linear.
_INLINE = re.compile(
    r"(?:link:|xref:|(?:https?|ftp|mailto):)(?P<target>[^\s\[\]<>]{0,1000})\[(?P<words>[^\[\]]{0,1000})\]"
    r"|<<[^,<>]{0,200},\s*(?P<reference>[^<>]{0,500})>>|<<(?P<anchor>[^<>,]{0,200})>>"
    r"|(?:btn|kbd|menu|footnote|stem|latexmath|asciimath|pass|icon|image|indexterm2?):[^\s\[]{0,500}"
    r"\[(?P<macro>[^\[\]]{0,1000})\]"
    r"|\[\[[^\[\]]{0,200}\]\]|\[[.#][^\[\]]{0,200}\](?=[#*_`])"
    r"|(?<!\w)(?P<mark>\*\*?|__?|``?|\#\#?|\+\+?\+?)(?=\S)(?P<inner>[^\n]{1,500}?)(?<=\S)(?P=mark)(?!\w)"
    r"|\{(?P<name>[\w-]{1,60})\}"
)
_CHARACTERS = {
    "nbsp": "\xa0", "zwsp": "", "sp": " ", "empty": "", "amp": "&", "lt": "<", "gt": ">", "apos": "'", "quot": '"',
    "lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "deg": "°", "plus": "+", "asterisk": "*", "vbar": "|",
    "backtick": "`", "cpp": "C++", "two-colons": "::", "blank": "",
}  # fmt: skip
_MAX_SPAN = 200


def parse(part: Part, out: BlockWriter) -> None:
    """Read AsciiDoc."""
    text = decode(part, out).replace("\r\n", "\n").replace("\r", "\n")
    _Reader(out).over([line.rstrip() for line in text.split("\n")])


class _Reader:
    def __init__(self, out: BlockWriter) -> None:
        self._attributes: dict[str, str] = dict(_CHARACTERS)
        self._lines = Lines(out, self._plain)
        self._out = out
        self._numbers: dict[int, int] = {}
        self._options = ""

    def over(self, lines: list[str]) -> None:
        position = 0
        while position < len(lines):
            position = self._line(lines, position)
        self._lines.flush()

    def _line(self, lines: list[str], at: int) -> int:
        """Take the line there, or the block it begins; return where to go on."""
        line = lines[at]
        if _VERBATIM.match(line):
            return self._verbatim(lines, at)
        if _TABLE.match(line):
            return self._table(lines, at)
        if line.startswith("|"):
            return self._pipes(lines, at)
        if line.startswith("//"):
            self._out.hidden += bool(line.strip("/ "))
        elif not line or line == "+" or _FENCE.match(line):
            self._lines.flush()
            if not line:
                self._options = ""
        elif found := _HEADING.fullmatch(line):
            self._lines.heading(found["text"], len(found["marks"]))
            self._numbers.clear()
        elif found := _ATTRIBUTE.fullmatch(line):
            self._attributes[found["name"]] = found["value"] or ""
        elif found := _MACRO.fullmatch(line):
            self._lines.flush()
            if found["name"] == "image":
                self._lines.text(found["text"].partition(",")[0].strip('"'))
                self._lines.flush()
        elif _LIST_OF_ATTRIBUTES.fullmatch(line):
            self._options = line
        elif found := _ITEM.fullmatch(line):
            self._lines.item(self._marker(found), found["text"])
        elif found := _BLOCK_TITLE.fullmatch(line):
            self._lines.flush()
            self._lines.text(found["text"])
            self._lines.flush()
        elif found := _TERM.fullmatch(line):
            self._lines.flush()
            self._lines.text(f"{found['term']}: {found['text'] or ''}")
        else:
            self._lines.text(line)
        return at + 1

    def _marker(self, found: re.Match[str]) -> str:
        if found["bullet"]:
            return "-"
        if found["number"]:
            return found["number"]
        depth = len(found["dots"])
        self._numbers = {level: number for level, number in self._numbers.items() if level <= depth}
        self._numbers[depth] = self._numbers.get(depth, 0) + 1
        return f"{self._numbers[depth]}."

    def _verbatim(self, lines: list[str], at: int) -> int:
        mark = lines[at][:4] if not lines[at].startswith("```") else "```"
        end = next((n for n in range(at + 1, len(lines)) if lines[n].startswith(mark)), len(lines))
        inside = lines[at + 1 : end]
        if mark == "////":
            self._lines.flush()
            self._out.hidden += any(inside)
        else:
            self._lines.code(inside)
        return end + 1

    def _pipes(self, lines: list[str], at: int) -> int:
        """Rows of pipes without the table's own marks, as Markdown writes them."""
        end = next((n for n in range(at, len(lines)) if not lines[n].startswith("|")), len(lines))
        self._lines.table([line.strip("| ").split("|") for line in lines[at:end]], None)
        return end

    def _table(self, lines: list[str], at: int) -> int:
        end = next((n for n in range(at + 1, len(lines)) if lines[n] == lines[at]), len(lines))
        inside, options = lines[at + 1 : end], self._options
        self._options = ""
        if lines[at][0] in ",:":
            self._lines.table([line.split(lines[at][0]) for line in inside if line], None)
            return end + 1
        while inside and not inside[0]:
            del inside[0]
        cells: list[tuple[str, bool]] = []
        first = 0
        for line in inside:
            before = len(cells)
            _cells(line, cells)
            if first and len(cells) - before == first + 1 and not cells[-1][0]:
                del cells[-1]  # a bar that closes the row, as in Markdown, rather than an empty cell
            first = first or len(cells)
        width = _width(options) or first
        rows = [[text for text, _ in cells[n : n + width]] for n in range(0, len(cells), width or 1)]
        in_first = cells[:width]
        is_header = "header" in options or (len(inside) > 1 and not inside[1] and first == width)
        is_header = is_header or (bool(in_first) and all(is_head for _, is_head in in_first))
        self._lines.table(rows, 1 if is_header else None)
        return end + 1

    def _plain(self, text: str) -> str:
        return _INLINE.sub(self._inline, text)

    def _inline(self, found: re.Match[str]) -> str:
        if found["name"]:
            return self._attributes.get(found["name"], found[0])
        if found["target"] is not None:
            return found["words"].partition(",window=")[0].rstrip("^") or found["target"]
        for group in ("reference", "anchor", "macro"):
            if found[group] is not None:
                return found[group]
        return self._plain(found["inner"]) if found["inner"] else ""


def _cells(line: str, cells: list[tuple[str, bool]]) -> None:
    """Add the cells of a line, each with whether it is a header's; what stands before the first belongs to the last."""
    marks = list(_CELL.finditer(line))
    before = line[: marks[0].start()] if marks else line
    if before.strip() and cells:
        cells[-1] = (f"{cells[-1][0]} {before.strip()}", cells[-1][1])
    for mark, following in zip(marks, [*marks[1:], None]):
        text = line[mark.end() : following.start() if following else len(line)].strip().replace("\\|", "|")
        span = mark["span"] or "1+"
        number = int(span[:-1].partition(".")[0][:4] or 1)
        cells.append((text, mark["style"] == "h"))
        cells.extend([(text if span[-1] == "*" else "", mark["style"] == "h")] * min(number - 1, _MAX_SPAN))


def _width(options: str) -> int:
    """How many columns the attribute ``cols`` names: ``3*``, ``"1,2,3"``, ``"1,3*"``."""
    found = _COLUMNS.search(options)
    if not found:
        return 0
    width = 0
    for column in re.split("[,;]", found["quoted"] or found["bare"] or ""):
        repeated = re.match(r"(\d{1,3})\*", column.strip())
        width += int(repeated[1]) if repeated else 1
    return min(width, _MAX_SPAN)
