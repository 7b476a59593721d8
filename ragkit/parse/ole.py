"""The OLE container of DOC and PPT ([MS-CFB]) by olefile."""

from __future__ import annotations

import io
from typing import Final

from ragkit.parse.problems import problem

_NO_TITLE: Final = frozenset({"", "powerpoint presentation", "untitled", "document", "slide 1"})
_ANSI: Final = 1252
_UTF_8: Final = 65001


class Container:
    """The streams of one file, and its title.

    Raises:
        ItemError: ``malformed``, or ``encrypted``.
    """

    def __init__(self, content: bytes) -> None:
        from olefile import OleFileIO

        try:
            self._file = OleFileIO(io.BytesIO(content))
        except (OSError, ValueError, IndexError, RecursionError, ArithmeticError, TypeError, AttributeError):
            raise problem("malformed") from None
        if self._file.exists("EncryptedPackage") or self._file.exists("EncryptedSummary"):
            raise problem("encrypted")

    def has(self, name: str) -> bool:
        """True when there is a stream or storage of this name in the root."""
        return bool(self._file.exists(name))

    def stream(self, name: str) -> bytes:
        """A stream's bytes.

        Raises:
            ItemError: ``malformed``; there is none of this name, or it cannot be read.
        """
        try:
            data: bytes = self._file.openstream(name).read()
        except (OSError, ValueError, IndexError, ArithmeticError, TypeError, AttributeError):
            raise problem("malformed") from None
        return data

    @property
    def title(self) -> str:
        """The title among the document's properties, empty when there is none worth the name."""
        try:
            properties = self._file.getproperties("\x05SummaryInformation")
        except Exception:  # the properties are an extra, and olefile raises whatever a broken one makes of itself
            return ""
        title = properties.get(2)
        page = properties.get(1)
        if isinstance(title, bytes):
            page = page % 0x10000 if isinstance(page, int) else _ANSI
            try:
                title = title.decode("utf-8" if page == _UTF_8 else f"cp{page}", "replace")
            except LookupError:
                title = title.decode("cp1252", "replace")
        flat = " ".join(title.replace("\x00", " ").split()) if isinstance(title, str) else ""
        return "" if flat.lower() in _NO_TITLE else flat
