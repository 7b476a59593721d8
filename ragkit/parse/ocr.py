"""Text from pictures by Tesseract, in this process: the confined child, which may start no other.

::

    with open_reader(part) as reader:
        page = reader.read(image)            # a PIL image
        page.paragraphs, page.confidence

Tesseract's own layout gives the paragraphs. What it is quite unsure of is texture, not text, and left out.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.problems import problem

if TYPE_CHECKING:
    from PIL.Image import Image

    from ragkit.parse.formats import Part

MAX_PIXELS = 16_000_000
"""Of a picture as it is recognised: A4 at 300 dots an inch has nine million."""
_UNSURE = 70.0
_TEXTURE = 40.0
_DPI = 300


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands on a page; ``confidence`` is the mean of its words', 0 to 100."""

    paragraphs: tuple[str, ...] = ()
    confidence: float = 0.0

    @property
    def words(self) -> int:
        """How many words there are."""
        return sum(len(paragraph.split()) for paragraph in self.paragraphs)


class Reader:
    """Recognises the pages of one part, as many as its item may still have."""

    def __init__(self, api: Any, part: Part, pages: int, seconds: float) -> None:
        self._api = api
        self._budget = part.budget
        self._pages = pages
        self._seconds = seconds
        self._read: list[int] = []
        self._unsure: list[int] = []
        self._left: list[int] = []

    def may_read(self, number: int) -> bool:
        """Tell whether page ``number`` (from 1) may be recognised; if not, it is noted as left."""
        spent = time.monotonic() - self._budget.began
        if self._budget.recognised < self._pages and spent < self._seconds:
            return True
        self._left.append(number)
        return False

    def read(self, image: Image, number: int) -> Reading:
        """Recognise a page. One that takes too long is noted as left and comes back empty."""
        self._budget.recognised += 1
        left = self._budget.began + self._seconds * 1.4 - time.monotonic()
        self._api.SetImage(image)
        self._api.SetSourceResolution(_DPI)
        if not self._api.Recognize(max(1, int(left * 1000))):
            self._left.append(number)
            return Reading()
        reading = self._reading()
        if reading.paragraphs:
            self._read.append(number)
            if reading.confidence < _UNSURE:
                self._unsure.append(number)
        return reading

    def _reading(self) -> Reading:
        import tesserocr

        paragraphs, confidences = [], []
        results = self._api.GetIterator()
        if results is None:
            return Reading()
        level = tesserocr.RIL.PARA
        for found in tesserocr.iterate_level(results, level):
            if found.Empty(level):
                continue
            text, confidence = found.GetUTF8Text(level).strip(), found.Confidence(level)
            if text and confidence >= _TEXTURE:
                paragraphs.append(_joined(text))
                confidences.append((len(text), confidence))
        weight = sum(length for length, _ in confidences)
        mean = sum(length * confidence for length, confidence in confidences) / weight if weight else 0.0
        return Reading(tuple(paragraphs), mean)

    def tell(self, out: BlockWriter) -> None:
        """Write the notices: pages read by recognition, those of them it is unsure of, and those left."""
        for code, pages in (("ocr", self._read), ("ocr-unsure", self._unsure), ("ocr-left", self._left)):
            if pages:
                out.notice(code, count=len(pages), where=pages)


@contextmanager
def open_reader(part: Part) -> Iterator[Reader]:
    """Make Tesseract ready for the pages of a part.

    Raises:
        ItemError: ``ocr-absent``.
    """
    settings = part.formats.ocr if part.formats is not None else None
    if settings is None or not settings.is_there:
        raise problem("ocr-absent")
    import tesserocr

    # Where it writes its complaints is /dev/null by default, opened at the first of them: refused to this process, over
    # which Tesseract crashes. Empty means standard error, which leads nowhere here.
    quiet = {"debug_file": ""}
    try:
        api = tesserocr.PyTessBaseAPI(path=f"{settings.folder}/", lang="+".join(settings.languages), variables=quiet)
    except RuntimeError:  # the data are of another version, or broken
        raise problem("ocr-absent") from None
    with api:
        api.SetPageSegMode(tesserocr.PSM.AUTO)
        yield Reader(api, part, settings.pages, settings.seconds)


def _joined(text: str) -> str:
    """One line of a paragraph cut at the margin; a word cut by a hyphen is whole again."""
    joined = ""
    for line in text.split("\n"):
        line = line.strip()
        if joined.endswith("-") and joined[-2:-1].isalpha() and line[:1].islower():
            joined = joined[:-1] + line
        else:
            joined = f"{joined} {line}" if joined and line else joined or line
    return joined
