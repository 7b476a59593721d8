"""Erases people of an invented company again and again, kills the eraser at any step, and looks for every byte left.

Run ``python benchmarks/erasure.py``; ``--runs 10`` for a trial. Each run copies a workspace (1 to some thousand chunks,
all of them in the index, or some in the delta only), takes down the rows, keys, vectors, tokens and texts of one to
three people, erases them in a process that in two of three runs is killed with SIGKILL at a random step or a random
moment and then resumed, and searches the data directory with a scanner of its own (``benchmarks/residue.py``): nothing
may be left. Then the receipts are checked, also against what the scanner saw.

Every fifth run goes on: the sources are touched, synced, masked again under another policy, the index is rebuilt and a
backup from before the erasure is restored; after each, nothing of the person may be back, neither in bytes nor in what
the workspace shows.

Peer in the same run: a plain Chroma collection with the same chunks; ``collection.delete`` of the person's, and what
bytes stay. ``benchmarks/erasure_large.py`` measures one subject among 20,000 chunks while questions go on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

import ragkit
from benchmarks.company.absence import reappeared
from benchmarks.company.generate import Company, generate
from benchmarks.company.marks import by_kind, left, take
from benchmarks.company.people import Person
from benchmarks.company.plain_chroma import plain_delete
from benchmarks.company.receipts import check_receipts
from benchmarks.company.setting import prepare, write_config
from benchmarks.company.truth import Truth
from benchmarks.residue import Marks
from ragkit import open_workspace
from ragkit.lifecycle.erase_plan import STEPS

RUNS = 100
SEED = 2026
SIZES = (1, 8, 60, 250, 900, 2_500)
"""Documents of the workspaces; the larger ones are drawn less often, and masked by rules only."""
_WEIGHTS = (1, 2, 4, 4, 2, 1)
_RULES_FROM = 900
_AFTERLIFE = 5
_POINT = re.compile(r'\breach\("((?:erase|rewrite|index)\.\w+|sync\.in_purge)"\)')
POINTS = sorted(
    {name for file in Path(ragkit.__file__).parent.rglob("*.py") if file.name != "crashpoints.py"
     for name in _POINT.findall(file.read_text())}
    | {f"erase.{when}_{step}" for step in STEPS for when in ("before", "after")}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Base:
    """A workspace to copy."""

    folder: Path
    truth: Truth
    chunks: int
    delta: int


@dataclass(slots=True)
class Run:
    """What one run was, and what it left."""

    chunks: int
    delta: int
    people: int
    documents: int
    wholly: int
    shared: int
    unlinked: int = 0
    doubtful: int = 0
    killed: str = ""
    resumed: int = 0
    seconds: float = 0.0
    bytes_left: dict[str, int] = field(default_factory=dict)
    receipts: list[str] = field(default_factory=list)
    back: dict[str, list[str]] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing was left, the receipts hold and nobody came back."""
        return not (self.bytes_left or self.receipts or any(self.back.values()))


def make_bases(folder: Path, dice: random.Random, sizes: Sequence[int]) -> list[Base]:
    """Sync a workspace of each size: once in one go, once with the last tenth of the documents in the delta."""
    bases = []
    for size in sizes:
        company = generate(max(50, size // 2), dice.randrange(1_000_000))
        documents = company.documents[:size]
        small = Company(company.people, documents)
        for fresh in (0, max(size // 10, 1)) if size > 1 else (0,):
            place = folder / f"base-{size}-{fresh}"
            if place.is_dir():
                write_config(place, policy="rules" if size >= _RULES_FROM else "", extra=STRICT)
            else:
                first = Company(small.people, documents[fresh:])
                prepare(first, place, rules_only=size >= _RULES_FROM, extra=STRICT)
            with open_workspace(place) as workspace:
                workspace.sync()
                if fresh:
                    small.write(place / "source")
                    workspace.sync()
                told = workspace.status()["collections"]["company"]
            bases.append(Base(place, Truth(small), told["chunks"], told["delta"]))
            print(f"base of {told['chunks']} chunks, {told['delta']} in the delta", file=sys.stderr)
    return bases


STRICT = '[policies.harder]\nprofile = "strict"\n'


def one_run(base: Base, folder: Path, number: int, dice: random.Random) -> Run:
    """Copy, erase, kill, resume, search."""
    shutil.copytree(base.folder, folder)
    named = [one for one in base.truth.company.people if base.truth.named_in(one.id)]
    people = dice.sample(named, min(dice.choice((1, 1, 1, 2, 3)), len(named)))
    later = number % _AFTERLIFE == 0
    with open_workspace(folder) as workspace:
        if later:
            workspace.keeping.backup(folder.with_name(f"{folder.name}-backup"))
        people = [one for one in people if _found(workspace, one)]
        gone = take(workspace, base.truth, people)
    run = Run(
        base.chunks,
        base.delta,
        len(people),
        len(gone.documents),
        len(gone.wholly),
        gone.shared,
        len(gone.unlinked),
        len(gone.doubtful),
    )
    if not people:
        return run
    started = time.perf_counter()
    requests = _erase(folder, people, run, dice)
    run.seconds = time.perf_counter() - started
    found = left(folder, gone)
    run.bytes_left = by_kind(found)
    run.receipts = check_receipts(folder, requests, Marks(gone.marks.texts), nothing_left=not found)
    if later:
        run.back = reappeared(folder, base.truth, people, gone, dice)
    return run


def _found(workspace: Any, person: Person) -> bool:
    return len(workspace.subjects.find(person.email, purpose="benchmark", collection="company")) == 1


def _erase(folder: Path, people: Sequence[Person], run: Run, dice: random.Random) -> list[str]:
    """Erase in a child; kill it in two of three runs, then resume until nothing is left to do."""
    command = [sys.executable, "-m", "benchmarks.company.eraser", str(folder)]
    environment, wait = dict(os.environ), None
    way = dice.randrange(3)
    if way == 1:
        run.killed = f"{dice.choice(POINTS)}:{dice.choice((1, 1, 2))}"
        environment["RAGKIT_CRASH_POINT"] = run.killed
    elif way == 2:
        wait = dice.uniform(0.8, 4.0)
        run.killed = f"after {wait:.1f} s"
    child = subprocess.Popen(
        [*command, *(one.email for one in people)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = child.communicate(timeout=wait)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()
    if child.returncode == 0:
        run.killed += " (not reached)" if run.killed else ""
        return list(json.loads(out)["requests"])
    if child.returncode != -signal.SIGKILL:
        raise SystemExit(f"the eraser failed:\n{err.decode()[-3000:]}")
    done: list[str] = []
    for more in (["--resume"], [one.email for one in people]):  # those it had not begun with are erased now
        told = subprocess.run([*command, *more], capture_output=True, check=False)
        if told.returncode:
            raise SystemExit(f"resuming failed:\n{told.stderr.decode()[-3000:]}")
        done += json.loads(told.stdout)["requests"]
        run.resumed += 1
    return done


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="leave larger workspaces out")
    parser.add_argument("--folder", type=Path, help="keep the workspaces to copy here, and use them again")
    options = parser.parse_args()
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        bases = make_bases(folder, dice, [size for size in SIZES if size <= options.most])
        weights = [_WEIGHTS[SIZES.index(int(base.folder.name.split("-")[1]))] for base in bases]
        runs = []
        for number in range(options.runs):
            place = folder / f"run-{number}"
            runs.append(one_run(dice.choices(bases, weights)[0], place, number, dice))
            told = "clean" if runs[-1].clean else f"NOT CLEAN: {runs[-1]}"
            print(f"run {number}: {runs[-1].chunks} chunks, {runs[-1].killed or 'not killed'}: {told}", file=sys.stderr)
            for used in folder.glob(f"run-{number}*"):
                shutil.rmtree(used)
        peer = plain_delete(bases[len(bases) // 2].folder, bases[len(bases) // 2].truth, folder / "plain")
    show(runs, peer)
    write_json("erasure", figures(runs, peer), trial=options.runs != RUNS or options.most != SIZES[-1])


def _way(killed: str) -> str:
    return re.sub(r"after [\d.]+ s", "a moment", re.sub(r":\d", "", killed)) or "not killed"


def figures(runs: Sequence[Run], peer: dict[str, int]) -> dict[str, Any]:
    """For the JSON."""
    left_over: Counter[str] = Counter()
    for run in runs:
        left_over.update(run.bytes_left)
    back = Counter(f"after {step}: {what}" for run in runs for step, found in run.back.items() for what in found)
    return {
        "runs": len(runs),
        "with_people": sum(bool(run.people) for run in runs),
        "clean": sum(run.clean for run in runs),
        "bytes_left": dict(left_over),
        "receipts_wrong": Counter(what for run in runs for what in run.receipts),
        "killed": Counter(
            re.sub(r":\d|after .*s", "", run.killed) or ("moment" if run.killed else "no") for run in runs
        ),
        "resumed": sum(bool(run.resumed) for run in runs),
        "people": sum(run.people for run in runs),
        "values_not_known_as_theirs": sum(run.unlinked for run in runs),
        "values_that_seem_another's_too": sum(run.doubtful for run in runs),
        "documents_deleted": sum(run.wholly for run in runs),
        "documents_redacted": sum(run.documents - run.wholly for run in runs),
        "afterlives": sum(bool(run.back) for run in runs),
        "back": dict(back),
        "seconds": {"most": max(run.seconds for run in runs)},
        "peer": peer,
    }


def show(runs: Sequence[Run], peer: dict[str, int]) -> None:
    """Print the tables."""
    rows = []
    for most in (10, 100, 500, 5_000):
        least = {10: 0, 100: 10, 500: 100, 5_000: 500}[most]
        some = [run for run in runs if least <= run.chunks < most and run.people]
        if some:
            rows.append((
                f"{least} to {most - 1}", len(some), sum(bool(run.delta) for run in some),
                sum(bool(run.resumed) for run in some), sum(run.people for run in some),
                sum(run.wholly for run in some), sum(run.documents - run.wholly for run in some),
                sum(run.clean for run in some), max(run.seconds for run in some)))  # fmt: skip
    columns = ("chunks", "runs", "with a delta", "killed", "people", "documents deleted", "redacted", "clean", "most s")
    print_table("Erasure", columns, rows)
    told = figures(runs, peer)
    for title in ("bytes_left", "receipts_wrong", "back"):
        print_table(title.replace("_", " "), ("what", "times"), list(told[title].items()) or [("nothing", 0)])
    print_table("Plain Chroma after collection.delete", ("what", "times"), list(peer.items()))


if __name__ == "__main__":
    main()
