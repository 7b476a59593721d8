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


@pytest.mark.parametrize(
    "kind",
    [
        'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=x',
    ],
)
def test_an_encrypted_message_is_refused(parse, kind: str) -> None:
    """Its headers alone would pass for the message."""
    with pytest.raises(ItemError) as caught:
        parse(f"From: a@x.test\nSubject: x\nContent-Type: {kind}\n\n--x\n\nVersion: 1\n\n--x--\n", "x.eml")
    assert caught.value.code == "encrypted"


def test_a_message_wrapped_in_its_signature_is_refused(parse) -> None:
    """What it says lies within, where no parser looks."""
    with pytest.raises(ItemError) as caught:
        parse("From: a@x.test\nContent-Type: application/pkcs7-mime; smime-type=signed-data\n\nMII\n", "x.eml")
    assert caught.value.code == "unsupported-type"


def test_a_signed_message_is_read_without_its_signature(parse) -> None:
    """Also when the signed part has no header of its own, and the file is named after the signature."""
    content = (
        b"MIME-Version: 1.0\nContent-Type: multipart/signed; boundary=q\n\n--q\nThe signed words.\n\n--q\n"
        b"Content-Type: application/x-pkcs7-signature; name=smime.p7s\n"
        b"Content-Transfer-Encoding: base64\n\nMIIB\n--q--\n"
    )
    parsed = parse(content, "letter.p7s")
    assert parsed.text == "The signed words."
    assert parsed.notices == {}


def test_a_broken_attachment_leaves_its_name_and_nothing_else(parse) -> None:
    """An archive that is read like any, one that is a bomb, and what stands behind them."""
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", "inner words")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.txt", bytes(20_000_000))
    mail = message()
    for name, content in (("good.zip", packed.getvalue()), ("bomb.zip", bomb.getvalue()), ("last.txt", b"last words")):
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    parsed = parse(mail.as_bytes(), "x.eml")
    assert parsed.of("heading") == ["good.zip", "inner.txt", "bomb.zip", "last.txt"]
    assert parsed.text.endswith("last words")
    assert parsed.notices["part-skipped"].where == (2,)


def test_a_body_that_quotes_a_message_is_text(parse) -> None:
    """Headers within a body are words, however deep they go."""
    quoted = "Received: x\nMessage-ID: <1>\n\n" * 300
    parsed = parse(message(f"{quoted}the end\n").as_bytes(), "x.eml")
    assert parsed.text.count("Message-ID: <1>") == 300
    assert parsed.text.endswith("the end")


def test_header_fields_of_any_length_are_read_in_time(parse) -> None:
    """The library's grammar takes half a minute for each of these; what they say is kept."""
    people = ", ".join(f"=?utf-8?q?J=C3=BCrgen?= <j{n}@x.test>" for n in range(3_000))
    fields = f"To: {people}\nFrom: {'(a)' * 20_000} b@x.test\nContent-Type: text/plain; {'a=b; ' * 20_000}\n"
    parsed = parse(f"Message-ID: <1@x.test>\n{fields}\nThe lamp flickers.\n", "1.eml")
    assert parsed.text.count("Jürgen <j") == 3_000
    assert "b@x.test" in parsed.text
    assert parsed.text.endswith("The lamp flickers.")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_header_fields_in_bare_bytes_are_read(parse, encoding: str) -> None:
    """Older programs write them as they are."""
    raw = "Received: x\nSubject: Größe der Tür\nFrom: Jürgen <j@x.test>\n\nbody\n".encode(encoding)
    parsed = parse(raw, "1.eml")
    assert parsed.title == "Größe der Tür"
    assert "From: Jürgen <j@x.test>" in parsed.text
