"""Fit the model in ``ragkit/routing/need.py``, and show what routing by it is worth.

Run by hand when ``extractive``, its support estimate or the retriever change; the numbers that it prints are copied
into the module::

    python benchmarks/fit_need.py [--keep /tmp/need.pickle]

The small generator is ``extractive``, since no weights of a real small model are here: **what it prints holds for
extractive only**. An answer is wrong when it refuses what can be answered, answers what cannot, or lacks one of the
required facts (fact recall below 1). Read are questions of xquad in English and German, of wikitables and sec10q, and
the *fitting* half of clapnq (:mod:`halves`); the other half of clapnq and all of hint3 stay unseen. Each set weighs the
same. All figures are cross-validated by source document: what is judged has no document in common with what was fitted.

The curve shows what share of the questions is right when the neediest are sent to a large generator, as if the large
one were always right: an upper bound, since there is no large one here. Random sending is the straight line between
"always small" and "always large".
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from answer_sets import write_tables
from data import corpus, data_folder, qrels, queries, write_lines
from facts import required_facts
from halves import half, source
from numpy.typing import NDArray
from reporting import print_table, write_json
from scipy.optimize import minimize
from workspaces import make_workspace, synced

from ragkit.evaluate.answer_text import says, without_markers
from ragkit.metrics import area_under_roc
from ragkit.routing.need import AnswerSigns, Signs, read_answer, read_signs
from ragkit.types import DataClass, Generation, GenerationRequest, RawQuestion
from ragkit.workspace import Workspace

SIZES = {"xquad-en": 300, "xquad-de": 300, "tables": 300, "sec10q": 120, "clapnq": 400}
FOLDS, PENALTY, BINS, K = 5, 3.0, 10, 8
NAMES = [field.name for field in fields(Signs)]
ANSWER_NAMES = [field.name for field in fields(AnswerSigns)]
Floats = NDArray[np.float64]
Asked = tuple[str, str, list[list[str]], bool]
"""Question, cluster, required facts, and whether it can be answered."""


@dataclass(frozen=True)
class Case:
    """One question that was asked: its signs, and whether the small generator was wrong."""

    set: str
    cluster: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    support: float
    wrong: bool
    refused: bool


def questions(folder: Path) -> Iterator[tuple[str, Path, list[Asked]]]:
    """By collection: its source and its questions."""
    for language in ("en", "de"):
        own = [one for one in corpus("xquad") if one["id"].startswith(f"{language}-")]
        asked = [
            (str(one["text"]), str(one["gold_doc"]), [[str(one["answer"])]], True)
            for one in queries("xquad")
            if one["type"] == language
        ]
        yield f"xquad-{language}", write_lines(folder / f"{language}.jsonl", own), asked
    tables = write_tables(folder / "tables")
    rows = [one for one in queries("wikitables") if one["meta"]["table"].endswith(".csv")]
    yield "tables", tables, [_of_a_table(one) for one in rows]
    grades = qrels("sec10q")
    reports = [
        (str(one["text"]), min(grades[str(one["id"])]), required_facts(one["answer"], one["text"]), True)
        for one in queries("sec10q")
    ]
    yield "sec10q", data_folder() / "sec10q" / "files", [one for one in reports if one[2]]
    mine = [one for one in queries("clapnq") if half("clapnq", one) == "fit"]
    asked = []
    for one in mine:
        facts = required_facts(one["answers"][0], one["text"]) if one["answerable"] else []
        if facts or not one["answerable"]:
            asked.append((str(one["text"]), source("clapnq", one), facts, bool(one["answerable"])))
    yield "clapnq", write_lines(folder / "clapnq.jsonl", corpus("clapnq")), asked


def _of_a_table(one: dict[str, Any]) -> Asked:
    answers = one["answer"] if isinstance(one["answer"], list) else [one["answer"]]
    text = f"{one['meta']['page_title']}: {one['text']}"
    return text, str(one["meta"]["table"]), [[str(fact)] for fact in answers], True


def ask_all(folder: Path) -> Iterator[Case]:
    """Ask ``extractive`` everything, as a workspace does."""
    sets = {name: (path, asked) for name, path, asked in questions(folder)}
    places = {name: path for name, (path, _) in sets.items()}
    languages = {"xquad-de": "de"}
    with synced(make_workspace(folder / "workspace", places, masking=False, languages=languages)) as workspace:
        for name, (_, asked) in sets.items():
            some = random.Random(3).sample(asked, min(SIZES[name], len(asked)))
            for text, cluster, facts, answerable in some:
                yield _case(workspace, name, text, cluster, facts, answerable)


def _case(workspace: Workspace, name: str, text: str, cluster: str, facts: list[list[str]], answerable: bool) -> Case:
    answer = workspace.ask(text, collection=name, k=K)
    assistant = workspace._handles.reader(name).assistant
    masked = assistant.masker.mask_question(RawQuestion(text), principal=workspace._principal(None))
    request = GenerationRequest(masked, answer.hits, DataClass.INTERNAL)
    made = Generation(
        text=answer.text,
        citations=answer.citations,
        refused=answer.refused,
        reason=answer.reason,
        support=answer.support,
    )
    said = without_markers(answer.text)
    whole = all(says(said, accepted) for accepted in facts)
    right = (not answer.refused and whole) if answerable else answer.refused
    signs = astuple(read_signs(request, answer.support))
    return Case(name, cluster, signs, (*signs, *astuple(read_answer(made))), answer.support, not right, answer.refused)


def fit(signs: Floats, wrong: NDArray[np.bool_], weight: Floats) -> tuple[Floats, float]:
    """Logistic regression on columns of unit variance, with a small quadratic penalty; weights as the signs are."""
    scale = signs.std(axis=0) + 1e-9
    table, side = signs / scale, np.where(wrong, 1.0, -1.0)

    def loss(values: Floats) -> float:
        margin = side * (table @ values[:-1] + values[-1])
        return float(weight @ np.logaddexp(0, -margin) + PENALTY * values[:-1] @ values[:-1])

    found = minimize(loss, np.zeros(signs.shape[1] + 1), method="L-BFGS-B").x
    kept = np.where(scale > 1e-8, found[:-1] / scale, 0.0)
    return kept, float(found[-1])


def crossed(signs: Floats, wrong: NDArray[np.bool_], weight: Floats, fold: NDArray[np.int_]) -> Floats:
    """Each case judged by a model that saw no case of its document."""
    chance = np.zeros(len(wrong))
    for number in range(FOLDS):
        out = fold == number
        weights, intercept = fit(signs[~out], wrong[~out], weight[~out])
        chance[out] = 1 / (1 + np.exp(-(signs[out] @ weights + intercept)))
    return chance


def calibration_error(chance: Floats, wrong: NDArray[np.bool_]) -> float:
    """Expected calibration error over ten bins of equal width (Guo et al. 2017)."""
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    parts = [(place == number) for number in range(BINS)]
    return float(sum(abs(chance[part].mean() - wrong[part].mean()) * part.mean() for part in parts if part.any()))


def report(cases: Sequence[Case]) -> dict[str, Any]:
    """Print figures and numbers to be copied; return the figures."""
    wrong = np.array([case.wrong for case in cases])
    sets = np.array([case.set for case in cases])
    fold = np.array([hashlib.sha256(f"{one.set}/{one.cluster}".encode()).digest()[0] % FOLDS for one in cases])
    weight = np.zeros(len(cases))
    for name in SIZES:
        weight[sets == name] = 1 / max((sets == name).sum(), 1)
    weight /= weight.mean()
    chances: dict[str, Floats] = {"support alone": 1 - np.array([case.support for case in cases])}
    for when in ("before", "after"):
        signs = np.array([getattr(case, when) for case in cases])
        chances[when] = crossed(signs, wrong, weight, fold)
        weights, intercept = fit(signs, wrong, weight)
        names = [*NAMES, *ANSWER_NAMES] if when == "after" else NAMES
        pairs = ", ".join(f"{name}={value:.2f}" for name, value in zip(names, weights))
        print(f"{when.upper()}_INTERCEPT = {intercept:.2f}\n{when.upper()}: {pairs}")
    chances["refused"] = np.array([float(case.refused) for case in cases])
    groups = {"all": np.ones(len(cases), dtype=bool), **{name: sets == name for name in SIZES}}
    rows = [
        (
            name,
            int(own.sum()),
            float(wrong[own].mean()),
            *(
                area_under_roc(list(chances[key][own]), list(wrong[own]))
                for key in ("support alone", "before", "after")
            ),
            *(calibration_error(chances[key][own], wrong[own]) for key in ("before", "after")),
        )
        for name, own in groups.items()
        if own.any()
    ]
    columns = ("set", "questions", "wrong", "AUROC support", "before", "after", "ECE before", "after")
    print_table("p(extractive is wrong), cross-validated by document", columns, rows)
    curve = list(curves(chances, wrong))
    headings = ("sent to the large one", "random", "before", "after", "refusals first")
    print_table("Share right, if the large one were always right (upper bound)", headings, curve)
    return {"sets": [dict(zip(columns, row)) for row in rows], "curve": [dict(zip(headings, row)) for row in curve]}


def curves(chances: dict[str, Floats], wrong: NDArray[np.bool_]) -> Iterator[tuple[float, ...]]:
    """Share of right answers when the neediest share is sent away; 0 is always small, 1 always large."""
    small = 1 - float(wrong.mean())
    noise = np.random.default_rng(0).random(len(wrong)) * 1e-9
    for share in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        row = [share, small + share * (1 - small)]
        for key in ("before", "after", "refused"):
            order = np.argsort(-(chances[key] + noise))
            sent = order[: round(share * len(wrong))]
            row.append(small + float(wrong[sent].sum()) / len(wrong))
        yield tuple(row)


def main() -> None:
    """Ask, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="keep the cases in this file, or take them from it")
    options = parser.parse_args()
    if options.keep and options.keep.is_file():
        cases = pickle.loads(options.keep.read_bytes())
    else:
        with tempfile.TemporaryDirectory() as name:
            cases = list(ask_all(Path(name)))
        if options.keep:
            options.keep.write_bytes(pickle.dumps(cases))
    print(
        f"{len(cases):,} questions, {len({(case.set, case.cluster) for case in cases}):,} documents; small: extractive"
    )
    write_json("need", report(cases), trial=False)


if __name__ == "__main__":
    main()
