"""Which rows and columns of a workbook its reader does not see, and how many comments hang on it.

python-calamine reads values only, so the sheets' own XML is asked (XLSX: ECMA-376 Part 1, 18.3.1.13 and 18.3.1.73;
ODS: ODF 1.3 Part 3, 19.749). What a filter or a folded outline hides is one click away and marked on the sheet: it is
kept. XLS: ``tables_hidden_xls``. XLSB is not looked into: there hidden rows and columns are read like any other.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import Element

from ragkit.parse.odf_styles import OFFICE, TABLE
from ragkit.parse.xml_safe import Members, local, read_xml

_RELATION: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_STRICT: Final = "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
_MAX_LINES: Final = 1_100_000
"""More rows than any spreadsheet has (1,048,576)."""
_NULL: Final = rb"""(?:\bhidden\s*=\s*["'](?:1|true)["']|\b(?:ht|width)\s*=\s*["']0(?:\.0*)?["'])"""
_CANDIDATE: Final = re.compile(rb"<(?:\w+:)?(?:row|col)\s[^<>]*?" + _NULL)
_ROW: Final = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_COLUMN: Final = re.compile(rb"<(?:\w+:)?col\s([^<>]*)>")
_HIDDEN: Final = re.compile(_NULL)
_OUTLINE: Final = re.compile(rb"""\boutlineLevel\s*=\s*["'][1-9]""")
_NUMBER: Final = re.compile(rb"""(?:^|\s)r\s*=\s*["'](\d{1,7})["']""")
_SPAN: Final = re.compile(rb"""\b(min|max)\s*=\s*["'](\d{1,5})["']""")
_FILTERED: Final = re.compile(
    rb"""<(?:\w+:)?autoFilter\b[^<>]*\bref\s*=\s*["']\$?[A-Z]+\$?(\d{1,7}):\$?[A-Z]+\$?(\d{1,7})["'][^<>]*>"""
    rb"""\s*<(?:\w+:)?filterColumn"""
)
_COMMENT: Final = re.compile(rb"<(?:\w+:)?comment\b")


@dataclass(slots=True)
class Unseen:
    """Rows and columns that are not shown, by position from 0."""

    rows: set[int] = field(default_factory=set)
    columns: set[int] = field(default_factory=set)


def unseen_lines(content: bytes) -> tuple[dict[str, Unseen], int]:
    """What is hidden on each sheet, by the sheet's name, and how many comments the workbook has.

    Raises:
        ItemError: ``malformed``.
    """
    members = Members(content)
    if "xl/workbook.xml" in members.names:
        return _of_xlsx(members)
    data = members.bytes("content.xml")
    if data is None or not (b"collapse" in data or b":annotation" in data):
        return {}, 0
    return _of_ods(read_xml(data))


def _of_xlsx(members: Members) -> tuple[dict[str, Unseen], int]:
    workbook = members.xml("xl/workbook.xml")
    targets = {key: path for key, path, _ in _relations(members, "xl/workbook.xml")}
    found: dict[str, Unseen] = {}
    for sheet in workbook.iter() if workbook is not None else ():
        if local(sheet) != "sheet":
            continue
        path = targets.get(sheet.get(f"{_RELATION}id") or sheet.get(f"{_STRICT}id") or "", "")
        data = members.bytes(path) or b""
        if not _CANDIDATE.search(data):
            continue
        tables = [target for _, target, kind in _relations(members, path) if kind.endswith("/table")]
        parts = (data, *(members.bytes(table) or b"" for table in tables))
        found[sheet.get("name") or ""] = _lines(data, [match for part in parts for match in _FILTERED.finditer(part)])
    notes = (name for name in members.names if name.startswith("xl/") and name.rpartition("/")[2].startswith("comment"))
    return found, sum(len(_COMMENT.findall(members.bytes(name) or b"")) for name in notes if name.endswith(".xml"))


def _relations(members: Members, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield ``(id, path of the target, type)`` of the parts that a part names."""
    folder, _, name = path.rpartition("/")
    root = members.xml(f"{folder}/_rels/{name}.rels")
    for relation in root if root is not None else ():
        target = relation.get("Target") or ""
        resolved = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        yield relation.get("Id") or "", resolved, relation.get("Type") or ""


def _lines(data: bytes, filters: list[re.Match[bytes]]) -> Unseen:
    unseen = Unseen()
    number = 0
    for row in _ROW.finditer(data):
        named = _NUMBER.search(row[1])
        number = int(named[1]) if named else number + 1
        if _is_hidden(row[1]) and not any(int(span[1]) <= number <= int(span[2]) for span in filters):
            unseen.rows.add(number - 1)
    for column in _COLUMN.finditer(data):
        span = {key: int(value) for key, value in _SPAN.findall(column[1])}
        if _is_hidden(column[1]) and len(span) == 2:
            unseen.columns.update(range(max(span[b"min"] - 1, 0), min(span[b"max"], 20_000)))
    return unseen


def _is_hidden(attributes: bytes) -> bool:
    return bool(_HIDDEN.search(attributes)) and not _OUTLINE.search(attributes)


def _of_ods(root: Element) -> tuple[dict[str, Unseen], int]:
    found: dict[str, Unseen] = {}
    for table in root.iter(f"{TABLE}table"):
        unseen = Unseen()
        for lines, kind in ((unseen.rows, "row"), (unseen.columns, "column")):
            position = 0
            for line, folded in _ods_lines(table, f"table-{kind}", folded=False):
                repeated = line.get(f"{TABLE}number-{kind}s-repeated") or "1"
                count = min(int(repeated) if repeated.isdigit() else 1, _MAX_LINES)
                if line.get(f"{TABLE}visibility") == "collapse" and not folded:
                    lines.update(range(position, min(position + count, _MAX_LINES)))
                position += count
        found[table.get(f"{TABLE}name") or ""] = unseen
    return found, sum(1 for _ in root.iter(f"{OFFICE}annotation"))


def _ods_lines(parent: Element, name: str, *, folded: bool, depth: int = 0) -> Iterator[tuple[Element, bool]]:
    """Yield rows or columns in order, and whether each lies in a folded outline."""
    for child in parent:
        kind = local(child)
        if kind == name:
            yield child, folded
        elif kind.startswith(name) and depth < 20:  # header-rows, row-group, rows
            yield from _ods_lines(
                child, name, folded=folded or child.get(f"{TABLE}display") == "false", depth=depth + 1
            )
        elif kind == f"table-header-{name[6:]}s":
            yield from _ods_lines(child, name, folded=folded, depth=depth + 1)
