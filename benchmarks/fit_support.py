"""Fit the model in ``ragkit/generate/support.py``, and show what it is worth.

Run by hand when the encoder, the signs or the retriever change; what it prints is copied into the module::

    python benchmarks/fit_support.py [--questions 200]

Reads xquad in Spanish, Russian and Turkish and wikitables, and no other set, so that all others stay fit for judging.
Every question is asked with its own passage among the hits (answerable), with that passage taken out (not answerable,
though others of its article are there) and, for xquad, with the whole article taken out (off the topic). sec10q is left
out: with one quarterly report gone, that of the next quarter answers as well.

The questions of these sets were written by people who looked at the passage, and share its words more than those of
people who look for something. So each is used twice, the second time with half of its words made unknown.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from data import corpus, data_folder, queries, read_lines, write_lines
from numpy.typing import NDArray
from reporting import print_table
from scipy.optimize import minimize
from workspaces import make_workspace, synced

from ragkit.generate.ranking import rank_pieces
from ragkit.generate.support import Signs, read_signs
from ragkit.generate.terms import QuestionTerms
from ragkit.metrics import area_under_roc
from ragkit.types import Hit, Masked
from ragkit.workspace import Workspace

K, DEPTH = 8, 60
UNKNOWN = 0.5
WEIGHTS = {"es": 1 / 3, "ru": 1 / 3, "tr": 1 / 3, "tables": 0.5, "tables+title": 0.5}
NAMES = [field.name for field in fields(Signs)]


@dataclass(frozen=True)
class Case:
    """A question with its passage and all that is on its topic."""

    text: str
    gold: str
    topic: frozenset[str]


@dataclass(frozen=True)
class Row:
    """One reading of the signs."""

    signs: Signs
    answerable: bool


class Remembering:
    """The workspace's encoder, each text once."""

    def __init__(self, workspace: Workspace) -> None:
        self._encoder = workspace._handles.embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    def load(self) -> None:
        """Load the encoder."""
        self._encoder.load()

    def embed_question(self, text: Masked) -> NDArray[np.float32]:
        """One text."""
        return self.embed_questions([text])[0]

    def embed_questions(self, texts: Sequence[Masked]) -> list[NDArray[np.float32]]:
        """Many texts, only the new ones encoded."""
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._known.update(zip(new, self._encoder.embed_questions(new)))
        return [self._known[text] for text in texts]


def write_sources(folder: Path) -> dict[str, Path]:
    """Write xquad as JSON lines and the tables as Markdown under their page titles."""
    sources: dict[str, Path] = {}
    for language in ("es", "ru", "tr"):
        own = [one for one in corpus("xquad") if one["id"].startswith(f"{language}-")]
        sources[language] = write_lines(folder / f"{language}.jsonl", own)
    entries = read_lines(data_folder() / "wikitables" / "manifest.jsonl")
    tables = [(entry["file"], entry["title"]) for entry in entries if entry["format"] == "csv"]
    sources["tables"] = folder / "tables"
    sources["tables"].mkdir()
    for file, title in tables:
        text = (data_folder() / "wikitables" / "files" / file).read_text(encoding="utf-8")
        rows = list(csv.reader(text.splitlines(), escapechar="\\"))
        lines = ["| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in row) + " |" for row in rows]
        rule = "|" + " --- |" * len(rows[0])
        (sources["tables"] / f"{file}.md").write_text(f"# {title}\n\n" + "\n".join([lines[0], rule, *lines[1:]]))
    return sources


def cases(count: int) -> dict[str, tuple[str, list[Case]]]:
    """Collection and questions by group."""
    dice = random.Random(5)
    found: dict[str, tuple[str, list[Case]]] = {}
    for language in ("es", "ru", "tr"):
        titles = {one["id"]: one["title"] for one in corpus("xquad") if one["id"].startswith(f"{language}-")}
        asked = dice.sample([one for one in queries("xquad") if one["type"] == language], count)
        found[language] = (
            language,
            [
                Case(one["text"], one["gold_doc"], frozenset(d for d in titles if titles[d] == titles[one["gold_doc"]]))
                for one in asked
            ],
        )
    asked = dice.sample([one for one in queries("wikitables") if one["meta"]["table"].endswith(".csv")], count)
    for group, prefix in (("tables", False), ("tables+title", True)):
        found[group] = (
            "tables",
            [
                Case(
                    f"{one['meta']['page_title']}: {one['text']}" if prefix else one["text"],
                    f"{one['meta']['table']}.md",
                    frozenset({f"{one['meta']['table']}.md"}),
                )
                for one in asked
            ],
        )
    return found


def read_rows(workspace: Workspace, encoder: Remembering, collection: str, asked: list[Case]) -> list[Row]:
    """Search every question once and read the signs of each way to take passages out."""
    rows: list[Row] = []
    dice = random.Random(6)
    for at in range(0, len(asked), 64):
        some = asked[at : at + 64]
        found = workspace.search_many([case.text for case in some], k=DEPTH, collection=collection)
        doc_ids = sorted({hit.doc_id for hits in found for hit in hits})
        names = workspace.unsafe_native_ids(doc_ids, collection=collection)
        for case, hits in zip(some, found):
            for unknown in (0.0, UNKNOWN):
                rows += _readings(case, hits, names, encoder, unknown, dice)
    return rows


def _readings(
    case: Case, hits: list[Hit], names: dict[str, str], encoder: Remembering, unknown: float, dice: random.Random
) -> Iterator[Row]:
    without: list[frozenset[str]] = list({frozenset[str](), frozenset({case.gold}), case.topic})
    terms = QuestionTerms(Masked(case.text))
    # A word with this mark is in no text.
    terms.words = tuple(f"\0{word}" if dice.random() < unknown else word for word in terms.words)
    for gone in without:
        kept = [hit for hit in hits if names[hit.doc_id] not in gone][:K]
        answerable = any(names[hit.doc_id] == case.gold for hit in kept)
        if kept and (gone or answerable):  # a passage that was not found is neither
            ranked = rank_pieces(Masked(case.text), kept, encoder, terms=terms)
            yield Row(read_signs(kept, ranked, terms), answerable)


def fit(groups: dict[str, list[Row]]) -> tuple[NDArray[np.float64], float]:
    """Logistic regression on standardised signs; groups by their weight, answerable and not alike.

    No weight is negative: signs overlap, and one that counts against an answer because another says the same better
    would mislead where they part.
    """
    signs, labels, weights = [], [], []
    for name, rows in groups.items():
        for row in rows:
            same = sum(other.answerable == row.answerable for other in rows)
            signs.append(astuple(row.signs))
            labels.append(row.answerable)
            weights.append(WEIGHTS[name] / same)
    table, weight = np.array(signs), np.array(weights)
    scale = table.std(axis=0)
    side, share = np.where(labels, 1.0, -1.0), weight / weight.sum()

    def loss(values: NDArray[np.float64]) -> float:
        margin = side * (table / scale @ values[1:] + values[0])
        return float(share @ np.logaddexp(0, -margin) + 1e-3 * values[1:] @ values[1:])

    start, bounds = np.zeros(len(NAMES) + 1), [(None, None), *[(0, None)] * len(NAMES)]
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    return found[1:] / scale, float(found[0])


def scores(rows: list[Row], weights: NDArray[np.float64], intercept: float) -> list[float]:
    """The estimate for each row."""
    return [float(1 / (1 + np.exp(-(intercept + np.dot(weights, astuple(row.signs)))))) for row in rows]


def main() -> None:
    """Read, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=200, help="questions a group")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        languages = {language: language for language in ("es", "ru", "tr")}
        place = make_workspace(folder / "workspace", write_sources(folder), masking=False, languages=languages)
        with synced(place) as workspace:
            encoder = Remembering(workspace)
            encoder.load()
            groups = {
                group: read_rows(workspace, encoder, collection, asked)
                for group, (collection, asked) in cases(options.questions).items()
            }
    report(groups)


def report(groups: dict[str, list[Row]]) -> None:
    """Print each sign by itself, the fit with each group left out, and what to copy."""
    weights, intercept = fit(groups)
    rows = []
    for name, own in groups.items():
        labels = [row.answerable for row in own]
        signs = [area_under_roc([getattr(row.signs, sign) for row in own], labels) for sign in NAMES]
        others = {other: found for other, found in groups.items() if other.split("+")[0] != name.split("+")[0]}
        left_out = area_under_roc(scores(own, *fit(others)), labels)
        estimate = scores(own, weights, intercept)
        rates = [
            (
                sum(score >= limit for score, label in zip(estimate, labels) if label) / sum(labels),
                sum(score < limit for score, label in zip(estimate, labels) if not label) / (len(labels) - sum(labels)),
            )
            for limit in (0.3, 0.4, 0.5)
        ]
        rows.append((name, len(own), *signs, left_out, *(f"{a:.2f}/{b:.2f}" for a, b in rates)))
    columns = ("group", "rows", *NAMES, "left out", "at .3", "at .4", "at .5")
    print_table("AUROC by sign, of the fit without the group; share answered/refused rightly", columns, rows)
    pairs = ", ".join(f"{name}={weight:.2f}" for name, weight in zip(NAMES, weights))
    print(f"\nINTERCEPT = {intercept:.2f}\nWEIGHTS = Signs({pairs})")


if __name__ == "__main__":
    main()
