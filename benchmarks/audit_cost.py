"""What recording costs: questions a second by ``[audit] mode``, with one caller and with four.

Run ``python benchmarks/audit_cost.py``; ``--count 40`` for a trial. One workspace of AWS documentation is synced; each
mode gets a copy. The same questions are asked of all in blocks, the modes in turn and in another order each round, with
the default masking and the extractive generator. The ratio is to the same block without recording; the interval holds
95 of 100 medians of resampled blocks. The target: ``required`` with group commit costs at most 15 % of throughput.

- *off*: ``unsafe_off``
- *best effort*: nobody waits for the disk's refusal
- *required*: no checkpoints within the run
- *required, signed*: with the default checkpoints, every 60 s or 1,000 events
- *compliance*: signed, and question, passages and answer kept, encrypted
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from data import aws_docs, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace

from ragkit import open_workspace
from ragkit.audit.reading import read_events
from ragkit.workspace import Workspace

COUNT, BLOCK, DOCUMENTS, K = 800, 20, 300, 8
TARGET = 0.85
RARE = "checkpoints = { every_seconds = 86400, every_events = 1000000000 }"
MODES = {
    "off": '[audit]\nmode = "unsafe_off"',
    "best effort": f'[audit]\nmode = "best_effort"\n{RARE}',
    "required": f'[audit]\nmode = "required"\n{RARE}',
    "required, signed": '[audit]\nmode = "required"',
    "compliance": '[audit]\nmode = "compliance"\n[roles]\nauditors = ["u:local|bench"]\n'
    'ingesters = ["u:local|bench"]\noperators = ["u:local|bench"]',
}
THREADS = (1, 4)


def block_rate(workspace: Workspace, questions: Sequence[str], threads: int) -> float:
    """Ask a block of questions from so many threads; return questions a second."""
    waiting = list(questions)
    failed: list[BaseException] = []

    def work() -> None:
        while True:
            try:
                question = waiting.pop()
            except IndexError:
                return
            try:
                workspace.ask(question, k=K)
            except BaseException as found:
                failed.append(found)
                return

    running = [threading.Thread(target=work) for _ in range(threads)]
    began = time.perf_counter()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    seconds = time.perf_counter() - began
    if failed:
        raise failed[0]
    return len(questions) / seconds


def interval(ratios: Sequence[float]) -> tuple[float, float, float]:
    """Median, and the bounds of 95 % of the medians of resampled blocks."""
    draw = random.Random(7)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2_000))
    return statistics.median(ratios), medians[50], medians[-51]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="questions for each mode and number of threads")
    options = parser.parse_args()
    rates: dict[tuple[str, int], list[float]] = {(mode, n): [] for mode in MODES for n in THREADS}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        os.environ["XDG_CONFIG_HOME"] = str(folder / "home")
        opened, rows = _workspaces(folder, stack)
        titles = [f"What is {row['title']}?" for row in rows]
        draw = random.Random(1)
        for threads in THREADS:
            for mode in MODES:
                block_rate(opened[mode], titles[:BLOCK], threads)  # not counted: models and caches are loaded
            for turn in range(options.count // BLOCK):
                asked = [titles[(turn * BLOCK + place) % len(titles)] for place in range(BLOCK)]
                for mode in draw.sample(list(MODES), len(MODES)):
                    rates[mode, threads].append(block_rate(opened[mode], asked, threads))
        events = _events(folder / "required" / ".ragkit" / "events")
    table = []
    for threads in THREADS:
        for mode in MODES:
            pairs = zip(rates[mode, threads], rates["off", threads], strict=True)
            middle, low, high = interval([mine / off for mine, off in pairs])
            rate = statistics.median(rates[mode, threads])
            table.append([threads, mode, round(rate, 1), f"{middle:.3f}", f"{low:.3f} to {high:.3f}"])
    columns = ("callers", "[audit] mode", "questions a second", "of off", "95 %")
    print_table("Throughput of ask", columns, table)
    met = all(float(row[3]) >= TARGET for row in table if str(row[1]).startswith("required"))
    print(f"\n{events:.1f} events a question; required keeps at least {TARGET:.0%}: {'met' if met else 'missed'}")
    figures = {"count": options.count, "block": BLOCK, "events_a_question": round(events, 1), "columns": columns}
    write_json("audit_cost", {**figures, "rows": table}, trial=options.count != COUNT)


def _workspaces(folder: Path, stack: ExitStack) -> tuple[dict[str, Workspace], list[dict[str, str]]]:
    """Sync once, copy, and open each copy under its mode."""
    rows = [row for _, row in zip(range(DOCUMENTS), aws_docs(27))]
    source = write_lines(folder / "docs.jsonl", rows)
    first = make_workspace(folder / "first", {"docs": source}, extra=MODES["required"])
    with open_workspace(first) as workspace:
        workspace.sync()
    opened = {}
    for mode, audit in MODES.items():
        copy = folder / mode
        shutil.copytree(first, copy)
        text = (first / "ragkit.toml").read_text().replace(MODES["required"], audit)
        if mode == "compliance":
            text = text.replace(
                'reveal = ["u:local|bench"]', 'reveal = ["u:local|bench"]\nofficers = ["u:local|bench"]'
            )
        (copy / "ragkit.toml").write_text(text)
        opened[mode] = stack.enter_context(open_workspace(copy))
    return opened, rows


def _events(folder: Path) -> float:
    """Events a question, by the log."""
    asked = sum(1 for _ in read_events(folder, kind="query.received"))
    mine = [event for event in read_events(folder) if event["request"]]
    return len(mine) / max(1, asked)


if __name__ == "__main__":
    main()
