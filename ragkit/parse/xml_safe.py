"""XML of packages without what makes it dangerous: no entities (billion laughs), no external ones (file access)."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from ragkit.parse.archive import read_member
from ragkit.parse.problems import problem

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, ValueError, RuntimeError, EOFError)
"""What reading a broken zip raises."""


def read_xml(data: bytes) -> Element:
    """The root of an XML document.

    Raises:
        ItemError: ``malformed``, also for a document that declares entities of its own.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(data)
    except (ParseError, ValueError, LookupError):  # defusedxml's errors are ValueErrors
        raise problem("malformed") from None
    return root


def local(element: Any) -> str:
    """An element's name without its namespace; empty for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class Members:
    """The members of a zip-based file by name, for one whose directory ``archive.check_zip`` has let through."""

    def __init__(self, content: bytes) -> None:
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self.names = frozenset(self._archive.namelist())

    def bytes(self, name: str) -> bytes | None:
        """A member's bytes, None when there is none of this name.

        Raises:
            ItemError: ``malformed``.
        """
        if name not in self.names:
            return None
        try:
            return read_member(self._archive, self._archive.getinfo(name))
        except DAMAGE:
            raise problem("malformed") from None

    def xml(self, name: str) -> Element | None:
        """A member's XML, None when there is none of this name.

        Raises:
            ItemError: ``malformed``.
        """
        data = self.bytes(name)
        return None if data is None else read_xml(data)
