"""Other parsers, one file a line: run by a Python of their own, since they need what ragkit does not install.

``python parser_peers.py markitdown|docling`` reads paths from standard input, and answers each with a line of JSON:
``{"text": …}`` or ``{"error": "the type of the exception"}``; ``--version`` prints the version. Nothing is fetched:
docling's models for pages are absent, so PDFs go by its pipeline without a model, and pictures are an error.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable

Convert = Callable[[str], str]


def markitdown() -> Convert:
    """``MarkItDown`` with its defaults: no plugin, no service."""
    from markitdown import MarkItDown

    converter = MarkItDown(enable_plugins=False)
    return lambda path: str(converter.convert_local(path).markdown)


def docling() -> Convert:
    """``DocumentConverter`` with its defaults but for PDF."""
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import NativePdfPipelineOptions
    from docling.document_converter import DocumentConverter, PdfFormatOption
    from docling.pipeline.native_pdf_pipeline import NativePdfPipeline

    native = PdfFormatOption(pipeline_cls=NativePdfPipeline, pipeline_options=NativePdfPipelineOptions())
    converter = DocumentConverter(format_options={InputFormat.PDF: native})
    return lambda path: str(converter.convert(path).document.export_to_markdown())


def main() -> None:
    """Answer until the input ends."""
    name = sys.argv[1]
    if "--version" in sys.argv:
        print(importlib.metadata.version(name))
        return
    os.environ |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "2"}
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print
    convert = {"markitdown": markitdown, "docling": docling}[name]()
    for line in sys.stdin:
        try:
            answer = {"text": convert(json.loads(line))}
        except Exception as error:
            answer = {"error": type(error).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
