"""What an item is: the bytes decide, then the extension, then what the source declares.

``sniff`` returns a media type that ``formats`` may or may not have a parser for. A file that calls itself a text but
is a PDF is read as a PDF; a page saved as ``.txt`` is read as HTML; one full of NUL bytes is no text whatever it says.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import Final

from ragkit.parse.text_bytes import in_utf8, is_text
from ragkit.parse.xml_safe import DAMAGE

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSB: Final = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS: Final = "application/vnd.ms-excel"
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
OLE: Final = "application/x-ole-storage"
MSG: Final = "application/vnd.ms-outlook"
TAR: Final = "application/x-tar"
MBOX: Final = "application/mbox"
JSON: Final = "application/json"
BINARY: Final = "application/octet-stream"

_MAGIC: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x7fELF", "application/x-executable"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
)
_BZIP2: Final = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90|\Z)")
_PDF: Final = re.compile(rb"%PDF-\d")
_BMP_HEADERS: Final = frozenset(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
_BY_EXTENSION: Final = {
    "md": "text/markdown", "markdown": "text/markdown", "mdown": "text/markdown", "mkd": "text/markdown",
    "html": "text/html", "htm": "text/html", "xhtml": "text/html",
    "csv": "text/csv", "tsv": "text/tab-separated-values", "tab": "text/tab-separated-values",
    "eml": "message/rfc822", "txt": "text/plain", "text": "text/plain", "log": "text/plain",
    "xml": "text/xml", "svg": "image/svg+xml", "nxml": "text/xml", "rss": "text/xml", "atom": "text/xml",
    "dita": "text/xml", "ditamap": "text/xml", "vtt": "text/vtt", "srt": "application/x-subrip",
    "json": JSON, "geojson": JSON, "jsonl": "application/x-ndjson", "ndjson": "application/x-ndjson",
    "rst": "text/x-rst", "rest": "text/x-rst", "adoc": "text/asciidoc", "asciidoc": "text/asciidoc",
    "org": "text/org", "mbox": MBOX, "mbx": MBOX,
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
    "text/json": JSON,
    "application/geo+json": JSON,
    "application/ld+json": JSON,
    "application/jsonl": "application/x-ndjson",
    "application/x-jsonlines": "application/x-ndjson",
    "text/prs.fallenstein.rst": "text/x-rst",
    "text/x-asciidoc": "text/asciidoc",
    "text/x-org": "text/org",
    "application/rss+xml": "text/xml",
    "application/atom+xml": "text/xml",
}
# Text that is read as it stands. XML is not among them: half of it would be markup.
_PLAIN: Final = re.compile(
    r"text/(?!html|csv|tab-sep|markdown|xml|rtf|vtt|x-rst|asciidoc|org)[\w.+-]+|application/(?:yaml|toml|x-sh)"
)
# Text with a parser of its own. What one cannot read as it says, it reads as plain text.
_STRUCTURED: Final = frozenset(
    {
        "message/rfc822", "text/html", "text/csv", "text/tab-separated-values", "text/markdown", "text/vtt",
        "text/x-rst", "text/asciidoc", "text/org", "application/x-subrip", "application/x-ndjson", JSON, MBOX,
    }
)  # fmt: skip
# Atomic: a comment could end at any later end of one, and a few dozen would be tried in every combination.
_HTML_START: Final = re.compile(
    rb"\s*(?>(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*)<(?:!doctype\s+html|html[\s>]|head[\s>])", re.I | re.S
)
# A page without its beginning, as programs write them into a file they call XLS or DOC.
_FRAGMENT: Final = re.compile(
    rb"\s*(?>(?:<!--.*?-->\s*)?)<(body|table|div|p|h[1-6]|ul|ol|dl|span|font|center|section|article)\b[^<>]*>.*</\1\s*>",
    re.I | re.S,
)
_XML_START: Final = re.compile(rb"\s*<\?xml\b")
_SVG_START: Final = re.compile(rb"<(?:\w{1,20}:)?svg[\s>]", re.I)
_MAIL_START: Final = re.compile(rb"(?:From [^\n]*\n)?(?:(?:[!-9;-~]+):[^\n]*\r?\n(?:[ \t][^\n]*\n)*){2,}", re.I)
_MAIL_FIELD: Final = re.compile(rb"^(?:received|from|message-id|mime-version|return-path|delivered-to):", re.I | re.M)
# Fields that no one writes by hand: a note that begins with "From:" and "Subject:" is a note.
_SENT_FIELD: Final = re.compile(rb"^(?:received|message-id|mime-version|return-path|delivered-to):", re.I | re.M)
# With the time of day, which `From Paris to London in 2020` above a `Note:` does not have.
_MBOX_START: Final = re.compile(rb"From \S[^\n]{0,150}\d:\d\d[^\n]{0,50}\d\d\d\d\s*\n>?[!-9;-~]+:")
_MBOX_NEXT: Final = re.compile(rb"\n\r?\n" + _MBOX_START.pattern)
_JSON_START: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:\}|\"[^\"\n]{0,200}\"\s*:)|\[\s*(?:[\[{]|(?:\"[^\"\n]{0,200}\"|-?\d[\d.eE+-]{0,30})\s*,|\]\s*\Z))"
)
_JSON_END: Final = re.compile(rb"[}\]]\s*\Z")
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,90}", re.A)
# What the file says of itself goes into errors, so it is believed only where it says one of these.
_PACKAGE: Final = re.compile(
    rb"application/(?:epub\+zip|vnd\.oasis\.opendocument\."
    rb"(?:text|spreadsheet|presentation|graphics|chart|formula|image|database|base)(?:-template|-master|-web)?)"
)


def sniff(content: bytes, *, declared: str | None = None, name: str = "") -> str:
    """Return the media type, lower case, without parameters."""
    claim = media_type_of(declared)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    head = content[:4096]
    if _is_pdf(content, head):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _inside_zip(content)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"BM") and head[6:10] == bytes(4) and head[14:18] in _BMP_HEADERS:
        return "image/bmp"
    if _BZIP2.match(head):
        return "application/x-bzip2"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return _inside_ole(content, extension, claim) if kind is OLE else kind
    if head[257:262] == b"ustar" or (extension == "tar" and _is_old_tar(head)):
        return TAR
    if head and not is_text(head):
        return claim if claim and not _is_textual(claim) else BINARY
    return _text_kind(content, claim, extension)


def media_type_of(declared: str | None) -> str:
    """The bare media type of a header value, or an empty string when it is none."""
    bare = (declared or "").partition(";")[0].strip().lower()
    bare = _ALIASES.get(bare, bare)
    return bare if _MEDIA_TYPE.fullmatch(bare) else ""


def _text_kind(content: bytes, claim: str, extension: str) -> str:
    head, tail = in_utf8(content)
    if _HTML_START.match(head):
        return "text/html"
    kind = _BY_EXTENSION.get(extension) or claim
    # A nameless part that says it is text is the body of a message, and no message for quoting one.
    may_be_mail = not kind or bool(extension)
    if may_be_mail and _MBOX_START.match(content) and (kind != "message/rfc822" or _MBOX_NEXT.search(content)):
        return MBOX
    if kind in _STRUCTURED:
        return kind
    if _XML_START.match(head):
        return "image/svg+xml" if _SVG_START.search(head) else "text/xml"
    field = _MAIL_FIELD if not kind else _SENT_FIELD
    if may_be_mail and (match := _MAIL_START.match(head)) and field.search(match[0]):
        return "message/rfc822"
    if (not kind or not _is_textual(kind)) and _FRAGMENT.match(head):
        return "text/html"
    if not kind or kind == BINARY or _PLAIN.fullmatch(kind):
        return JSON if _JSON_START.match(head) and _JSON_END.search(tail) else "text/plain"
    # It says it is a PDF, an image or an archive, and is none of them: the text in it is what there is to read.
    return kind if _is_textual(kind) or kind in set(_BY_EXTENSION.values()) else "text/plain"


def _is_pdf(content: bytes, head: bytes) -> bool:
    """Tell a PDF, which may have something before it, from a text that speaks of one."""
    found = _PDF.search(head, 0, 1024)
    return found is not None and not _HTML_START.match(head) and (not found.start() or b" obj" in content)


def _is_textual(kind: str) -> bool:
    return kind.startswith("text/") or bool(_PLAIN.fullmatch(kind)) or kind in {*_STRUCTURED, "image/svg+xml"}


def _is_old_tar(head: bytes) -> bool:
    """Tell a tar from before POSIX, which has no mark, by the sum of its first header (octal, at 148)."""
    written = head[148:156].strip(b" \x00")
    counted = sum(head[:512]) - sum(head[148:156]) + 8 * ord(" ")
    return len(head) >= 512 and re.fullmatch(rb"[0-7]{1,7}", written) is not None and int(written, 8) == counted


def _inside_zip(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                with archive.open("mimetype") as stream:
                    found = _PACKAGE.fullmatch(stream.read(100).strip())
                    return found[0].decode() if found else "application/zip"
    except DAMAGE:
        return "application/zip"
    for inside, kind in (
        ("word/document.xml", DOCX),
        ("xl/workbook.xml", XLSX),
        ("xl/workbook.bin", XLSB),
        ("ppt/presentation.xml", PPTX),
        ("Index/Document.iwa", "application/vnd.apple.iwork"),
        ("buildVersionHistory.plist", "application/vnd.apple.iwork"),
    ):
        if inside in names:
            return kind
    if "[Content_Types].xml" in names and any(name.startswith("word/") for name in names):
        return DOCX  # some writers call the main part word/document2.xml
    return "application/zip"


def _inside_ole(content: bytes, extension: str, claim: str) -> str:
    """Tell the formats of the OLE container by the streams in its root; what it embeds has the same further down.

    Where the directory is broken, the streams' names, which are UTF-16, may still be among the bytes.
    """
    try:
        from olefile import OleFileIO

        root = {path[0] for path in OleFileIO(io.BytesIO(content)).listdir() if len(path) == 1}
    except Exception:  # olefile raises whatever a broken directory leads it to
        root = set()
    for stream, kind in (
        ("EncryptedPackage", "application/x-encrypted-office"),
        ("Workbook", XLS),
        ("Book", XLS),
        ("WordDocument", "application/msword"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("__properties_version1.0", MSG),
    ):
        if stream in root if root else stream.encode("utf-16-le") in content:
            return kind
    if extension == "msg" or claim == MSG:
        return MSG
    return XLS if extension == "xls" or claim == XLS else OLE
