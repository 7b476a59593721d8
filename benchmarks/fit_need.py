"""Fit the model in ``ragkit/routing/need.py``, and show what routing by it is worth.

Run by hand when ``extractive``, its support estimate or the retriever change; the numbers that it prints are copied
into the module::

    python benchmarks/fit_support.py --keep /tmp/cases.pickle     # once: questions with their hits
    python benchmarks/fit_need.py --cases /tmp/cases.pickle [--size 400]

The small generator is ``extractive``, since no weights of a real small model are here: **what it prints holds for
extractive only**. An answer is wrong when it refuses what can be answered, answers what cannot, or lacks one of the
required facts (fact recall below 1). Read are the questions of the support fit: xquad in English and German and
wikitables, each with its passage among the hits and with it taken out, and the *fitting* half of clapnq
(:mod:`halves`); the other half of clapnq and all of hint3 stay unseen. Each set weighs the same. All figures are
cross-validated by source document: what is judged has no document in common with what was fitted.

The curve shows what share of the questions is right when the neediest are sent to a large generator, as if the large
one were always right: an upper bound, since there is no large one here. Random sending is the straight line between
"always small" and "always large".
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from data import queries
from facts import required_facts
from fit_support import Remembering
from halves import half
from numpy.typing import NDArray
from reporting import print_table, write_json
from scipy.optimize import minimize
from support_cases import Case

from ragkit.evaluate.answer_text import says, without_markers
from ragkit.generate.extractive import ExtractiveGenerator
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.metrics import area_under_roc
from ragkit.routing.need import AnswerSigns, Signs, read_answer, read_signs
from ragkit.types import DataClass, GenerationRequest, Masked, MaskedQuestion, MaskedText

SETS = ("en", "de", "tables", "clapnq")
FOLDS, PENALTY, BINS = 5, 3.0, 10
NAMES = [field.name for field in fields(Signs)]
ANSWER_NAMES = [field.name for field in fields(AnswerSigns)]
Floats = NDArray[np.float64]
Facts = list[list[str]]


@dataclass(frozen=True)
class Judged:
    """One question that was asked: its signs, and whether the small generator was wrong."""

    set: str
    cluster: str
    before: tuple[float, ...]
    after: tuple[float, ...]
    support: float
    wrong: bool
    refused: bool


class _Kept(pickle.Unpickler):
    """Finds the cases whichever script kept them."""

    def find_class(self, module: str, name: str) -> Any:
        return Case if name == "Case" else super().find_class(module, name)


def read_kept(file: Path) -> list[Case]:
    """What ``fit_support.py --keep`` wrote."""
    with file.open("rb") as kept:
        cases: list[Case] = _Kept(kept).load()
    return [case for case in cases if case.group in SETS]


def with_facts(cases: Sequence[Case]) -> Iterator[tuple[Case, Facts]]:
    """Each case with what a right answer must say; those whose facts are not known are left out."""
    answers = {("xquad", str(one["text"])): [[str(one["answer"])]] for one in queries("xquad")}
    for one in queries("wikitables"):
        listed = one["answer"] if isinstance(one["answer"], list) else [one["answer"]]
        for text in (str(one["text"]), f"{one['meta']['page_title']}: {one['text']}"):
            answers["tables", text] = [[str(fact)] for fact in listed]
    asked = iter([one for one in queries("clapnq") if half("clapnq", one) == "fit"])  # in the order they were kept
    for case in cases:
        if case.group == "clapnq":
            one = next(asked)
            facts = required_facts(one["answers"][0], one["text"]) if one["answerable"] else []
        else:
            facts = answers.get(("tables" if case.group == "tables" else "xquad", case.text), [])
        if facts or not case.answerable:
            yield case, facts


def drawn(cases: Sequence[tuple[Case, Facts]], size: int) -> list[tuple[Case, Facts]]:
    """So many of each set, at most a third of them without an answer, in one random order."""
    dice, chosen = random.Random(3), []
    for name in SETS:
        for label, share in ((True, size - size // 3), (False, size // 3)):
            own = [one for one in cases if one[0].group == name and one[0].answerable == label]
            chosen += dice.sample(own, min(share, len(own)))
    dice.shuffle(chosen)
    return chosen


def ask_all(chosen: Sequence[tuple[Case, Facts]], seconds: float) -> Iterator[Judged]:
    """Ask ``extractive``, which reads the hits that were kept, until the time is over."""
    end = time.monotonic() + seconds
    generator = ExtractiveGenerator(Remembering(MiniLMEmbedder()))
    generator.load()
    for number, (case, facts) in enumerate(chosen):
        if time.monotonic() > end:
            return
        text = Masked(case.text)
        question = MaskedQuestion(MaskedText(text, text), case.part, "")
        request = GenerationRequest(question, case.hits, DataClass.INTERNAL)
        made = generator.generate(request)
        said = without_markers(made.text)
        whole = all(says(said, accepted) for accepted in facts)
        right = (not made.refused and whole) if case.answerable else made.refused
        signs = astuple(read_signs(request, made.support))
        after = (*signs, *astuple(read_answer(made)))
        if number % 20 == 19:
            print(f"{number + 1} of {len(chosen)}", file=sys.stderr, flush=True)
        yield Judged(case.group, case.source, signs, after, made.support, not right, made.refused)


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


def report(cases: Sequence[Judged]) -> dict[str, Any]:
    """Print figures and numbers to be copied; return the figures."""
    wrong = np.array([case.wrong for case in cases])
    sets = np.array([case.set for case in cases])
    fold = np.array([hashlib.sha256(f"{one.set}/{one.cluster}".encode()).digest()[0] % FOLDS for one in cases])
    weight = np.zeros(len(cases))
    for name in SETS:
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
    groups = {"all": np.ones(len(cases), dtype=bool), **{name: sets == name for name in SETS}}
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
    parser.add_argument("--cases", type=Path, required=True, help="what fit_support.py --keep wrote")
    parser.add_argument("--size", type=int, default=400, help="questions a set, at most")
    parser.add_argument("--seconds", type=float, default=3600, help="stop asking after so long, for a busy machine")
    options = parser.parse_args()
    chosen = drawn(list(with_facts(read_kept(options.cases))), options.size)
    cases = list(ask_all(chosen, options.seconds))
    print(
        f"{len(cases):,} questions, {len({(case.set, case.cluster) for case in cases}):,} documents; small: extractive"
    )
    write_json("need", report(cases), trial=len(cases) < 1_000)


if __name__ == "__main__":
    main()
