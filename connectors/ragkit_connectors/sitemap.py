"""Sitemaps (sitemaps.org protocol 0.9): what a site says of its pages, in XML, gzip or one URL a line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragkit.net_replies import inflated
from ragkit.net_sockets import NetFailure

MAX_BYTES = 50 * 1024 * 1024
"""Of one sitemap, unpacked; the protocol's own limit."""
TYPES = frozenset(
    {"text/xml", "application/xml", "text/plain", "application/gzip", "application/x-gzip", "application/octet-stream",
     "application/rss+xml", ""}
)  # fmt: skip
_PIECE = 64 * 1024
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Entry:
    """A page, or another sitemap, with its ``lastmod`` as written."""

    url: str
    changed: str = ""
    is_sitemap: bool = False

    def __repr__(self) -> str:
        return "Entry(…)"


def read_sitemap(content: bytes) -> Iterator[Entry]:
    """The entries of a sitemap or an index of sitemaps.

    Raises:
        ValueError: It is some other document, is cut, holds a document type or unpacks to more than it may.
    """
    if content.startswith(b"\x1f\x8b"):
        try:
            packed = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
            content = b"".join(inflated(packed, 31, MAX_BYTES))
        except NetFailure:
            raise ValueError("a sitemap cannot be unpacked") from None
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        yield from _from_xml(content)
    else:
        lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
        if not all(_ABSOLUTE.match(line) for line in lines if line):
            raise ValueError("a sitemap is some other text")
        yield from (Entry(line) for line in lines if line)


def _from_xml(content: bytes) -> Iterator[Entry]:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, iterparse

    root = ""
    try:
        for event, element in iterparse(io.BytesIO(content), events=("start", "end"), forbid_dtd=True):
            tag = str(element.tag).rpartition("}")[2]
            root = root or tag
            if root not in {"urlset", "sitemapindex"}:
                raise ValueError("a sitemap is another document")
            if event == "start" or tag not in {"url", "sitemap"}:
                continue
            said = {str(child.tag).rpartition("}")[2]: (child.text or "").strip() for child in element}
            if said.get("loc"):
                yield Entry(said["loc"], said.get("lastmod", "")[:40], tag == "sitemap")
            element.clear()
    except (ParseError, DefusedXmlException):
        raise ValueError("a sitemap is no well-formed XML") from None
