"""How well the hits support an answer: one number in 0..1, from which the generator refuses.

A similarity threshold cannot carry refusal (``AUROC`` .86 and .78 by the dense top score alone), so a logistic model
reads several signs that disagree when an answer is missing. ``benchmarks/fit_support.py`` fits it on xquad (es, ru,
tr) and wikitables, each question once with its own passage among the hits and once with it taken out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from ragkit.generate.ranking import RankedPiece
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Hit


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer. All values lie in about 0..1.

    Attributes:
        dense: Highest cosine of a hit; 0 when the dense ranker returned none.
        lead: How far that hit stands above the mean of the others, by cosine.
        piece: Highest cosine of a piece.
        piece_words: Share of the question's words in the best piece and its lead, rare words counting more.
        hit_words: Share of the question's words in the hit that has most of them.
        agree: 1 when the dense and the lexical ranker put the same hit first.
    """

    dense: float
    lead: float
    piece: float
    piece_words: float
    hit_words: float
    agree: float


INTERCEPT = -5.82
WEIGHTS = Signs(dense=0.00, lead=8.80, piece=5.53, piece_words=0.36, hit_words=4.23, agree=1.16)


def estimate_support(signs: Signs) -> float:
    """Return the probability in 0..1 that the hits hold an answer (logistic regression)."""
    total = INTERCEPT + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(signs)))
    return 1 / (1 + math.exp(-total))


def read_signs(hits: Sequence[Hit], ranked: Sequence[RankedPiece], terms: QuestionTerms) -> Signs:
    """Collect the signs of one question. ``hits`` and ``ranked`` are best first and not empty."""
    dense = sorted((hit.dense for hit in hits if hit.dense is not None), reverse=True)
    others = dense[1:]
    read = [one for one in ranked if one.cosine is not None]
    have = (len(terms.matched(hit.chunk.embedded)) for hit in hits)
    return Signs(
        dense=max(dense, default=0.0),
        lead=dense[0] - sum(others) / len(others) if others else 0.0,
        piece=max((one.cosine or 0.0 for one in read), default=0.0),
        piece_words=max((one.words for one in read), default=0.0),
        hit_words=max(have) / max(len(terms.words), 1),
        agree=float(_first(hits, "dense") is _first(hits, "lexical")),
    )


def _first(hits: Sequence[Hit], ranker: str) -> Hit | None:
    scored = [hit for hit in hits if getattr(hit, ranker) is not None]
    return max(scored, key=lambda hit: float(getattr(hit, ranker)), default=None)
