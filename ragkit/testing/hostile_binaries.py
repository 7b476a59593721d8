"""PDFs, pictures and OLE files that loop, claim to be vast, or unpack to too much."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ragkit.testing.hostile_samples import Hostile, chunk, honest_pdf, honest_png, pdf, png, stream

_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_MIB = 1024 * 1024


def _page(more: bytes, box: bytes = b"0 0 595 842") -> bytes:
    return b"<< /Type /Page /Parent 2 0 R /MediaBox [%b] %b >>" % (box, more)


def pdfs() -> Iterator[Hostile]:
    """PDFs."""
    glyph = (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /CharProcs"
        b" << /a 5 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [9]"
        b" /Resources << /Font << /F 4 0 R >> >> >>"
    )
    loops = {
        "kids": [_CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"],
        "parent": [_CATALOG, b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R] /Count 1 >>",
                   b"<< /Type /Pages /Parent 3 0 R /Kids [2 0 R] /Count 1 >>"],
        "length": [_CATALOG, _PAGES, _page(b"/Contents 4 0 R"), b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream"],
        "contents": [_CATALOG, _PAGES, _page(b"/Contents [4 0 R]"), b"[4 0 R 4 0 R]"],
        "reference": [_CATALOG, _PAGES, _page(b"/Contents 4 0 R"), b"5 0 R", b"4 0 R"],
        "form": [_CATALOG, _PAGES, _page(b"/Contents 5 0 R /Resources << /XObject << /X 4 0 R >> >>"),
                 stream(b"/X Do /X Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]"
                        b" /Resources << /XObject << /X 4 0 R >> >>"), stream(b"/X Do")],
        "type3": [_CATALOG, _PAGES, _page(b"/Contents 5 0 R /Resources << /Font << /F 4 0 R >> >>"),
                  glyph,
                  stream(b"BT /F 9 Tf (a) Tj ET")],
        "pattern": [_CATALOG, _PAGES, _page(b"/Contents 5 0 R /Resources << /Pattern << /P 4 0 R >> >>"),
                    stream(b"/Pattern cs /P scn 0 0 9 9 re f", b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox"
                           b" [0 0 9 9] /XStep 1 /YStep 1 /Resources << /Pattern << /P 4 0 R >> >>"),
                    stream(b"/Pattern cs /P scn 0 0 600 800 re f")],
    }  # fmt: skip
    for name, objects in loops.items():
        yield Hostile("pdf loop", f"{name}.pdf", pdf(objects))
    yield Hostile("pdf loop", "previous.pdf", honest_pdf(trailer=b"/Prev 9"))
    yield Hostile("pdf loop", "outline.pdf", honest_pdf(extra=[b"<< /First 6 0 R /Next 6 0 R /Title (x) >>"]))
    deep = b"[" * 200_000
    yield Hostile("deep nesting", "arrays.pdf", pdf([_CATALOG, _PAGES, _page(b"/X " + deep)]))
    yield Hostile(
        "deep nesting", "states.pdf", pdf([_CATALOG, _PAGES, _page(b"/Contents 4 0 R"), stream(b"q " * 500_000)])
    )
    yield Hostile("declared size", "count.pdf", pdf([_CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>",
                                                    _page(b"")]))  # fmt: skip
    kids = b"3 0 R " * 6_000
    yield Hostile(
        "declared size", "pages.pdf", pdf([_CATALOG, b"<< /Type /Pages /Kids [%b] /Count 6000 >>" % kids, _page(b"")])
    )
    for name, box in (("vast", b"0 0 1e9 1e9"), ("none", b"0 0 0 0"), ("turned", b"9e9 9e9 -9e9 -9e9")):
        drawn = stream(b"0 0 m 99 99 l S")
        yield Hostile("declared size", f"{name}.pdf", pdf([_CATALOG, _PAGES, _page(b"/Contents 4 0 R", box), drawn]))
    packed = zlib.compress(b"BT /F 12 Tf (x) Tj ET\n" * _MIB)
    flate = b"/Filter /FlateDecode"
    fonts = b"/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >>"
    yield Hostile("pdf bomb", "text.pdf", pdf([_CATALOG, _PAGES, _page(fonts), stream(packed, flate), _FONT]))
    zeros = zlib.compress(bytes(128 * _MIB))
    for name, content, filters in (
        ("zeros", zeros, flate), ("twice", zlib.compress(zeros), b"/Filter [/FlateDecode /FlateDecode]"),
    ):  # fmt: skip
        yield Hostile(
            "pdf bomb", f"{name}.pdf", pdf([_CATALOG, _PAGES, _page(b"/Contents 4 0 R"), stream(content, filters)])
        )
    for name, entries, content in (
        (
            "picture",
            b"/Width 60000 /Height 60000 /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode",
            zeros,
        ),
        (
            "jbig2",
            b"/Width 60000 /Height 60000 /BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /JBIG2Decode",
            b"\x97JB2",
        ),
        ("jpx", b"/Width 9 /Height 9 /Filter /JPXDecode", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(99)),
    ):
        page = _page(b"/Contents 5 0 R /Resources << /XObject << /X 4 0 R >> >>")
        image = stream(content, b"/Type /XObject /Subtype /Image " + entries)
        yield Hostile(
            "picture bomb", f"{name}.pdf", pdf([_CATALOG, _PAGES, page, image, stream(b"595 0 0 842 0 0 cm /X Do")])
        )
    lock = (
        b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <%b> /U <%b> >> /ID [<00> <00>]"
        % (b"41" * 32, b"42" * 32)
    )  # fmt: skip
    yield Hostile("encrypted", "locked.pdf", honest_pdf(trailer=lock))
    unknown = b"/Encrypt << /Filter /Mine /V 9 /R 9 >>"
    yield Hostile("encrypted", "unknown.pdf", honest_pdf(trailer=unknown))
    yield Hostile("strange pdf", "no-table.pdf", honest_pdf().partition(b"xref")[0])
    yield Hostile("strange pdf", "late.pdf", b"x" * 1_000 + honest_pdf())
    yield Hostile("strange pdf", "script.pdf", honest_pdf(extra=[b"<< /S /JavaScript /JS (while(1);) >>"]))


def pictures() -> Iterator[Hostile]:
    """Pictures."""
    for width, height in ((100_000, 100_000), (2**31 - 1, 2**31 - 1), (30_000, 30_000), (0, 0), (1, 10_000_000)):
        yield Hostile("picture bomb", f"{width}x{height}.png", png(width, height, zlib.compress(bytes(1_000))))
    row = b"\x00" + bytes(10_000 // 8)
    yield Hostile("picture bomb", "true.png", png(10_000, 10_000, zlib.compress(row * 10_000)))
    yield Hostile("picture bomb", "more.png", png(100, 100, zlib.compress(bytes(64 * _MIB))))
    note = chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(64 * _MIB)))
    yield Hostile("picture bomb", "note.png", png(100, 100, zlib.compress(bytes(1_400)), extra=note))
    profile = chunk(b"iCCP", b"p\x00\x00" + zlib.compress(bytes(64 * _MIB)))
    yield Hostile("picture bomb", "profile.png", png(100, 100, zlib.compress(bytes(1_400)), extra=profile))
    screen, frame = struct.pack("<HH", 65_535, 65_535), struct.pack("<HHHH", 0, 0, 65_535, 65_535)
    gif = b"GIF89a" + screen + b"\xf0\x00\x00" + bytes(6) + b"," + frame + b"\x00\x02\x02\x4c\x01\x00;"
    yield Hostile("picture bomb", "screen.gif", gif)
    entries = ((256, 60_000), (257, 60_000), (258, 8), (259, 1), (262, 1), (273, 8), (278, 60_000), (279, 99))
    for name, following in (("loop", 8), ("far", 2**31)):
        rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        directory = struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)
        yield Hostile("picture bomb", f"{name}.tiff", b"II*\x00" + struct.pack("<I", 8) + directory)
    small = ((256, 40), (257, 40), (258, 8), (259, 1), (262, 1), (273, 8), (278, 40), (279, 1_600))
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in small)
    directory = struct.pack("<H", len(small)) + rows + struct.pack("<I", 8)
    yield Hostile("picture loop", "pages.tiff", b"II*\x00" + struct.pack("<I", 8) + directory + b"\xff" * 1_600)
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 65_500, 65_500) + b"\x01\x01\x11\x00"
    yield Hostile(
        "picture bomb", "vast.jpg", b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00\xff\xd9"
    )
    header = struct.pack("<IiiHHIIiiII", 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0)
    yield Hostile("picture bomb", "vast.bmp", b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header)
    yield Hostile("picture bomb", "vast.webp", b"RIFF" + struct.pack("<I", 30) + b"WEBPVP8X" + struct.pack("<I", 10)
                  + bytes(4) + b"\xff" * 6)  # fmt: skip
    yield Hostile("polyglot", "picture.html", honest_png() + b"<html><script>x</script></html>")
    yield Hostile("polyglot", "picture.pdf", honest_png() + honest_pdf())


def ole_files() -> Iterator[Hostile]:
    """Compound files (MS-CFB): chains of sectors that loop, and names that say what the file is."""
    magic = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    streams = {
        "xls": "Workbook", "doc": "WordDocument", "ppt": "PowerPoint Document", "msg": "__properties_version1.0",
        "docx": "EncryptedPackage",
    }  # fmt: skip
    for extension, name in streams.items():
        kind = "encrypted" if extension == "docx" else "ole loop"
        entry = name.encode("utf-16-le").ljust(64, b"\x00") + struct.pack("<HBBIII", len(name) * 2 + 2, 2, 1, 0, 0, 0)
        entry = entry.ljust(116, b"\x00") + struct.pack("<IQ", 0, 2**31)
        root = "Root Entry".encode("utf-16-le").ljust(64, b"\x00") + struct.pack(
            "<HBBIII", 22, 5, 1, 2**32 - 1, 2**32 - 1, 1
        )
        root = root.ljust(116, b"\x00") + struct.pack("<IQ", 0, 4_096)
        header = magic + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
        header += struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4_096, 2, 1, 2**32 - 2, 0)
        header += struct.pack("<I", 0) + struct.pack("<I", 2**32 - 1) * 108
        loops = struct.pack("<I", 1) + struct.pack("<I", 0) * 127  # the table's chains run in a circle
        directory = (root + entry).ljust(512, b"\x00")
        yield Hostile(kind, f"loop.{extension}", header + loops + directory + loops)
        yield Hostile(kind, f"short.{extension}", header[:512] + name.encode("utf-16-le"))
    yield Hostile("ole loop", "only.doc", magic + bytes(504))
    yield Hostile("ole loop", "ones.doc", magic + b"\xff" * 10_000)
