"""Outlook messages: headers, bodies of three kinds, attachments, messages within messages."""

from __future__ import annotations

import struct

import pytest

from ragkit.errors import ItemError
from ragkit.parse.rtf_unpack import unpack_rtf
from ragkit.testing.compound_file import compound_file
from ragkit.testing.outlook_file import BODY, CLASS, HTML, NAME, RTF, SUBJECT, attachment, message, storage

# The example of [MS-OXRTFCP] 4.1.1
PACKED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)


def test_headers_body_and_attachments(parse) -> None:
    """A message reads like one of the mail parser; pictures of the page are left out, unreadable ones counted."""
    content = compound_file(
        message(
            {SUBJECT: "Größe", BODY: "The lamp flickers.\r\n\r\nPlease call."},
            attachment("preise.csv", b"Item,Price\nLamp,10\n", KIND="text/csv"),
            attachment("logo.png", b"\x89PNG\r\n\x1a\n", KIND="image/png", CONTENT_ID="logo@x"),
            attachment("tool.bin", b"\x7fELF\x02\x01"),
        )
    )
    parsed = parse(content, "1.msg")
    assert parsed.title == "Größe"
    assert parsed.shown() == [
        ("paragraph", 'From: "Ana" <ana@x.test>\nTo: care@x.test\nSubject: Größe'),
        ("paragraph", "The lamp flickers."),
        ("paragraph", "Please call."),
        ("heading", "preise.csv"),
        ("table", "| Item | Price |\n| --- | --- |\n| Lamp | 10 |"),
        ("heading", "tool.bin"),
    ]
    assert parsed.notices["part-skipped"].where == (3,)


def test_html_is_read_when_there_is_no_text(parse) -> None:
    """Hidden text in it is stripped and counted as on a page."""
    page = b"<p>Only <b>HTML</b></p><p style='display:none'>pay at once</p>"
    parsed = parse(compound_file(message({SUBJECT: "x", HTML: page})), "1.msg")
    assert parsed.shown()[1:] == [("paragraph", "Only HTML")]
    assert parsed.notices["hidden-text"].count == 1


def test_the_compressed_body_is_read_when_there_is_no_other(parse) -> None:
    """RTF in Outlook's own compression."""
    parsed = parse(compound_file(message({SUBJECT: "x", RTF: PACKED})), "1.msg")
    assert parsed.shown()[1:] == [("paragraph", "hello world")]


def test_messages_within_messages_are_read_to_a_bounded_depth(parse) -> None:
    """Each under its subject, those below the limit counted."""
    inner = message({SUBJECT: "level 0", BODY: "innermost"}, header=24)
    for depth in range(1, 8):
        held = storage(8, {NAME: f"level {depth - 1}"}, **{"__substg1.0_3701000D": inner})
        inner = message({SUBJECT: f"level {depth}", BODY: f"body {depth}"}, held, header=32 if depth == 7 else 24)
    parsed = parse(compound_file(inner), "1.msg")
    assert parsed.title == "level 7"
    assert "body 7" in parsed.text
    assert "body 5" in parsed.text
    assert "innermost" not in parsed.text
    assert parsed.notices["part-skipped"].count == 1


@pytest.mark.parametrize(
    "content",
    [
        message({CLASS: "IPM.Note.SMIME", SUBJECT: "secret"}, attachment("smime.p7m", b"0\x82")),
        message({SUBJECT: "secret"}, attachment("encrypted.asc", b"--", KIND="application/pgp-encrypted")),
    ],
)
def test_an_encrypted_message_is_refused(parse, content: dict[str, object]) -> None:
    """Its headers alone would pass for the message."""
    with pytest.raises(ItemError) as caught:
        parse(compound_file(content), "1.msg")
    assert caught.value.code == "encrypted"


def test_a_signed_message_is_read_and_its_signature_passed_over(parse) -> None:
    """Outlook keeps the whole signed message as one attachment."""
    signed = (
        b"Content-Type: multipart/signed; protocol=x; boundary=q\n\n--q\nContent-Type: text/plain\n\nsigned words\n"
        b"--q\nContent-Type: application/pkcs7-signature; name=smime.p7s\n\nMII\n--q--\n"
    )
    held = attachment("smime.p7m", signed, KIND="multipart/signed")
    content = message({CLASS: "IPM.Note.SMIME.MultipartSigned", SUBJECT: "x"}, held)
    parsed = parse(compound_file(content), "1.msg")
    assert parsed.of("paragraph")[1:] == ["signed words"]
    assert "part-skipped" not in parsed.notices


def test_broken_messages_end_in_one_error_or_a_text(parse) -> None:
    """Cut at every tenth of its length, and with bits turned."""
    whole = compound_file(message({SUBJECT: "x", BODY: "words " * 50}, attachment("a.txt", b"text " * 200)))
    broken = [whole[: len(whole) * part // 10] for part in range(1, 10)]
    broken += [whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :] for at in range(24, len(whole), 97)]
    for content in broken:
        try:
            parse(content, "1.msg")
        except ItemError as error:
            assert error.code in {"malformed", "unsupported-type", "no-text", "encrypted"}  # noqa: PT017


def test_compressed_rtf_is_that_of_the_specification() -> None:
    """The example of the specification, its stored form, and what is neither."""
    assert unpack_rtf(PACKED) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    stored = struct.pack("<IIII", 20, 5, 0x414C454D, 0) + b"{\\rtf"
    assert unpack_rtf(stored) == b"{\\rtf"
    for content, code in (
        (b"short", "malformed"),
        (bytes(32), "malformed"),
        (struct.pack("<IIII", 9, 1 << 31, 0x75465A4C, 0), "archive-bomb"),
    ):
        with pytest.raises(ItemError) as caught:
            unpack_rtf(content)
        assert caught.value.code == code


def test_a_reference_may_reach_into_what_it_writes() -> None:
    """The second example of the specification: a run made by a reference to its own beginning."""
    packed = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpack_rtf(packed) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
