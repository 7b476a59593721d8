"""What reading pictures of text takes, and whether it is there: settings that the parent hands to its child.

Looks for Tesseract's language data and the two packages of ``ragkit[ocr]`` without importing them, so that the parent
knows which parser it has, and never runs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_FOLDERS = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
)
_SHARE_OF_TIME = 0.6
"""Part of an item's time that recognition may begin pages in; the rest is for the last page and the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ocr:
    """How pictures are read.

    Attributes:
        folder: Where the languages' data are; empty when they, or the packages, are not there.
        languages: Their names in Tesseract, such as ``eng``.
        pages: Most pages of an item that are recognised.
        seconds: Wall time of an item after which no further page is begun.
        version: Of the package, since another may read otherwise.
    """

    folder: str = ""
    languages: tuple[str, ...] = ()
    pages: int = 0
    seconds: float = 0.0
    version: str = ""

    @property
    def is_there(self) -> bool:
        """True when pictures can be read."""
        return bool(self.folder)

    @property
    def fingerprint(self) -> str:
        """Changes when a picture may come out as another text; empty when none is read."""
        return f"ocr={'+'.join(self.languages)}/{self.pages}@{self.version}" if self.is_there else ""

    def packed(self) -> dict[str, Any]:
        """For the child's settings; ``Ocr(**packed)`` is this one again."""
        return asdict(self)


def find_ocr(*, languages: Sequence[str] = ("eng",), pages: int = 20, timeout_s: float = 60.0) -> Ocr:
    """Return how pictures can be read on this machine: not at all unless every language's data are there.

    Args:
        languages: Names of Tesseract's language data.
        pages: Most pages of an item.
        timeout_s: Wall time that an item may take in all.
    """
    try:
        found = version("tesserocr")
        version("pillow")
    except PackageNotFoundError:
        return Ocr()
    for folder in _folders():
        if languages and all((folder / f"{language}.traineddata").is_file() for language in languages):
            return Ocr(
                folder=str(folder),
                languages=tuple(languages),
                pages=pages,
                seconds=timeout_s * _SHARE_OF_TIME,
                version=found,
            )
    return Ocr()


def _folders() -> Iterator[Path]:
    """``TESSDATA_PREFIX`` is the folder of the data, or was its parent before Tesseract 4."""
    if prefix := os.environ.get("TESSDATA_PREFIX"):
        yield Path(prefix)
        yield Path(prefix) / "tessdata"
    for pattern in _FOLDERS:
        yield from sorted(Path("/").glob(pattern.removeprefix("/")), reverse=True)
