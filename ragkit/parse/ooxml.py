"""What the readers of OOXML packages share: the Strict dialect, and comments."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

from ragkit.parse.archive import read_member

_NAMESPACES: Final = {
    b"http://purl.oclc.org/ooxml/officeDocument/": b"http://schemas.openxmlformats.org/officeDocument/2006/",
    b"http://purl.oclc.org/ooxml/wordprocessingml/": b"http://schemas.openxmlformats.org/wordprocessingml/2006/",
    b"http://purl.oclc.org/ooxml/presentationml/": b"http://schemas.openxmlformats.org/presentationml/2006/",
    b"http://purl.oclc.org/ooxml/drawingml/": b"http://schemas.openxmlformats.org/drawingml/2006/",
}
_WORD: Final = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_SLIDES: Final = b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
_TYPES: Final = {
    b"application/vnd.ms-word.document.macroEnabled.main+xml": _WORD,
    b"application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml": _WORD,
    b"application/vnd.ms-word.template.macroEnabledTemplate.main+xml": _WORD,
    b"application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml": _SLIDES,
    b"application/vnd.openxmlformats-officedocument.presentationml.template.main+xml": _SLIDES,
    b"application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml": _SLIDES,
    b"application/vnd.ms-powerpoint.template.macroEnabled.main+xml": _SLIDES,
}


def to_transitional(content: bytes) -> bytes:
    """Rename the namespaces of ISO 29500 Strict, and template, show and macro types, to those the libraries know.

    Raises:
        zipfile.BadZipFile: A member cannot be unpacked.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(written, "w") as target:
        for entry in source.infolist():
            data = read_member(source, entry)
            if entry.filename.endswith((".xml", ".rels")):
                for strict, transitional in _NAMESPACES.items():
                    data = data.replace(strict, transitional)
            if entry.filename == "[Content_Types].xml":
                for other, plain in _TYPES.items():
                    data = data.replace(other, plain)
            target.writestr(entry.filename, data)
    return written.getvalue()


def comments(part: Any, element: bytes) -> int:
    """How many comments hang on a part; they are never read. ``element`` is such as ``b"comment"``."""
    found = 0
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/comments"):
            blob = relation.target_part.blob
            found += sum(blob.count(b"%s%s " % (before, element)) for before in (b"<", b":"))
    return found
