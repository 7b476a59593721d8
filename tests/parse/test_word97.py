"""DOC: text through the piece table, properties by position, stories, what a reader does not see, damage."""

from __future__ import annotations

import pytest

from ragkit.errors import ItemError
from ragkit.testing.compound_file import compound_file
from ragkit.testing.word97_file import DELETED, ENDS_ROW, HIDDEN, IN_TABLE, TINY, WHITE, document, plain


def test_stories_headings_lists_tables_and_fields(parse) -> None:
    """Text of both widths, fields by their result, cells and rows, notes behind the text."""
    text = [
        plain("Café rules", 1),
        plain('See \x13 HYPERLINK "http://x" \x14the page\x15 \x02on “leave” 😀\x0bnow'),
        plain("Ask early", 0, b"\x0b\x46\x09\x00"),
        plain("City\x07", 0, IN_TABLE),
        plain("Days\x07", 0, IN_TABLE),
        plain("\x07", 0, ENDS_ROW),
        plain("Bonn", 0, IN_TABLE),
        plain("on the Rhine\x07", 0, IN_TABLE),
        plain("30\x07", 0, IN_TABLE),
        plain("\x07", 0, ENDS_ROW),
        plain("Overtime", 0, b"\x40\x26\x01"),
        plain("Page \x13 PAGE \x147\x15 end\x0c"),
    ]
    parsed = parse(document(text, [plain("\x02 Of 2026.")]), "x.doc")
    assert parsed.title == "Café rules"
    assert parsed.shown() == [
        ("heading", "Café rules"),
        ("paragraph", "See the page on “leave” 😀\nnow"),
        ("list-item", "- Ask early"),
        ("table", "| City | Days |\n| --- | --- |\n| Bonn on the Rhine | 30 |"),
        ("heading", "Overtime"),
        ("paragraph", "Page  end"),
        ("paragraph", "Of 2026."),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2]
    assert not parsed.notices


def test_list_numbers_come_from_the_list_tables(parse) -> None:
    """A list that begins at three."""
    item = b"\x0b\x46\x01\x00"
    parsed = parse(document([plain("Steps"), plain("Sign", 0, item), plain("Send", 0, item)], lists=True), "x.doc")
    assert parsed.of("list-item") == ["3. Sign", "4. Send"]


def test_what_a_reader_does_not_see_is_removed_and_counted(parse) -> None:
    """Hidden, deleted, one-point and white runs, and comments; white in a table may stand on a dark cell."""
    runs = [("Shown ", b""), ("vanished", HIDDEN), ("gone", DELETED), ("tiny", TINY), ("white", WHITE), ("end\r", b"")]
    cell = ([("Legible\x07", WHITE)], 0, IN_TABLE)
    remark = [plain("\x05Fire him")]
    content = document([plain("Top"), (runs, 0, b""), cell, plain("\x07", 0, ENDS_ROW)], [], [], [], remark)
    parsed = parse(content, "x.doc")
    assert parsed.text == "Top\n\nShown end\n\n| Legible |"
    assert parsed.notices["hidden-text"].count == 5


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (document([plain("x")], flags=0x0300), "encrypted"),
        (document([plain("x")], version=104), "unsupported-type"),
        (document([plain("x")], magic=0xA5DC), "unsupported-type"),
        (compound_file({"WordDocument": b"\xec\xa5"}), "malformed"),
        (compound_file({"WordDocument": bytes(2000)}), "unsupported-type"),
    ],
)
def test_what_cannot_be_read_says_why(parse, content: bytes, code: str) -> None:
    """Passwords, older Word and damage are told apart."""
    with pytest.raises(ItemError) as caught:
        parse(content, "x.doc")
    assert caught.value.code == code


def test_any_damage_ends_as_text_or_one_record(codes_of_damage) -> None:
    """Two hundred files with bytes turned over, and every tenth of the length."""
    whole = document(
        [plain("Words of a letter", 1), plain("More of them, in UTF-16", 0, b"\x0b\x46\x01\x00")], lists=True
    )
    assert codes_of_damage(whole, "x.doc") <= {"malformed", "encrypted", "unsupported-type", "archive-bomb"}
