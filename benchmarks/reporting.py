"""How a benchmark reports: a table on standard output, and JSON with the date, the commit and the machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, ready for ``RESULTS.md``."""
    cells = [[_shown(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells)]
    print(f"\n### {title}\n")
    for row in (columns, ["-" * width for width in widths], *cells):
        print("| " + " | ".join(value.ljust(width) for value, width in zip(row, widths)) + " |")


def write_json(name: str, figures: dict[str, Any], *, trial: bool) -> None:
    """Write ``results/<name>.json``. A trial on a few questions is not a figure: it writes nothing."""
    if trial:
        print("\na trial: nothing written")
        return
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"benchmark": name, **circumstances(), **figures}, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten: results/{path.name}")


def circumstances() -> dict[str, Any]:
    """Date, commit and machine of this run."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "python": platform.python_version(),
        },
    }


def _commit() -> str:
    here = Path(__file__).resolve().parent
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, check=False
    )
    return (head.stdout.strip() or "unknown") + ("+changes" if changed.stdout.strip() else "")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
