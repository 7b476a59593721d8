"""How well the extractive generator knows that the documents hold no answer: AUROC of its support estimate.

Run ``python benchmarks/refusal.py``; ``--limit 60`` for a trial, which asks the *fitting* halves. On clapnq half of the
questions have no answer in the pool, though a passage on their topic is there; on hint3 more than half of the real
messages to three shops are out of scope. Judged are the halves that nothing was fitted on (:mod:`halves`), under the
default policy; clapnq a second time with nothing masked, since many of its questions are about famous people whose
names are masked like any other. Beside the estimate stand a threshold on the top cosine, the usual way, and the
estimate that ragkit had before (six signs, fitted on xquad and wikitables alone), all over the same hits. Intervals are
bootstrapped over sources: passages of clapnq, wordings of hint3.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from data import corpus, qrels, queries, write_lines
from fit_support import Remembering
from halves import half, source
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.generate.extractive import MIN_SUPPORT, ExtractiveGenerator
from ragkit.generate.ranking import RankedPiece
from ragkit.generate.support import SupportEstimator
from ragkit.generate.terms import QuestionTerms
from ragkit.metrics import area_under_roc
from ragkit.types import DataClass, GenerationRequest, Hit, RawQuestion
from ragkit.workspace import Workspace

TARGET = {"clapnq": 0.90, "hint3": 0.88}
SIGNS = ("support", "top_cosine", "before")
RESAMPLES = 1000
K, SAMPLED = 8, 20


def ask_all(workspace: Workspace, collection: str, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Ask each question; keep what each way to judge says, and whether it can be answered.

    Hits and masked questions are the workspace's; the generator is made anew over an encoder that reads each text once.
    Every 20th question is asked through the workspace as well: the same support must come out, and is timed.
    """
    name = collection.partition("-")[0]
    assistant = workspace._handles.reader(collection).assistant
    encoder = Remembering(workspace._handles.embedder)
    generator, estimator = ExtractiveGenerator(encoder), SupportEstimator(encoder)
    generator.load()
    found = workspace.search_many([str(question["text"]) for question in asked], k=K, collection=collection)
    names = workspace.unsafe_native_ids(sorted({hit.doc_id for hits in found for hit in hits}), collection=collection)
    gold, rows = qrels(name), []
    for number, (question, hits) in enumerate(zip(asked, found)):
        raw = RawQuestion(str(question["text"]))
        masked = assistant.masker.mask_question(raw, principal=workspace._principal(None))
        answer = generator.generate(GenerationRequest(masked, tuple(hits), DataClass.INTERNAL))
        terms = QuestionTerms(masked.text.index)
        ranked = estimator.read(masked.text.index, hits, terms=terms).ranking.pieces
        row = {
            "source": source(name, question),
            "answerable": bool(question["answerable"]),
            "support": answer.support,
            "top_cosine": max((hit.dense for hit in hits if hit.dense is not None), default=0.0),
            "before": estimate_before(hits, ranked, terms) if ranked else 0.0,
            "refused": answer.refused,
            "right": any(names[one.doc_id] in gold.get(str(question["id"]), {}) for one in answer.citations[:1]),
        }
        if number % SAMPLED == 0:
            real = workspace.ask(raw.text, collection=collection)
            row |= {"milliseconds": real.timings_ms["generate"], "apart": abs(real.support - answer.support)}
        rows.append(row)
    return rows


def estimate_before(hits: Sequence[Hit], ranked: Sequence[RankedPiece], terms: QuestionTerms) -> float:
    """The estimate of the version before, for comparison."""
    dense = sorted((hit.dense for hit in hits if hit.dense is not None), reverse=True)
    lead = dense[0] - sum(dense[1:]) / len(dense[1:]) if len(dense) > 1 else 0.0
    piece = max((one.cosine for one in ranked if one.cosine is not None), default=0.0)
    words = max((one.words for one in ranked if one.cosine is not None), default=0.0)
    covered = max(len(terms.matched(hit.chunk.embedded)) for hit in hits) / max(len(terms.words), 1)
    best = [
        max((hit for hit in hits if getattr(hit, one) is not None), key=lambda hit: getattr(hit, one), default=None)
        for one in ("dense", "lexical")
    ]
    total = -5.82 + 8.80 * lead + 5.53 * piece + 0.36 * words + 4.23 * covered + 1.16 * (best[0] is best[1])
    return 1 / (1 + math.exp(-total))


def interval(rows: list[dict[str, Any]], signs: Sequence[str]) -> dict[str, tuple[float, float]]:
    """95 % bounds of each sign's AUROC and of its lead over the top cosine, by the Poisson bootstrap over sources."""
    sources = {name: at for at, name in enumerate(dict.fromkeys(row["source"] for row in rows))}
    drawn = np.random.default_rng(0).poisson(1.0, (RESAMPLES, len(sources))).astype(np.float64)
    weight = drawn[:, [sources[row["source"]] for row in rows]]
    label = np.array([row["answerable"] for row in rows])
    values = {}
    for sign in signs:
        score = np.array([row[sign] for row in rows])
        above = score[label][:, None], score[~label][None, :]
        wins = (above[0] > above[1]) + 0.5 * (above[0] == above[1])
        pairs = weight[:, label].sum(axis=1) * weight[:, ~label].sum(axis=1)
        values[sign] = ((weight[:, label] @ wins) * weight[:, ~label]).sum(axis=1) / pairs
    values |= {f"{sign}_lead": values[sign] - values["top_cosine"] for sign in signs if sign != "top_cosine"}
    return {name: tuple(map(float, np.percentile(found, [2.5, 97.5]))) for name, found in values.items()}


def summary(name: str, rows: list[dict[str, Any]], signs: Sequence[str]) -> dict[str, Any]:
    """AUROC of each way to judge, and what the default threshold does."""
    labels = [row["answerable"] for row in rows]
    can = [row for row in rows if row["answerable"]]
    cannot = [row for row in rows if not row["answerable"]]
    answered = [row for row in rows if not row["refused"]]
    right = sum(row["right"] for row in answered)
    bounds = interval(rows, signs)
    return {
        "set": name,
        "questions": len(rows),
        "sources": len({row["source"] for row in rows}),
        "target": TARGET[name.partition(" ")[0]],
        "auroc": {sign: area_under_roc([row[sign] for row in rows], labels) for sign in signs},
        "bounds": bounds,
        "answered_of_answerable": sum(not row["refused"] for row in can) / max(len(can), 1),
        "refused_of_unanswerable": sum(row["refused"] for row in cannot) / max(len(cannot), 1),
        "calibrated_f1": 2 * right / max(len(answered) + len(can), 1),
        "mean_support": sum(row["support"] for row in rows) / len(rows),
        "answerable": len(can) / len(rows),
        "generate_p50_ms": float(np.median([row["milliseconds"] for row in rows if "milliseconds" in row])),
        "apart": max(row["apart"] for row in rows if "apart" in row),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=0, help="questions a set, of the fitting half, for a trial")
    options = parser.parse_args()
    judged = "fit" if options.limit else "eval"
    documents = {"clapnq": corpus("clapnq")}
    asked = {"clapnq": queries("clapnq")}
    for shop in sorted({str(one["type"]) for one in queries("hint3")}):
        documents[f"hint3-{shop}"] = [one for one in corpus("hint3") if one["id"].startswith(f"{shop}/")]
        asked[f"hint3-{shop}"] = [one for one in queries("hint3") if one["type"] == shop]
    for name, some in asked.items():
        own = [one for one in some if half(name.partition("-")[0], one) == judged]
        asked[name] = random.Random(1).sample(own, min(options.limit, len(own))) if options.limit else own
    rows: dict[str, list[dict[str, Any]]] = {"clapnq": [], "hint3": [], "clapnq unmasked": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = {key: write_lines(folder / f"{key}.jsonl", found) for key, found in documents.items()}
        with synced(make_workspace(folder / "workspace", sources)) as workspace:
            for collection, some in asked.items():
                rows[collection.partition("-")[0]] += ask_all(workspace, collection, some)
        plain = {"clapnq": sources["clapnq"]}
        with synced(make_workspace(folder / "plain", plain, masking=False)) as workspace:
            rows["clapnq unmasked"] += ask_all(workspace, "clapnq", asked["clapnq"])
    figures = [summary(name, found, SIGNS) for name, found in rows.items()]
    report(figures, judged)
    write_json("refusal", {"half": judged, "min_support": MIN_SUPPORT, "sets": figures}, trial=bool(options.limit))


def report(figures: list[dict[str, Any]], judged: str) -> None:
    """Print the three ways to judge with their intervals, then what the default threshold does."""

    def shown(one: dict[str, Any], sign: str) -> str:
        low, high = one["bounds"][sign]
        value = one["auroc"][sign] if sign in one["auroc"] else one["auroc"][sign[:-5]] - one["auroc"]["top_cosine"]
        return f"{value:.3f} ({low:.3f} to {high:.3f})"

    columns = ("set", "questions", "sources", "top cosine", "before", "now", "now over top cosine", "target")
    parts = ("top_cosine", "before", "support", "support_lead")
    print_table(
        f"AUROC on the {judged} halves, 95 % by source",
        columns,
        [
            (one["set"], one["questions"], one["sources"], *(shown(one, part) for part in parts), one["target"])
            for one in figures
        ],
    )
    columns = (
        "set",
        "answered_of_answerable",
        "refused_of_unanswerable",
        "calibrated_f1",
        "mean_support",
        "answerable",
        "generate_p50_ms",
        "apart",
    )
    print_table(
        f"At min_support {MIN_SUPPORT}",
        [column.replace("_", " ") for column in columns],
        [[one[column] for column in columns] for one in figures],
    )


if __name__ == "__main__":
    main()
