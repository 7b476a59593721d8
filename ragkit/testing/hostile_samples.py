"""One small honest file of every format that has a shape to break, made here."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import EmailMessage

WORDS = "The parcel left the warehouse on Monday and arrived two days later at the office in Lisbon."


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file that means harm, or comes to none; ``kind`` groups files of one idea."""

    kind: str
    name: str
    content: bytes

    def __repr__(self) -> str:
        return f"Hostile({self.kind}, {self.name[:40]!r}, {len(self.content)} bytes)"


def zipped(members: Iterable[tuple[str, bytes | str]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return made.getvalue()


def tarred(members: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    """A tar of these members, plain (``w``) or packed (``w:gz``)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def pdf(objects: Iterable[bytes], *, root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1."""
    made, places = io.BytesIO(), []
    made.write(b"%PDF-1.7\n")
    for number, body in enumerate(objects, start=1):
        places.append(made.tell())
        made.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start = made.tell()
    made.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1))
    made.writelines(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    made.write(b"trailer\n<< /Size %d /Root %d 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (size, root, trailer, start))
    return made.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """A PDF stream."""
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def honest_pdf(*, trailer: bytes = b"", extra: Iterable[bytes] = ()) -> bytes:
    """A page of text."""
    page = b"/Contents 4 0 R /Resources << /Font << /F 5 0 R >> >>"
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %b >>" % page,
            stream(b"BT /F 12 Tf 72 700 Td (%b) Tj ET" % WORDS[:80].encode()),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            *extra,
        ],
        trailer=trailer,
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, packed: bytes, *, extra: bytes = b"") -> bytes:
    """A PNG of one bit a point that claims this size and holds these packed rows."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def honest_png() -> bytes:
    """White, with a bar."""
    row, bar = b"\x00" + b"\xff" * 25, b"\x00" + b"\xf0" * 25
    return png(200, 100, zlib.compress(row * 40 + bar * 20 + row * 40))


def honest_mail(attachment: tuple[str, bytes] | None = None) -> bytes:
    """A message, perhaps with an attachment."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ana@example.org", "ben@example.org", "The parcel"
    message["Date"], message["Message-ID"] = "Mon, 02 Jun 2025 10:00:00 +0000", "<1@example.org>"
    message.set_content(WORDS)
    message.add_alternative(f"<html><body><p>{WORDS}</p></body></html>", subtype="html")
    if attachment:
        name, content = attachment
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def open_document(content: str, kind: str = "text") -> bytes:
    """An OpenDocument file with this ``content.xml``."""
    return zipped(
        [
            ("mimetype", f"application/vnd.oasis.opendocument.{kind}"),
            ("content.xml", content),
            ("META-INF/manifest.xml", "<manifest/>"),
        ]
    )  # fmt: skip


OPEN_DOCUMENT = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"><office:body>{}</office:body></office:document-content>"""


def _office(module: str) -> bytes:
    made = io.BytesIO()
    if module == "docx":
        import docx

        document = docx.Document()
        document.add_heading("Delivery", 1)
        document.add_paragraph(WORDS)
        document.add_table(2, 2).cell(0, 0).text = "Days"
        document.save(made)
    elif module == "xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        for row in (["Days", "Fee"], [14, "none"], [30, "half"]):
            book.active.append(row)
        book.save(made)
    else:
        import pptx

        show = pptx.Presentation()
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = "Delivery", WORDS
        show.save(made)
    return made.getvalue()


def _epub() -> bytes:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="a.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
    )
    page = f'<html xmlns="http://www.w3.org/1999/xhtml"><body><h1>Delivery</h1><p>{WORDS}</p></body></html>'
    return zipped(
        [
            ("mimetype", "application/epub+zip"),
            ("META-INF/container.xml", container),
            ("book.opf", package),
            ("a.xhtml", page),
        ]
    )


def _picture(kind: str) -> Callable[[], bytes]:
    def make() -> bytes:
        from PIL import Image

        made = io.BytesIO()
        Image.open(io.BytesIO(honest_png())).convert("L").save(made, kind)
        return made.getvalue()

    return make


def samples() -> dict[str, bytes]:
    """Return a file by extension; pictures other than PNG only where Pillow is installed."""
    paragraph = f"<text:h>Delivery</text:h><text:p>{WORDS}</text:p>"
    sheet = "<table:table-row><table:table-cell><text:p>Days</text:p></table:table-cell></table:table-row>"
    makers: dict[str, Callable[[], bytes]] = {
        "txt": WORDS.encode,
        "md": lambda: f"# Delivery\n\n{WORDS}\n\n| Days | Fee |\n|---|---|\n| 14 | none |\n".encode(),
        "html": lambda: f"<html><body><h1>Delivery</h1><p>{WORDS}</p></body></html>".encode(),
        "csv": lambda: b"Days,Fee\n14,none\n30,half\n",
        "json": lambda: json.dumps([{"title": "Delivery", "text": WORDS}]).encode(),
        "jsonl": lambda: json.dumps({"title": "Delivery", "text": WORDS}).encode() + b"\n",
        "xml": lambda: f'<?xml version="1.0"?><doc><title>Delivery</title><p>{WORDS}</p></doc>'.encode(),
        "rst": lambda: f"Delivery\n========\n\n{WORDS}\n".encode(),
        "rtf": lambda: b"{\\rtf1\\ansi " + WORDS.encode() + b"\\par}",
        "eml": honest_mail,
        "mbox": lambda: b"From ana@example.org Mon Jun  2 10:00:00 2025\n" + honest_mail() + b"\n",
        "docx": lambda: _office("docx"),
        "xlsx": lambda: _office("xlsx"),
        "pptx": lambda: _office("pptx"),
        "odt": lambda: open_document(OPEN_DOCUMENT.format(f"<office:text>{paragraph}</office:text>")),
        "ods": lambda: open_document(
            OPEN_DOCUMENT.format(f"<office:spreadsheet><table:table>{sheet}</table:table></office:spreadsheet>"),
            "spreadsheet",
        ),
        "epub": _epub,
        "pdf": honest_pdf,
        "zip": lambda: zipped([("a.txt", WORDS), ("b.md", f"# B\n\n{WORDS}")]),
        "tar": lambda: tarred([("a.txt", WORDS.encode())]),
        "gz": lambda: gzip.compress(WORDS.encode(), mtime=0),
        "bz2": lambda: bz2.compress(WORDS.encode()),
        "xz": lambda: lzma.compress(WORDS.encode()),
        "png": honest_png,
        **{ext: _picture(kind) for ext, kind in (("jpg", "JPEG"), ("tiff", "TIFF"), ("gif", "GIF"), ("webp", "WEBP"))},
    }
    made = {}
    for extension, make in makers.items():
        try:
            made[extension] = make()
        except ImportError:
            continue
    return made
