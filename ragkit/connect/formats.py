"""Which parser reads which media type, and the one function that finds it and runs it.

Runs in the sandboxed child. Each row names ``module:function``; the module is imported at the first item of its format,
so a corpus of Markdown never pays for PDF. A parser takes a :class:`Part` and a :class:`BlockWriter`, and raises
``problems.problem(code)`` when it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module

from ragkit.connect.blocks import BlockWriter
from ragkit.connect.problems import problem
from ragkit.connect.sniff import DOCX, ODS, XLS, XLSB, XLSX, sniff

PARSERS: Mapping[str, str] = {
    "text/plain": "ragkit.connect.text:parse",
    "text/markdown": "ragkit.connect.markdown:parse",
    "text/html": "ragkit.connect.webpage:parse",
    "text/csv": "ragkit.connect.tables:parse_delimited",
    "text/tab-separated-values": "ragkit.connect.tables:parse_delimited",
    "application/pdf": "ragkit.connect.pdf:parse",
    "message/rfc822": "ragkit.connect.mail:parse",
    DOCX: "ragkit.connect.docx:parse",
    XLSX: "ragkit.connect.tables:parse_workbook",
    XLSB: "ragkit.connect.tables:parse_workbook",
    XLS: "ragkit.connect.tables:parse_workbook",
    ODS: "ragkit.connect.tables:parse_workbook",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes to parse: an item, or an attachment of one (``depth`` from 1), which ``formats`` parses in turn. Raw."""

    content: bytes
    name: str
    media_type: str | None = None
    depth: int = 0
    formats: Formats | None = None

    def __repr__(self) -> str:
        return f"Part({len(self.content)} bytes)"


class Formats:
    """The table of parsers with what the caller adds to it."""

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
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
