"""How likely the small generator is wrong: before it is asked, and once its answer is there.

Both are logistic models with the plain numbers below, fitted by ``benchmarks/fit_need.py`` with ``extractive`` as the
small generator. **They are calibrated for extractive only**: no weights of a real small model were at hand. For another
small generator they rank questions, and ``escalate_at`` is a threshold to be tried, not a probability to be trusted.
On 1,482 questions of xquad, wikitables and half of clapnq, cross-validated by document: AUROC .683 before the call and
.735 after the answer, ECE .025 and .037. A refusal of ``extractive`` is right as often as wrong, so it says little.

What the checks of a model's text find (invented citations, unsupported numbers or sentences, an answer cut at its
limit), or its refusal, never occurs with ``extractive`` and could not be fitted; :data:`FOUND` adds fixed amounts for
it, which are choices and not measurements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

from ragkit.types import Generation, GenerationRequest, Hit, MaskedQuestion

Estimator = Callable[[MaskedQuestion, Sequence[Hit]], float]
"""Gives the probability in 0..1 that the hits hold an answer."""

_EDGE = 0.01  # a support nearer to 0 or 1 than this tells no more


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for or against a wrong answer of the small generator before it is asked.

    Attributes:
        support: Logit of the estimated support of the hits.
        words: Natural logarithm of 1 and the question's words.
        dense: Highest cosine of a hit; 0 when the dense ranker returned none.
        gap: How far that lies above the second highest.
        table: 1 when the first hit holds a table.
    """

    support: float
    words: float
    dense: float
    gap: float
    table: float


@dataclass(frozen=True, slots=True)
class AnswerSigns:
    """What the answer adds.

    Attributes:
        refused: 1 when it refused.
        sources: Number of documents it cites, at most three.
        length: Natural logarithm of 1 and the answer's words; 0 for a refusal.
    """

    refused: float
    sources: float
    length: float


BEFORE_INTERCEPT = -0.57
BEFORE = Signs(support=0.01, words=-0.89, dense=3.12, gap=1.48, table=1.22)
AFTER_INTERCEPT = -1.21
AFTER = Signs(support=-0.27, words=-0.90, dense=2.35, gap=2.26, table=1.46)
AFTER_ANSWER = AnswerSigns(refused=-0.05, sources=0.35, length=0.31)

FOUND = {
    "invented_citations": 1.5,
    "unsupported_sentences": 1.5,
    "unsupported_numbers": 2.0,
    "cut": 2.0,
    "refused": 2.0,
}
"""Added to the logit where such a thing was found at all; chosen, not fitted. ``refused``: by a model."""


class NeedModel:
    """The two models over one estimator of support.

    Args:
        estimate: Support of the hits; what ``ragkit.generate.support`` offers.
    """

    def __init__(self, estimate: Estimator) -> None:
        self._estimate = estimate

    def before(self, request: GenerationRequest) -> float:
        """Return the probability in 0..1 that the small generator will be wrong. 0 when nothing was found at all."""
        if not request.hits:
            return 0.0  # nobody can answer from nothing
        return before(read_signs(request, self._estimate(request.question, request.hits)))

    def after(self, request: GenerationRequest, generation: Generation) -> float:
        """Return the probability in 0..1 that this answer of the small generator is wrong."""
        support = generation.support or self._estimate(request.question, request.hits)
        return after(read_signs(request, support), read_answer(generation), found(generation))


def read_signs(request: GenerationRequest, support: float) -> Signs:
    """Collect what is known before the call. ``support`` in 0..1."""
    cosines = sorted((hit.dense for hit in request.hits if hit.dense is not None), reverse=True)
    first = request.hits[0].chunk if request.hits else None
    return Signs(
        support=_logit(support),
        words=math.log1p(len(request.question.text.record.split())),
        dense=cosines[0] if cosines else 0.0,
        gap=cosines[0] - cosines[1] if len(cosines) > 1 else 0.0,
        table=float(first is not None and (bool(first.context_record) or "| --- |" in first.record)),
    )


def read_answer(generation: Generation) -> AnswerSigns:
    """Collect what the answer shows."""
    return AnswerSigns(
        refused=float(generation.refused),
        sources=float(min(len({one.doc_id for one in generation.citations}), 3)),
        length=0.0 if generation.refused else math.log1p(len(generation.text.split())),
    )


def found(generation: Generation) -> float:
    """Return the fixed amount for what the checks of a model's text found."""
    amount = sum(worth for name, worth in FOUND.items() if getattr(generation.checks, name, 0))
    amount += FOUND["refused"] * (generation.refused and bool(generation.account.model))
    return amount + FOUND["cut"] * (generation.account.finish == "length")


def before(signs: Signs) -> float:
    """Return the probability before the call (logistic regression)."""
    return _logistic(BEFORE_INTERCEPT + _dot(astuple(BEFORE), astuple(signs)))


def after(signs: Signs, answer: AnswerSigns, amount: float = 0.0) -> float:
    """Return the probability after the answer (logistic regression, and the fixed amount)."""
    total = AFTER_INTERCEPT + _dot(astuple(AFTER), astuple(signs)) + _dot(astuple(AFTER_ANSWER), astuple(answer))
    return _logistic(total + amount)


def _dot(weights: Sequence[float], values: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, values))


def _logit(share: float) -> float:
    inside = min(max(share, _EDGE), 1 - _EDGE)
    return math.log(inside / (1 - inside))


def _logistic(total: float) -> float:
    return 1 / (1 + math.exp(-total))
