"""EPUB: pages in spine order, titles, protection."""

from __future__ import annotations

import io
import zipfile

import pytest

from ragkit.errors import ItemError

_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>'
)


def book(pages: dict[str, str], spine: list[str], **members: str) -> bytes:
    """Return a book of these pages (id to body) in this order, with further members by path."""
    items = "".join(
        f'<item id="{name}" href="text/{name}%20page.xhtml" media-type="application/xhtml+xml" properties="{name}"/>'
        for name in pages
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f"<dc:title>Lamps\n at night</dc:title></metadata><manifest>{items}"
        '<item id="art" href="a.svg" media-type="image/svg+xml"/></manifest><spine>'
        f"{order}</spine></package>"
    )
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": _CONTAINER, "OEBPS/content.opf": package}
    for name, body in pages.items():
        files[f"OEBPS/text/{name} page.xhtml"] = (
            "<?xml version='1.0' encoding='utf-8'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'>"
            f"<head><title/><script src='x.js'/></head><body>{body}</body></html>"
        )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**files, **members}.items():
            archive.writestr(path, data)
    return written.getvalue()


def protection(algorithm: str) -> str:
    """Return a META-INF/encryption.xml."""
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>'
        f'<enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>'
    )


def test_pages_in_the_order_of_the_spine(parse) -> None:
    """Once each, without the table of contents; what is no page or not there is skipped with its place."""
    pages = {
        "two": "<h1>Two</h1><p>Second<a id='mark'/> page.</p>",
        "one": "<h1>One</h1><p>First.</p><p hidden='hidden'>never</p>",
        "nav": "<nav><ol><li>One</li></ol></nav><h2>Contents</h2>",
    }
    parsed = parse(book(pages, ["nav", "one", "two", "one", "art", "lost"]), "x.epub")
    assert parsed.title == "Lamps at night"
    assert parsed.shown() == [
        ("heading", "One"),
        ("paragraph", "First."),
        ("heading", "Two"),
        ("paragraph", "Second page."),
    ]
    assert parsed.notices["hidden-text"].count == 1
    assert parsed.notices["part-skipped"].where == (5, 6)


def test_rights_management_is_not_font_scrambling(parse) -> None:
    """A book whose fonts are scrambled is read."""
    pages, path = {"one": "<p>Words</p>"}, "META-INF/encryption.xml"
    fonts = book(pages, ["one"], **{path: protection("http://www.idpf.org/2008/embedding")})
    assert parse(fonts, "x.epub").text == "Words"
    with pytest.raises(ItemError) as caught:
        parse(book(pages, ["one"], **{path: protection("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}), "x.epub")
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("META-INF/container.xml", "<container"),
        ("META-INF/container.xml", "<container/>"),
        ("OEBPS/content.opf", '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><package>&b;</package>'),
    ],
)
def test_damage_is_malformed(parse, path: str, data: str) -> None:
    """A package without a way to its pages, and one with entities of its own."""
    with pytest.raises(ItemError) as caught:
        parse(book({"one": "<p>Words</p>"}, ["one"], **{path: data}), "x.epub")
    assert caught.value.code == "malformed"
