"""Plants 10,000 made-up values of every entity type in every place and looks for them in all that ragkit leaves.

Run ``python benchmarks/leaks.py``; ``--count 252`` for a trial. Text, titles, file names, metadata, e-mail headers,
table cells and questions hold one value each; the workspace syncs, answers, searches, fails and is pickled, in a
process of its own whose temporary files stay in reach; then every file is scanned as UTF-8, UTF-16, JSON,
percent-encoding, hexadecimal and base64 at three alignments, and the lexical index is asked for every value. With
none found of n, the share that leaks is under 3/n with 95 % confidence (rule of three: Hanley and Lippman-Hand 1983).

Values stand where a detector looks for them: this measures what ragkit does with what it found, and counts apart what
detection missed (``missed``: a value in a masked view of a chunk or question, and so in what is indexed and shown).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from reporting import print_table, write_json

from ragkit.testing.canaries import entity_types, make_canaries
from ragkit.testing.leaks import VIEWS, World, exercise, lexical_terms, run_commands, scan
from ragkit.testing.planting import PLACES, plant

COUNT = 10_000
SEED = 2026
ASKED = 50


def live(world: World, count: int) -> tuple[list[str], float]:
    """Plant, run the workspace in a child process, run the commands; return each canary's place and the seconds."""
    planting = plant(make_canaries(count, seed=SEED), world.sources)
    environment = {**os.environ, **world.environment()}
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", str(world.folder), "--count", str(count)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    (world.said / "process.txt").write_bytes(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"the run failed:\n{done.stderr.decode()[-3000:]}")
    run_commands(world, planting)
    return list(planting.places), time.perf_counter() - started


def child(world: World, count: int) -> None:
    """Use the workspace, in a process whose environment is the world's."""
    with tempfile.TemporaryDirectory() as elsewhere:  # the same seed plants the same values
        planting = plant(make_canaries(count, seed=SEED), Path(elsewhere))
    exercise(world, planting, asked=ASKED)


def main() -> None:
    """Plant, run, scan, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(World(options.child), options.count)
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.make()
        places, seconds = live(world, options.count)
        canaries = make_canaries(options.count, seed=SEED)
        started = time.perf_counter()
        findings, terms = scan(world, canaries), lexical_terms(world, canaries)
        scanned = sum(
            path.stat().st_size
            for part in (world.workspace, world.said, world.temporary)
            for path in part.rglob("*")
            if path.is_file()
        )
        print(
            f"{seconds:.0f} s to run, {time.perf_counter() - started:.0f} s to scan {scanned / 1e6:.0f} MB",
            file=sys.stderr,
        )
    missed = {one.canary for one in findings if Path(one.where).name == VIEWS}
    leaked = {one.canary for one in findings} - missed
    planted = Counter(places)
    rows = [
        (place, planted[place], *(sum(places[one] == place for one in found) for found in (leaked, missed, terms)))
        for place in PLACES
    ]
    rows.append(("all", len(places), len(leaked), len(missed), len(terms)))
    columns = ("place", "planted", "leaked", "missed", "terms of the lexical index")
    print_table(f"Canaries of {len(entity_types())} entity types", columns, rows)
    for one in findings[:20]:
        print(f"found: {one.entity_type} from {places[one.canary]} as {one.encoding} in {Path(one.where).name}")
    count = len(places)
    bound = 3 / count if not leaked else None
    print(f"\n{len(leaked)} of {count:,} leaked" + (f"; with 95 % confidence under {bound:.4%} do" if bound else ""))
    figures = {
        "planted": count,
        "leaked": len(leaked),
        "missed": len(missed),
        "missed_by_type": Counter(canaries[one].entity_type for one in missed),
        "lexical_terms": len(terms),
        "upper_bound_95": bound,
        "scanned_bytes": scanned,
        "by_place": [dict(zip(("place", "planted", "leaked", "missed", "terms"), row)) for row in rows],
    }
    write_json("leaks", figures, trial=options.count != COUNT)
    return None


if __name__ == "__main__":
    main()
