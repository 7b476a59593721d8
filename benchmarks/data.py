"""Where the benchmark data is, and how to read it.

``RAGKIT_BENCH_DATA`` names the folder; the default is ``../shared/data`` beside the repository. Where it is absent a
script says so and ends with status 3.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ABSENT = 3


def data_folder() -> Path:
    """Return the folder of the retrieval sets, or end the script with status 3."""
    repository = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("RAGKIT_BENCH_DATA", repository.parent / "shared" / "data"))
    if not (folder / "rag").is_dir():
        print("RAGKIT_BENCH_DATA is absent: set it to the folder that holds `rag/`.", file=sys.stderr)
        raise SystemExit(ABSENT)
    return folder / "rag"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON-lines file, plain or gzip."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        yield from (json.loads(line) for line in lines if line.strip())


def write_lines(path: Path, rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Path:
    """Write JSON lines."""
    with path.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return path


def corpus(name: str) -> list[dict[str, Any]]:
    """Documents ``{id, title, text, meta}`` of a set."""
    return list(read_lines(data_folder() / name / "corpus.jsonl"))


def queries(name: str) -> list[dict[str, Any]]:
    """Questions ``{id, text, …}`` of a set."""
    return list(read_lines(data_folder() / name / "queries.jsonl"))


def qrels(name: str) -> dict[str, dict[str, int]]:
    """Grade by document by query."""
    grades: dict[str, dict[str, int]] = {}
    with (data_folder() / name / "qrels.tsv").open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            query, document, grade = line.rstrip("\n").split("\t")
            grades.setdefault(query, {})[document] = int(grade)
    return grades


def aws_docs(step: int) -> Iterator[dict[str, Any]]:
    """Every ``step``-th document of the AWS documentation."""
    for number, document in enumerate(read_lines(data_folder() / "aws_docs" / "corpus.jsonl.gz")):
        if number % step == 0:
            yield document
