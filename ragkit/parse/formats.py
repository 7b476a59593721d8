"""Which parser reads which media type, and the one function that finds it and runs it.

Runs in the sandboxed child. Each row names ``module:function``; the module is imported at the first item of its format,
so a corpus of Markdown never pays for PDF. A parser takes a :class:`Part` and a :class:`BlockWriter`, and raises
``problems.problem(code)`` when it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module

from ragkit.parse.archive import Budget
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.ocr_setup import Ocr
from ragkit.parse.problems import problem
from ragkit.parse.sniff import DOCX, JSON, MBOX, MSG, ODS, PPTX, TAR, XLS, XLSB, XLSX, sniff

PARSERS: Mapping[str, str] = {
    "text/plain": "ragkit.parse.text:parse",
    "text/markdown": "ragkit.parse.markdown:parse",
    "text/html": "ragkit.parse.webpage:parse",
    "text/csv": "ragkit.parse.tables:parse_delimited",
    "text/tab-separated-values": "ragkit.parse.tables:parse_delimited",
    "application/pdf": "ragkit.parse.pdf:parse",
    "image/png": "ragkit.parse.image:parse",
    "image/jpeg": "ragkit.parse.image:parse",
    "image/tiff": "ragkit.parse.image:parse",
    "image/gif": "ragkit.parse.image:parse",
    "image/bmp": "ragkit.parse.image:parse",
    "image/webp": "ragkit.parse.image:parse",
    "text/xml": "ragkit.parse.xml_tree:parse",
    "text/x-rst": "ragkit.parse.restructured:parse",
    "text/asciidoc": "ragkit.parse.asciidoc:parse",
    "text/org": "ragkit.parse.orgmode:parse",
    "text/vtt": "ragkit.parse.subtitles:parse",
    "application/x-subrip": "ragkit.parse.subtitles:parse",
    JSON: "ragkit.parse.records:parse",
    "application/x-ndjson": "ragkit.parse.records:parse",
    "message/rfc822": "ragkit.parse.mail:parse",
    MSG: "ragkit.parse.outlook:parse",
    MBOX: "ragkit.parse.mbox:parse",
    "application/zip": "ragkit.parse.archives:parse_zip",
    TAR: "ragkit.parse.archives:parse_tar",
    "application/gzip": "ragkit.parse.archives:parse_compressed",
    "application/x-bzip2": "ragkit.parse.archives:parse_compressed",
    "application/x-xz": "ragkit.parse.archives:parse_compressed",
    DOCX: "ragkit.parse.docx:parse",
    PPTX: "ragkit.parse.presentation:parse",
    "application/msword": "ragkit.parse.word97:parse",
    "application/vnd.ms-powerpoint": "ragkit.parse.powerpoint97:parse",
    "application/rtf": "ragkit.parse.rtf:parse",
    "application/epub+zip": "ragkit.parse.epub:parse",
    "application/vnd.oasis.opendocument.text": "ragkit.parse.odf:parse",
    "application/vnd.oasis.opendocument.text-template": "ragkit.parse.odf:parse",
    "application/vnd.oasis.opendocument.presentation": "ragkit.parse.odf:parse",
    "application/vnd.oasis.opendocument.presentation-template": "ragkit.parse.odf:parse",
    "application/vnd.oasis.opendocument.graphics": "ragkit.parse.odf:parse",
    XLSX: "ragkit.parse.tables:parse_workbook",
    XLSB: "ragkit.parse.tables:parse_workbook",
    XLS: "ragkit.parse.tables:parse_workbook",
    ODS: "ragkit.parse.tables:parse_workbook",
    f"{ODS}-template": "ragkit.parse.tables:parse_workbook",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes to parse: an item, or an attachment of one (``depth`` from 1), which ``formats`` parses in turn. Raw.

    ``budget`` is the item's, shared by every part of it.
    """

    content: bytes
    name: str
    media_type: str | None = None
    depth: int = 0
    formats: Formats | None = None
    budget: Budget = field(default_factory=Budget)

    def __repr__(self) -> str:
        return f"Part({len(self.content)} bytes)"

    def inside(self, content: bytes, name: str, media_type: str | None = None) -> Part:
        """Return a part that lies in this one."""
        return replace(self, content=content, name=name, media_type=media_type, depth=self.depth + 1)


class Formats:
    """The table of parsers with what the caller adds to it.

    Attributes:
        ocr: How pictures are read.
    """

    def __init__(self, extra: Mapping[str, str] | None = None, *, ocr: Ocr | None = None) -> None:
        self.ocr = ocr or Ocr()
        self._targets = {**PARSERS, **(extra or {})}
        self._loaded: dict[str, Callable[[Part, BlockWriter], None]] = {}

    def parse(self, part: Part, out: BlockWriter) -> str:
        """Write the part's blocks and return its media type.

        Raises:
            ItemError: ``unsupported-type``, ``encrypted``, ``malformed`` and the like.
        """
        declared = (part.media_type or "").lower()
        kind = declared if declared in self._targets and declared not in PARSERS else ""
        kind = kind or sniff(part.content, declared=part.media_type, name=part.name)
        if kind == "application/x-encrypted-office":
            raise problem("encrypted")
        if kind not in self._targets:
            raise problem("unsupported-type", detail=kind)
        self._function(kind)(replace(part, media_type=part.media_type or kind, formats=self), out)
        return kind

    def reads(self, part: Part) -> bool:
        """True when there is a parser for the part."""
        return sniff(part.content, declared=part.media_type, name=part.name) in self._targets

    def _function(self, kind: str) -> Callable[[Part, BlockWriter], None]:
        if kind not in self._loaded:
            module, _, name = self._targets[kind].partition(":")
            self._loaded[kind] = getattr(import_module(module), name)
        return self._loaded[kind]
