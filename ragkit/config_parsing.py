"""``[parser]``: what reading a file may take, and whether pictures are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ragkit.config_sections import Section

TesseractLanguage = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z_]{1,30}$")]


class ParserSection(Section):
    """Reading files, in confined child processes."""

    workers: int = Field(1, ge=1, le=64, description="Child processes that read side by side.")
    timeout_s: int = Field(60, ge=5, le=3_600, description="Seconds that one item may take.")
    memory_mb: int = Field(1_024, ge=256, le=65_536, description="MiB that one item may take.")
    ocr: Literal["auto", "off"] = Field(
        "auto",
        description="Text from pictures and scanned pages: `auto` where `ragkit[ocr]` and the data of `ocr_languages` "
        "are installed.",
    )
    ocr_languages: tuple[TesseractLanguage, ...] = Field(
        ("eng",), min_length=1, max_length=8, description="As Tesseract names them: `eng`, `deu`, `fra`."
    )
    ocr_pages: int = Field(
        20, ge=1, le=5_000, description="Pages of an item that OCR reads; for many, raise `timeout_s` as well."
    )
