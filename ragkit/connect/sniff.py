"""What an item is: the bytes decide, then the extension, then what the source declares.

``sniff`` returns a media type that ``formats`` may or may not have a parser for. A file that calls itself a text but
is a PDF is read as a PDF; a page saved as ``.txt`` is read as HTML; one full of NUL bytes is no text whatever it says.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSB: Final = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS: Final = "application/vnd.ms-excel"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
OLE: Final = "application/x-ole-storage"
BINARY: Final = "application/octet-stream"

_MAGIC: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-executable"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_BY_EXTENSION: Final = {
    "md": "text/markdown", "markdown": "text/markdown", "mdown": "text/markdown", "mkd": "text/markdown",
    "html": "text/html", "htm": "text/html", "xhtml": "text/html",
    "csv": "text/csv", "tsv": "text/tab-separated-values", "tab": "text/tab-separated-values",
    "eml": "message/rfc822", "txt": "text/plain", "text": "text/plain", "log": "text/plain",
    "xml": "text/xml", "svg": "image/svg+xml", "nxml": "text/xml", "vtt": "text/vtt",
    "p7s": "application/pkcs7-signature", "p7m": "application/pkcs7-mime", "pem": "application/x-pem-file",
    "rtf": "application/rtf", "ps": "application/postscript",
}  # fmt: skip
_ALIASES: Final = {
    "application/xhtml+xml": "text/html",
    "text/x-markdown": "text/markdown",
    "application/csv": "text/csv",
    "text/comma-separated-values": "text/csv",
    "application/xml": "text/xml",
    "application/x-zip-compressed": "application/zip",
}
# Text that is read as it stands. XML is not among them: half of it would be markup.
_PLAIN: Final = re.compile(
    r"text/(?!html|csv|tab-sep|markdown|xml|rtf)[\w.+-]+|application/(?:json|x-ndjson|yaml|toml|x-sh)"
)
_HTML_START: Final = re.compile(
    rb"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html[\s>]|head[\s>])", re.I | re.S
)
_XML_START: Final = re.compile(rb"\s*<\?xml\b")
_MAIL_START: Final = re.compile(rb"(?:From [^\n]*\n)?(?:(?:[!-9;-~]+):[^\n]*\r?\n(?:[ \t][^\n]*\n)*){2,}", re.I)
_MAIL_FIELD: Final = re.compile(rb"^(?:received|from|message-id|mime-version|return-path|delivered-to):", re.I | re.M)
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,90}")


def sniff(content: bytes, *, declared: str | None = None, name: str = "") -> str:
    """Return the media type, lower case, without parameters."""
    claim = media_type_of(declared)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    head = content[:4096]
    if b"%PDF-" in head[:1024] and not _HTML_START.match(head):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(content)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return _inside_ole(content, extension, claim) if kind is OLE else kind
    if head and not _is_text(head):
        return claim if claim and not _is_textual(claim) else BINARY
    return _text_kind(head, claim, extension)


def media_type_of(declared: str | None) -> str:
    """The bare media type of a header value, or an empty string when it is none."""
    bare = (declared or "").partition(";")[0].strip().lower()
    bare = _ALIASES.get(bare, bare)
    return bare if _MEDIA_TYPE.fullmatch(bare) else ""


def _text_kind(head: bytes, claim: str, extension: str) -> str:
    if _HTML_START.match(head):
        return "text/html"
    kind = _BY_EXTENSION.get(extension) or claim
    if kind in {"message/rfc822", "text/html", "text/csv", "text/tab-separated-values", "text/markdown"}:
        return kind
    if _XML_START.match(head):
        return "text/xml"
    if not kind and (match := _MAIL_START.match(head)) and _MAIL_FIELD.search(match[0]):
        return "message/rfc822"
    if not kind or kind == BINARY or _PLAIN.fullmatch(kind):
        return "text/plain"
    # It says it is a PDF, an image or an archive, and is none of them: the text in it is what there is to read.
    return kind if _is_textual(kind) or kind in set(_BY_EXTENSION.values()) else "text/plain"


def _is_textual(kind: str) -> bool:
    return kind.startswith("text/") or bool(_PLAIN.fullmatch(kind)) or kind in {"message/rfc822", "image/svg+xml"}


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")):
        return True
    zeros = head.count(0)
    if not zeros:
        controls = sum(head.count(byte) for byte in (1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20))
        return controls * 20 <= len(head)
    # UTF-16 without a mark: nearly every second byte is zero, always on the same side.
    even = head[::2].count(0)
    return len(head) >= 8 and zeros * 5 >= len(head) * 2 and (even * 20 <= zeros or (zeros - even) * 20 <= zeros)


def _inside_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as stream:
                    return media_type_of(stream.read(100).decode("ascii", "replace")) or "application/zip"
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError):
        return "application/zip"
    for inside, kind in (
        ("word/document.xml", DOCX),
        ("xl/workbook.xml", XLSX),
        ("xl/workbook.bin", XLSB),
        ("ppt/presentation.xml", PPTX),
    ):
        if inside in names:
            return kind
    if "[Content_Types].xml" in names and any(name.startswith("word/") for name in names):
        return DOCX  # some writers call the main part word/document2.xml
    return "application/zip"


def _inside_ole(content: bytes, extension: str, claim: str) -> str:
    """Tell the formats of the OLE container by the names of their streams, which are UTF-16 in its directory."""
    for stream, kind in (
        ("EncryptedPackage", "application/x-encrypted-office"),
        ("Workbook", XLS),
        ("WordDocument", "application/msword"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("__properties_version1.0", "application/vnd.ms-outlook"),
    ):
        if stream.encode("utf-16-le") in content:
            return kind
    return XLS if extension == "xls" or claim == XLS else OLE
