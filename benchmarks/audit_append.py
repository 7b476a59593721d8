"""Appending to the event log: events a second with and without group commit, by threads, durable or not.

Run ``python benchmarks/audit_append.py``; ``--seconds 0.5`` for a trial; ``--folder`` puts the log on another disk. The
rows are taken in turn, several rounds, and the best of each is given. Beside the recorder, in the same run:

- *without group commit*: the same recorder, one write and, if durable, one ``fdatasync`` for each event;
- *write alone*: the bytes of the same lines by ``os.write`` and ``fdatasync``, one thread, which is what the disk does.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

from reporting import print_table, write_json

from ragkit.audit import worker
from ragkit.audit.recorder import EventRecorder
from ragkit.types import Principal

THREADS = (1, 4, 16)
SECONDS, ROUNDS = 3.0, 3
ASKER = Principal("local|bench", kind="local")
PLAIN = ("doc.added", {"collection": "care", "doc": 7, "version": 1, "chunks": 12, "bytes": 4_000})
DURABLE = (
    "answer.released",
    {"collection": "care", "generator": "extractive", "citations": 3, "characters": 420, "ms": 12, "refused": False},
)


def record(folder: Path, threads: int, *, durable: bool, grouped: bool, seconds: float) -> float:
    """Record from so many threads for so long; return events a second."""
    recorder = EventRecorder(
        folder, mode="required", software={"ragkit": "0"}, actor_key=bytes(32), origin="bench/ragkit/0", tenant="bench"
    )
    kind, data = DURABLE if durable else PLAIN
    counts = [0] * threads
    gate = threading.Barrier(threads + 1)
    batch, worker._BATCH = worker._BATCH, worker._BATCH if grouped else 1

    def work(place: int) -> None:
        recorder.record(kind, actor=ASKER, data=data)
        gate.wait()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            recorder.record(kind, actor=ASKER, data=data)
            counts[place] += 1

    try:
        running = [threading.Thread(target=work, args=(place,)) for place in range(threads)]
        for thread in running:
            thread.start()
        gate.wait()
        began = time.perf_counter()
        for thread in running:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)
    finally:
        worker._BATCH = batch
        recorder.close()


def write_alone(folder: Path, *, durable: bool, seconds: float) -> float:
    """Write lines of that length and nothing else; return lines a second."""
    fd = os.open(folder / "alone", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    line, count = b"x" * 780 + b"\n", 0
    began = time.perf_counter()
    try:
        while (now := time.perf_counter()) < began + seconds:
            os.write(fd, line)
            if durable:
                os.fdatasync(fd)
            count += 1
    finally:
        os.close(fd)
    return count / (now - began)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; the temporary folder by default")
    options = parser.parse_args()
    best: dict[tuple[bool, str, int], float] = {}
    for turn in range(ROUNDS):
        for durable in (False, True):
            with tempfile.TemporaryDirectory(dir=options.folder) as name:
                alone = write_alone(Path(name), durable=durable, seconds=options.seconds / 3)
                best[durable, "alone", 1] = max(alone, best.get((durable, "alone", 1), 0.0))
                for threads in THREADS:
                    for grouped in (True, False):
                        folder = Path(name) / f"{turn}{threads}{grouped}"
                        rate = record(folder, threads, durable=durable, grouped=grouped, seconds=options.seconds)
                        key = (durable, "grouped" if grouped else "single", threads)
                        best[key] = max(rate, best.get(key, 0.0))
    rows = [
        [
            "durable" if durable else "not durable",
            threads,
            round(best[durable, "grouped", threads]),
            round(best[durable, "single", threads]),
            f"{best[durable, 'grouped', threads] / best[durable, 'single', threads]:.2f}",
            round(best[durable, "alone", 1]) if threads == 1 else "",
        ]
        for durable in (False, True)
        for threads in THREADS
    ]
    columns = ("events", "threads", "group commit", "without", "ratio", "write alone")
    print_table("Events a second", columns, rows)
    figures = {"seconds": options.seconds, "rounds": ROUNDS, "columns": columns, "rows": rows}
    write_json("audit_append", figures, trial=options.seconds != SECONDS)


if __name__ == "__main__":
    main()
