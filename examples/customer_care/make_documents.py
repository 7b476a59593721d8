"""Make the binary documents of the example from the text in ``source/``.

::

    python examples/customer_care/make_documents.py            # writes into documents/
    python examples/customer_care/make_documents.py --to DIR   # writes elsewhere

Workbooks come from ``source/catalogue.json``, PDF and DOCX from Markdown. Dates inside the files are fixed, so that the
same text gives the same document. Needs openpyxl, reportlab and python-docx (the ``dev`` extra).
"""

from __future__ import annotations

import argparse
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
DOCUMENTS = HERE / "documents"
MADE = datetime(2026, 9, 1, 8, 0, 0)
"""Creation date written into every file."""

PDFS = {
    "manuals/kestrel-2-stove.pdf": "kestrel-2-manual.md",
    "manuals/brookmill-dehumidifiers.pdf": "brookmill-manual.md",
}
WORD_FILES = {
    "policies/privacy-notice.docx": "privacy-notice.md",
    "policies/gift-card-terms.docx": "gift-card-terms.md",
    "policies/complaints-procedure.docx": "complaints-procedure.md",
    "internal/memo-peak-season.docx": "memo-peak-season.md",
    "internal/supplier-agreement.docx": "supplier-agreement.md",
}
WORKBOOKS = (
    "price-lists/price-list-autumn-2026.xlsx",
    "price-lists/shipping-and-service-rates.xlsx",
    "price-lists/trade-terms.xlsx",
)


@dataclass(frozen=True, slots=True)
class Part:
    """A heading (``level`` from 1), paragraph, list item (``mark``: its bullet or number) or table of a source file."""

    kind: str
    text: str = ""
    level: int = 0
    mark: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def read_parts(markdown: str) -> list[Part]:
    """Split Markdown into parts, in order. Knows headings, paragraphs, flat lists and tables."""
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    parts: list[Part] = []
    rows: list[list[str]] = []
    mark = ""
    for place, token in enumerate(tokens):
        if token.type == "list_item_open":
            mark = f"{token.info}." if token.info else "•"
        elif token.type == "list_item_close":
            mark = ""
        elif token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "table_close":
            parts.append(Part("table", rows=tuple(tuple(row) for row in rows)))
        elif token.type == "inline":
            opener = tokens[place - 1]
            if opener.type in {"th_open", "td_open"}:
                rows[-1].append(token.content)
            elif opener.type == "heading_open":
                parts.append(Part("heading", token.content, level=int(opener.tag[1])))
            else:
                parts.append(Part("item" if mark else "paragraph", token.content, mark=mark))
    return parts


def make_pdf(parts: Sequence[Part]) -> bytes:
    """Typeset a manual on A5 with running heads, ruled tables and page numbers."""
    from reportlab.lib.pagesizes import A5
    from reportlab.platypus import SimpleDocTemplate

    title = parts[0].text
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A5, title=title, author="Brackenfold Outdoor & Home", invariant=1,
        leftMargin=42, rightMargin=42, topMargin=46, bottomMargin=40,
    )  # fmt: skip

    def frame(canvas: Any, page: Any) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.drawString(42, A5[1] - 32, title)
        canvas.drawRightString(A5[0] - 42, 28, f"Page {page.page}")

    document.build(list(_flow(parts)), onFirstPage=frame, onLaterPages=frame)
    return out.getvalue()


def _flow(parts: Sequence[Part]) -> Iterator[Any]:
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
    from reportlab.platypus import Paragraph, Spacer, Table

    sheet = getSampleStyleSheet()
    body = ParagraphStyle("body", parent=sheet["BodyText"], fontSize=9, leading=12)
    cell = ParagraphStyle("cell", parent=body, fontSize=8, leading=10)
    ruled = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("BACKGROUND", (0, 0), (-1, 0), colors.whitesmoke),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    for part in parts:
        if part.kind == "heading":
            yield Paragraph(_escape(part.text), sheet["Title" if part.level == 1 else "Heading2"])
        elif part.kind == "table":
            width = 336 / len(part.rows[0])
            yield Table(
                [[Paragraph(_escape(text), cell) for text in row] for row in part.rows],
                colWidths=[width] * len(part.rows[0]), repeatRows=1, style=ruled,
            )  # fmt: skip
            yield Spacer(1, 6)
        else:
            yield Paragraph(_escape(f"{part.mark} {part.text}".strip()), body)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def make_docx(parts: Sequence[Part]) -> bytes:
    """Write a Word file with built-in heading, list and table styles."""
    from docx import Document

    document = Document()
    document.core_properties.title = parts[0].text
    document.core_properties.author = "Brackenfold Outdoor & Home"
    document.core_properties.created = document.core_properties.modified = MADE
    for part in parts:
        if part.kind == "heading":
            document.add_heading(part.text, level=part.level)
        elif part.kind == "table":
            table = document.add_table(rows=0, cols=len(part.rows[0]), style="Table Grid")
            for row in part.rows:
                for cell, text in zip(table.add_row().cells, row):
                    cell.text = text
        elif part.kind == "item":
            document.add_paragraph(part.text, style="List Bullet" if part.mark == "•" else "List Number")
        else:
            document.add_paragraph(part.text)
    out = io.BytesIO()
    document.save(out)
    return _settle(out.getvalue())


def make_workbook(sheets: dict[str, tuple[Sequence[str], Sequence[Sequence[Any]]]], *, title: str) -> bytes:
    """Write a workbook: a bold header row on each sheet, prices with two decimals."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    book.remove(book.active)
    book.properties.title = title
    book.properties.creator = "Brackenfold Outdoor & Home"
    book.properties.created = MADE
    for name, (columns, rows) in sheets.items():
        sheet = book.create_sheet(name)
        sheet.append(list(columns))
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            sheet.column_dimensions[cell.column_letter].width = 24
        for row in rows:
            sheet.append(list(row))
        for column, heading in enumerate(columns, start=1):
            if "GBP" in heading or "EUR" in heading:
                for number in range(2, sheet.max_row + 1):
                    sheet.cell(number, column).number_format = "0.00"
    out = io.BytesIO()
    book.save(out)
    return _settle(out.getvalue())


def _settle(archive: bytes) -> bytes:
    """Pack an Office file again with fixed dates, since both libraries write the clock into it."""
    stamp = MADE.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda entry: (entry != "[Content_Types].xml", entry)):
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, content)
            entry = zipfile.ZipInfo(name, date_time=MADE.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            new.writestr(entry, content)
    return out.getvalue()


def make_all() -> dict[str, bytes]:
    """Return every binary document by its path under ``documents/``."""
    made: dict[str, bytes] = {}
    for path, source in PDFS.items():
        made[path] = make_pdf(read_parts((SOURCE / source).read_text(encoding="utf-8")))
    for path, source in WORD_FILES.items():
        made[path] = make_docx(read_parts((SOURCE / source).read_text(encoding="utf-8")))
    catalogue = json.loads((SOURCE / "catalogue.json").read_text(encoding="utf-8"))
    prices = {name: (catalogue["columns"], rows) for name, rows in catalogue["sheets"].items()}
    rates = {name: (table["columns"], table["rows"]) for name, table in catalogue["rates"].items()}
    trade = {name: (table["columns"], table["rows"]) for name, table in catalogue["trade"].items()}
    titles = (catalogue["list_name"], "Shipping and service rates", "Trade terms")
    for path, sheets, title in zip(WORKBOOKS, (prices, rates, trade), titles):
        made[path] = make_workbook(sheets, title=title)
    return made


def main() -> None:
    """Write the documents and say how large they are."""
    arguments = argparse.ArgumentParser(description="Make the binary documents of the customer care example.")
    arguments.add_argument("--to", type=Path, default=DOCUMENTS, help="folder to write into")
    folder: Path = arguments.parse_args().to
    for path, content in make_all().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        print(f"{len(content):>7} bytes  {path}")


if __name__ == "__main__":
    main()
