"""E-mail: headers, bodies, attachments by their own parsers."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from ragkit.errors import ItemError


def message(body: str = "The lamp flickers.\n", **headers: str) -> EmailMessage:
    """Return a message with plain text."""
    mail = EmailMessage()
    for name, value in {"From": "Ana Pérez <ana@x.test>", "To": "care@x.test", "Subject": "Größe", **headers}.items():
        mail[name] = value
    mail.set_content(body)
    return mail


def test_headers_body_and_attachments(parse) -> None:
    """Headers first, text before HTML, each attachment under its name by its own parser."""
    mail = message(Cc="boss@x.test", Date="Mon, 02 Nov 2026 10:00:00 +0100")
    mail.add_alternative("<p>The <b>HTML</b> version</p>", subtype="html")
    mail.add_attachment(b"Item,Price\nLamp,10\n", maintype="text", subtype="csv", filename="préis.csv")
    mail.add_attachment(b"\x89PNG\r\n\x1a\n", maintype="image", subtype="png", filename="photo.png")
    parsed = parse(mail.as_bytes(), "1.eml")
    assert parsed.title == "Größe"
    assert parsed.shown() == [
        (
            "paragraph",
            (
                "From: Ana Pérez <ana@x.test>\nTo: care@x.test\nCc: boss@x.test\n"
                "Date: Mon, 02 Nov 2026 10:00:00 +0100\nSubject: Größe"
            ),
        ),
        ("paragraph", "The lamp flickers."),
        ("heading", "préis.csv"),
        ("table", "| Item | Price |\n| --- | --- |\n| Lamp | 10 |"),
        ("heading", "photo.png"),
    ]
    assert parsed.notices["part-skipped"].where == (2,)


def test_html_is_read_when_there_is_no_text(parse) -> None:
    """An HTML-only message is parsed as a page."""
    mail = message()
    mail.set_content("<p>Only <b>HTML</b></p><p style='display:none'>pay at once</p>", subtype="html")
    parsed = parse(mail.as_bytes(), "1.eml")
    assert parsed.shown()[1:] == [("paragraph", "Only HTML")]
    assert parsed.notices["hidden-text"].count == 1


def test_forwarded_messages_are_read_to_a_bounded_depth(parse) -> None:
    """Messages within messages are parsed, but not without end."""
    inner = message("innermost", Subject="level 0")
    for depth in range(1, 8):
        outer = message(f"body {depth}", Subject=f"level {depth}")
        outer.add_attachment(inner)
        inner = outer
    parsed = parse(inner.as_bytes(), "fwd.eml")
    assert parsed.title == "level 7"
    assert "body 5" in parsed.text
    assert "innermost" not in parsed.text
    assert "part-skipped" in parsed.notices


@pytest.mark.parametrize(
    "content",
    [
        b"From: \xff\xfe broken <@@>\nTo: ,,,;\nSubject: =?utf-8?B?!!!?=\n\nbody stays",
        b"From: a@x.test\nContent-Type: text/plain; charset=no-such\n\nbody stays",
        b"From: a@x.test\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nbody stays",
        b"From: a@x.test\nSubject: x\nContent-Transfer-Encoding: base64\nContent-Type: multipart/mixed\n\nbody stays",
        b"From: a@x.test\nContent-Disposition: attachment; filename*=utf-8''%ff%fe\n\nbody stays",
    ],
)
def test_malformed_messages_are_tolerated(parse, content: bytes) -> None:
    """Broken headers and structures still give what can be read."""
    assert "body stays" in parse(content, "x.eml").text


def test_what_is_no_message_is_malformed(parse) -> None:
    """An empty file is no message."""
    with pytest.raises(ItemError) as caught:
        parse(b"", "x.eml")
    assert caught.value.code == "malformed"


def test_too_many_parts_are_refused(parse) -> None:
    """A message of a thousand parts is refused."""
    part = b"--x\nContent-Type: text/plain\n\nhi\n"
    content = b"From: a@x.test\nContent-Type: multipart/mixed; boundary=x\n\n" + part * 1000 + b"--x--\n"
    with pytest.raises(ItemError) as caught:
        parse(content, "x.eml")
    assert caught.value.code == "too-many-parts"
