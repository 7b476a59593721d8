"""CSV dialects and spreadsheets."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from openpyxl.comments import Comment

from ragkit.errors import ItemError


def workbook(fill) -> bytes:
    """Return the bytes of a workbook that ``fill`` filled."""
    book = openpyxl.Workbook()
    fill(book)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(parse, delimiter: str) -> None:
    """Whatever cuts the lines evenly is the delimiter; a quoted one is text."""
    rows = [["name", "note"], ["Lamp", f'"a{delimiter}b"'], ["Desk", '"said ""yes"""']]
    parsed = parse("\n".join(delimiter.join(row) for row in rows), "prices.csv")
    body = f"a{delimiter}b".replace("\t", " ").replace("|", "\\|")
    assert parsed.text == f'| name | note |\n| --- | --- |\n| Lamp | {body} |\n| Desk | said "yes" |'
    assert parsed.blocks[0].header_end == parsed.text.index("\n| Lamp")


def test_backslash_escaped_quotes(parse) -> None:
    """Quotes escaped as in WikiTableQuestions stay inside their field."""
    text = '"Player","Team"\n"Greg \\"Stylez G.\\" White","Houston, TX"\n'
    assert parse(text, "x.csv").text.endswith('| Greg "Stylez G." White | Houston, TX |')


def test_excel_names_its_delimiter(parse) -> None:
    """``sep=;`` is obeyed and not shown."""
    assert parse("sep=;\na;b\nc;1,5\n", "x.csv").text == "| a | b |\n| --- | --- |\n| c | 1,5 |"


def test_a_table_of_figures_has_no_header(parse) -> None:
    """The first row of numbers is data."""
    parsed = parse("1,2\n3,4\n", "x.csv")
    assert parsed.blocks[0].header_end == parsed.blocks[0].start


def test_an_unclosed_quote_loses_nothing(parse) -> None:
    """Malformed CSV still gives its words."""
    assert "rest" in parse('a,b\n"open,2\nrest,3\n', "x.csv").text


def test_sheets_headings_pages_and_values(parse) -> None:
    """Each visible sheet is a heading and tables; the hidden one is named in a notice; values read as written."""

    def fill(book: openpyxl.Workbook) -> None:
        first = book.active
        first.title = "Prices"
        first.append(["Price list 2026"])
        first.append([])
        first.append(["Item", "Price", "From", "Sold"])
        first.append(["Lamp", 10.0, date(2026, 1, 2), True])
        first.append(["Desk", 199.5, datetime(2026, 1, 2, 8, 30), False])
        hidden = book.create_sheet("Margins")
        hidden.append(["secret", "margin"])
        hidden.sheet_state = "hidden"
        book.create_sheet("Notes").append(["Closed in August"])

    parsed = parse(workbook(fill), "prices.xlsx")
    assert parsed.shown() == [
        ("heading", "Prices"),
        ("paragraph", "Price list 2026"),
        (
            "table",
            (
                "| Item | Price | From | Sold |\n| --- | --- | --- | --- |\n"
                "| Lamp | 10 | 2026-01-02 | TRUE |\n| Desk | 199.5 | 2026-01-02 08:30:00 | FALSE |"
            ),
        ),
        ("heading", "Notes"),
        ("paragraph", "Closed in August"),
    ]
    assert [block.page for block in parsed.blocks] == [1, 1, 1, 3, 3]
    assert parsed.notices["part-skipped"].where == (2,)
    assert parsed.notices["hidden-text"].count == 1


def test_hidden_rows_columns_and_comments_are_removed_and_counted(parse) -> None:
    """What nobody sees goes; what a filter or a folded outline hides is one click away and stays."""

    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        sheet.append([])
        for row in (
            ["", "Item", "Cost", "Note", "Margin"],
            ["", "Lamp", 4, "a", 1],
            ["", "Desk", 5, "b", 2],
            ["", "Bed", 6, "c", 3],
        ):
            sheet.append(row)
        sheet.row_dimensions[4].hidden = True
        sheet.column_dimensions["C"].hidden = True
        sheet.column_dimensions["E"].hidden = True
        sheet.column_dimensions["E"].outlineLevel = 1
        sheet["B3"].comment = Comment("secret remark", "Ann")
        filtered = book.create_sheet("Filtered")
        for row in (["Item", "Cost"], ["Lamp", 4], ["Desk", 5]):
            filtered.append(row)
        filtered.auto_filter.ref = "A1:B3"
        filtered.auto_filter.add_filter_column(0, ["Lamp"])
        filtered.row_dimensions[3].hidden = True

    content = workbook(fill)
    parsed = parse(content, "x.xlsm")
    assert parsed.of("table") == [
        "| Item | Note | Margin |\n| --- | --- | --- |\n| Lamp | a | 1 |\n| Bed | c | 3 |",
        "| Item | Cost |\n| --- | --- |\n| Lamp | 4 |\n| Desk | 5 |",
    ]
    assert parsed.notices["hidden-text"].count == 3
    bare = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(bare, "w") as new:
        for entry in old.infolist():  # rows may go without numbers, and a height of nothing hides as well
            data = old.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                data = re.sub(rb' r="[A-Z]*\d+"', b"", data.replace(b'<row r="4" hidden="1"', b'<row ht="0"'))
            new.writestr(entry.filename, data)
    assert "Desk" not in parse(bare.getvalue(), "x.xlsx").of("table")[0]


def test_what_an_ods_hides(parse) -> None:
    """Collapsed rows and columns, hidden sheets, comments."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )

    def cell(text: str, inside: str = "") -> str:
        return f'<table:table-cell office:value-type="string">{inside}<text:p>{text}</text:p></table:table-cell>'

    def row(*cells: str, look: str = "") -> str:
        return f"<table:table-row {look}>{''.join(cells)}</table:table-row>"

    gone = 'table:visibility="collapse"'
    remark = "<office:annotation><text:p>secret remark</text:p></office:annotation>"
    body = (
        f'<table:table table:name="A"><table:table-column/><table:table-column {gone}/><table:table-column/>'
        + row(cell("Item", remark), cell("Cost"), cell("Note"))
        + row(cell("Lamp"), cell("4"), cell("a"))
        + row(cell("Desk"), cell("5"), cell("b"), look=gone)
        + f'<table:table-row-group table:display="false">{row(cell("Bed"), cell("6"), cell("c"), look=gone)}'
        "</table:table-row-group></table:table>"
        f'<table:table table:name="B" table:style-name="ta">{row(cell("Layoffs"), cell("all"))}</table:table>'
    )
    content = (
        f"<?xml version='1.0'?><office:document-content{spaces}><office:automatic-styles>"
        '<style:style style:name="ta" style:family="table"><style:table-properties table:display="false"/>'
        "</style:style>"
        f"</office:automatic-styles><office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    parsed = parse(written.getvalue(), "x.ods")
    assert parsed.of("table") == ["| Item | Note |\n| --- | --- |\n| Lamp | a |\n| Bed | c |"]
    assert parsed.notices["part-skipped"].where == (2,)
    assert parsed.notices["hidden-text"].count == 4


def test_merged_header_cells_name_each_column(parse) -> None:
    """A year merged over its quarters is repeated for each."""

    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        sheet.append(["Region", "2025", None])
        sheet.append(["Name", "First half", "Second half"])
        sheet.append(["North", 1, 2])
        sheet.merge_cells("B1:C1")

    table = parse(workbook(fill), "x.xlsx").of("table")[0]
    assert table.splitlines()[0] == "| Region Name | 2025 First half | 2025 Second half |"


def test_tables_below_each_other_stay_two(parse) -> None:
    """An empty row followed by a new header begins a new table; one followed by data does not."""

    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        for row in (["A", "B"], ["x", 1], [], ["y", 2], [], ["C", "D"], ["z", 3]):
            sheet.append(row)

    assert [table.count("\n") for table in parse(workbook(fill), "x.xlsx").of("table")] == [3, 2]


def test_broken_and_encrypted_workbooks_are_named(parse) -> None:
    """Damage and passwords are told apart."""
    whole = workbook(lambda book: book.active.append(["a", "b"]))
    with pytest.raises(ItemError) as caught:
        parse(whole[: len(whole) // 2], "x.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    assert caught.value.code in {"malformed", "unsupported-type"}
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
    with pytest.raises(ItemError) as caught:
        parse(ole, "x.xlsx")
    assert caught.value.code == "encrypted"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(parse) -> None:
    """Fifty megabytes of zeros in a worksheet are seen in the directory."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(50 * 1024 * 1024))
    with pytest.raises(ItemError) as caught:
        parse(written.getvalue(), "bomb.xlsx")
    assert caught.value.code == "archive-bomb"


def test_too_many_entries_are_refused(parse) -> None:
    """The number of members is bounded as well."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
        for number in range(10_001):
            archive.writestr(f"a/{number}", b"")
    with pytest.raises(ItemError) as caught:
        parse(written.getvalue(), "bomb.docx")
    assert caught.value.code == "archive-bomb"


def test_a_caption_above_delimited_rows_is_no_header(parse) -> None:
    """One filled cell above a header that names the columns; tabs or commas."""
    for separator, name in (("\t", "a.tsv"), (",", "a.csv")):
        rows = [["Stanley Cups", "", ""], ["Team", "Place", "Cups"], ["Blues", "STL", "1"], ["Flyers", "PHI", "2"]]
        parsed = parse("\n".join(separator.join(row) for row in rows), name)
        assert parsed.shown() == [
            ("paragraph", "Stanley Cups"),
            ("table", "| Team | Place | Cups |\n| --- | --- | --- |\n| Blues | STL | 1 |\n| Flyers | PHI | 2 |"),
        ]
    assert parse("Notes,\nred,1\nblue,2\n", "a.csv").of("paragraph") == []


def test_rows_that_never_end_take_time_in_proportion(parse) -> None:
    """Looking for hidden rows used to read from each of them to the end of the sheet, which packs to nothing."""
    content = workbook(lambda book: book.active.append(["Item", "Price"]))
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.infolist():
            remark = b"<!--" + b"<row " * 100_000 + b"--></worksheet>"
            new.writestr(entry, old.read(entry).replace(b"</worksheet>", remark))
    assert "| Item | Price |" in parse(written.getvalue(), "a.xlsx").text
