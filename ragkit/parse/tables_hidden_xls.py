"""Which rows and columns of an XLS its reader does not see, and how many comments hang on it ([MS-XLS] 2.4).

A workbook is a stream of records; the sheets' own records begin where the list of sheets says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ragkit.parse.ole import Container
from ragkit.parse.problems import problem
from ragkit.parse.tables_hidden import Unseen

_END, _SHEET, _ROW, _COLUMNS, _FILTERED, _NOTE = 0x000A, 0x0085, 0x0208, 0x007D, 0x009B, 0x001C
_OUTLINE: Final = 0x0007
_HIDDEN_ROW: Final = 0x0020
_MAX_COLUMNS: Final = 256


def unseen_in_xls(content: bytes) -> tuple[dict[str, Unseen], int]:
    """What is hidden on each sheet, by the sheet's name, and how many comments the workbook has.

    Rows of a sheet with a filter in force, and what a folded outline hides, are one click away: kept.

    Raises:
        ItemError: ``malformed``.
    """
    container = Container(content)
    if not container.has("Workbook"):
        return {}, 0  # Excel 5 and 95 call it "Book" and lay it out otherwise
    data = container.stream("Workbook")
    found: dict[str, Unseen] = {}
    comments = 0
    try:
        for kind, record in _records(data, 0):
            if kind != _SHEET:
                continue
            (place,) = struct.unpack_from("<I", record)
            length, wide = record[6], record[7] & 1
            name = record[8 : 8 + length * (2 if wide else 1)].decode("utf-16-le" if wide else "latin-1")
            found[name], notes = _lines(data, place)
            comments += notes
    except (struct.error, IndexError, UnicodeDecodeError):
        raise problem("malformed") from None
    return found, comments


def _records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and data of the records from an offset to the end of its part."""
    while at + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, at)
        if kind == _END:
            return
        yield kind, data[at + 4 : at + 4 + length]
        at += 4 + length


def _lines(data: bytes, place: int) -> tuple[Unseen, int]:
    unseen, comments, filtered = Unseen(), 0, False
    for kind, record in _records(data, place):
        if kind == _ROW:
            (row,), (flags,) = struct.unpack_from("<H", record), struct.unpack_from("<H", record, 12)
            if flags & _HIDDEN_ROW and not flags & _OUTLINE:
                unseen.rows.add(row)
        elif kind == _COLUMNS:
            first, last, width, _, flags = struct.unpack_from("<5H", record)
            if (flags & 1 or not width) and not flags >> 8 & _OUTLINE:
                unseen.columns.update(range(first, min(last + 1, _MAX_COLUMNS)))
        elif kind == _FILTERED:
            filtered = True
        elif kind == _NOTE:
            comments += 1
    if filtered:
        unseen.rows.clear()
    return unseen, comments
