"""PPT: slides through the persist directory, outline references, tables, notes, what the room does not see, damage."""

from __future__ import annotations

import struct

import pytest

from ragkit.errors import ItemError
from ragkit.testing.compound_file import compound_file
from ragkit.testing.powerpoint97_file import deck, drawing, record, shape, slide, text


def test_slides_titles_lists_tables_and_notes(parse) -> None:
    """Title first, text kept in the outline, bullets by kind and by properties, cells by their places, notes last."""
    body = text(1, "Sign\rSend\rBy post")
    # Paragraph properties: five characters with a bullet, six as the master has it, the rest (with the end) without.
    styles = b"".join(
        struct.pack("<IH", length, 0) + properties
        for length, properties in ((5, struct.pack("<IH", 1, 1)), (5, bytes(4)), (8, struct.pack("<IH", 1, 0)))
    )
    table = record(
        0xF003,
        record(0xF004, record(0xF122, struct.pack("<HI", 0x039F, 1), instance=1), container=True)
        + shape(text(4, "City"), (0, 0, 10, 10), 0xF00F)
        + shape(text(4, "Days"), (10, 0, 30, 10), 0xF00F)
        + shape(text(4, "Bonn"), (0, 10, 10, 30), 0xF00F)
        + shape(text(4, "30"), (10, 10, 20, 20), 0xF00F)
        + shape(text(4, "28"), (10, 20, 20, 30), 0xF00F)
        + shape(text(4, "x"), (20, 10, 30, 20), 0xF00F),
        container=True,
    )
    content = deck(
        [
            slide(
                shape(record(0x0F9E, struct.pack("<i", 1))),
                shape(record(0x0F9E, struct.pack("<i", 0))),
                table,
                notes=99,
            ),
            slide(shape(text(4, "Über\x0buns" + "\rend", styles[:0])), shape(text(4, "*") + record(0x0FD8, bytes(4)))),
        ],
        outline=text(6, "Returns") + body + record(0x0FA1, styles),
        notes=drawing(shape(text(2, "Smile."))),
    )
    parsed = parse(content, "x.ppt")
    assert parsed.title == "Returns"
    assert parsed.shown() == [
        ("heading", "Returns"),
        ("list-item", "- Sign"),
        ("list-item", "- Send"),
        ("paragraph", "By post"),
        ("table", "| City | Days | Days |\n| --- | --- | --- |\n| Bonn | 30 | x |\n| Bonn | 28 |  |"),
        ("paragraph", "Smile."),
        ("paragraph", "Über\nuns"),
        ("paragraph", "end"),
    ]
    assert [block.page for block in parsed.blocks] == [1] * 6 + [2] * 2


def test_what_the_room_does_not_see_is_removed_and_counted(parse) -> None:
    """Hidden slides, shapes beside the slide, one-point type, comments."""
    tiny = struct.pack("<IHI", 20, 0, 0) + struct.pack("<II", 6, 0) + struct.pack("<IIH", 4, 0x020000, 1)
    comment = record(
        0x1388, record(0x138A, record(0x138B, record(0x2EE0, bytes(8), container=True)), container=True), container=True
    )
    content = deck(
        [
            slide(shape(text(4, "Shown tiny", tiny)), shape(text(4, "beside"), (10, -900, -10, 50)), extra=comment),
            slide(shape(text(4, "Layoffs")), hidden=True),
        ]
    )
    parsed = parse(content, "x.ppt")
    assert parsed.text == "Shown"
    assert parsed.notices["part-skipped"].where == (2,)
    assert parsed.notices["hidden-text"].count == 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (deck([slide()], token=0xF3D1C4DF), "encrypted"),
        (deck([slide()], edit=32), "encrypted"),
        (compound_file({"PowerPoint Document": bytes(50), "Current User": bytes(50)}), "malformed"),
        (compound_file({"PowerPoint Document": bytes(50)}), "malformed"),
    ],
)
def test_what_cannot_be_read_says_why(parse, content: bytes, code: str) -> None:
    """Passwords and damage are told apart."""
    with pytest.raises(ItemError) as caught:
        parse(content, "x.ppt")
    assert caught.value.code == code


def test_any_damage_ends_as_text_or_one_record(codes_of_damage) -> None:
    """Two hundred files with bytes turned over, and every tenth of the length."""
    whole = deck([slide(shape(text(1, "Words"))), slide(shape(text(4, "More words")), notes=99)], notes=drawing())
    assert codes_of_damage(whole, "x.ppt") <= {"malformed", "encrypted", "unsupported-type"}
