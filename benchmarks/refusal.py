"""How well the extractive generator knows that the documents hold no answer: AUROC of its support estimate.

Run ``python benchmarks/refusal.py``; ``--limit 60`` for a trial. On clapnq half of the questions have no answer in the
pool, though a passage on their topic is there; on hint3 more than half of the real messages to three shops are out of
scope. Beside it stands the usual way, a threshold on the top cosine. The estimate is fitted on other sets
(``fit_support.py``).
"""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path
from typing import Any

from data import corpus, queries, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.generate.extractive import MIN_SUPPORT
from ragkit.metrics import area_under_roc
from ragkit.workspace import Workspace

REFERENCE = {"clapnq": 0.86, "hint3": 0.78}  # AUROC of the dense top score, from the data's README


def ask_all(workspace: Workspace, collection: str, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask each question; keep support, top cosine and whether it can be answered."""
    rows = []
    for question in asked:
        answer = workspace.ask(str(question["text"]), collection=collection)
        top = max((hit.dense for hit in answer.hits if hit.dense is not None), default=0.0)
        rows.append(
            {
                "answerable": bool(question["answerable"]),
                "support": answer.support,
                "top_cosine": top,
                "refused": answer.refused,
                "milliseconds": answer.timings_ms.get("generate", 0.0),
            }
        )
    return rows


def summary(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """AUROC of both signs, and what the default threshold does."""
    labels = [row["answerable"] for row in rows]
    can = [row for row in rows if row["answerable"]]
    cannot = [row for row in rows if not row["answerable"]]
    return {
        "set": name,
        "questions": len(rows),
        "auroc": area_under_roc([row["support"] for row in rows], labels),
        "auroc_top_cosine": area_under_roc([row["top_cosine"] for row in rows], labels),
        "reference": REFERENCE[name],
        "answered_of_answerable": sum(not row["refused"] for row in can) / max(len(can), 1),
        "refused_of_unanswerable": sum(row["refused"] for row in cannot) / max(len(cannot), 1),
        "generate_p50_ms": sorted(row["milliseconds"] for row in rows)[len(rows) // 2],
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=0, help="questions a set, for a trial")
    options = parser.parse_args()
    documents = {"clapnq": corpus("clapnq")}
    asked = {"clapnq": queries("clapnq")}
    for shop in sorted({str(one["type"]) for one in queries("hint3")}):
        documents[f"hint3-{shop}"] = [one for one in corpus("hint3") if one["id"].startswith(f"{shop}/")]
        asked[f"hint3-{shop}"] = [one for one in queries("hint3") if one["type"] == shop]
    rows: dict[str, list[dict[str, Any]]] = {"clapnq": [], "hint3": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = {key: write_lines(folder / f"{key}.jsonl", found) for key, found in documents.items()}
        with synced(make_workspace(folder / "workspace", sources)) as workspace:
            for collection, some in asked.items():
                if options.limit:
                    some = random.Random(1).sample(some, min(options.limit, len(some)))
                rows[collection.partition("-")[0]] += ask_all(workspace, collection, some)
    figures = [summary(name, found) for name, found in rows.items()]
    columns = tuple(figures[0])
    print_table(
        f"Refusal at support {MIN_SUPPORT}; reference: AUROC of the top cosine in plain Chroma",
        [column.replace("_", " ") for column in columns],
        [[one[column] for column in columns] for one in figures],
    )
    write_json("refusal", {"min_support": MIN_SUPPORT, "sets": figures}, trial=bool(options.limit))


if __name__ == "__main__":
    main()
