"""Encodings, paragraphs, and what decides the type of an item."""

from __future__ import annotations

import pytest

from ragkit.connect.sniff import DOCX, sniff
from ragkit.errors import ItemError

GERMAN = "Größe und Maße der Gehäuse\n\nDie Tür schließt täglich um fünf Uhr; für Gäste öffnen wir früher.\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_recognised(parse, encoding: str) -> None:
    """The same text comes out of each."""
    assert parse(GERMAN.encode(encoding), "a.txt").text == parse(GERMAN, "a.txt").text


def test_a_guess_is_reported_and_a_declaration_is_not(parse) -> None:
    """Bytes that are no UTF-8 leave a notice unless the source names their encoding."""
    content = GERMAN.encode("cp1252")
    assert "encoding-guessed" in parse(content, "a.txt").notices
    assert "encoding-guessed" not in parse(content, "a.txt", "text/plain; charset=windows-1252").notices
    assert "encoding-guessed" not in parse(GERMAN, "a.txt").notices


def test_paragraphs_and_pages(parse) -> None:
    """Blank lines part paragraphs, form feeds part pages."""
    parsed = parse("one\r\nstill one\r\n \r\ntwo\fthree\n", "a.txt")
    assert [text for _, text in parsed.shown()] == ["one\nstill one", "two", "three"]
    assert [block.page for block in parsed.blocks] == [1, 1, 2]


def test_an_empty_file_is_a_document_with_a_notice(parse) -> None:
    """Nothing to index is not an error, and not silent."""
    parsed = parse(b"", "a.txt")
    assert parsed.text == ""
    assert "no-text" in parsed.notices


@pytest.mark.parametrize(
    ("content", "declared", "name", "kind"),
    [
        (b"%PDF-1.7\n...", "text/plain", "a.txt", "application/pdf"),
        (b"<!DOCTYPE html><p>x", "text/plain", "a.txt", "text/html"),
        (b"# Title", None, "README.md", "text/markdown"),
        (b"a,b\n1,2", "application/vnd.ms-excel", "a.csv", "text/csv"),
        (b"\x89PNG\r\n\x1a\n", "text/markdown", "a.md", "image/png"),
        (b"{\\rtf1 x}", DOCX, "a.docx", "application/rtf"),
        (b"\x00\x01\x02\x03" * 99, "text/plain", "a.txt", "application/octet-stream"),
        (b'{"a": 1}', "application/json", "a.json", "text/plain"),
        (b"<?xml version='1.0'?><a/>", None, "a.xml", "text/xml"),
        (b"From: a@x.test\nTo: b@x.test\nMessage-ID: <1>\n\nhi", None, "17", "message/rfc822"),
        (b"Note: this\nAnd: that\n\nplain text", None, "note", "text/plain"),
        (b"just words", "image/png; x=y", "a.png", "text/plain"),
        (b"x", "not a media type", "a.unknown", "text/plain"),
    ],
)
def test_the_bytes_decide(content: bytes, declared: str | None, name: str, kind: str) -> None:
    """Content wins over extension, extension over declaration."""
    assert sniff(content, declared=declared, name=name) == kind


def test_an_unsupported_type_is_named_and_nothing_else(parse) -> None:
    """The error holds the media type, not the file name."""
    with pytest.raises(ItemError) as caught:
        parse(b"\x89PNG\r\n\x1a\n....", "Payslip Ana Perez.png")
    assert caught.value.code == "unsupported-type"
    assert "image/png" in str(caught.value)
    assert "Perez" not in str(caught.value) + caught.value.remedy
