"""Articles, books and patents in XML: headings by nesting, paragraphs, lists, tables, references in order.

An element is a block by its name, where that is one of JATS, DocBook, DITA, TEI or the patent offices', or by its
place: between words it is part of the sentence, between other elements it stands alone. What holds neither a
paragraph nor words between elements is a record, and is laid out as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.record_layout import Fields, Value, write_value
from ragkit.parse.webpage import write_html
from ragkit.parse.xml_names import CODE, FLOATING, HEADINGS, ITEMS, KNOWN, LEFT_OUT, LINES, PEOPLE, PROSE, SECTIONS
from ragkit.types import BlockKind

_SPACES = re.compile(r"\s+")
_MARKUP = re.compile(r"</[a-zA-Z][\w:-]*\s*>|<(?:br|hr|img)\b")


def write_document(root: Element, out: BlockWriter) -> None:
    """Write the blocks of a tree whose tags are local names."""
    for element in root.iter():
        _choose_formula(element)
    prose = {element for element in root.iter() if _says_prose(element)}
    for element in reversed(list(root.iter())):
        if any(child in prose for child in element):
            prose.add(element)
    if root in prose:
        _Walk(out, prose).over(root)
    else:
        write_value(_record(root, attributes=True), out)


def _choose_formula(element: Element) -> None:
    """Of the ways in which JATS writes one formula keep TeX, without the preamble around it."""
    tex = element.find("tex-math")
    if tex is None:
        return
    tex.text = (tex.text or "").rpartition("\\begin{document}")[2].partition("\\end{document}")[0].strip()
    for other in element.findall("math"):
        other.tag = "graphic"


def _says_prose(element: Element) -> bool:
    return element.tag.lower() in PROSE or (len(element) > 0 and _is_mixed(element))


def _is_mixed(element: Element) -> bool:
    """Tell whether there are words between the element's children."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


class _Walk:
    def __init__(self, out: BlockWriter, prose: set[Element]) -> None:
        self._out = out
        self._prose = prose
        self._inline: list[str] = []
        self._marker = ""
        self._label = ""
        self._level = 0
        self._floating = 0

    def over(self, root: Element) -> None:
        self._block(root)
        self._flush()

    def _block(self, element: Element) -> None:
        tag = element.tag.lower()
        if tag in LEFT_OUT:
            return
        self._flush()
        if tag in {"table", "informaltable", "tgroup", "simpletable"} and not _wraps_table(element):
            write_html(tostring(_as_html(element), "unicode", "html"), self._out)
        elif tag in CODE:
            self._out.add(BlockKind.CODE, "".join(element.itertext()))
        elif tag == "label":
            self._label = _flat("".join(element.itertext()))
        elif tag in HEADINGS and not self._floating:
            self._heading(_text(element))
        elif tag in PEOPLE:
            self._out.add(BlockKind.PARAGRAPH, ", ".join(_people(element)))
            for place in element.iter("aff"):
                self._out.add(BlockKind.PARAGRAPH, _text(place))
        elif tag in LINES:
            self._inline.append(_text(element, ", " if tag.startswith("k") else " "))
            self._marker = "-" if tag == "ref" else ""
        else:
            self._container(element, tag)
        self._flush()

    def _container(self, element: Element, tag: str) -> None:
        level, floating = self._level, self._floating
        self._level += tag in SECTIONS
        self._floating += tag in FLOATING
        if tag == "abstract" and not any(child.tag in HEADINGS for child in element):
            self._out.add(BlockKind.HEADING, "Abstract", level=self._level)
        if tag in ITEMS:
            self._marker = "-"
        self._children(element)
        self._flush()
        self._marker = ""
        self._level, self._floating = level, floating

    def _children(self, element: Element, *, inline: bool = False) -> None:
        mixed = inline or _is_mixed(element) or element.tag.lower() in PROSE
        gap = " " if inline and not _is_mixed(element) else ""  # a reference within a sentence, field by field
        self._inline.append(element.text or "")
        fields: list[tuple[str, Value]] = []
        for child in element:
            tag = child.tag.lower()
            if tag in KNOWN or (child in self._prose and not mixed):
                self._fields(fields)
                self._block(child)
            elif tag in LEFT_OUT:
                pass
            elif mixed:
                self._children(child, inline=True)
            else:
                fields.append((child.tag, _record(child, attributes=False)))
            self._inline.append(gap + (child.tail or ""))
        self._fields(fields)

    def _fields(self, fields: list[tuple[str, Value]]) -> None:
        """Write the neighbours of paragraphs that are none, such as the numbers and dates of a patent."""
        if fields:
            self._flush()
            write_value(Fields(fields), self._out, level=self._level + 1)
            fields.clear()

    def _heading(self, text: str) -> None:
        text = " ".join(filter(None, (self._label, text)))
        self._label = ""
        if not self._out.title and self._level <= 1:
            self._out.title = text
        self._out.add(BlockKind.HEADING, text, level=max(self._level, 1))

    def _flush(self) -> None:
        source = "".join(self._inline)
        text = _flat(source)
        self._inline.clear()
        if not text:
            return
        if self._label:
            text, self._label = f"{self._label} {text}", ""
        if self._marker:
            self._out.add(BlockKind.LIST_ITEM, f"{self._marker} {text}")
            self._marker = ""
        elif _MARKUP.search(text):
            write_html(source, self._out)  # a page within a feed
        else:
            self._out.add(BlockKind.PARAGRAPH, text)


def _wraps_table(element: Element) -> bool:
    """Tell a DocBook table, which has a title beside its groups of rows, or one around others, from the rows."""
    if any(child.tag in {"tgroup", "title", "caption", "info"} for child in element):
        return True
    return any(inner is not element and inner.tag in {"table", "entrytbl"} for inner in element.iter())


def _as_html(table: Element) -> Element:
    """The table as HTML: CALS and DITA rows renamed, spans kept."""
    columns = {spec.get("colname"): number for number, spec in enumerate(table.iter("colspec"))}
    in_heads = {row for head in table.iter("thead") for row in head}
    html = Element("table")
    for row in table.iter():
        tag = row.tag.lower()
        if tag not in {"tr", "row", "strow", "sthead"}:
            continue
        is_head = tag == "sthead" or row in in_heads
        line = SubElement(SubElement(html, "thead") if is_head else html, "tr")
        for cell in row:
            kind = "th" if cell.tag == "th" or is_head else "td"
            made = SubElement(line, kind, _spans(cell, columns))
            made.text = _text(cell)
    return html


def _spans(cell: Element, columns: dict[str | None, int]) -> dict[str, str]:
    spans = {name: value for name in ("colspan", "rowspan") if (value := cell.get(name))}
    first, last = columns.get(cell.get("namest")), columns.get(cell.get("nameend"))
    if first is not None and last is not None and last > first:
        spans["colspan"] = str(last - first + 1)
    if (more := cell.get("morerows", "")).isdecimal():
        spans["rowspan"] = str(int(more[:4]) + 1)
    return spans


def _people(group: Element) -> Iterator[str]:
    for person in group:
        family = _flat(" ".join(person_part.text or "" for person_part in person.iter("surname")))
        given = _flat(" ".join(part.text or "" for tag in ("given-names", "firstname") for part in person.iter(tag)))
        name = " ".join(filter(None, (given, family))) or next(map(_text, person.iter("collab")), "")
        if name := name or next(map(_text, person.iter("string-name")), ""):
            yield name


def _text(element: Element, between: str = " ") -> str:
    """All words of an element; children that stand side by side are set apart, those within a sentence are not."""
    pieces: list[str] = []
    _collect(element, between, pieces)
    return _flat("".join(pieces)).strip(" ,")


def _collect(element: Element, between: str, pieces: list[str]) -> None:
    gap = "" if _is_mixed(element) else between
    pieces.append(element.text or "")
    for child in element:
        if child.tag.lower() not in LEFT_OUT:
            _collect(child, " ", pieces)
            pieces.append(" " if child.tag in {"break", "label"} else gap)
        pieces.append(child.tail or "")


def _record(element: Element, *, attributes: bool) -> Value:
    """An element as a value: its words, or its attributes and children; children of one name are a list."""
    fields: list[tuple[str, Value]] = []
    if attributes:
        fields = [(name.rpartition(":")[2], value) for name, value in element.attrib.items() if _is_data(name)]
    groups: dict[str, list[Value]] = {}
    for child in element:
        if child.tag.lower() not in LEFT_OUT or attributes:
            groups.setdefault(child.tag, []).append(_record(child, attributes=attributes))
    text = _flat(element.text or "")
    if not groups and not fields:
        return text
    if text:
        fields.append(("text", text))
    fields.extend((tag, values if len(values) > 1 else values[0]) for tag, values in groups.items())
    return fields[0][1] if len(fields) == 1 and isinstance(fields[0][1], list) else Fields(fields)


def _is_data(name: str) -> bool:
    return not name.startswith(("xmlns", "xsi:", "xml:"))


def _flat(text: str) -> str:
    return _SPACES.sub(" ", text).strip()
