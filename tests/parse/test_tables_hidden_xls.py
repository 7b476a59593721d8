"""XLS: hidden rows, columns, sheets and comments, in workbooks written record by record."""

from __future__ import annotations

import struct

from ragkit.testing.compound_file import compound_file


def record(kind: int, data: bytes = b"") -> bytes:
    """Return one record."""
    return struct.pack("<HH", kind, len(data)) + data


def label(row: int, column: int, text: str) -> bytes:
    """Return a cell of text."""
    return record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text.encode("latin-1"))


def row(number: int, *, hidden: bool = False, outline: int = 0) -> bytes:
    """Return what a sheet says of a row."""
    return record(0x0208, struct.pack("<6HHH", number, 0, 3, 255, 0, 0, (0x20 if hidden else 0) | outline, 0x0F))


def workbook(sheets: dict[str, list[bytes]], hidden: str = "") -> bytes:
    """Return an XLS."""
    head = record(0x0809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + record(0x0042, struct.pack("<H", 1200))
    begin = record(0x0809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    parts = {name: begin + b"".join(records) + record(0x000A) for name, records in sheets.items()}
    place = len(head) + sum(12 + len(name) for name in sheets) + 4
    for name, part in parts.items():
        head += record(0x0085, struct.pack("<IBBBB", place, name == hidden, 0, len(name), 0) + name.encode("latin-1"))
        place += len(part)
    return compound_file({"Workbook": head + record(0x000A) + b"".join(parts.values())})


def test_what_nobody_sees_goes_and_what_is_a_click_away_stays(parse) -> None:
    """Rows, columns, a sheet and a comment; a folded outline and a filter in force hide nothing for good."""
    cells = [
        label(place, column, text)
        for place, line in enumerate(
            (("Item", "Cost", "Note"), ("Lamp", "4", "a"), ("Desk", "5", "b"), ("Bed", "6", "c"))
        )
        for column, text in enumerate(line)
    ]
    columns = record(0x007D, struct.pack("<5H2x", 1, 1, 2340, 15, 1))
    prices = [columns, row(0), row(1), row(2, hidden=True), row(3, hidden=True, outline=1), *cells]
    filtered = [record(0x009B), row(1, hidden=True), *cells[:6]]
    parsed = parse(
        workbook({"A": [*prices, record(0x001C, bytes(12))], "B": filtered, "C": [label(0, 0, "Layoffs")]}, hidden="C"),
        "x.xls",
    )
    assert parsed.of("table") == [
        "| Item | Note |\n| --- | --- |\n| Lamp | a |\n| Bed | c |",
        "| Item | Cost | Note |\n| --- | --- | --- |\n| Lamp | 4 | a |",
    ]
    assert parsed.notices["part-skipped"].where == (3,)
    assert parsed.notices["hidden-text"].count == 4
