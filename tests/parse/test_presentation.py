"""PPTX: slides as pages, lists, tables, charts, notes, and what the room does not see."""

from __future__ import annotations

import io
import zipfile

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE
from pptx.enum.dml import MSO_THEME_COLOR
from pptx.enum.shapes import MSO_SHAPE
from pptx.util import Inches, Pt

from ragkit.errors import ItemError


def saved(deck) -> bytes:
    """Return the bytes of a deck."""
    written = io.BytesIO()
    deck.save(written)
    return written.getvalue()


def box(slide, text: str, *, left: float = 1, top: float = 1, shape=None):
    """Add a text box (or an autoshape) and return its run."""
    place = Inches(left), Inches(top), Inches(2), Inches(1)
    added = slide.shapes.add_shape(shape, *place) if shape else slide.shapes.add_textbox(*place)
    run = added.text_frame.paragraphs[0].add_run()
    run.text = text
    return added, run


def rewritten(content: bytes, change) -> bytes:
    """Return the package with every XML part changed by ``change(name, data)``."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, change(entry.filename, old.read(entry)))
    return written.getvalue()


def test_slides_are_pages_in_order(parse) -> None:
    """Title first, lists with their labels, tables with merged cells, charts as tables, groups, notes."""
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[0])
    first.shapes.title.text = "Returns"
    first.placeholders[1].text = "For staff"
    second = deck.slides.add_slide(deck.slide_layouts[1])
    second.shapes.title.text = "Steps"
    body = second.placeholders[1].text_frame
    body.text = "Sign"
    body.add_paragraph().text = "Send"
    for paragraph in body.paragraphs:
        numbering = paragraph._p.get_or_add_pPr()
        numbering.append(
            pptx.oxml.parse_xml(
                '<a:buAutoNum xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" type="arabicPeriod"/>'
            )
        )
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(5), Inches(1), Inches(1)).text_frame.text = "In a group"
    table = second.shapes.add_table(3, 3, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for row, texts in zip(table.rows, [["City", "Days", ""], ["Bonn", "30", "x"], ["", "28", "y"]]):
        for cell, text in zip(row.cells, texts):
            cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    table.cell(1, 0).merge(table.cell(2, 0))
    figures = CategoryChartData()
    figures.categories = ["2025", "2026"]
    figures.add_series("Sold", (3, 4))
    frame = second.shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(1), Inches(2), Inches(2), figures)
    frame.chart.has_title = True
    frame.chart.chart_title.text_frame.text = "Lamps"
    second.notes_slide.notes_text_frame.text = "Smile."
    parsed = parse(saved(deck), "deck.pptx")
    assert parsed.title == "Returns"
    assert parsed.shown() == [
        ("heading", "Returns"),
        ("paragraph", "For staff"),
        ("heading", "Steps"),
        ("list-item", "1. Sign"),
        ("list-item", "2. Send"),
        ("paragraph", "In a group"),
        ("table", "| City | Days | Days |\n| --- | --- | --- |\n| Bonn | 30 | x |\n| Bonn | 28 | y |"),
        ("paragraph", "Lamps"),
        ("table", "|  | Sold |\n| --- | --- |\n| 2025 | 3 |\n| 2026 | 4 |"),
        ("paragraph", "Smile."),
    ]
    assert [block.page for block in parsed.blocks] == [1] * 2 + [2] * 8
    assert [block.level for block in parsed.blocks if block.level] == [1, 2]
    assert not parsed.notices


def test_what_the_room_cannot_see_is_removed_and_counted(parse) -> None:
    """The colour of the ground, a point's size, off the slide, marked hidden, a speck, without a fill."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box(slide, "shown")
    box(slide, "white")[1].font.color.rgb = RGBColor(255, 255, 255)
    box(slide, "nearly white")[1].font.color.rgb = RGBColor(253, 254, 255)
    box(slide, "ground")[1].font.color.theme_color = MSO_THEME_COLOR.BACKGROUND_1
    box(slide, "tiny")[1].font.size = Pt(1)
    box(slide, "beside", left=-4)
    box(slide, "below", top=20)
    box(slide, "marked")[0]._element.nvSpPr.cNvPr.set("hidden", "1")
    speck = box(slide, "speck")[0]
    speck.width = speck.height = 0
    filled, run = box(slide, "blue on blue", shape=MSO_SHAPE.RECTANGLE, top=4)
    filled.fill.solid()
    filled.fill.fore_color.rgb = run.font.color.rgb = RGBColor(0, 0, 128)
    box(slide, "nothing")[1].font.fill.background()
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(1), Inches(1)).text_frame.text = "moved away with its group"
    group.left = Inches(-9)
    parsed = parse(saved(deck), "x.pptx")
    assert parsed.text == "shown"
    assert parsed.notices["hidden-text"].count == 11


def test_white_type_on_dark_ground_is_read(parse) -> None:
    """A dark shape of its own, one behind it, a dark slide, a picture-like fill: honest slides are often dark."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    dark, run = box(slide, "on itself", shape=MSO_SHAPE.RECTANGLE)
    dark.fill.solid()
    dark.fill.fore_color.rgb = RGBColor(0, 0, 128)
    run.font.color.rgb = RGBColor(255, 255, 255)
    box(slide, "on what is behind it")[1].font.color.rgb = RGBColor(255, 255, 255)
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.background.fill.solid()
    slide.background.fill.fore_color.rgb = RGBColor(0, 0, 0)
    box(slide, "on a dark slide")[1].font.color.rgb = RGBColor(255, 255, 255)
    box(slide, "black on black")[1].font.color.rgb = RGBColor(0, 0, 0)
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.background.fill.gradient()
    box(slide, "on a gradient")[1].font.color.rgb = RGBColor(255, 255, 255)
    parsed = parse(saved(deck), "x.pptx")
    assert parsed.of("paragraph") == ["on itself", "on what is behind it", "on a dark slide", "on a gradient"]
    assert parsed.notices["hidden-text"].count == 1


def test_hidden_slides_and_comments_are_counted(parse) -> None:
    """A slide that is not shown is named in a notice; a comment's words appear nowhere."""
    deck = pptx.Presentation()
    for text in ("Public", "Layoffs"):
        box(deck.slides.add_slide(deck.slide_layouts[6]), text)
    deck.slides[1]._element.set("show", "0")
    comment = (
        b'<p:cmLst xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main">'
        b'<p:cm authorId="0"><p:text>Fire him</p:text></p:cm></p:cmLst>'
    )
    part = pptx.opc.package.Part(
        pptx.opc.packuri.PackURI("/ppt/comments/comment1.xml"),
        "application/vnd.openxmlformats-officedocument.presentationml.comments+xml",
        deck.part.package,
        comment,
    )
    deck.slides[0].part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/comments")
    parsed = parse(saved(deck), "x.pptx")
    assert parsed.text == "Public"
    assert parsed.notices["part-skipped"].where == (2,)
    assert parsed.notices["hidden-text"].count == 2


def test_slide_shows_and_strict_packages_are_read(parse) -> None:
    """A .ppsx differs in one content type, ISO 29500 Strict in the namespaces."""
    deck = pptx.Presentation()
    box(deck.slides.add_slide(deck.slide_layouts[6]), "Words")
    whole = saved(deck)
    show = rewritten(
        whole, lambda _, data: data.replace(b"presentationml.presentation.main", b"presentationml.slideshow.main")
    )
    strict = rewritten(
        whole,
        lambda _, data: (
            data.replace(
                b"http://schemas.openxmlformats.org/presentationml/2006/", b"http://purl.oclc.org/ooxml/presentationml/"
            )
            .replace(b"http://schemas.openxmlformats.org/drawingml/2006/", b"http://purl.oclc.org/ooxml/drawingml/")
            .replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships",
            )
        ),
    )
    assert parse(show, "x.ppsx").text == "Words"
    assert parse(strict, "x.pptx").text == "Words"


def test_bombs_and_damage_cost_one_slide_or_one_file(parse) -> None:
    """Entities do not grow, deep nesting and a broken part end as damage, a missing slide is skipped."""
    deck = pptx.Presentation()
    for text in ("One", "Two"):
        box(deck.slides.add_slide(deck.slide_layouts[6]), text)
    whole = saved(deck)
    lol = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'

    def entities(name: str, data: bytes) -> bytes:
        head, _, rest = data.partition(b"?>")
        return head + b"?>" + lol + rest.replace(b"One", b"One&b;&f;") if name.endswith("slide1.xml") else data

    text = parse(rewritten(whole, entities), "x.pptx").text
    assert "lollol" not in text
    assert "root:" not in text
    deep = rewritten(
        whole, lambda name, data: b"<a>" * 100_000 + b"</a>" * 100_000 if name.endswith("slide1.xml") else data
    )
    broken = rewritten(whole, lambda name, data: data[:300] if name == "ppt/presentation.xml" else data)
    for content in (deep, broken):
        with pytest.raises(ItemError) as caught:
            parse(content, "x.pptx")
        assert caught.value.code in {"malformed", "archive-bomb"}
    lost = rewritten(
        whole, lambda name, data: data.replace(b"rId8", b"rId99") if name == "ppt/_rels/presentation.xml.rels" else data
    )
    parsed = parse(lost, "x.pptx")
    assert parsed.text == "One"
    assert parsed.notices["part-skipped"].where == (2,)
