"""Bytes to characters, and plain text to paragraphs.

Order of trust: byte order mark, UTF-8 (which hardly ever succeeds by accident), the declared charset, a guess. A guess
leaves the notice ``encoding-guessed``.
"""

from __future__ import annotations

import codecs
import re

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.types import BlockKind

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_META = re.compile(rb"<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.I)
_SAMPLE = 64 * 1024
# Bytes without a zero are none of these, but a short text in a Chinese encoding may look as if.
_NO_GUESS = ["utf_16", "utf_16_be", "utf_16_le", "utf_32", "utf_32_be", "utf_32_le", "utf_7"]
_BLANK = re.compile(r"\n[ \t\u00a0\u3000]*(?:\n[ \t\u00a0\u3000]*)+")


def decode(part: Part, out: BlockWriter) -> str:
    """Return the part's bytes as text, its byte order mark removed."""
    content = part.content
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    try:
        if content.count(0, 0, _SAMPLE) * 100 <= min(len(content), _SAMPLE):  # else it is UTF-16, which reads as UTF-8
            return content.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(content) - 4 and error.reason == "unexpected end of data":
            return content.decode("utf-8", "replace")  # cut within its last character
    declared = _CHARSET.search(part.media_type or "")
    named = declared[1] if declared else _meta_charset(content)
    if named and (text := _try(content, named)) is not None:
        return text
    out.notice("encoding-guessed")
    return _guess(content)


def parse(part: Part, out: BlockWriter) -> None:
    """Read plain text: a blank line ends a paragraph, a form feed begins a page."""
    write_paragraphs(decode(part, out).replace("\r\n", "\n").replace("\r", "\n"), out)


def write_paragraphs(text: str, out: BlockWriter) -> None:
    """Write text as paragraphs, with pages when it has form feeds."""
    pages = text.split("\f")
    for number, page in enumerate(pages, start=1):
        for paragraph in _BLANK.split(page):
            out.add(BlockKind.PARAGRAPH, paragraph, page=number if len(pages) > 1 else None)


def _meta_charset(content: bytes) -> str | None:
    found = _META.search(content, 0, 4096)
    return found[1].decode("ascii") if found else None


def _try(content: bytes, encoding: str) -> str | None:
    try:
        # Web pages that say ISO-8859-1 are read as Windows-1252: https://encoding.spec.whatwg.org/#names-and-labels
        name = codecs.lookup(encoding).name
        return content.decode("cp1252" if name in {"iso8859-1", "ascii"} else name)
    except (LookupError, ValueError):
        return None


def _guess(content: bytes) -> str:
    sample = content[:_SAMPLE]
    zeros = sample.count(0)
    if zeros * 5 >= len(sample):
        return content.decode("utf-16-be" if sample[::2].count(0) > zeros // 2 else "utf-16-le", "replace")
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=_NO_GUESS).best()
    return content.decode(best.encoding if best else "cp1252", "replace")
