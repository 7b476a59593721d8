"""Pages of a PDF whose text layer is missing or bad, read from their picture.

A page is judged by what costs next to nothing: the share of characters without a meaning, words without a vowel, and
characters against the area of the pictures. Good pages are never recognised.
"""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.ocr import MAX_PIXELS, Reader, open_reader
from ragkit.parse.pdf_layout import Line, Page
from ragkit.parse.problems import problem

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_DPI = 300
_UNMAPPED = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f\ufffe\uffff]")
_FILLER = re.compile(r"[\s._\-–—…·•|]+")
_WORD = re.compile(r"[A-Za-z]{4,}")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_FEW = 100
"""Characters. A scanned page may have a stamp or a page number in text on it."""
_MIN_WORDS = 20
_TRUSTED = 60.0


class Scans:
    """The pages without a good text layer: recognition opens with the first of them, or they are counted."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._is_there = part.formats is not None and part.formats.ocr.is_there
        self._stack = ExitStack()
        self._reader: Reader | None = None
        self._imaged: list[int] = []
        self._garbled: list[int] = []

    def __enter__(self) -> Scans:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def look(self, page: PdfPage, number: int, lines: list[Line]) -> tuple[str, ...]:
        """Return the paragraphs of the page's picture where they are better than its lines, else none."""
        if not lines and next(iter(page.get_objects(max_depth=1)), None) is None:
            return ()  # an empty page
        garbled = is_garbled(lines)
        if not (garbled or is_scan(page, lines) or not lines):
            return ()
        if self._is_there:
            self._reader = self._reader or self._stack.enter_context(open_reader(self._part))
            return read_page(page, number, lines, self._reader)
        if not lines:
            self._imaged.append(number)
        elif garbled:
            self._garbled.append(number)
        return ()

    def tell(self, pages: list[Page], out: BlockWriter) -> None:
        """Write the notices.

        Raises:
            ItemError: ``no-text-layer``, when nothing can be read of any page.
        """
        if self._imaged and not any(page.lines for page in pages):
            raise problem("no-text-layer")
        for code, numbers in (("no-text-layer", self._imaged), ("bad-text-layer", self._garbled)):
            if numbers:
                out.notice(code, count=len(numbers), where=numbers)
        if self._reader is not None:
            self._reader.tell(out)


def is_garbled(lines: list[Line]) -> bool:
    """Tell whether a page's text is of no use: fonts that do not say which characters they draw.

    True with a fifth of the characters unmapped, with under two fifths letters and digits, or with most Latin words
    of four letters and more (20 at least) without a vowel.
    """
    text = "".join(_FILLER.sub("", line.text) for line in lines)
    if len(text) < _MIN_WORDS:
        return False
    if 5 * len(_UNMAPPED.findall(text)) > len(text):
        return True
    if len(text) > 2 * _MIN_WORDS and 5 * sum(map(str.isalnum, text)) < 2 * len(text):
        return True
    words = [word for line in lines for word in _WORD.findall(line.text)]
    return len(words) >= _MIN_WORDS and 2 * sum(_VOWEL.search(word) is None for word in words) > len(words)


def is_scan(page: PdfPage, lines: list[Line]) -> bool:
    """Tell whether a page is a picture with no more than a stamp of text: pictures cover half of it."""
    import pypdfium2.raw as raw

    if sum(len(line.text) for line in lines) >= _FEW:
        return False
    width, height = page.get_size()
    covered = 0.0
    for picture in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=2):
        left, bottom, right, top = picture.get_bounds()
        across, up = min(right, width) - max(left, 0), min(top, height) - max(bottom, 0)
        covered += max(across, 0) * max(up, 0)
    return bool(2 * covered > width * height)


def read_page(page: PdfPage, number: int, lines: list[Line], reader: Reader) -> tuple[str, ...]:
    """Recognise a page. Returns its paragraphs, or none where the text it has is to be kept."""
    if not reader.may_read(number):
        return ()
    width, height = page.get_size()
    scale = min(_DPI / 72, (MAX_PIXELS / max(width * height, 1)) ** 0.5)
    with closing(page.render(scale=scale, grayscale=True)) as bitmap:
        reading = reader.read(bitmap.to_pil(), number)
    if not lines:
        return reading.paragraphs
    better = is_garbled(lines) or reading.words > sum(len(line.text.split()) for line in lines)
    return reading.paragraphs if better and reading.confidence >= _TRUSTED else ()
