"""Plants 10,000 made-up values of every entity type in every place and looks for them in all that ragkit leaves.

Run ``python benchmarks/leaks.py``; ``--count 252`` for a trial. Text, titles, file names, metadata, e-mail headers,
table cells and questions hold one value each; the workspace syncs, answers, searches, fails and is pickled, in a
process of its own whose temporary files stay in reach; then every file is scanned as UTF-8, UTF-16, JSON,
percent-encoding, hexadecimal and base64 at three alignments, and the lexical index is asked for every value. With
none found of n, the share that leaks is under 3/n with 95 % confidence (rule of three: Hanley and Lippman-Hand 1983).

Values stand where a detector looks for them: this measures what ragkit does with what it found, and counts apart what
detection missed (``missed``: a value in a masked view of a chunk or question, and so in what is indexed and shown).
Besides, a tenth as many people stand in running prose without a cue, which is for the learned detector, and a thirtieth
in the deny and allow lists of the policy, most of them in no document: those may be found nowhere. The commands include
``remask``, ``eval pii --misses``, ``policy show`` and ``doctor``, also on lists that cannot be read; and people's
requests, legal holds, backups, restoring and changes of keys, with planted values as values, purposes and reasons.
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

from ragkit.testing.canaries import Canary, entity_types, make_canaries, make_people
from ragkit.testing.leak_paths import ask_worker, run_commands
from ragkit.testing.leak_people import run_people
from ragkit.testing.leaks import World, exercise, lexical_terms, missed, scan
from ragkit.testing.planting import PLACES, Planting, plant, plant_lists

COUNT = 10_000
IN_PROSE = 10
LISTED = 30
"""One in so many stands in running prose without a cue, and in a list of names, besides."""
SEED = 2026
ASKED = 50


def planted(count: int, folder: Path) -> tuple[list[Canary], list[Canary], Planting]:
    """Plant under ``folder``: what is in documents and questions, who is in lists, and where. The same for a count."""
    canaries = make_canaries(count, seed=SEED)
    canaries += make_people(count // IN_PROSE, seed=SEED, avoid=canaries)
    people = make_canaries(max(count // LISTED, 6), seed=SEED + 1, entity_types=["PERSON"], avoid=canaries)
    planting = plant(canaries, folder)
    plant_lists(people, folder)
    return canaries, people, planting


def live(world: World, count: int) -> tuple[list[Canary], list[str], float]:
    """Plant, run the workspace in a child process, run the commands; return canaries, their places and the seconds."""
    canaries, people, planting = planted(count, world.sources)
    environment = {**os.environ, **world.environment()}
    started = time.perf_counter()
    command = [sys.executable, __file__, "--child", str(world.folder), "--count", str(count)]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    (world.said / "process.txt").write_bytes(done.stdout + done.stderr)
    if done.returncode:
        raise SystemExit(f"the run failed:\n{done.stderr.decode()[-3000:]}")
    ask_worker(world, planting.questions[:ASKED])
    run_commands(world, planting, people)
    os.environ.update(world.environment())  # these run in this process
    tempfile.tempdir = None
    run_people(world, planting, people)
    prose = ("prose" if not one.cued else place for one, place in zip(canaries, planting.places))
    return [*canaries, *people], [*prose, *("list" for _ in people)], time.perf_counter() - started


def child(world: World, count: int) -> None:
    """Use the workspace, in a process whose environment is the world's."""
    with tempfile.TemporaryDirectory() as elsewhere:  # the same seed plants the same values
        _, _, planting = planted(count, Path(elsewhere))
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
        canaries, places, seconds = live(world, options.count)
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
    unseen = missed(findings)
    leaked = {one.canary for one in findings} - unseen
    by_place = Counter(places)
    rows = [
        (place, by_place[place], *(sum(places[one] == place for one in found) for found in (leaked, unseen, terms)))
        for place in (*PLACES, "prose", "list")
    ]
    rows.append(("all", len(places), len(leaked), len(unseen), len(terms)))
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
        "missed": len(unseen),
        "missed_by_type": Counter(canaries[one].entity_type for one in unseen),
        "lexical_terms": len(terms),
        "upper_bound_95": bound,
        "scanned_bytes": scanned,
        "by_place": [dict(zip(("place", "planted", "leaked", "missed", "terms"), row)) for row in rows],
    }
    write_json("leaks", figures, trial=options.count != COUNT)
    return None


if __name__ == "__main__":
    main()
