"""PDF text by PDFium, page by page, with page numbers; tables by pdfplumber on the pages that have ruling lines.

PDFium reads a page in a millisecond, pdfplumber takes a hundred times as long: it sees only pages whose drawn lines
make a grid, and no more of them than ``TABLE_BUDGET_S`` allows. A page that is only an image, or whose text is garbled,
is read by recognition where that is installed. Where not, the notices ``no-text-layer`` and ``bad-text-layer`` name it;
when all are only images, that is an error. Text nobody can see (drawn invisibly beside visible text, off the
page, smaller than two points) is removed and counted; the invisible text of a scanned page is kept: it *is* the text.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from ctypes import byref, c_double, c_float, c_int
from itertools import islice
from typing import TYPE_CHECKING, Any

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.pdf_layout import Line, Page, Table, write_pages
from ragkit.parse.pdf_scans import Scans
from ragkit.parse.problems import problem

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

TABLE_BUDGET_S = 20.0
MAX_PAGES = 5_000
_MAX_OBJECTS = 20_000
_MIN_SIZE = 2.0
_MIN_RULE = 15.0
_FILE_NAMES = (".doc", ".docx", ".pdf", ".xls", ".xlsx", ".ppt", ".pptx", ".indd", ".tex", ".odt", ".odp", ".ods")


def parse(part: Part, out: BlockWriter) -> None:
    """Read a PDF."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    try:
        pdf = pdfium.PdfDocument(part.content)
    except pdfium.PdfiumError as error:
        locked = error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}
        raise problem("encrypted" if locked else "malformed") from None
    with closing(pdf):
        out.title = out.title or _title(pdf)
        with Scans(part) as scans:
            pages, ruled = _read_pages(pdf, out, scans)
    scans.tell(pages, out)
    if ruled:
        _find_tables(part.content, pages, ruled)
    write_pages(pages, out)


def _title(pdf: PdfDocument) -> str:
    """The title of the document information, unless a program put a file name or its own name there."""
    title = " ".join(pdf.get_metadata_value("Title").split())
    lower = title.lower()
    program = lower.startswith(("microsoft ", "untitled", "powerpoint ", "slide ")) or lower in {"document", "title"}
    slug = " " not in title and any(mark in title for mark in "_-./\\0123456789")
    return "" if program or slug or len(title) < 3 or lower.endswith(_FILE_NAMES) else title


def _read_pages(pdf: PdfDocument, out: BlockWriter, scans: Scans) -> tuple[list[Page], list[int]]:
    """Return the pages, and the numbers of those with ruling lines."""
    pages: list[Page] = []
    ruled: list[int] = []
    for number in range(1, min(len(pdf), MAX_PAGES) + 1):
        try:
            page = pdf[number - 1]
        except RuntimeError:  # PdfiumError: this page's object is broken, the others may be whole
            out.notice("part-skipped", where=(number,))
            continue
        with closing(page), closing(page.get_textpage()) as text:
            width, height = page.get_size()
            lines = _lines(text, width, height, out)
            if recognised := scans.look(page, number, lines):
                lines = []
            pages.append(Page(number=number, height=height, lines=lines, recognised=recognised))
            if lines and page.get_rotation() == 0 and _has_grid(page):
                ruled.append(number)
    if len(pdf) > MAX_PAGES:
        out.notice("truncated", count=len(pdf) - MAX_PAGES)
    return pages, ruled


def _lines(text: PdfTextPage, width: float, height: float, out: BlockWriter) -> list[Line]:
    lines: list[Line] = []
    position = 0
    for written in text.get_text_range().split("\r\n"):
        stripped = written.strip()
        if stripped:
            first = position + len(written) - len(written.lstrip())
            lines.append(_line(text, stripped, first, first + len(stripped) - 1))
        position += len(written) + 2
    shown = [line for line in lines if line.drawn]
    kept: list[Line] = []
    for line in shown or lines:  # all of it invisible: the text layer behind a scan
        inside = line.right > 0 and line.left < width * 1.5 and line.top > 0 and line.bottom < height * 1.5
        if inside and line.size >= _MIN_SIZE:
            kept.append(line)
    out.hidden += len(lines) - len(kept)
    return kept


def _line(text: PdfTextPage, written: str, first: int, last: int) -> Line:
    """Measure a line by its first and last character; asking for every character would cost more than reading."""
    import pypdfium2.raw as raw

    begin = max(raw.FPDFText_GetCharIndexFromTextIndex(text, first), 0)
    end = max(raw.FPDFText_GetCharIndexFromTextIndex(text, last), begin)
    left, _, bottom, top = _box(text, begin)
    _, right, bottom_end, top_end = _box(text, end)
    height = min(top - bottom, top_end - bottom_end)  # a symbol from another font may be the taller
    flags = c_int()
    bold = raw.FPDFText_GetFontWeight(text, begin) >= 600 and raw.FPDFText_GetFontWeight(text, end) >= 600
    if not bold:
        bold = _bold_name(text, begin, flags) and _bold_name(text, end, flags)
    mode = raw.FPDFTextObj_GetTextRenderMode(raw.FPDFText_GetTextObject(text, begin))
    return Line(
        text=written,
        left=left,
        right=right,
        top=max(top, top_end),
        bottom=min(bottom, bottom_end),
        size=round(height, 1),
        bold=bold,
        drawn=mode not in {raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP},
    )


def _bold_name(text: PdfTextPage, index: int, flags: c_int) -> bool:
    """Ask the font's name, since most embedded fonts declare no weight."""
    from ctypes import create_string_buffer

    import pypdfium2.raw as raw

    name = create_string_buffer(128)
    raw.FPDFText_GetFontInfo(text, index, name, 128, byref(flags))
    return b"bold" in name.value.lower() or b"black" in name.value.lower()


def _box(text: PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a character in points. The box holds ascent and descent: its height is the size."""
    import pypdfium2.raw as raw

    rectangle = raw.FS_RECTF()
    if raw.FPDFText_GetLooseCharBox(text, index, byref(rectangle)):
        return rectangle.left, rectangle.right, rectangle.bottom, rectangle.top
    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    raw.FPDFText_GetCharBox(text, index, byref(left), byref(right), byref(bottom), byref(top))
    return left.value, right.value, bottom.value, top.value


def _has_grid(page: PdfPage) -> bool:
    """Tell whether drawn lines or stroked boxes run both ways at least three times."""
    across = down = 0
    for more_across, more_down in _rules(page):
        across, down = across + more_across, down + more_down
        if across >= 3 and down >= 3:
            return True
    return False


def _rules(page: PdfPage) -> Iterator[tuple[int, int]]:
    """Yield, for each drawn shape, how many edges it has across and down the page.

    By PDFium's own functions: an object of pypdfium2 for each of a page's thousands of text runs doubled the time.
    """
    import pypdfium2.raw as raw

    left, bottom, right, top = c_float(), c_float(), c_float(), c_float()
    fill, stroke = c_int(), c_int()
    shapes = (raw.FPDFPage_GetObject(page, index) for index in range(raw.FPDFPage_CountObjects(page)))
    for shape in islice(_with_forms(shapes), _MAX_OBJECTS):
        if raw.FPDFPageObj_GetType(shape) != raw.FPDF_PAGEOBJ_PATH:
            continue
        if not raw.FPDFPageObj_GetBounds(shape, byref(left), byref(bottom), byref(right), byref(top)):
            continue
        width, height = right.value - left.value, top.value - bottom.value
        if width > _MIN_RULE and height < 3:
            yield 1, 0
        elif height > _MIN_RULE / 2 and width < 3:
            yield 0, 1
        elif width > _MIN_RULE and height > _MIN_RULE / 2:
            raw.FPDFPath_GetDrawMode(shape, byref(fill), byref(stroke))
            if stroke.value:
                yield 2, 2


def _with_forms(shapes: Iterable[Any]) -> Iterator[Any]:
    """The shapes, and those within forms among them (some programs draw every table into one)."""
    import pypdfium2.raw as raw

    for shape in shapes:
        yield shape
        if raw.FPDFPageObj_GetType(shape) == raw.FPDF_PAGEOBJ_FORM:
            for index in range(raw.FPDFFormObj_CountObjects(shape)):
                yield raw.FPDFFormObj_GetObject(shape, index)


def _find_tables(content: bytes, pages: list[Page], ruled: list[int]) -> None:
    """Put the tables of the ruled pages beside their lines. A failure leaves the lines as text."""
    import pdfplumber
    from pdfminer.pdfexceptions import PDFException

    by_number = {page.number: page for page in pages}
    until = time.monotonic() + TABLE_BUDGET_S
    try:
        with pdfplumber.open(io.BytesIO(content), pages=ruled) as plumber:
            for page in plumber.pages:
                if time.monotonic() > until:
                    return
                by_number[page.page_number].tables = [
                    table for found in page.find_tables() if (table := _table(found)) is not None
                ]
                page.close()
    except MemoryError:
        raise
    except (PDFException, Exception):  # pdfminer raises anything on files that PDFium reads; lines are still there
        return


def _table(found: Any) -> Table | None:
    rows = [[cell or "" for cell in row] for row in found.extract()]
    filled = sum(bool(cell.strip()) for row in rows for cell in row)
    if len(rows) < 2 or max(map(len, rows)) < 2 or filled < 4:
        return None
    left, top, right, bottom = found.bbox
    return Table(rows=rows, left=left, top=top, right=right, bottom=bottom)
