"""Fit the model in ``ragkit/generate/support.py`` and its head, and show what they are worth before judging.

Run by hand when the encoder, the signs or the retriever change; the numbers that it prints are copied into the module,
and ``--write`` writes the head::

    python benchmarks/fit_support.py --write [--keep /tmp/cases.pickle]

It reads the *fitting* halves of clapnq and hint3 (:mod:`halves`), xquad in five languages and wikitables; the other
halves stay unseen. A question of xquad or of a table is asked with its own passage among the hits (answerable), with
that passage taken out (not answerable, though others of its article are there) and, for xquad, with the whole article
taken out. The questions of clapnq and hint3 were asked by people who did not know whether there is an answer, and count
for more. All figures printed are cross-validated by source: no passage, table or wording of a message is on both sides.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import pickle
import random
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from data import corpus, data_folder, qrels, queries, read_lines, write_lines
from halves import half, source
from numpy.typing import NDArray
from reporting import print_table
from scipy.optimize import minimize
from workspaces import make_workspace, synced

from ragkit.generate.support import Signs, SupportEstimator
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.metrics import area_under_roc
from ragkit.types import Hit, Masked, RawQuestion
from ragkit.workspace import Workspace

K, DEPTH, FOLDS = 8, 60, 5
LANGUAGES = {"en": 400, "de": 400, "es": 200, "ru": 200, "tr": 200}
TABLES = 300
WEIGHTS = {"clapnq": 1.0, "hint3": 1.5, "en": 0.3, "de": 0.2, "es": 0.2, "ru": 0.1, "tr": 0.1, "tables": 0.3}
NAMES = [field.name for field in fields(Signs)]
HEAD_PENALTY, PENALTY = 170.0, 3.0
HEAD = Path(__file__).resolve().parent.parent / "ragkit" / "assets" / "relevance" / "head.safetensors"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A masked question with its hits; ``right`` are those that hold the answer."""

    group: str
    part: str
    source: str
    text: str
    hits: tuple[Hit, ...]
    answerable: bool
    right: frozenset[str] = frozenset()


def judged_cases(folder: Path) -> Iterator[Case]:
    """The fitting halves of clapnq and of hint3's three shops, under the default policy."""
    documents = {"clapnq": corpus("clapnq")}
    asked = {"clapnq": queries("clapnq")}
    for shop in sorted({str(one["type"]) for one in queries("hint3")}):
        documents[f"hint3-{shop}"] = [one for one in corpus("hint3") if one["id"].startswith(f"{shop}/")]
        asked[f"hint3-{shop}"] = [one for one in queries("hint3") if one["type"] == shop]
    places = {name: write_lines(folder / f"{name}.jsonl", found) for name, found in documents.items()}
    with synced(make_workspace(folder / "judged", places)) as workspace:
        for name, some in asked.items():
            group = name.partition("-")[0]
            gold = qrels(group)
            some = [one for one in some if half(group, one) == "fit"]
            texts = [str(one["text"]) for one in some]
            found = workspace.search_many(texts, k=K, collection=name)
            names = workspace.unsafe_native_ids(_documents(found), collection=name)
            for one, hits in zip(some, found):
                right = frozenset(hit.doc_id for hit in hits if names[hit.doc_id] in gold.get(str(one["id"]), {}))
                text = _masked(workspace, name, str(one["text"]))
                yield Case(group, name, source(group, one), text, tuple(hits), bool(one["answerable"]), right)


def _masked(workspace: Workspace, collection: str, text: str) -> str:
    assistant = workspace._handles.reader(collection).assistant
    return str(assistant.masker.mask_question(RawQuestion(text), principal=workspace._principal(None)).text.index)


def _documents(found: list[list[Hit]]) -> list[str]:
    return sorted({hit.doc_id for hits in found for hit in hits})


def made_cases(folder: Path) -> Iterator[Case]:
    """Questions of xquad and wikitables, unmasked, each question with and without what answers it."""
    dice = random.Random(5)
    places, asked = _xquad(folder, dice)
    places["tables"] = _tables(folder)
    files = [one for one in queries("wikitables") if one["meta"]["table"].endswith(".csv")]
    for prefix in (False, True):
        asked["tables"] = asked.get("tables", []) + [
            (f"{one['meta']['page_title']}: {one['text']}" if prefix else str(one["text"]), gold, frozenset({gold}))
            for one in dice.sample(files, TABLES)
            for gold in (f"{one['meta']['table']}.md",)
        ]
    languages = {language: language for language in LANGUAGES}
    with synced(make_workspace(folder / "made", places, masking=False, languages=languages)) as workspace:
        for name, cases in asked.items():
            found = workspace.search_many([text for text, _, _ in cases], k=DEPTH, collection=name)
            names = workspace.unsafe_native_ids(_documents(found), collection=name)
            for (text, gold, topic), hits in zip(cases, found):
                yield from _taken_out(name, text, gold, topic, hits, names)


def _taken_out(
    name: str, text: str, gold: str, topic: frozenset[str], hits: list[Hit], names: dict[str, str]
) -> Iterator[Case]:
    for gone in dict.fromkeys((frozenset[str](), frozenset({gold}), topic)):
        kept = tuple(hit for hit in hits if names[hit.doc_id] not in gone)[:K]
        right = frozenset(hit.doc_id for hit in kept if names[hit.doc_id] == gold)
        if kept and (gone or right):  # a passage that was not found is neither
            yield Case(name, name, gold, text, kept, bool(right), right)


Asked = dict[str, list[tuple[str, str, frozenset[str]]]]


def _xquad(folder: Path, dice: random.Random) -> tuple[dict[str, Path], Asked]:
    places: dict[str, Path] = {}
    asked: Asked = {}
    for language, count in LANGUAGES.items():
        own = [one for one in corpus("xquad") if one["id"].startswith(f"{language}-")]
        places[language] = write_lines(folder / f"{language}.jsonl", own)
        titles = {str(one["id"]): str(one["title"]) for one in own}
        some = dice.sample([one for one in queries("xquad") if one["type"] == language], count)
        asked[language] = [
            (str(one["text"]), gold, frozenset(name for name in titles if titles[name] == titles[gold]))
            for one in some
            for gold in (str(one["gold_doc"]),)
        ]
    return places, asked


def _tables(folder: Path) -> Path:
    """The tables as Markdown under their page titles."""
    place = folder / "tables"
    place.mkdir()
    for entry in read_lines(data_folder() / "wikitables" / "manifest.jsonl"):
        if entry["format"] == "csv":
            text = (data_folder() / "wikitables" / "files" / entry["file"]).read_text(encoding="utf-8")
            rows = list(csv.reader(text.splitlines(), escapechar="\\"))
            lines = ["| " + " | ".join(one.replace("|", "/").replace("\n", " ") for one in row) + " |" for row in rows]
            rule = "|" + " --- |" * len(rows[0])
            body = "\n".join([lines[0], rule, *lines[1:]])
            (place / f"{entry['file']}.md").write_text(f"# {entry['title']}\n\n{body}")
    return place


class Remembering:
    """The encoder, each text once."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def load(self) -> None:
        """Load the encoder."""
        self._encoder.load()

    @property
    def fingerprint(self) -> str:
        """The encoder's: the head asks for it."""
        return self._encoder.fingerprint

    def embed_question(self, text: Masked) -> NDArray[np.float32]:
        """One text."""
        return self.embed_questions([text])[0]

    def embed_questions(self, texts: list[Masked]) -> list[NDArray[np.float32]]:
        """Many texts, only the new ones encoded."""
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._known.update(zip(new, self._encoder.embed_questions(new)))
        return [self._known[text] for text in texts]


class Table:
    """Signs, vectors, labels and weights of all cases, and which fold each source is in."""

    def __init__(self, cases: list[Case], encoder: Remembering) -> None:
        estimator = SupportEstimator(encoder)
        kept: list[Case] = []
        signs, vectors, cited = [], [], []
        for case in cases:
            read = estimator.read(Masked(case.text), case.hits)
            if read.signs is None or read.ranking.question is None:
                continue
            kept.append(case)
            signs.append(astuple(read.signs))
            vectors.append(read.ranking.question)
            cited.append(read.ranking.pieces[0].hit.doc_id in case.right)
        self.cases, self.cited = kept, np.array(cited)
        self.signs, self.vectors = np.array(signs), np.array(vectors, dtype=np.float64)
        self.labels = np.array([case.answerable for case in kept])
        self.group = np.array([case.group for case in kept])
        self.part = np.array([case.part for case in kept])
        self.fold = np.array([hashlib.sha256(case.source.encode()).digest()[0] % FOLDS for case in kept])
        self.cosine = np.array([max((hit.dense or 0.0 for hit in case.hits), default=0.0) for case in kept])
        weight = np.zeros(len(kept))
        for name, share in WEIGHTS.items():
            for label in (True, False):
                own = (self.group == name) & (self.labels == label)
                weight[own] = share / max(own.sum(), 1)
        self.weight = weight / weight.mean()


def logistic(
    table: Floats, labels: NDArray[np.bool_], weight: Floats, penalty: float, *, least: float | None
) -> Floats:
    """Weights and, last, the intercept of a logistic regression on columns of unit variance; ``least`` bounds them."""
    side = np.where(labels, 1.0, -1.0)

    def loss(values: Floats) -> tuple[float, Floats]:
        margin = side * (table @ values[:-1] + values[-1])
        pull = -side * weight / (1 + np.exp(np.clip(margin, -30, 30)))
        slope = np.append(table.T @ pull + 2 * penalty * values[:-1], pull.sum())
        return float(weight @ np.logaddexp(0, -margin) + penalty * values[:-1] @ values[:-1]), slope

    bounds = [(least, None)] * table.shape[1] + [(None, None)]
    found: Floats = minimize(loss, np.zeros(table.shape[1] + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    return found


@dataclass(frozen=True)
class Model:
    """Fitted: weights and intercept of the signs as they are, and the head."""

    weights: Floats
    intercept: float
    head: Floats

    def scores(self, table: Table, rows: NDArray[np.bool_]) -> Floats:
        """The probability for each row."""
        signs = with_head(table.signs[rows], table.vectors[rows] @ self.head)
        chance: Floats = 1 / (1 + np.exp(-(signs @ self.weights + self.intercept)))
        return chance


def with_head(signs: Floats, logits: Floats) -> Floats:
    """The signs with the last column, the head's, filled in."""
    return np.column_stack([signs[:, :-1], logits])


def fit_head(table: Table, rows: NDArray[np.bool_]) -> Floats:
    """The head by itself. Questions asked both ways pull it to nothing; real messages give it its direction."""
    scale = table.vectors.std(axis=0).mean()
    found = logistic(table.vectors[rows] / scale, table.labels[rows], table.weight[rows], HEAD_PENALTY, least=None)
    return found[:-1] / scale


def fit(table: Table, rows: NDArray[np.bool_], *, without: str = "") -> Model:
    """The signs' weights, none negative, with the head as it judges questions that it was not trained on."""
    logits = np.zeros(len(rows))
    if without != "question":
        for fold in range(FOLDS):
            mine = rows & (table.fold == fold)
            if mine.any():
                logits[mine] = table.vectors[mine] @ fit_head(table, rows & (table.fold != fold))
    signs = with_head(table.signs, logits)[rows] * np.array([name != without for name in NAMES])
    scale = signs.std(axis=0) + 1e-9
    found = logistic(signs / scale, table.labels[rows], table.weight[rows], PENALTY, least=0.0)
    head = fit_head(table, rows) if without != "question" else np.zeros(table.vectors.shape[1])
    return Model(np.where(scale > 1e-8, found[:-1] / scale, 0.0), float(found[-1]), head)


def crossed(table: Table, **options: Any) -> Floats:
    """Each row judged by a model that saw nothing of its source."""
    scores = np.zeros(len(table.labels))
    for fold in range(FOLDS):
        out = table.fold == fold
        scores[out] = fit(table, ~out, **options).scores(table, out)
    return scores


def auroc(table: Table, scores: Floats) -> list[float]:
    """By group, in the order of ``WEIGHTS``."""
    return [
        area_under_roc(list(scores[table.group == name]), list(table.labels[table.group == name])) for name in WEIGHTS
    ]


def report(table: Table) -> Model:
    """Print what each sign adds, what a shop costs that was not seen, and the price of each threshold."""
    scores = crossed(table)
    rows = [
        ("top cosine", *auroc(table, table.cosine)),
        *((f"{name} alone", *auroc(table, table.signs[:, at])) for at, name in enumerate(NAMES[:-1])),
        *((f"all without {name}", *auroc(table, crossed(table, without=name))) for name in NAMES),
        ("all", *auroc(table, scores)),
    ]
    print_table("AUROC, cross-validated by source", ("signs", *WEIGHTS), rows)
    rows = []
    for shop in sorted(set(table.part[table.group == "hint3"])):
        out = table.part == shop
        values = [
            area_under_roc(list(fit(table, ~out, without=name).scores(table, out)), list(table.labels[out]))
            for name in ("question", "")
        ]
        rows.append((shop, int(out.sum()), *values))
    print_table("AUROC for a shop that was not fitted on", ("shop", "messages", "without head", "with head"), rows)
    print_table(
        "Calibrated F1 (A3 #6, right = the best piece is of a right document), answered and refused rightly",
        (
            "min_support",
            "clapnq",
            "hint3",
            "mean",
            *(f"{name} {what}" for name in ("clapnq", "hint3") for what in ("a", "r")),
        ),
        [threshold(table, scores, limit) for limit in (0.0, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)],
    )
    return fit(table, np.ones(len(table.labels), dtype=bool))


def threshold(table: Table, scores: Floats, limit: float) -> tuple[object, ...]:
    """Calibrated F1 by group and their mean, then the shares answered and refused rightly."""
    values, shares = [], []
    for name in ("clapnq", "hint3"):
        own = table.group == name
        answered, can = own & (scores >= limit), own & table.labels
        right = (answered & can & table.cited).sum()
        values.append(2 * right / max(answered.sum() + can.sum(), 1))
        shares += [(answered & can).sum() / can.sum(), (own & ~answered & ~table.labels).sum() / (own & ~can).sum()]
    return limit, *map(float, values), float(np.mean(values)), *map(float, shares)


def main() -> None:
    """Read, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="keep the cases with their hits in this file, or take them from it")
    parser.add_argument("--write", action="store_true", help="write the head into the package")
    options = parser.parse_args()
    if options.keep and options.keep.is_file():
        cases = pickle.loads(options.keep.read_bytes())
    else:
        with tempfile.TemporaryDirectory() as name:
            cases = [*judged_cases(Path(name)), *made_cases(Path(name))]
        if options.keep:
            options.keep.write_bytes(pickle.dumps(cases))
    encoder = MiniLMEmbedder()
    table = Table(cases, Remembering(encoder))
    print(f"{len(table.labels):,} cases, {len({case.source for case in table.cases}):,} sources")
    model = report(table)
    pairs = ", ".join(f"{name}={weight:.2f}" for name, weight in zip(NAMES, model.weights))
    print(f"\nINTERCEPT = {model.intercept:.2f}\nWEIGHTS = Signs({pairs})")
    if options.write:
        from safetensors.numpy import save_file

        HEAD.parent.mkdir(exist_ok=True)
        metadata = {"encoder": encoder.fingerprint.rpartition(":")[0]}
        save_file({"question": model.head.astype(np.float32)}, HEAD, metadata=metadata)
        print(f"written: {HEAD.name}")


if __name__ == "__main__":
    main()
