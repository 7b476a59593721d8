"""RTF: structure, encodings, tables, what a reader does not see, hostile groups."""

from __future__ import annotations

import pytest

from ragkit.errors import ItemError

_HEAD = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset128 MS Mincho;}}"
    r"{\colortbl;\red255\green255\blue255;\red0\green0\blue128;}"
    r"{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}{\*\cs10 Default;}}"
    r"{\info{\title Staff handbook}{\author Ann}}"
)


def document(body: str) -> str:
    """Return a document with this body."""
    return _HEAD + body + "}"


def test_structure(parse) -> None:
    """Headings by style and outline, lists with labels, notes at the end, header and footer once, links, boxes."""
    body = (
        r"{\header Lumen GmbH\par}{\headerf Lumen GmbH\par}{\footer Internal\par}"
        r"\pard\s1 Leave\par\pard Thirty{\footnote Of 2026.\par} days\line a year.\par"
        r"{\listtext\'b7\tab}Ask early\par{\pntext 1.\tab}Sign\par"
        r"\pard\s2 Overtime\par\pard\outlinelevel2 Nights\par\pard See "
        r'{\field{\*\fldinst{HYPERLINK "http://x.example"}}{\fldrslt here}}.\par'
        r"{\shp{\*\shpinst{\sp{\sn fill}{\sv 1}}{\shptxt Boxed\par}}{\shprslt{\*\do{\dptxbxtext Boxed\par}}}}"
        r"{\pict\wmetafile8 0102}{\*\generator Riched20;}The end"
    )
    parsed = parse(document(body), "handbook.rtf")
    assert parsed.title == "Staff handbook"
    assert parsed.shown() == [
        ("paragraph", "Lumen GmbH"),
        ("heading", "Leave"),
        ("paragraph", "Thirty days\na year."),
        ("list-item", "- Ask early"),
        ("list-item", "1. Sign"),
        ("heading", "Overtime"),
        ("heading", "Nights"),
        ("paragraph", "See here."),
        ("paragraph", "Boxed"),
        ("paragraph", "The end"),
        ("paragraph", "Of 2026."),
        ("paragraph", "Internal"),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2, 3]
    assert not parsed.notices


def test_tables_keep_header_and_merged_cells(parse) -> None:
    """Rows of cells, paragraphs within a cell, a cell merged downwards, two tables apart."""
    body = (
        r"\trowd\trhdr\cellx1\cellx2\pard\intbl City\cell Days\cell\row"
        r"\trowd\clvmgf\cellx1\cellx2\pard\intbl Bonn\cell 30\par paid\cell\row"
        r"\trowd\clvmrg\cellx1\cellx2\pard\intbl \cell 28\cell\row"
        r"\pard Between\par\trowd\cellx1\cellx2\pard\intbl 1\cell 2\cell\row\trowd\pard\intbl 3\cell 4\cell\row\pard"
    )
    parsed = parse(document(body), "x.rtf")
    assert parsed.shown() == [
        ("table", "| City | Days |\n| --- | --- |\n| Bonn | 30 paid |\n| Bonn | 28 |"),
        ("paragraph", "Between"),
        ("table", "| 1 | 2 |\n| 3 | 4 |"),
    ]


def test_what_a_reader_does_not_see_is_removed_and_counted(parse) -> None:
    """Hidden, deleted, one-point and white type and comments go; white on a dark cell or highlight stays."""
    body = (
        r"\pard Shown{\v vanished}{\deleted gone}{\fs2 tiny}{\cf1 white}{\cf1\highlight2  lit}"
        r"{\*\atnid AB}{\*\annotation remark}{\v\v0  again}\par"
        r"\trowd\clcbpat2\cellx1\cellx2\pard\intbl{\cf1 Legible}\cell 1\cell\row"
    )
    parsed = parse(document(body), "x.rtf")
    assert parsed.text == "Shown lit again\n\n| Legible | 1 |"
    assert parsed.notices["hidden-text"].count == 5


def test_encodings(parse) -> None:
    """Code pages by font, two-byte ones too; Unicode with its stand-ins, beyond the basic plane, and as a pair."""
    body = (
        r"\pard caf\'e9 {\f1 \'cf\'f0\'e8}{\f2 \'93\'fa\'96\'7b} \u8364?5 {\uc2\u228\'a8\'a4x} "
        r"\u-10179 ?\u-8704 ? {\upr{ab}{\*\ud{\u937 ?}}}\emdash\~\bullet\par"
    )
    assert parse(document(body), "x.rtf").text == "café При日本 €5 äx 😀 Ω—\xa0•"


def test_binary_data_and_truncation(parse) -> None:
    """Bytes of a picture that look like braces are passed over; half a file gives half its text."""
    whole = document(r"\pard Before{\pict\bin6 }}}{{{} after\par").encode()
    assert parse(whole, "x.rtf").text == "Before after"
    assert parse(document(r"\pard First\par Second words").encode()[:-7], "x.rtf").text == "First\n\nSecond"
    assert parse(document(r"\pard In\par") + r"}\par outside", "x.rtf").text == "In"


def test_hostile_files_end_quickly(parse) -> None:
    """Nested groups are bounded; a long run of half a hyperlink, of escapes or of rows takes linear time."""
    with pytest.raises(ItemError) as caught:
        parse(document("{" * 100_000 + "x"), "x.rtf")
    assert caught.value.code == "malformed"
    half = r'{\field{\*\fldinst{HYPERLINK "x"'
    assert "End" in parse(document(r"\pard End\par" + (half + "}}") * 4000), "x.rtf").text
    assert len(parse(document(r"\'41" * 200_000), "x.rtf").text) == 200_000
    assert parse(document(r"\trowd\cell\row" * 50_000 + r"\pard End"), "x.rtf").text == "End"
