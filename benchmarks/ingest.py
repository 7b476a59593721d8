"""Ingestion beside the plain pipeline: speed, retrieval, second sync, masking speed, memory, where the time goes.

Run ``python benchmarks/ingest.py``. Every 27th document of the AWS documentation goes through ragkit as it ships, its
detector of names on, and through ``plain.py`` on the same machine in one run, in turn (``--rounds 2``: there and
back), each in a process of its own with its libraries imported and its models loaded before the clock starts.
``--limit 30`` for a trial; ``--documents 300`` takes fewer documents, for all alike, and still is a figure.

The plain pipeline runs twice: *plain* without any detector of names, and *plain + detector* with ragkit's own, exported
(``hf_export.py``), through Presidio's HuggingFaceNerRecognizer; it takes longest (``--skip detector``). What it finds
is not ragkit's, since the export lacks ragkit's observations of case and layout; what it costs is.

Retrieval is judged on known items. From each of some documents one sentence is taken out before either pipeline sees
it; the questions are that sentence and the document's title, and the document is what should be found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data import aws_docs, read_lines, write_lines
from reporting import print_table, write_json

STEP = 27
RAGKIT, PLAIN, DETECTOR = "ragkit", "plain", "plain + detector"
TARGETS = {PLAIN: 1.5, DETECTOR: 3.0}
"""Documents a second of ragkit with its detector on, over those of each peer."""
K = 10
JUDGED = 300
WARM_UP = {"id": "warm", "title": "Warm up", "text": "Ms Ann Lee imports what is imported late."}
_SENTENCE = re.compile(r"(?<=[.!?]\s)[A-Z][^.!?|\n]{60,240}[.!?](?=\s)")


def held_out(documents: list[dict[str, Any]], count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Take one sentence out of each of ``count`` documents; return the documents and the known-item questions."""
    dice = random.Random(27)
    chosen = set(dice.sample(range(len(documents)), min(count, len(documents))))
    kept: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    for number, document in enumerate(documents):
        text = str(document["text"])
        found = [match for match in _SENTENCE.finditer(text) if text.count(match.group()) == 1]
        if number in chosen and len(found) >= 3:
            match = dice.choice(found)
            text = text[: match.start()] + text[match.end() :]
            questions.append({"id": f"s{number}", "kind": "sentence", "text": match.group(), "gold": document["id"]})
            questions.append({"id": f"t{number}", "kind": "title", "text": document["title"], "gold": document["id"]})
        kept.append({"id": document["id"], "title": document["title"], "text": text})
    return kept, questions


# --- one pipeline in a process of its own -----------------------------------------------------------------------------


def run_ragkit(corpus: Path, questions: Path, folder: Path) -> dict[str, Any]:
    """Sync twice, then search; return seconds, counts and rankings."""
    from workspaces import make_workspace

    from ragkit import open_workspace

    warm = write_lines(folder.parent / "warm.jsonl", [WARM_UP])
    with open_workspace(make_workspace(folder.parent / "warm", {"docs": warm})) as workspace:
        workspace.sync()
    with open_workspace(make_workspace(folder, {"docs": corpus})) as workspace:
        embedder = workspace._handles.embedder
        embedder.load()
        embedder.load_bulk()
        first, report = _timed(workspace.sync)
        second, again = _timed(workspace.sync)
        asked = list(read_lines(questions))
        found = workspace.search_many([one["text"] for one in asked], k=5 * K) if asked else []
        names = workspace.unsafe_native_ids(sorted({hit.doc_id for hits in found for hit in hits}))
        return {
            "seconds": first,
            "second_sync": second,
            "documents": report.added,
            "unchanged": again.unchanged,
            "quarantined": dict(report.quarantined),
            "chunks": report.chunks,
            "stages": dict(report.seconds),
            "rankings": [list(dict.fromkeys(names[hit.doc_id] for hit in hits))[:K] for hits in found],
        }


def run_plain(corpus: Path, questions: Path, folder: Path, *, detector: Path | None = None) -> dict[str, Any]:
    """Ingest, then search."""
    from plain import PlainPipeline

    PlainPipeline(folder.parent / "warm", detector=detector).ingest([WARM_UP])
    pipeline = PlainPipeline(folder, detector=detector)
    if pipeline.masker is not None:
        pipeline.masker[0].analyze(text=WARM_UP["text"], language="en")
    pipeline.embedding.get_text_embedding("Warm up.")
    documents = list(read_lines(corpus))
    seconds, chunks = _timed(lambda: pipeline.ingest(documents))
    rankings = pipeline.search_many([one["text"] for one in read_lines(questions)], k=5 * K)
    return {
        "seconds": seconds,
        "documents": len(documents),
        "chunks": chunks,
        "rankings": [ranking[:K] for ranking in rankings],
    }


def run_plain_detector(corpus: Path, questions: Path, folder: Path) -> dict[str, Any]:
    """The same with ragkit's detector, exported before the clock starts."""
    from hf_export import export

    return run_plain(corpus, questions, folder, detector=export(folder.parent / "model"))


def run_masking(corpus: Path, _questions: Path, folder: Path) -> dict[str, Any]:
    """Characters a second of ragkit's masking and of Presidio alone, at three lengths of text."""
    from plain import mask, presidio
    from workspaces import make_workspace

    from ragkit import open_workspace

    text = _with_people("\n\n".join(str(row["text"]) for row in read_lines(corpus)), 1_000_000)
    parts = presidio()
    speeds: dict[str, Any] = {"ragkit": {}, "plain": {}}
    with open_workspace(make_workspace(folder, {"docs": corpus})) as workspace:
        workspace.sync()
        for size, count in ((10_000, 20), (100_000, 5), (1_000_000, 1)):
            pieces = [text[at : at + size] for at in range(0, size * count, size)]
            speeds["ragkit"][size] = _speed(lambda one: workspace.mask_text(one, store=False), pieces)
            if size <= 100_000:  # it is quadratic in the length: a megabyte takes it minutes
                speeds["plain"][size] = _speed(lambda one: mask(one, *parts), pieces[:3])
    return {"characters_per_second": speeds}


def _speed(work: Callable[[str], object], pieces: list[str]) -> float:
    """Characters a second, best of three."""
    return sum(map(len, pieces)) / min(_timed(lambda: [work(one) for one in pieces])[0] for _ in range(3))


def _with_people(text: str, length: int) -> str:
    """A text with a person, an address and a number every 2,000 characters, as long as asked."""
    from ragkit.testing.canaries import make_canaries

    canaries = make_canaries(length // 2000 + 1, seed=3)
    text = text * (length // max(len(text), 1) + 1)
    blocks = (f"{text[n * 2000 : (n + 1) * 2000]}\n\n{canary.sentence}\n\n" for n, canary in enumerate(canaries))
    return "".join(blocks)[:length]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


RUNS = {RAGKIT: run_ragkit, PLAIN: run_plain, DETECTOR: run_plain_detector, "masking": run_masking}


def child(name: str, corpus: Path, questions: Path, folder: Path) -> None:
    """Run one pipeline here and print its figures as the last line."""
    figures = RUNS[name](corpus, questions, folder)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    figures["peak_mb"] = {"process": own // 1024, "largest_child": workers // 1024}
    print(json.dumps(figures))


# --- the comparison ---------------------------------------------------------------------------------------------------


def spawn(name: str, corpus: Path, questions: Path) -> dict[str, Any]:
    """Run one pipeline in a fresh process and folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", name, str(corpus), str(questions), str(Path(folder) / "run")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ.copy())
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-4000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def quality(rankings: list[list[str]], questions: list[dict[str, Any]]) -> dict[str, float]:
    """Mean nDCG@10 and recall@10 over titles, sentences and both."""
    from ragkit.metrics import ndcg, recall

    figures: dict[str, float] = {}
    for kind in ("title", "sentence", "all"):
        rows = [(found, {one["gold"]: 1}) for found, one in zip(rankings, questions) if kind in (one["kind"], "all")]
        figures[f"{kind} ndcg@10"] = sum(ndcg(*row, K) for row in rows) / max(len(rows), 1)
        figures[f"{kind} recall@10"] = sum(recall(*row, K) for row in rows) / max(len(rows), 1)
    return figures


def main() -> None:
    """Run everything in turn, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=4, metavar=("NAME", "CORPUS", "QUESTIONS", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=0, help="documents, for a trial")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--documents", type=int, default=0, help="fewer documents, for all; default: every one")
    parser.add_argument("--skip", default="", help="comma-separated: speed, detector, masking, memory")
    options = parser.parse_args()
    if options.child:
        name, *paths = options.child
        return child(name, *map(Path, paths))
    skipped = set(options.skip.split(","))
    documents = list(aws_docs(STEP))
    documents = documents[: options.limit or options.documents or None]
    figures: dict[str, Any] = {"step": STEP}
    pipelines = [name for name in (RAGKIT, PLAIN, DETECTOR) if name != DETECTOR or "detector" not in skipped]
    with tempfile.TemporaryDirectory() as folder:
        kept, questions = held_out(documents, JUDGED)
        corpus = write_lines(Path(folder) / "corpus.jsonl", kept)
        asked = write_lines(Path(folder) / "questions.jsonl", questions)
        if "speed" not in skipped:
            figures |= compare(corpus, asked, questions, options.rounds, pipelines)
        if "masking" not in skipped:
            figures["masking"] = masking_speed(corpus, asked)
        if "memory" not in skipped:
            figures["memory"] = memory(kept, Path(folder))
    write_json("ingest", figures, trial=bool(options.limit))
    return None


def compare(
    corpus: Path, asked: Path, questions: list[dict[str, Any]], rounds: int, pipelines: list[str]
) -> dict[str, Any]:
    """All pipelines in turn; speed is the best round of each, as what else ran on the machine only slows."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in pipelines}
    for number in range(rounds):
        for name in pipelines if number % 2 == 0 else reversed(pipelines):
            runs[name].append(spawn(name, corpus, asked))
            print(f"{name}: {runs[name][-1]['seconds']:.1f} s", file=sys.stderr)
    best = {name: min(found, key=lambda run: run["seconds"]) for name, found in runs.items()}
    scores = {name: quality(run["rankings"], questions) for name, run in best.items()}
    rows = [
        (name, run["documents"], run["chunks"], run["seconds"], run["documents"] / run["seconds"],
         run["chunks"] / run["seconds"], run["peak_mb"]["process"], run["peak_mb"]["largest_child"])
        for name, run in best.items()
    ]  # fmt: skip
    columns = ("pipeline", "documents", "chunks", "seconds", "documents/s", "chunks/s", "peak MB", "child MB")
    print_table("Ingestion, best round of each", columns, rows)
    rates = {name: run["documents"] / run["seconds"] for name, run in best.items()}
    speedups = {name: rates[RAGKIT] / rates[name] for name in pipelines if name != RAGKIT}
    print()
    for name, speedup in speedups.items():
        met = "yes" if speedup >= TARGETS[name] else "NO"
        print(f"ragkit / {name}: {speedup:.2f} times the documents a second (target: {TARGETS[name]}): {met}")
    share = best[RAGKIT]["second_sync"] / best[RAGKIT]["seconds"]
    print(f"second sync: {best[RAGKIT]['second_sync']:.2f} s, {share:.2%} of the first (target: under 2 %)")
    print_table(
        f"Known items, {len(questions)} questions",
        ("measure", *pipelines),
        [(name, *(scores[one][name] for one in pipelines)) for name in scores[RAGKIT]],
    )
    stages = sorted(best[RAGKIT]["stages"].items(), key=lambda stage: -stage[1])
    print_table(
        "Where the time goes (stages overlap)",
        ("stage", "seconds", "share of the wall"),
        [(name, seconds, f"{seconds / best[RAGKIT]['seconds']:.0%}") for name, seconds in stages],
    )
    for run in (run for found in runs.values() for run in found):
        run.pop("rankings")
    return {"runs": runs, "speedups": speedups, "targets": TARGETS, "second_sync_share": share, "quality": scores}


def masking_speed(corpus: Path, asked: Path) -> dict[str, Any]:
    """Masking speed by length of text."""
    speeds = spawn("masking", corpus, asked)["characters_per_second"]
    rows = [
        (name, *(f"{found[size]:,.0f}" if size in found else "not run" for size in ("10000", "100000", "1000000")))
        for name, found in speeds.items()
    ]
    print_table("Masking, characters a second by length of text", ("masker", "10 KB", "100 KB", "1 MB"), rows)
    ratio = speeds["ragkit"]["1000000"] / speeds["ragkit"]["10000"]
    print(f"\n1 MB / 10 KB: {ratio:.2f} (target: at least 0.80)")
    return {"characters_per_second": speeds, "ratio": ratio}


def memory(documents: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """Peak memory at n and 10 n documents, each in a fresh process."""
    figures: dict[str, Any] = {}
    empty = write_lines(folder / "none.jsonl", [])
    for count in (len(documents) // 10, len(documents)):
        corpus = write_lines(folder / f"{count}.jsonl", documents[:count])
        figures[str(count)] = spawn("ragkit", corpus, empty)["peak_mb"]
    rows = [(int(count), peak["process"], peak["largest_child"]) for count, peak in figures.items()]
    print_table("Peak memory of an ingestion", ("documents", "process MB", "largest child MB"), rows)
    return figures


if __name__ == "__main__":
    main()
