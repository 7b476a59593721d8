"""Files of offices with planted values, for :mod:`ragkit.testing.leak_formats`; what nobody sees is in them too."""

from __future__ import annotations

import io
import struct
from html import escape
from typing import Any

from ragkit.testing import outlook_file, powerpoint97_file, word97_file
from ragkit.testing.compound_file import compound_file
from ragkit.testing.hostile_samples import OPEN_DOCUMENT, open_document
from ragkit.testing.leak_supply import Supply

_STYLE = 'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'


def pptx_file(supply: Supply) -> bytes:
    """Slides with a title, a table, notes, one that is not shown, and who made them."""
    import pptx
    from pptx.util import Inches

    show = pptx.Presentation()
    show.core_properties.title = supply.say("pptx property title")
    show.core_properties.author = supply.hide("pptx property author")
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = supply.say("pptx title")
    slide.placeholders[1].text = f"{supply.say('pptx text')}\n{supply.mention('pptx prose')}"
    table = slide.shapes.add_table(2, 1, Inches(1), Inches(4), Inches(5), Inches(1)).table
    table.cell(0, 0).text, table.cell(1, 0).text = "Remark", supply.say("pptx cell")
    slide.notes_slide.notes_text_frame.text = supply.say("pptx notes")
    unseen = show.slides.add_slide(show.slide_layouts[1])
    unseen.shapes.title.text = supply.hide("pptx slide not shown")
    unseen._element.set("show", "0")
    return _saved(show)


def docx_file(supply: Supply) -> bytes:
    """Text with a heading, a page header, a hidden run, and who wrote it."""
    import docx

    document = docx.Document()
    document.core_properties.title = supply.say("docx property title")
    document.core_properties.author = supply.hide("docx property author")
    document.add_heading(supply.say("docx heading"), 1)
    document.add_paragraph(supply.say("docx text")).add_run(supply.hide("docx hidden run")).font.hidden = True
    document.sections[0].header.paragraphs[0].text = supply.say("docx page header")
    return _saved(document)


def xlsx_file(supply: Supply) -> bytes:
    """Sheets, one hidden, and a comment."""
    import openpyxl
    from openpyxl.comments import Comment

    book = openpyxl.Workbook()
    book.active.title = supply.hide("xlsx sheet of none")[:31]
    book.active.sheet_state = "hidden"
    book.active.append([supply.hide("xlsx hidden sheet")])
    shown = book.create_sheet("Remarks")
    shown.append(["Row", "Remark"])
    shown.append([1, supply.say("xlsx cell")])
    shown["A2"].comment = Comment(supply.hide("xlsx comment"), supply.hide("xlsx comment's author"))
    return _saved(book)


def odt_file(supply: Supply) -> bytes:
    """Text, some of it hidden."""
    hidden = (
        f'<office:automatic-styles><style:style {_STYLE} style:name="H" style:family="text">'
        f'<style:text-properties {_STYLE} text:display="none"/></style:style></office:automatic-styles><office:body>'
    )
    body = (
        f"<office:text><text:h>{escape(supply.say('odt heading'))}</text:h><text:p>{escape(supply.say('odt text'))}"
        f'<text:span text:style-name="H">{supply.hide("odt hidden span")}</text:span></text:p>'
        f"<text:p>{escape(supply.mention('odt prose'))}</text:p></office:text>"
    )
    return open_document(OPEN_DOCUMENT.format(body).replace("<office:body>", hidden, 1))


def ods_file(supply: Supply) -> bytes:
    """A table."""
    rows = "".join(
        '<table:table-row><table:table-cell office:value-type="string"><text:p>'
        f"{escape(text)}</text:p></table:table-cell></table:table-row>"
        for text in ("Remark", supply.say("ods cell"), supply.say("ods cell"))
    )
    body = f"<office:spreadsheet><table:table table:name='S'>{rows}</table:table></office:spreadsheet>"
    return open_document(OPEN_DOCUMENT.format(body), "spreadsheet")


def odp_file(supply: Supply) -> bytes:
    """A slide."""
    body = (
        f"<office:presentation><draw:page><draw:frame><draw:text-box><text:p>{escape(supply.say('odp text'))}</text:p>"
        f"<text:p>{escape(supply.mention('odp prose'))}</text:p></draw:text-box></draw:frame></draw:page>"
        "</office:presentation>"
    )
    return open_document(OPEN_DOCUMENT.format(body), "presentation")


def rtf_file(supply: Supply) -> str:
    """Text with a title, a footnote, a hidden run, and who wrote it."""
    said = [supply.say(f"rtf {place}") for place in ("title", "text", "footnote")]
    title, text, note = ("".join(c if c.isascii() else f"\\u{ord(c)}?" for c in one) for one in said)
    author, gone = supply.hide("rtf author"), supply.hide("rtf hidden run")
    return (
        f"{{\\rtf1\\ansi{{\\info{{\\title {title}}}{{\\author {author}}}}}{text}{{\\footnote {note}}}"
        f"{{\\v {gone}}}\\par The end.\\par}}"
    )


def msg_file(supply: Supply) -> bytes:
    """A message with an attachment."""
    name = f"{supply.say('msg attachment name', plain=True)} list.csv"
    content = f"Row,Remark\n1,{csv_cell(supply.say('msg attachment'))}\n".encode()
    header: dict[int, str | bytes] = {
        outlook_file.SUBJECT: supply.say("msg subject"),
        outlook_file.SENDER: supply.say("msg sender", kind="PERSON"),
        outlook_file.SENDER_MAIL: supply.say("msg sender's address", kind="EMAIL_ADDRESS"),
        outlook_file.TO: supply.say("msg to", kind="EMAIL_ADDRESS"),
        outlook_file.BODY: f"{supply.say('msg text')}\r\n\r\n{supply.mention('msg prose')}",
    }
    return compound_file(outlook_file.message(header, outlook_file.attachment(name, content)))


def doc_file(supply: Supply) -> bytes:
    """Text, some of it hidden or deleted."""
    hidden = [("The delivery was late. ", b""), (supply.hide("doc hidden run") + " ", word97_file.HIDDEN)]
    deleted = [(supply.hide("doc deleted run"), word97_file.DELETED), ("It came.\r", b"")]
    text = [([*hidden, *deleted], 0, b""), word97_file.plain(supply.say("doc text"))]
    return word97_file.document([*text, word97_file.plain(supply.mention("doc prose"))])


def ppt_file(supply: Supply) -> bytes:
    """Slides with a title, notes, and one that is not shown."""
    record, text, shape = powerpoint97_file.record, powerpoint97_file.text, powerpoint97_file.shape
    shown = powerpoint97_file.slide(
        shape(record(0x0F9E, struct.pack("<i", 0))), shape(text(4, supply.say("ppt text"))), notes=99
    )
    unseen = powerpoint97_file.slide(shape(text(4, supply.hide("ppt slide not shown"))), hidden=True)
    notes = powerpoint97_file.drawing(shape(text(2, supply.say("ppt notes"))))
    return powerpoint97_file.deck([shown, unseen], outline=text(6, supply.say("ppt title")), notes=notes)


def csv_cell(text: str) -> str:
    """Quote a cell."""
    return '"' + text.replace('"', '""') + '"'


def _saved(document: Any) -> bytes:
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()
