"""DOCX: order, lists, tables, notes, what Word hides."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from ragkit.errors import ItemError


def saved(document) -> bytes:
    """Return the bytes of a document."""
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def handbook():
    """Return a document with one of everything."""
    document = docx.Document()
    document.core_properties.title = "Staff handbook"
    document.sections[0].header.paragraphs[0].text = "Lumen GmbH"
    document.add_section().footer.paragraphs[0].text = "Internal"
    document.add_heading("Leave", level=1)
    document.add_paragraph("Thirty days a year.")
    document.add_paragraph("Ask early", style="List Bullet")
    document.add_paragraph("Sign", style="List Number")
    document.add_paragraph("Send", style="List Number")
    table = document.add_table(rows=3, cols=3)
    for row, cells in zip(table.rows, [["City", "Days", ""], ["Bonn", "30", "x"], ["", "28", "y"]]):
        for cell, text in zip(row.cells, cells):
            cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    document.add_heading("Overtime", level=2)
    document.add_paragraph("Paid monthly.")
    return document


def test_everything_in_document_order(parse) -> None:
    """Headings, lists with labels, merged cells, header and footer once."""
    parsed = parse(saved(handbook()), "handbook.docx")
    assert parsed.title == "Staff handbook"
    assert parsed.shown() == [
        ("paragraph", "Lumen GmbH"),
        ("heading", "Leave"),
        ("paragraph", "Thirty days a year."),
        ("list-item", "- Ask early"),
        ("list-item", "1. Sign"),
        ("list-item", "2. Send"),
        ("table", "| City | Days |  |\n| --- | --- | --- |\n| Bonn | 30 | x |\n| Bonn | 28 | y |"),
        ("heading", "Overtime"),
        ("paragraph", "Paid monthly."),
        ("paragraph", "Internal"),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2]


def test_hidden_runs_are_removed_and_counted(parse) -> None:
    """Vanished, white and one-point type is not what a reader sees; white on a shaded cell is."""
    document = docx.Document()
    paragraph = document.add_paragraph("Shown")
    paragraph.add_run(" vanished").font.hidden = True
    paragraph.add_run(" white").font.color.rgb = RGBColor(255, 255, 255)
    paragraph.add_run(" tiny").font.size = Pt(1)
    cell = document.add_table(rows=2, cols=2).cell(0, 0)
    shade = OxmlElement("w:shd")
    shade.set(qn("w:fill"), "003366")
    cell._element.get_or_add_tcPr().append(shade)
    cell.paragraphs[0].add_run("Legible").font.color.rgb = RGBColor(255, 255, 255)
    parsed = parse(saved(document), "x.docx")
    assert parsed.of("paragraph") == ["Shown"]
    assert "Legible" in parsed.text
    assert parsed.notices["hidden-text"].count == 3


def test_insertions_links_and_boxes_are_read_deletions_are_not(parse) -> None:
    """Text in wrappers that python-docx's paragraphs leave out is there; deleted text is not."""
    document = docx.Document()
    body = document.add_paragraph("Pay ")._element
    for wrapper, tag, text in (
        ("w:ins", "w:t", "now"),
        ("w:hyperlink", "w:t", " here"),
        ("w:del", "w:delText", " never"),
    ):
        outer, run, leaf = OxmlElement(wrapper), OxmlElement("w:r"), OxmlElement(tag)
        leaf.text = text
        leaf.set(qn("xml:space"), "preserve")
        run.append(leaf)
        outer.append(run)
        body.append(outer)
    assert parse(saved(document), "x.docx").text == "Pay now here"


def test_entities_are_not_resolved(parse) -> None:
    """An external entity in the document part neither reads a file nor grows."""
    source = io.BytesIO(saved(handbook()))
    written = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "word/document.xml":
                head, _, rest = data.partition(b"?>")
                evil = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]>'
                data = head + b"?>" + evil + rest.replace(b"Thirty days", b"Thirty&f;&b; days")
            new.writestr(entry, data)
    text = parse(written.getvalue(), "x.docx").text
    assert "Thirty" in text
    assert "root:" not in text
    assert "lollol" not in text


def test_strict_documents_are_read(parse) -> None:
    """ISO 29500 Strict uses other namespaces for the same elements."""
    source = io.BytesIO(saved(handbook()))
    written = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(written, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            data = data.replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            ).replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships",
            )
            new.writestr(entry.filename, data)
    assert "Thirty days a year." in parse(written.getvalue(), "strict.docx").text


def test_charts_are_tables_and_comments_are_counted(parse) -> None:
    """A chart's figures stand where it hangs; what reviewers wrote appears nowhere."""
    document = docx.Document()
    paragraph = document.add_paragraph("Sales")
    document.add_comment(paragraph.runs, text="Nonsense", author="Ann")
    names, years, figures = (
        "".join(f'<c:pt idx="{place}"><c:v>{value}</c:v></c:pt>' for place, value in enumerate(values))
        for values in (["Lamps"], [2025, 2026], [3, 4])
    )
    chart = (
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:barChart><c:ser>'
        f"<c:tx>{names}</c:tx><c:cat>{years}</c:cat><c:val>{figures}</c:val></c:ser></c:barChart></c:chart></c:chartSpace>"
    ).encode()
    part = Part(PackURI("/word/charts/chart1.xml"), "application/xml", chart, document.part.package)
    key = document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chart")
    drawing = parse_xml(
        '<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><c:chart '
        'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" xmlns:r='
        f'"http://schemas.openxmlformats.org/officeDocument/2006/relationships" r:id="{key}"/></w:drawing>'
    )
    paragraph.runs[0]._element.append(drawing)
    parsed = parse(saved(document), "x.docx")
    assert parsed.text == "Sales\n\n|  | Lamps |\n| --- | --- |\n| 2025 | 3 |\n| 2026 | 4 |"
    assert parsed.notices["hidden-text"].count == 1


def test_a_broken_package_is_malformed(parse) -> None:
    """Half a file is an item error."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("word/document.xml", "<w:document")
        archive.writestr("[Content_Types].xml", "<Types/>")
    with pytest.raises(ItemError) as caught:
        parse(written.getvalue(), "x.docx")
    assert caught.value.code == "malformed"


@pytest.mark.parametrize("tag", ["w:sdt", "w:p"])
def test_what_is_nested_beyond_reason_is_refused_rather_than_dropped(parse, tag: str) -> None:
    """Words further down would be lost without a word."""
    document = docx.Document()
    place = document.element.body
    for name in (tag, *["w:sdt"] * 70):
        place.insert(0, OxmlElement(name))
        place = place[0]
    run = OxmlElement("w:r")
    run.append(OxmlElement("w:t"))
    place.append(run)
    with pytest.raises(ItemError) as caught:
        parse(saved(document), "a.docx")
    assert caught.value.code == "too-nested"
