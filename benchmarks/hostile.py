"""The hostile set through the sandbox, OCR included: what came of each kind, and how long the slowest file took.

Run ``python benchmarks/hostile.py``; ``--gigabyte`` adds a line of a gigabyte, which takes as much memory and disk.
A row's outcomes are text, *empty* (a document without text, which ingest refuses as ``no-text``) or the code of the one
problem. Before and after, the folder for temporary files and the child processes are compared: nothing may be left.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from reporting import print_table, write_json

from ragkit.parse.ocr_setup import find_ocr
from ragkit.parse.sandbox import SandboxedParser
from ragkit.testing.hostile import hostile_files
from ragkit.testing.hostile_samples import Hostile
from ragkit.types import Document, SourceItem

LIMIT_S = 30.0


def children() -> int:
    """Child processes of this one."""
    return sum(len((task / "children").read_text().split()) for task in Path("/proc/self/task").iterdir())


def temporary() -> set[str]:
    """Names in the folder for temporary files."""
    return {path.name for path in Path(tempfile.gettempdir()).iterdir()}


def gigabyte() -> Iterator[Hostile]:
    """One line."""
    yield Hostile("line of a gigabyte", "line.txt", b"word" * (256 * 1024**2))


def main() -> None:
    """Parse all, and show it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gigabyte", action="store_true", help="with a line of a gigabyte")
    arguments.add_argument("--timeout", type=float, default=25.0, help="seconds an item may take (default: 25)")
    chosen = arguments.parse_args()
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    slowest: dict[str, tuple[float, str]] = defaultdict(lambda: (0.0, ""))
    leaked: list[str] = []
    before = temporary()
    with SandboxedParser(ocr=find_ocr(), timeout_s=chosen.timeout) as parser:
        for files in (hostile_files(), gigabyte() if chosen.gigabyte else ()):
            for file in files:
                item = SourceItem(native_id="1", content=file.content, name=file.name)
                began = time.monotonic()
                ((_, result),) = parser.parse_all([item])
                took = time.monotonic() - began
                if isinstance(result, Document):
                    outcomes[file.kind]["text" if result.text.strip() else "empty"] += 1
                    leaked += [file.name] * ("root:x:0" in result.text)
                else:
                    outcomes[file.kind][result.code] += 1
                slowest[file.kind] = max(slowest[file.kind], (took, file.name[:40]))
    rows = [
        [kind, told.total(), ", ".join(f"{code} {count}" for code, count in told.most_common()), *slowest[kind]]
        for kind, told in sorted(outcomes.items())
    ]
    together = sum(outcomes.values(), Counter())
    rows.append(["all", together.total(), f"text {together['text']}", *max(slowest.values())])
    print_table("Hostile files by kind", ["kind", "files", "outcomes", "slowest, s", "which"], rows)
    made = temporary() - before
    over = sum(took > LIMIT_S for took, _ in slowest.values())
    print(f"\nkinds over {LIMIT_S:.0f} s: {over}; contents of /etc/passwd: {len(leaked)}; children left: {children()}")
    print(f"names new in the temporary folder (other programs use it too): {len(made)}")
    figures = {
        "files": together.total(),
        "outcomes": together,
        "slowest_s": max(slowest.values())[0],
        "over_limit": over,
        "leaked": len(leaked),
        "children_left": children(),
    }
    write_json("hostile", figures, trial=False)


if __name__ == "__main__":
    main()
