"""OpenDocument text and presentations: order, lists, tables, notes, what a reader does not see."""

from __future__ import annotations

import io
import zipfile

import pytest

from ragkit.errors import ItemError

_SPACES = "".join(
    f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"),
        ("presentation", "presentation"), ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"),
    )
) + ' xmlns:dc="http://purl.org/dc/elements/1.1/"'  # fmt: skip


def package(kind: str, body: str, *, automatic: str = "", named: str = "", manifest: str = "", head: str = "") -> bytes:
    """Return a file of the kind ``text`` or ``presentation`` with these styles and this body."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}", zipfile.ZIP_STORED)
        archive.writestr(
            "content.xml",
            f"<?xml version='1.0'?>{head}<office:document-content{_SPACES}>"
            f"<office:automatic-styles>{automatic}</office:automatic-styles>"
            f"<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>",
        )
        archive.writestr("styles.xml", f"<office:document-styles{_SPACES}>{named}</office:document-styles>")
        archive.writestr(
            "meta.xml", f"<office:document-meta{_SPACES}><dc:title>Staff handbook</dc:title></office:document-meta>"
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest>{manifest}</manifest>")
    return written.getvalue()


def style(name: str, *, family: str = "text", text: str = "", extra: str = "", parent: str = "") -> str:
    """Return a style with text properties."""
    return (
        f'<style:style style:name="{name}" style:family="{family}" style:parent-style-name="{parent}">'
        f"{extra}<style:text-properties {text}/></style:style>"
    )


def test_everything_in_document_order(parse) -> None:
    """Headings, lists with labels of their styles, tables with header rows and merged cells, boxes, notes, edges."""
    named = (
        '<style:style style:name="Heading_20_1" style:family="paragraph" style:default-outline-level="1"/>'
        '<style:style style:name="Preformatted_20_Text" style:family="paragraph"/>'
        '<style:master-page style:name="S"><style:header><text:p>Lumen GmbH</text:p></style:header>'
        "<style:footer><text:p>Internal</text:p></style:footer></style:master-page>"
        '<style:master-page style:name="T"><style:footer><text:p>Internal</text:p></style:footer></style:master-page>'
    )
    automatic = (
        style("P1", family="paragraph", parent="Heading_20_1")
        + '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1" '
        'style:num-suffix="."/><text:list-level-style-number text:level="2" style:num-format="a" style:num-suffix=")"/>'
        "</text:list-style>"
    )
    body = (
        '<text:p text:style-name="P1">Leave</text:p>'
        "<text:p>Thirty<text:s text:c='2'/>days<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        "<text:p>Of 2026.</text:p></text:note-body></text:note> a<text:tab/>year.</text:p>"
        '<text:list text:style-name="L1"><text:list-item><text:p>Sign</text:p><text:list><text:list-item>'
        "<text:p>in ink</text:p></text:list-item></text:list></text:list-item>"
        "<text:list-item><text:p>Send</text:p><text:p>by post</text:p></text:list-item></text:list>"
        "<text:list><text:list-item><text:p>Ask early</text:p></text:list-item></text:list>"
        '<text:h text:outline-level="2">Overtime</text:h>'
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>City</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-spanned="2"><text:p>Days</text:p></table:table-cell>'
        "<table:covered-table-cell/></table:table-row></table:table-header-rows><table:table-row>"
        '<table:table-cell table:number-rows-spanned="2"><text:p>Bonn</text:p></table:table-cell>'
        "<table:table-cell><text:p>30</text:p></table:table-cell><table:table-cell><text:p>x</text:p></table:table-cell>"
        "</table:table-row><table:table-row><table:covered-table-cell/>"
        '<table:table-cell table:number-columns-repeated="2"><text:p>28</text:p></table:table-cell></table:table-row>'
        "</table:table>"
        "<text:p>See<draw:frame><draw:text-box><text:p>Boxed</text:p></draw:text-box><svg:desc>picture</svg:desc></draw:frame>"
        '</text:p><text:p text:style-name="Preformatted_20_Text">x = 1</text:p>'
    )
    parsed = parse(package("text", body, automatic=automatic, named=named), "handbook.odt")
    assert parsed.title == "Staff handbook"
    assert parsed.shown() == [
        ("paragraph", "Lumen GmbH"),
        ("heading", "Leave"),
        ("paragraph", "Thirty  days a\tyear."),
        ("list-item", "1. Sign"),
        ("list-item", "a) in ink"),
        ("list-item", "2. Send"),
        ("paragraph", "by post"),
        ("list-item", "- Ask early"),
        ("heading", "Overtime"),
        ("table", "| City | Days | Days |\n| --- | --- | --- |\n| Bonn | 30 | x |\n| Bonn | 28 | 28 |"),
        ("paragraph", "See"),
        ("paragraph", "Boxed"),
        ("code", "x = 1"),
        ("paragraph", "Of 2026."),
        ("paragraph", "Internal"),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2]
    assert not parsed.notices


def test_what_a_reader_does_not_see_is_removed_and_counted(parse) -> None:
    """Hidden styles, sections, paragraphs, tiny and white type, comments, deletions; white on a dark cell is read."""
    automatic = (
        style("Gone", text='text:display="none"')
        + style("Tiny", text='fo:font-size="1pt"')
        + style("White", text='fo:color="#fffffe"')
        + style("Lit", text='fo:color="#ffffff" fo:background-color="#000080"')
        + '<style:style style:name="Dark" style:family="table-cell">'
        '<style:table-cell-properties fo:background-color="#000080"/></style:style>'
    )
    spans = "".join(
        f'<text:span text:style-name="{name}"> {name}</text:span>' for name in ("Gone", "Tiny", "White", "Lit")
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>never</text:p></text:deletion>"
        "</text:changed-region></text:tracked-changes>"
        f"<text:p>Shown{spans}<office:annotation><dc:creator>Ann</dc:creator><text:p>why</text:p></office:annotation></text:p>"
        '<text:section text:name="s" text:display="none"><text:p>in a hidden section</text:p></text:section>'
        '<text:p>kept?<text:hidden-paragraph text:is-hidden="true"/></text:p>'
        '<text:p>a<text:hidden-text text:is-hidden="true">b</text:hidden-text>c</text:p>'
        '<table:table><table:table-row><table:table-cell table:style-name="Dark"><text:p>'
        '<text:span text:style-name="White">Legible</text:span></text:p></table:table-cell>'
        "<table:table-cell><text:p>2<office:annotation><text:p>no</text:p></office:annotation></text:p></table:table-cell>"
        "</table:table-row></table:table>"
    )
    parsed = parse(package("text", body, automatic=automatic), "x.odt")
    assert parsed.text == "Shown Lit\n\nac\n\n| Legible | 2 |"
    assert parsed.notices["hidden-text"].count == 9


def slide(shapes: str, *, extra: str = "", look: str = "") -> str:
    """Return a slide."""
    return f'<draw:page draw:style-name="{look}" draw:master-page-name="M">{shapes}{extra}</draw:page>'


def shape(text: str, *, x: float = 1, look: str = "", kind: str = "", run: str = "") -> str:
    """Return a text frame two centimetres wide."""
    return (
        f'<draw:frame presentation:class="{kind}" draw:style-name="{look}" svg:x="{x}cm" svg:y="1cm" svg:width="2cm" '
        f'svg:height="1cm"><draw:text-box><text:p><text:span text:style-name="{run}">{text}</text:span></text:p>'
        "</draw:text-box></draw:frame>"
    )


def test_slides_are_pages(parse) -> None:
    """Title first, notes last, hidden slides, shapes beside the slide and type in the colour of its ground counted."""
    named = (
        '<style:page-layout style:name="PL"><style:page-layout-properties fo:page-width="28cm" fo:page-height="21cm"/>'
        '</style:page-layout><style:master-page style:name="M" style:page-layout-name="PL"/>'
    )
    automatic = (
        style("White", text='fo:color="#ffffff"')
        + '<style:style style:name="Hidden" style:family="drawing-page"><style:drawing-page-properties '
        'presentation:visibility="hidden"/></style:style>'
        '<style:style style:name="Black" style:family="drawing-page"><style:drawing-page-properties '
        'draw:fill="solid" draw:fill-color="#000000"/></style:style>'
        '<style:style style:name="Blue" style:family="graphic"><style:graphic-properties draw:fill="solid" '
        'draw:fill-color="#000080"/></style:style>'
    )
    notes = f"<presentation:notes>{shape('Smile.', kind='notes')}{shape('7', kind='page-number')}</presentation:notes>"
    body = (
        slide(shape("For staff", kind="subtitle") + shape("Returns", kind="title"), extra=notes)
        + slide(shape("Layoffs"), look="Hidden")
        + slide(
            f"<draw:g>{shape('Grouped')}</draw:g>"
            + shape("beside", x=-4)
            + shape("white on white", run="White", x=9)
            + shape("white on blue", run="White", look="Blue", x=12)
        )
        + slide(shape("white on black", run="White"), look="Black")
    )
    parsed = parse(package("presentation", body, automatic=automatic, named=named), "deck.odp")
    assert [(block.page, text) for block, (_, text) in zip(parsed.blocks, parsed.shown())] == [
        (1, "Returns"), (1, "For staff"), (1, "Smile."), (3, "Grouped"), (3, "white on blue"), (4, "white on black"),
    ]  # fmt: skip
    assert parsed.blocks[0].level == 1
    assert parsed.notices["part-skipped"].where == (2,)
    assert parsed.notices["hidden-text"].count == 3


_REPEATED = (
    '<table:table><table:table-row table:number-rows-repeated="1000000">'
    + '<table:table-cell table:number-columns-repeated="1000"><text:p>x</text:p></table:table-cell>' * 20
    + "</table:table-row></table:table>"
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (
            package("text", "<text:p>&b;</text:p>", head='<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'),
            "malformed",
        ),
        (
            package("text", "<text:p>&f;</text:p>", head='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'),
            "malformed",
        ),
        (package("text", "<text:p>open"), "malformed"),
        (package("text", "x", manifest="<encryption-data/>"), "encrypted"),
        (package("text", "<text:p>" + " " * 50_000_000 + "</text:p>"), "archive-bomb"),
        (package("text", _REPEATED), "archive-bomb"),
    ],
)
def test_bombs_damage_and_passwords_are_told_apart(parse, content: bytes, code: str) -> None:
    """Entities are refused before they are resolved."""
    with pytest.raises(ItemError) as caught:
        parse(content, "x.odt")
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<text:section>", "</text:section>"),
        ("<text:p><text:span>", "</text:span></text:p>"),
        ("<text:list><text:list-item>", "</text:list-item></text:list>"),
    ],
)
def test_what_is_nested_beyond_reason_is_refused_rather_than_dropped(parse, before: str, after: str) -> None:
    """Words further down would be lost without a word; thousands neither hang nor end the process."""
    for depth in (70, 9_000):
        with pytest.raises(ItemError) as caught:
            parse(package("text", f"{before * depth}<text:p>deep</text:p>{after * depth}"), "a.odt")
        assert caught.value.code == "too-nested"
