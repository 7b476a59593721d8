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
import hashlib
import pickle
import tempfile
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from reporting import print_table
from scipy.optimize import minimize
from support_cases import Case, judged_cases, made_cases

from ragkit.generate.support import Signs, SupportEstimator
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.metrics import area_under_roc
from ragkit.types import Masked

FOLDS = 5
WEIGHTS = {"clapnq": 1.0, "hint3": 1.5, "en": 0.3, "de": 0.2, "es": 0.2, "ru": 0.1, "tr": 0.1, "tables": 0.3}
NAMES = [field.name for field in fields(Signs)]
HEAD_PENALTY, PENALTY = 170.0, 3.0
HEAD = Path(__file__).resolve().parent.parent / "ragkit" / "assets" / "relevance" / "head.safetensors"
Floats = NDArray[np.float64]


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
