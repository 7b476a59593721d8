"""Plants personal data in everything that reaches the event log, uses every way in, and looks for it in the log.

Run ``python benchmarks/ledger_scan.py``; ``--count 30`` for a trial. Documents, file names, questions, principals,
groups, purposes, reasons, paths and texts of incidents hold values that occur nowhere else
(:mod:`ragkit.testing.ledger_scan`). Every file of the log is searched for each as UTF-8, UTF-16, JSON,
percent-encoding, hexadecimal and base64 at three alignments, and every text in it that is no opaque id is given to the
detectors that mask the documents. With none found of n, the share that leaks is under 3/n with 95 % confidence (rule of
three: Hanley and Lippman-Hand 1983).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from reporting import print_table, write_json

from ragkit import open_workspace
from ragkit.testing.ledger_scan import make_seeds, scan_bytes, scan_strings, texts_of, use, write_workspace

COUNT = 2_000
SEED = 2026
ASKED = 400


def main() -> int:
    """Run, print, write; 1 when anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="values planted")
    given = parser.parse_args()
    seeds = make_seeds(given.count, seed=SEED)
    with tempfile.TemporaryDirectory() as place:
        folder = write_workspace(Path(place) / "w", seeds, detectors='["builtin"]')
        events = folder / ".ragkit" / "events"
        began = time.perf_counter()
        with open_workspace(folder) as workspace:
            use(workspace, seeds, asked=min(ASKED, given.count))
        used = time.perf_counter() - began
        lines = [line for path in sorted(events.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
        began = time.perf_counter()
        places = scan_bytes(events, seeds)
        scanned = time.perf_counter() - began
        texts = sum(1 for _ in texts_of(events))
        with open_workspace(folder) as workspace:
            detected = scan_strings(events, workspace)
    planted = len(seeds.needles())
    figures = {
        "planted": planted,
        "events": len(lines),
        "bytes": sum(map(len, lines)),
        "found": len(places),
        "texts": texts,
        "detected": sum(detected.values()),
        "share_below": 3 / planted if not places else None,
        "use_seconds": round(used, 1),
        "scan_seconds": round(scanned, 1),
    }
    print_table("Personal data in the event log", ("figure", "value"), list(figures.items()))
    for what, number in sorted(detected.items()):
        print(f"  detected in {what}: {number}")
    write_json("ledger_scan", figures, trial=given.count != COUNT)
    return 1 if places or detected else 0


if __name__ == "__main__":
    sys.exit(main())
