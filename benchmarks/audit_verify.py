"""The stand-alone verifier: how fast it reads a million events, and what it notices of what is done to a log.

Run ``python benchmarks/audit_verify.py``; ``--events 20000 --seeds 3`` for a trial. The events are those of questions
answered remotely, made in the real line format and signed every thousand; they are verified by the command an auditor
runs, on one core, and its processor time and peak memory are those of that process. Detection is counted over a log of
200 events: each way to tamper with it, with as many seeds; every bit of every line, on a verification resumed before
that line; and one bit of every tenth byte by whole runs over the files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from reporting import print_table, write_json

from ragkit.assets import ragkit_verify
from ragkit.testing.made_log import MadeLog
from ragkit.testing.tampering import NOTES, WITHOUT_KEY
from tests.audit.test_verify_tamper import flips_in_lines, log_of_200, verified, whole_runs

RUN = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
"""
"""The auditor's command, and then its own peak memory, without what a child has of its parent."""
SEGMENT = 85_000
"""Lines of a segment: as many as 64 MiB hold."""


def write_log(folder: Path, events: int) -> tuple[str, float]:
    """Write and sign a log of so many events; return its verifier key and the seconds it took."""
    begun, log = time.monotonic(), MadeLog()
    log.add("log.opened")
    while (number := len(log.segments[-1]) + SEGMENT * (len(log.segments) - 1)) < events - 1:
        log.ask()
        if number % 1_000 > 992:
            log.sign()
        if len(log.segments[-1]) >= SEGMENT:
            log.rotate()
    log.sign()
    log.write(folder / "events")
    return log.key.verifier, time.monotonic() - begun


def timed(folder: Path, key: str) -> dict[str, Any]:
    """Verify with the auditor's command on one core; return its report with processor seconds, seconds and memory."""
    command = [sys.executable, "-c", RUN, ragkit_verify.__file__, str(folder / "events"), "--key", key, "--json"]
    core = {min(os.sched_getaffinity(0))}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, preexec_fn=lambda: os.sched_setaffinity(0, core)
    )
    elapsed, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "report": json.loads(done.stdout),
        "cpu_s": cpu,
        "wall_s": elapsed,
        "peak_mib": int(done.stderr.split()[1]) / 1024,
    }


def detected(seeds: int) -> dict[str, tuple[int, int]]:
    """Tamper with a log of 200 events; return how often it was noticed, and tries, by way."""
    log, found = log_of_200(), {}
    with tempfile.TemporaryDirectory() as scratch:
        for way, tamper in WITHOUT_KEY.items():
            noticed = 0
            for seed in range(seeds):
                folder = log.write(Path(scratch) / "log")
                tamper(folder, random.Random(seed))
                noticed += verified(folder).status == 1
            found[way] = (noticed, seeds)
    return found


def flipped(folder: Path, *, whole: bool) -> dict[str, tuple[int, int]]:
    """Flip bits of a log of 200 events; return how many were noticed, and flips, by what was flipped."""
    log, draw = log_of_200(), random.Random(5)
    log.write(folder)
    lines, notes = log.lines, folder / NOTES
    bits = 8 * sum(map(len, lines))
    found = {"every bit of every line": (bits - flips_in_lines(folder, lines, list(range(8)), draw), bits)}
    places = [(notes, at, bit) for at in range(notes.stat().st_size) for bit in range(8)]
    found["every bit of checkpoints.txt, whole runs"] = (len(places) - len(whole_runs(folder, places)), len(places))
    files = sorted(folder.glob("*.jsonl"))
    share = 10 if whole else 100
    places = [(path, at, draw.randrange(8)) for path in files for at in range(0, path.stat().st_size, share)]
    name = f"a bit of every {share}th byte, whole runs"
    found[name] = (len(places) - len(whole_runs(folder, places)), len(places))
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the log is written; default: a temporary folder")
    parser.add_argument("--no-flips", action="store_true")
    given = parser.parse_args()
    trial = given.events < 1_000_000 or given.seeds < 100 or given.no_flips
    scratch = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        key, writing = write_log(scratch, given.events)
        size = sum(path.stat().st_size for path in (scratch / "events").glob("*.jsonl"))
        run = timed(scratch, key)
        report = run.pop("report")
        assert report["status"] == 0, report
        rate = report["events"] / run["cpu_s"]
        print_table(
            "Verifying on one core",
            ["events", "MiB", "checkpoints", "processor s", "s", "events/s", "peak MiB", "written in s"],
            [
                [
                    report["events"], size / 2**20, report["notes"], run["cpu_s"], run["wall_s"], rate,
                    run["peak_mib"], writing,
                ]
            ],
        )  # fmt: skip
        ways = detected(given.seeds)
        print_table("Noticed", ["what was done", "noticed", "of"], [[way, *told] for way, told in ways.items()])
        flips = {} if given.no_flips else flipped(scratch / "flips", whole=not trial)
        print_table("Noticed", ["flipped", "noticed", "of"], [[what, *told] for what, told in flips.items()])
    finally:
        shutil.rmtree(scratch)
    figures = {"events": report["events"], "bytes": size, "checkpoints": report["notes"], **run, "events_per_s": rate}
    noticed = {way: {"noticed": one, "of": of} for way, (one, of) in {**ways, **flips}.items()}
    write_json("audit_verify", {**figures, "written_s": writing, "noticed": noticed}, trial=trial)


if __name__ == "__main__":
    main()
