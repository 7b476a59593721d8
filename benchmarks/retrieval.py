"""How well documents are found, with masking and without, beside the untuned reference rankers.

Run ``python benchmarks/retrieval.py``; ``--sets clapnq,hint3`` for some, ``--limit 50`` for a trial on a few questions.

The reference columns are those of the data's own README: BM25, all-MiniLM-L6-v2 in Chroma, and their reciprocal rank
fusion, all without masking. The fusion of ragkit is fitted on other sets (``fit_fusion.py``).
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data import corpus, data_folder, qrels, queries, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.evaluation import QueryScore, evaluate_retrieval
from ragkit.metrics import Estimate, bootstrap_mean
from ragkit.workspace import Workspace

K = 10
FLOORS = {"clapnq": 0.985, "xquad en→en": 0.975}
WITHIN = 0.005  # of the best reference column, for the other sets


@dataclass(frozen=True)
class Task:
    """Questions against one collection. Tasks of the same ``name`` are put together, question by question."""

    name: str
    collection: str
    documents: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    grades: dict[str, dict[str, int]]
    language: str = "en"


def tasks(chosen: set[str]) -> Iterator[Task]:
    """Yield the tasks of the sets chosen."""
    for name in ("clapnq", "scifact"):
        if name in chosen:
            yield Task(name, name, corpus(name), queries(name), qrels(name))
    if "hint3" in chosen:
        documents, questions, grades = corpus("hint3"), queries("hint3"), qrels("hint3")
        for shop in sorted({str(question["type"]) for question in questions}):
            own = [document for document in documents if document["id"].startswith(f"{shop}/")]
            yield Task("hint3", f"hint3-{shop}", own, [one for one in questions if one["type"] == shop], grades)
    if "xquad" in chosen:
        yield from _xquad()


def _xquad() -> Iterator[Task]:
    documents, questions = corpus("xquad"), queries("xquad")
    for asked, read in (("en", "en"), ("de", "de"), ("de", "en")):
        own = [document for document in documents if document["id"].startswith(f"{read}-")]
        put = [question for question in questions if question["type"] == asked]
        # The sets are parallel: paragraph n is the same text in every language.
        gold = {str(one["id"]): {f"{read}-{str(one['gold_doc']).partition('-')[2]}": 1} for one in put}
        yield Task(f"xquad {asked}→{read}", f"xquad-{read}", own, put, gold, language=read)


def shortened(task: Task, limit: int) -> Task:
    """Keep ``limit`` judged questions, their documents, and ``limit`` others: a trial, not a figure."""
    if not limit:
        return task
    asked = [one for one in task.questions if task.grades.get(str(one["id"]))][:limit]
    gold = {document for one in asked for document in task.grades[str(one["id"])]}
    right = [document for document in task.documents if document["id"] in gold]
    others = [document for document in task.documents if document["id"] not in gold][:limit]
    return Task(task.name, task.collection, right + others, asked, task.grades, task.language)


def measure(todo: list[Task], *, masking: bool, folder: Path) -> dict[str, list[QueryScore]]:
    """Ingest every collection once and ask every task's questions; return rows by task name."""
    sources: dict[str, Path] = {}
    for task in todo:
        if task.collection not in sources:
            sources[task.collection] = write_lines(folder / f"{task.collection}.jsonl", task.documents)
    languages = {task.collection: task.language for task in todo}
    rows: dict[str, list[QueryScore]] = {}
    with synced(make_workspace(folder / "workspace", sources, masking=masking, languages=languages)) as workspace:
        for task in todo:
            rows.setdefault(task.name, []).extend(_ask(workspace, task, folder))
    return rows


def _ask(workspace: Workspace, task: Task, folder: Path) -> tuple[QueryScore, ...]:
    asked = write_lines(folder / "queries.jsonl", task.questions)
    judged = folder / "qrels.tsv"
    lines = (
        f"{query}\t{document}\t{grade}\n"
        for query in (str(one["id"]) for one in task.questions)
        for document, grade in task.grades.get(query, {}).items()
    )
    judged.write_text("query-id\tdoc-id\trelevance\n" + "".join(lines), encoding="utf-8")
    return evaluate_retrieval(workspace, asked, judged, k=K, collection=task.collection).rows


def references() -> dict[str, dict[str, list[float]]]:
    """Read the reference table of the data's README: measures by ranker by set."""
    found: dict[str, dict[str, list[float]]] = {}
    for line in (data_folder() / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"[\d.]+/[\d.]+/[\d.]+", cells[1]):
            name = re.split(r"[ ,]\(|,", cells[0])[0].strip()
            columns = zip(("BM25", "dense", "fusion"), cells[1:])
            found[name] = {ranker: [float(value) for value in cell.split("/")] for ranker, cell in columns}
    return found


def summarise(rows: list[QueryScore]) -> dict[str, Estimate]:
    """Means with intervals over all questions of a task."""
    return {
        "ndcg@10": bootstrap_mean([row.ndcg for row in rows]),
        "recall@10": bootstrap_mean([row.recall for row in rows]),
        "mrr@10": bootstrap_mean([row.reciprocal_rank for row in rows]),
    }


def floor(name: str, reference: dict[str, list[float]]) -> float:
    """Return the nDCG@10 that this set must reach."""
    return FLOORS.get(name, max(column[0] for column in reference.values()) - WITHIN)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="clapnq,scifact,hint3,xquad")
    parser.add_argument("--limit", type=int, default=0, help="questions a task, for a trial")
    parser.add_argument("--masking", choices=("both", "on", "off"), default="both")
    options = parser.parse_args()
    todo = [shortened(task, options.limit) for task in tasks(set(options.sets.split(",")))]
    reference = references()
    figures: dict[str, Any] = {}
    for masking in {"both": (True, False), "on": (True,), "off": (False,)}[options.masking]:
        with tempfile.TemporaryDirectory() as folder:
            measured = measure(todo, masking=masking, folder=Path(folder))
        figures["masked" if masking else "unmasked"] = {name: summarise(rows) for name, rows in measured.items()}
    _print(figures, reference, limited=bool(options.limit))
    shown = {
        masking: {
            name: {measure: {"value": one.value, "low": one.low, "high": one.high} for measure, one in kinds.items()}
            for name, kinds in sets.items()
        }
        for masking, sets in figures.items()
    }
    write_json("retrieval", {"k": K, "figures": shown, "reference": reference}, trial=bool(options.limit))


def _print(figures: dict[str, Any], reference: dict[str, Any], *, limited: bool) -> None:
    rows = []
    for masking, sets in figures.items():
        for name, kinds in sets.items():
            needed = floor(name, reference[name])
            first = kinds["ndcg@10"]
            rows.append(
                (
                    name,
                    masking,
                    f"{first.value:.3f} ({first.low:.3f} to {first.high:.3f})",
                    kinds["recall@10"].value,
                    kinds["mrr@10"].value,
                    *(
                        "/".join(f"{value:.3f}" for value in reference[name][one])
                        for one in ("BM25", "dense", "fusion")
                    ),
                    needed,
                    "trial" if limited else "yes" if first.value >= needed else "NO",
                )
            )
    columns = ("set", "masking", "nDCG@10 (95 %)", "recall@10", "MRR@10", "BM25", "dense", "fusion", "target", "met")
    print_table("Retrieval; reference columns are nDCG@10/recall@10/MRR@10, unmasked", columns, rows)


if __name__ == "__main__":
    main()
