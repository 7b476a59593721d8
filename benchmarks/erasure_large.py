"""Erases one subject among 20,000 chunks while another process asks without end.

Run ``python benchmarks/erasure_large.py``; ``--people 800`` for a trial, ``--workspace FOLDER`` to keep what was synced
(the erased stay erased: each run takes other people).

Told are the seconds that the erasure took, how long questions took before and meanwhile (p50, p95) and whether any
failed, and how long after the call the last question began that still showed the person. Masking is by rules only,
which changes nothing in what is measured.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

from benchmarks.company.absence import shown
from benchmarks.company.asker import Asked, Asker
from benchmarks.company.generate import generate
from benchmarks.company.marks import by_kind, left, take
from benchmarks.company.setting import COLLECTION, PURPOSE, prepare, write_config
from benchmarks.company.truth import Truth
from ragkit import open_workspace

PEOPLE = 9_000
SUBJECTS = 5
QUIET = 15.0
SEED = 2026
_NEUTRAL = (
    "How long is a repair of a strap free after purchase?",
    "Which parcels leave the depot on a pallet?",
    "Who hands out a new pass for the warehouse?",
    "What is tested in the climate chamber?",
)


def one_subject(folder: Path, truth: Truth, dice: random.Random) -> dict[str, Any]:
    """Erase somebody; return what it cost."""
    with open_workspace(folder) as workspace:
        while True:
            person = dice.choice([one for one in truth.company.people if len(truth.named_in(one.id)) > 3])
            found = workspace.subjects.find(person.email, purpose=PURPOSE, collection=COLLECTION)
            if len(found) == 1:
                break
        gone = take(workspace, truth, [person])
        asked = [f"What did {person.full} ask?", f"Who is {person.full}?", *_NEUTRAL]
        with Asker(folder) as asker:
            asker.keep_asking(asked, sorted(gone.tokens))
            time.sleep(QUIET)
            began, started = time.time(), time.perf_counter()
            workspace.subjects.erase(person.email, subject=found[0].subject, purpose=PURPOSE, collection=COLLECTION)
            seconds = time.perf_counter() - started
            time.sleep(1)
            every = asker.stop()
        before = [one for one in every if one.began < began]
        during = [one for one in every if began <= one.began < began + seconds]
        late = [one for one in during if one.shown]
        after = [one for one in every if one.began >= began + seconds]
        back = shown(workspace, truth, [person], excused=gone.excused)
    return {
        "documents": len(gone.documents),
        "deleted": len(gone.wholly),
        "chunks": len(gone.chunks),
        "seconds": seconds,
        "shown_before": sum(one.shown for one in before),
        "denied_ms": 1000 * max((one.began - began for one in late), default=0.0),
        "shown_after": sum(one.shown for one in after),
        "failed": sorted({one.failed for one in every if one.failed}),
        "before_ms": _spread(before),
        "during_ms": _spread(during),
        "bytes_left": by_kind(left(folder, gone)),
        "known_still": back,
    }


def _spread(asked: Sequence[Asked]) -> dict[str, float]:
    times = sorted(one.seconds * 1000 for one in asked)
    if not times:
        return {"n": 0}
    return {"n": len(times), "p50": times[len(times) // 2], "p95": times[int(len(times) * 0.95)], "max": times[-1]}


def main() -> None:
    """Sync, erase some, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--subjects", type=int, default=SUBJECTS)
    parser.add_argument("--workspace", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.workspace or Path(made)
        company = generate(options.people, SEED)
        truth = Truth(company)
        if (folder / ".ragkit").is_dir():
            write_config(folder, policy="rules")
        else:
            prepare(company, folder, rules_only=True)
            with open_workspace(folder) as workspace:
                report = workspace.sync()
                print(f"{report.added} documents, {report.chunks} chunks in {report.elapsed:.0f} s", file=sys.stderr)
        with open_workspace(folder) as workspace:
            chunks = workspace.status()["collections"][COLLECTION]["chunks"]
        dice = random.Random()
        told = [one_subject(folder, truth, dice) for _ in range(options.subjects)]
    rows = [
        (
            one["documents"], one["deleted"], one["chunks"], one["seconds"], one["denied_ms"],
            one["before_ms"].get("p50", 0.0), one["before_ms"].get("p95", 0.0), one["during_ms"].get("p50", 0.0),
            one["during_ms"].get("p95", 0.0), one["during_ms"]["n"], len(one["failed"]),
            sum(one["bytes_left"].values()), len(one["known_still"]),
        )
        for one in told
    ]  # fmt: skip
    columns = ("documents", "deleted", "chunks", "s", "denied ms", "p50 before", "p95 before", "p50 meanwhile",
               "p95 meanwhile", "questions", "failed", "bytes left", "known still")  # fmt: skip
    print_table(f"One subject among {chunks:,} chunks", columns, rows)
    for one in told:
        if one["bytes_left"] or one["known_still"]:
            print(one["bytes_left"], one["known_still"])
    write_json("erasure_large", {"chunks": chunks, "runs": told}, trial=options.people != PEOPLE)


if __name__ == "__main__":
    main()
