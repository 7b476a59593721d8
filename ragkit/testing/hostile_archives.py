"""Archives, and the office files that are archives, that unpack to too much, hold themselves, or lie about it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache

from ragkit.testing.hostile_samples import OPEN_DOCUMENT, WORDS, Hostile, open_document, tarred, zipped

_MIB = 1024 * 1024
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)
"""Eleven levels of ten: two hundred thousand million characters (the "billion laughs")."""
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a11 SYSTEM "file:///etc/passwd">]>'


@cache
def _zeros(mebibytes: int) -> bytes:
    """Raw deflate of so many MiB of zeros."""
    packer = zlib.compressobj(9, wbits=-15)
    return b"".join(packer.compress(bytes(_MIB)) for _ in range(mebibytes)) + packer.flush()


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


def raw_zip(
    members: list[tuple[str, bytes, int]], *, flags: int = 0, overlapping: bool = False, method: int = 8
) -> bytes:
    """A zip of ``(name, packed bytes, claimed size)``; overlapping members all mean the first one's bytes."""
    made, directory = io.BytesIO(), io.BytesIO()
    place = 0
    for number, (name, packed, size) in enumerate(members):
        fields = (flags, method, 0, 0, 0, len(packed), size, len(name.encode()), 0)
        if number == 0 or not overlapping:
            place = made.tell()
            made.write(b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, *fields) + name.encode() + packed)
        directory.write(b"PK\x01\x02" + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, *fields, 0, 0, 0, 0, place))
        directory.write(name.encode())
    start = made.tell()
    made.write(directory.getvalue())
    end = (0, 0, len(members), len(members), directory.tell(), start, 0)
    made.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", *end))
    return made.getvalue()


def _nested(depth: int) -> bytes:
    inner = WORDS.encode()
    for level in range(depth):
        inner = zipped([(f"{level}.txt" if level == 0 else f"{level}.zip", inner)])
    return inner


def zips() -> Iterator[Hostile]:
    """Zip files."""
    packed = _zeros(16)
    many = [(f"{n}.txt", packed, 16 * _MIB) for n in range(20)]
    yield Hostile("zip bomb", "flat.zip", raw_zip(many))
    yield Hostile("zip bomb", "lying.zip", raw_zip([(name, data, 10) for name, data, _ in many]))
    yield Hostile("zip bomb", "overlap.zip", raw_zip([("a.txt", packed, 16 * _MIB)] * 500, overlapping=True))
    lying = [(f"{n}.txt", packed, 100) for n in range(5_000)]
    yield Hostile("zip bomb", "overlap-lying.zip", raw_zip(lying, overlapping=True))
    bomb = raw_zip([("a.txt", packed, 16 * _MIB)])
    yield Hostile("zip bomb", "of-bombs.zip", zipped([(f"{n}.zip", bomb) for n in range(20)]))
    yield Hostile("zip bomb", "many.zip", raw_zip([(f"{n}.txt", b"\x03\x00", 0) for n in range(20_000)]))
    for depth in (3, 10, 100):
        yield Hostile("archive within archive", f"nested-{depth}.zip", _nested(depth))
    wide = zipped([("a.txt", WORDS)])
    for _ in range(4):
        wide = zipped([(f"{n}.zip", wide) for n in range(16)])
    yield Hostile("archive within archive", "wide.zip", wide)
    yield Hostile("encrypted", "flag.zip", raw_zip([("a.txt", packed, 10)], flags=1))
    yield Hostile("encrypted", "aes.zip", raw_zip([("a.txt", bytes(40), 10)], flags=1, method=99))
    yield Hostile("strange zip", "method.zip", raw_zip([("a.txt", bytes(40), 10)], method=97))
    for number, name in enumerate(("../../up.txt", "/etc/up.txt", "a\x00b.txt", "x" * 4_096 + ".txt", "", ".", "\\up")):
        yield Hostile("strange zip", f"name-{number}.zip", raw_zip([(name, _zeros(1), 10)]))
    yield Hostile("strange zip", "same.zip", raw_zip([("a.txt", _zeros(1), 10)] * 50))
    yield Hostile("strange zip", "tail.zip", zipped([("a.txt", WORDS)]) + bytes(70_000))
    yield Hostile("strange zip", "head.zip", b"MZ" + bytes(5_000) + zipped([("a.txt", WORDS)]))


def streams() -> Iterator[Hostile]:
    """Tar and packed streams."""
    member = gzip.compress(bytes(16 * _MIB), mtime=0)
    yield Hostile("stream bomb", "zeros.gz", member * 64)
    yield Hostile("stream bomb", "zeros.bz2", bz2.compress(bytes(16 * _MIB)) * 64)
    yield Hostile("stream bomb", "zeros.xz", lzma.compress(bytes(16 * _MIB), preset=0) * 64)
    yield Hostile("stream bomb", "zeros.txt.gz", gzip.compress(gzip.compress(b"a" * 32 * _MIB) * 16))
    deep = WORDS.encode()
    for _ in range(200):
        deep = gzip.compress(deep, mtime=0)
    yield Hostile("archive within archive", "deep.gz", deep)
    kinds = {"link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "pipe": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE}
    for name, kind in kinds.items():
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w") as archive:
            entry = tarfile.TarInfo("../../" + name)
            entry.type, entry.linkname, entry.devmajor, entry.devminor = kind, "/etc/passwd", 1, 3
            archive.addfile(entry)
        yield Hostile("strange tar", f"{name}.tar", made.getvalue())
    whole = tarred([("a.txt", WORDS.encode())])
    huge = tarfile.TarInfo("huge.txt")
    huge.size = 2**40
    yield Hostile("strange tar", "claims.tar", huge.tobuf() + whole)
    yield Hostile("strange tar", "negative.tar", whole[:124] + b"-0000000001\x00" + whole[136:])
    yield Hostile("strange tar", "names.tar", tarred([(f"{'d/' * 2_000}{n}.txt", b"x") for n in range(3)]))
    yield Hostile("stream bomb", "many.tar.gz", gzip.compress(tarred([(f"{n}", b"") for n in range(12_000)]), mtime=0))
    huge.size = 1_024 * _MIB
    yield Hostile("stream bomb", "zeros.tar.gz", gzip.compress(huge.tobuf(), mtime=0) + member * 64)
    yield Hostile("encrypted", "locked.7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(200))
    yield Hostile("encrypted", "locked.rar", b"Rar!\x1a\x07\x01\x00" + bytes(200))


_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    f'Type="{_RELATION}/officeDocument" Target="{{}}"/></Relationships>'
)


def word(body: str, *, before: str = "") -> bytes:
    """A DOCX with this body."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        'PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'wordprocessingml.document.main+xml"/></Types>'
    )
    return zipped(
        [
            ("[Content_Types].xml", types),
            ("_rels/.rels", _RELS.format("word/document.xml")),
            ("word/document.xml", f"{before}<w:document {_WORD}><w:body>{body}</w:body></w:document>"),
        ]
    )


def sheet(rows: str, *, before: str = "", strings: str = "") -> bytes:
    """An XLSX with one sheet of these rows."""
    book = (
        f'<workbook {_SHEET} xmlns:r="{_RELATION}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
    )
    relations = _RELS.replace('/officeDocument" ', '/worksheet" ')
    return zipped(
        [
            ("[Content_Types].xml", _TYPES),
            ("_rels/.rels", _RELS.format("xl/workbook.xml")),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", relations.format("worksheets/sheet1.xml")),
            ("xl/worksheets/sheet1.xml", f"{before}<worksheet {_SHEET}>{rows}</worksheet>"),
            *([("xl/sharedStrings.xml", strings)] if strings else []),
        ]
    )


def offices() -> Iterator[Hostile]:
    """Word, spreadsheet and OpenDocument files."""
    paragraph = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
    cell = '<row r="{0}"><c r="{1}{0}" t="inlineStr"><is><t>x</t></is></c></row>'
    for name, before in (("laughs", LAUGHS), ("outside", OUTSIDE)):
        yield Hostile("entities", f"{name}.docx", word(paragraph.format("&a11;"), before=before))
        rows = '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a11;</t></is></c></row></sheetData>'
        yield Hostile("entities", f"{name}.xlsx", sheet(rows, before=before))
        text = OPEN_DOCUMENT.format("<office:text><text:p>&a11;</text:p></office:text>")
        yield Hostile("entities", f"{name}.odt", open_document(before + text))
    yield Hostile("office bomb", "spaces.docx", word(f"<w:p>{' ' * 64 * _MIB}</w:p>"))
    yield Hostile("office bomb", "deep.docx", word("<w:tbl><w:tr><w:tc>" * 20_000))
    nested = "<w:tbl><w:tr><w:tc>" * 3_000 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 3_000
    yield Hostile("office bomb", "tables.docx", word(nested))
    span = '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="2000000000"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
    yield Hostile("declared size", "span.docx", word(span))
    corners = "".join(cell.format(row, column) for row, column in ((1, "A"), (1_048_576, "XFD")))
    yield Hostile("declared size", "corners.xlsx", sheet(f"<sheetData>{corners}</sheetData>"))
    beyond = cell.format(4_000_000_000, "ZZZZZZ")
    yield Hostile("declared size", "beyond.xlsx", sheet(f"<sheetData>{beyond}</sheetData>"))
    yield Hostile("declared size", "range.xlsx", sheet('<dimension ref="A1:XFD1048576"/><sheetData/>'))
    merged = '<sheetData/><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    yield Hostile("declared size", "merged.xlsx", sheet(merged))
    strings = f'<sst {_SHEET} count="4000000000" uniqueCount="4000000000"><si><t>x</t></si></sst>'
    yield Hostile("declared size", "strings.xlsx", sheet("<sheetData/>", strings=strings))
    for name, inner in (
        ("columns", '<table:table-row><table:table-cell table:number-columns-repeated="2000000000">{}'),
        ("rows", '<table:table-row table:number-rows-repeated="2000000000"><table:table-cell>{}'),
    ):
        inner = inner.format("<text:p>x</text:p></table:table-cell></table:table-row>")
        book = OPEN_DOCUMENT.format(f"<office:spreadsheet><table:table>{inner}</table:table></office:spreadsheet>")
        yield Hostile("declared size", f"{name}.ods", open_document(book, "spreadsheet"))
        text = OPEN_DOCUMENT.format(f"<office:text><table:table>{inner}</table:table></office:text>")
        yield Hostile("declared size", f"{name}.odt", open_document(text))
    blanks = '<office:text><text:p>a<text:s text:c="2000000000"/>b</text:p></office:text>'
    yield Hostile("declared size", "blanks.odt", open_document(OPEN_DOCUMENT.format(blanks)))
    sections = "<text:section>" * 50_000
    yield Hostile("deep nesting", "sections.odt", open_document(OPEN_DOCUMENT.format(f"<office:text>{sections}")))
    main = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml", "pptx": "ppt/presentation.xml"}
    for extension, name in main.items():
        members = [("[Content_Types].xml", _deflated(_TYPES.encode()), len(_TYPES)), (name, _zeros(64), 50)]
        yield Hostile("office bomb", f"lying.{extension}", raw_zip(members))
    yield Hostile("strange zip", "empty.docx", zipped([("[Content_Types].xml", _TYPES), ("word/document.xml", "")]))
    yield Hostile("strange zip", "stored.docx", zipped([("word/document.xml", "<x/>")], method=zipfile.ZIP_STORED))
