"""What answers are worth: facts, refusals, citations and numbers, of ``extractive`` and of what people write by hand.

Run ``python benchmarks/answers.py``; ``--sets clapnq,hint3`` for some, ``--limit 30`` for a trial on a few questions.
Sets are sampled with a fixed seed and four of sec10q's reports are read, so that it stays under ten minutes on two
cores; ``--every-report`` reads all sixteen, ``--keep FOLDER`` indexes once for several runs of unchanged sets.

Every generator is given the same eight chunks of the same masked collection; answers are revealed to be compared. The
peers: ``top chunk`` gives the first chunk as the answer, ``one threshold`` refuses where the best cosine is below the
number that had the best refusal F1 on the fitting half (of clapnq, for the sets without questions that have no
answer). What is counted is explained in :mod:`ragkit.evaluate.answer_scores`, the sets in :mod:`answer_sets`.
"""

from __future__ import annotations

import argparse
import base64
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from answer_sets import NAMES, REFUSING, AnswerPart, answer_sets
from peers import TopChunk, best_threshold, top_cosine
from reporting import print_table, write_json
from workspaces import KEY_VARIABLE, make_workspace, synced

from ragkit.evaluate.answer_bench import CollectionBench
from ragkit.evaluate.answer_rows import RowFile
from ragkit.evaluate.answers import AnswerRun, collect, summarise
from ragkit.metrics import Estimate
from ragkit.protocols import Generator
from ragkit.workspace import Workspace

K = 8
PURPOSE = "benchmark"
TARGETS = {"clapnq": 0.90, "hint3": 0.88}
SHOWN = {
    "calibrated_f1": "calibrated F1",
    "fact_recall": "fact recall",
    "fact_recall_answerable": "… of all answerable",
    "answer_f1": "answer F1",
    "refusal_f1": "refusal F1",
    "refusal_auroc": "refusal AUROC",
    "over_refusal": "over-refusal",
    "wrong_on_unanswerable": "wrong on unanswerable",
    "cite_id_precision": "citation precision",
    "cite_id_recall": "citation recall",
    "cite_valid": "citations supplied",
    "unsupported_numbers": "unsupported numbers",
    "lexical_support": "lexical support",
    "errors": "errors",
}


def keep_key(folder: Path) -> None:
    """Use the key of this folder, made when it is not there: its collections are of public text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "root.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(base64.b64encode(os.urandom(32)).decode())
    os.environ[KEY_VARIABLE] = path.read_text()


def thresholds(workspace: Workspace, sets: Mapping[str, Sequence[AnswerPart]]) -> dict[str, float]:
    """The cosine below which ``one threshold`` refuses, by set, from the fitting halves."""
    found = {}
    for name, parts in sets.items():
        scores: list[float] = []
        answerable: list[bool] = []
        for part in parts:
            texts = [text for text, _ in part.fitting]
            found_hits = workspace.search_many(texts, k=K, collection=part.collection) if texts else []
            scores += [top_cosine(hits) for hits in found_hits]
            answerable += [able for _, able in part.fitting]
        if scores:
            found[name] = best_threshold(scores, answerable)
    usual = found.get("clapnq", 0.0)
    return {name: found.get(name, usual) for name in sets}


def measure(
    workspace: Workspace,
    sets: Mapping[str, Sequence[AnswerPart]],
    *,
    more: Callable[[CollectionBench], Mapping[str, Generator]] = lambda _: {},
    kept: Path | None = None,
    cut: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, AnswerRun]:
    """Ask every generator every question of every set, on the same chunks.

    Args:
        workspace: Synced, with the collections of the sets.
        sets: Questions by set.
        more: Further generators of a collection, by name.
        kept: Folder of the rows of an earlier run, which is gone on with.
        cut: What :func:`thresholds` found; by default it is asked.
        seed: Of the intervals.
    """
    cut = thresholds(workspace, sets) if cut is None else cut
    runs = {}
    for name, parts in sets.items():
        rows: dict[str, list[Any]] = {}
        for part in parts:
            bench = CollectionBench(workspace, collection=part.collection, k=K, purpose=PURPOSE)
            generators: dict[str, Generator] = {"extractive": bench.generator(), **more(bench)}
            generators |= {"top chunk": TopChunk("top chunk"), "one threshold": TopChunk("one threshold", cut[name])}
            tell = _progress(part.collection)
            if kept is None:
                found = collect(bench, part.items, generators, progress=tell)
            else:
                path = kept / f"{part.collection}.jsonl"
                run = {"set": name, "k": K, "questions": [item.id for item in part.items]}
                with RowFile(path, run, resume=path.exists()) as file:
                    found = collect(bench, part.items, generators, file=file, progress=tell)
            for generator, some in found.items():
                rows.setdefault(generator, []).extend(some)
        runs[name] = summarise(rows, seed=seed)
    return runs


def _progress(name: str) -> Callable[[int, int], None]:
    """A line now and then: real models are slow."""
    began = last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > 20 or done == total:
            last = now
            print(f"  {name}: {done}/{total} questions, {now - began:.0f} s", flush=True)

    return tell


def report(runs: Mapping[str, AnswerRun]) -> None:
    """A table a set, generators side by side, then the pairs."""
    for name, run in runs.items():
        first = run.scores[0]
        rows = [
            [label, *(shown(one.measures[measure]) for one in run.scores)]
            for measure, label in SHOWN.items()
            if any(one.measures[measure].value == one.measures[measure].value for one in run.scores)
        ]
        rows.append(
            ["latency ms p50 / p95", *(f"{one.latency_ms[0]:.1f} / {one.latency_ms[1]:.1f}" for one in run.scores)]
        )
        rows.append(
            ["first text ms p50 / p95", *(f"{one.ttft_ms[0]:.1f} / {one.ttft_ms[1]:.1f}" for one in run.scores)]
        )
        rows.append(["tokens in / out", *(f"{one.input_tokens:,} / {one.output_tokens:,}" for one in run.scores)])
        rows.append(["cost", *(_money(one.cost_micro, one.currency) for one in run.scores)])
        print_table(
            f"{name}: {first.questions} questions, {first.answerable} answerable, {first.supplied} with all evidence "
            f"among the {K} chunks (95 % intervals over {first.clusters} clusters)",
            ["", *(one.generator for one in run.scores)],
            rows,
        )
    pairs = [
        (name, one.first, one.second, shown(one.score), shown(one.calibrated_f1), f"{one.p_holm:.4f}",
         f"{one.p_mcnemar:.4f}", f"{one.detectable:.3f}", one.verdict)
        for name, run in runs.items()
        for one in run.comparisons
    ]  # fmt: skip
    columns = (
        "set",
        "first",
        "second",
        "Δ score",
        "Δ calibrated F1",
        "p (Holm)",
        "p McNemar",
        "detectable",
        "first is",
    )
    print_table("Pairs", columns, pairs)


def shown(one: Estimate) -> str:
    """A value with its interval."""
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _money(micro: int | None, currency: str) -> str:
    return "" if micro is None else f"{micro / 1_000_000:.4f} {currency}"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(NAMES))
    parser.add_argument("--every-report", action="store_true", help="sec10q with all sixteen reports; slow")
    parser.add_argument("--limit", type=int, default=0, help="questions a set, for a trial")
    parser.add_argument("--keep", type=Path, help="folder in which the collections stay")
    parser.add_argument("--seed", type=int, default=0, help="of the intervals")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep.resolve() if options.keep else Path(name)
        keep_key(folder)
        names = options.sets.split(",")
        sets = answer_sets(folder / "sources", names, options.limit, every_report=options.every_report)
        sources = {part.collection: part.source for parts in sets.values() for part in parts}
        with synced(make_workspace(folder / "workspace", sources)) as workspace:
            print(f"indexed after {time.monotonic() - began:.0f} s", flush=True)
            cut = thresholds(workspace, sets)
            print(f"thresholds after {time.monotonic() - began:.0f} s", flush=True)
            runs = measure(workspace, sets, cut=cut, seed=options.seed)
    report(runs)
    for name, target in TARGETS.items():
        if name in runs and name in REFUSING:
            reached = runs[name].scores[0].measures["refusal_auroc"].value
            print(f"\nrefusal AUROC on {name}, evaluation half: {reached:.3f}; target {target:.2f}"
                  f"{'' if options.limit else ', met' if reached >= target else ', NOT met'}")  # fmt: skip
    print(f"\n{time.monotonic() - began:.0f} s in all; seed {options.seed}")
    figures = {
        "k": K,
        "seed": options.seed,
        "thresholds": cut,
        "targets": TARGETS,
        "sets": {name: run.as_json() for name, run in runs.items()},
    }
    write_json("answers", figures, trial=bool(options.limit))


if __name__ == "__main__":
    main()
