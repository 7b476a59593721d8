"""Encodings, paragraphs, and what decides the type of an item."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from ragkit.errors import ItemError
from ragkit.parse.sniff import DOCX, sniff

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
        (b"words " * 50 + b"\x00" + b"words " * 50, None, "a.txt", "text/plain"),
        (b"\x00\x01\x02\x03" * 99, "text/plain", "a.txt", "application/octet-stream"),
        (b'{"a": 1}', "application/json", "a.json", "application/json"),
        (b' [{"a": 1},\n {"a": 2}]\n', "text/plain", "a.txt", "application/json"),
        (b'{"a": 1} and so on', None, "a.txt", "text/plain"),
        (b"[1] See the manual.", None, "notes.txt", "text/plain"),
        (b'{"a": 1}\n{"a": 2}', None, "a.jsonl", "application/x-ndjson"),
        (b"Title\n=====\n", None, "README.rst", "text/x-rst"),
        (b"= Title\n", None, "a.adoc", "text/asciidoc"),
        (b"* Title\n", None, "a.org", "text/org"),
        (b"WEBVTT\n", None, "a.vtt", "text/vtt"),
        (b"a\tb\n1\t2", None, "a.tsv", "text/tab-separated-values"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", None, "a.xml", "image/svg+xml"),
        (b"From a@x.test Thu Jan  1 00:00:00 2026\nFrom: a@x.test\n\nhi", None, "Inbox", "application/mbox"),
        (b"From a@x.test Thu Jan  1 00:00:00 2026\nFrom: a@x.test\n\nhi", None, "a.eml", "message/rfc822"),
        (b"Received: x\nTo: b@x.test\n\nhi", "text/plain", "a.txt", "message/rfc822"),
        (b"Received: x\nTo: b@x.test\n\nhi", "text/plain", "", "text/plain"),
        (b"From: me\nTo: you\n\nhi", None, "memo.txt", "text/plain"),
        (b"\x1f\x8b\x08", "text/csv", "a.csv", "application/gzip"),
        (b"a.txt".ljust(257, b"\x00") + b"ustar\x0000" + bytes(300), None, "a.txt", "application/x-tar"),
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


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"[1] Smith 2020\n[2] see also [3]", "notes.txt", "text/plain"),
        (b'["quoted"] is how we write it {x}', "notes.txt", "text/plain"),
        (b"From Paris to London in 2020\nNote: bring tea\n", "trip.txt", "text/plain"),
        (b"From ana@x.test Mon Nov  2 10:00:00 2026\nSubject: x\n\ny\n", "mail.txt", "application/mbox"),
        (b"BZh is a name\n", "a.txt", "text/plain"),
        (b"GIF89 was the first\n", "a.txt", "text/plain"),
        (b"The mark %PDF-1.7 is at the beginning.\n", "a.md", "text/markdown"),
        (b"junk\n%PDF-1.4\n1 0 obj\n", "a", "application/pdf"),
        (b"<table><tr><td>a</td></tr></table>", "report.xls", "text/html"),
        (b"<!-- x --> <p>Hello <b>you</b></p>", "", "text/html"),
        (b"<p>Hello</p>", "snippet.txt", "text/plain"),
        (b"<user> must be replaced", "", "text/plain"),
        (b"\xef\xbb\xbf<html><p>a</p></html>", "", "text/html"),
        ("<html><p>a</p></html>".encode("utf-16"), "", "text/html"),
        ("<?xml version='1.0'?><a/>".encode("utf-16"), "", "text/xml"),
        ('{"a": "b"}'.encode("utf-16-be"), "", "application/json"),
    ],
)
def test_texts_are_taken_for_what_they_are(content: bytes, name: str, kind: str) -> None:
    """Words that look like another format lose none of theirs; a byte order mark hides no format."""
    assert sniff(content, name=name) == kind


def test_comments_before_no_page_are_looked_at_once() -> None:
    """Two hundred bytes used to be tried in every combination, until the end of the world."""
    assert sniff(b"<!---->" * 500 + b"x") == "text/plain"


def test_an_unsupported_type_is_named_and_nothing_else(parse) -> None:
    """The error holds the media type, not the file name."""
    with pytest.raises(ItemError) as caught:
        parse(b"\x7fELF....", "Payslip Ana Perez.pdf")
    assert caught.value.code == "unsupported-type"
    assert "application/x-executable" in str(caught.value)
    assert "Perez" not in str(caught.value) + caught.value.remedy


def test_a_package_cannot_put_words_of_its_own_into_an_error() -> None:
    """What lies in ``mimetype`` is document text unless it is a type that we know."""
    kinds = {}
    for words in ("application/ana-perez", "application/vnd.oasis.opendocument.chart", "image/ana+perez"):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            archive.writestr("mimetype", words)
        kinds[words] = sniff(written.getvalue())
    assert list(kinds.values()) == ["application/zip", "application/vnd.oasis.opendocument.chart", "application/zip"]


def test_a_short_table_in_chinese_is_guessed(parse) -> None:
    """Bytes without a zero are never taken for UTF-16, whatever letters that would make."""
    assert "東京" in parse("名前,値\n日本,1\n東京,2\n".encode("gb18030"), "a.csv").text


@pytest.mark.parametrize("size", [500, 3000, 4096, 20_000])
def test_noise_is_no_text(size: int) -> None:
    """What is encrypted or compressed in a form that nobody knows is never taken for text of an unknown encoding."""
    drawn = random.Random(size)
    assert {sniff(drawn.randbytes(size), name="a.txt") for _ in range(100)} == {"application/octet-stream"}


def test_text_with_a_few_control_bytes_is_text() -> None:
    """A damaged byte or two, or the marks of an old program, in UTF-8 or not, cut within a character or not."""
    for damage, encoding in ((3, "utf-8"), (1, "cp1252")):
        text = "".join(("\x03" if place % 100 < damage else letter) for place, letter in enumerate(GERMAN * 20))
        for end in (4000, 4001, 4002):
            assert sniff(text.encode(encoding)[:end], name="a.txt") == "text/plain"
