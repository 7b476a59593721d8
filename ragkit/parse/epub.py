"""EPUB 2 and 3: the pages that the spine names, in its order, by the web page parser.

The table of contents is left out: it would repeat every heading. A book under rights management is ``encrypted``; the
two ways of scrambling fonts (EPUB Open Container Format 3.3, 4.3.7, and Adobe's) are not.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final
from urllib.parse import unquote

from ragkit.errors import ItemError
from ragkit.parse.archive import check_zip
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.parse.text import decode
from ragkit.parse.webpage import write_html
from ragkit.parse.xml_safe import Members

_CONTAINER: Final = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_PACKAGE: Final = "{http://www.idpf.org/2007/opf}"
_TITLE: Final = "{http://purl.org/dc/elements/1.1/}title"
_METHOD: Final = "{http://www.w3.org/2001/04/xmlenc#}EncryptionMethod"
_FONT_SCRAMBLING: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
_PAGES: Final = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"})
# An element closed in its own tag is open to the grammar of HTML, where only these may be empty: a `<title/>` would
# swallow the page.
_CLOSED: Final = re.compile(
    r"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)\b)([A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/>"
)


def parse(part: Part, out: BlockWriter) -> None:
    """Read an EPUB."""
    check_zip(part.content)
    members = Members(part.content)
    protection = members.xml("META-INF/encryption.xml")
    if protection is not None and any(
        method.get("Algorithm") not in _FONT_SCRAMBLING for method in protection.iter(_METHOD)
    ):
        raise problem("encrypted")
    container = members.xml("META-INF/container.xml")
    root = container.find(f".//{_CONTAINER}rootfile") if container is not None else None
    path = (root.get("full-path") or "") if root is not None else ""
    package = members.xml(path)
    if package is None:
        raise problem("malformed")
    out.title = out.title or " ".join((package.findtext(f".//{_TITLE}") or "").split())
    items = {item.get("id"): item for item in package.iter(f"{_PACKAGE}item")}
    read: set[str | None] = set()
    for position, entry in enumerate(package.iter(f"{_PACKAGE}itemref"), start=1):
        name = entry.get("idref")
        item = items.get(name)
        if name in read or (item is not None and "nav" in (item.get("properties") or "").split()):
            continue
        read.add(name)
        try:
            page = None
            if item is not None and item.get("media-type") in _PAGES:
                href = unquote((item.get("href") or "").partition("#")[0])
                page = members.bytes(posixpath.normpath(posixpath.join(posixpath.dirname(path), href)))
        except ItemError:
            page = None
        if page is None:
            out.notice("part-skipped", where=(position,))
            continue
        source = decode(Part(content=page, name=""), out)
        write_html(_CLOSED.sub(r"<\1\2></\1>", source), out)
