"""Delimited text and spreadsheets as Markdown tables that keep their header.

CSV: the delimiter is the one that cuts the first lines into the most even rows; a quote inside a field may be
doubled (RFC 4180) or escaped by a backslash. Spreadsheets (python-calamine: XLSX, XLSB, XLS, ODS): each visible
sheet is a heading and its tables, the sheet's position is the page; hidden sheets are skipped with a notice, hidden
rows and columns and comments are removed and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from ragkit.parse.archive import check_zip
from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.parse.tables_hidden import Unseen, unseen_lines
from ragkit.parse.text import decode
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50


def parse_delimited(part: Part, out: BlockWriter) -> None:
    """Read CSV or TSV."""
    text = decode(part, out).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    first, _, rest = text.partition("\n")
    delimiter = ""
    if first[:4].lower() == "sep=" and len(first) == 5:  # what Excel writes to name the delimiter
        delimiter, text = first[4], rest
    limit = csv.field_size_limit(max(len(text), 1))  # the module's, for every reader in the process
    try:
        delimiter = delimiter or _delimiter(text)
        rows = [row for row in _rows(text, delimiter) if any(cell.strip() for cell in row)]
    finally:
        csv.field_size_limit(limit)
    while len(rows) > 2 and _filled(rows[0]) == 1 < _filled(rows[1]) and looks_like_header(rows[1:]):
        out.add(BlockKind.PARAGRAPH, "".join(rows.pop(0)))  # a caption above the table
    out.table(rows, header_rows=1 if looks_like_header(rows) else 0)


def parse_workbook(part: Part, out: BlockWriter) -> None:
    """Read a spreadsheet."""
    from python_calamine import (
        CalamineError,
        CalamineWorkbook,
        PasswordError,
        SheetTypeEnum,
        SheetVisibleEnum,
    )

    if part.content.startswith(b"PK"):
        check_zip(part.content)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(part.content))
        unseen, comments = _unseen(part.content)
        out.hidden += comments
        for position, sheet in enumerate(book.sheets_metadata, start=1):
            if sheet.visible != SheetVisibleEnum.Visible:
                out.notice("part-skipped", where=(position,))
                out.hidden += 1
            elif sheet.typ == SheetTypeEnum.WorkSheet:
                _write_sheet(book.get_sheet_by_name(sheet.name), position, unseen.get(sheet.name), out)
    except PasswordError:
        raise problem("encrypted") from None
    except (CalamineError, OSError, ValueError):
        raise problem("malformed") from None
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":  # a panic of calamine's, which is no Exception to Python
            raise
        raise problem("malformed") from None


def _unseen(content: bytes) -> tuple[dict[str, Unseen], int]:
    if content.startswith(b"PK"):
        return unseen_lines(content)
    from ragkit.parse.tables_hidden_xls import unseen_in_xls

    return unseen_in_xls(content)


def _write_sheet(sheet: CalamineSheet, position: int, unseen: Unseen | None, out: BlockWriter) -> None:
    rows = [[_value(cell) for cell in row] for row in sheet.to_python(skip_empty_area=True)]
    if not any(any(row) for row in rows):
        return
    out.add(BlockKind.HEADING, sheet.name, level=2, page=position)
    origin = sheet.start or (0, 0)
    merged = {
        (top - origin[0], left - origin[1]): right - left
        for (top, left), (_, right) in sheet.merged_cell_ranges or ()
        if right > left
    }
    if unseen is not None:
        rows, merged = _shown(rows, merged, origin, unseen, out)
    for first, rows_of_table in _tables(rows):
        group, start = rows_of_table, first
        while _filled(group[0]) == 1 and max(map(_filled, group)) > 1:
            out.add(BlockKind.PARAGRAPH, " ".join(filter(None, group[0])), page=position)  # a caption above the table
            group, start = group[1:], start + 1
        if _is_prose(group, start, merged):
            for row in group:
                out.add(BlockKind.PARAGRAPH, " ".join(filter(None, row)), page=position)
            continue
        out.table(group, header_rows=_header_rows(group, start, merged), page=position)


def _shown(
    rows: list[list[str]],
    merged: dict[tuple[int, int], int],
    origin: tuple[int, int],
    unseen: Unseen,
    out: BlockWriter,
) -> tuple[list[list[str]], dict[tuple[int, int], int]]:
    """Take out the rows that are not shown, empty the columns, and count those that said anything."""
    top, left = origin
    places: dict[int, int] = {}
    kept: list[list[str]] = []
    for number, row in enumerate(rows):
        if number + top in unseen.rows:
            out.hidden += any(row)
        else:
            places[number] = len(kept)
            kept.append(row)
    for column in {column - left for column in unseen.columns} & set(range(max(map(len, kept), default=0))):
        out.hidden += any(row[column] for row in kept)
        for row in kept:
            row[column] = ""
    return kept, {(places[row], column): span for (row, column), span in merged.items() if row in places}


def _tables(rows: list[list[str]]) -> list[tuple[int, list[list[str]]]]:
    """Cut a sheet at its empty rows, but only where what follows has a header of its own."""
    groups: list[tuple[int, list[list[str]]]] = []
    gap = True
    for number, row in enumerate(rows):
        if not any(row):
            gap = True
            continue
        if gap and (not groups or _begins_table(row, rows[number + 1 : number + 2])):
            groups.append((number, []))
        groups[-1][1].append(row)
        gap = False
    return groups


def _begins_table(row: list[str], following: Sequence[list[str]]) -> bool:
    return _filled(row) == 1 or (bool(following) and any(following[0]) and looks_like_header([row, *following]))


def _filled(row: list[str]) -> int:
    return sum(map(bool, row))


def _is_prose(rows: list[list[str]], start: int, merged: dict[tuple[int, int], int]) -> bool:
    """Tell notes written into cells from a list: one cell a row, few of them or spread over several columns."""
    if max(map(_filled, rows)) > 1:
        return False
    numbers = range(start, start + len(rows))
    return len(rows) < 3 or any(row in numbers for row, _ in merged)


def _header_rows(rows: list[list[str]], start: int, merged: dict[tuple[int, int], int]) -> int:
    if not looks_like_header(rows):
        return 0
    if len(rows) < 3 or not looks_like_header(rows[1:]):
        return 1
    spans = [column for (row, column) in merged if row == start]
    for column in spans:  # repeat a spanning title over its columns, so that each keeps it
        for offset in range(1, merged[start, column] + 1):
            if column + offset < len(rows[0]):
                rows[0][column + offset] = rows[0][column]
    sparse = _filled(rows[0]) * 2 <= _filled(rows[1]) and _filled(rows[1]) > 2 and not looks_like_header(rows[2:])
    return 2 if spans or sparse else 1


def _value(cell: object) -> str:
    if cell is None or cell == "":
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


def _delimiter(text: str) -> str:
    """The delimiter under which the first rows agree best on a width above one; a comma when none does."""
    lines = text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    sample = "\n".join(lines)
    best, score = ",", 0.0
    for candidate in _DELIMITERS:
        widths = [len(row) for row in _rows(sample, candidate) if row]
        common = max(set(widths), key=widths.count, default=0)
        if common > 1:
            agreement = widths.count(common) / len(widths) + min(common, 50) / 1000
            if agreement > score:
                best, score = candidate, agreement
    return best


def _rows(text: str, delimiter: str) -> Iterable[list[str]]:
    escaped = '\\"' in text
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        doublequote=not escaped or '""' in text.replace('\\"', ""),
        escapechar="\\" if escaped else None,
        skipinitialspace=True,
    )
    try:
        yield from reader
    except csv.Error:
        raise problem("malformed") from None
