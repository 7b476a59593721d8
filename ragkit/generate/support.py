"""How well the hits support an answer: one number in 0..1, from which the generator refuses.

::

    estimator = SupportEstimator(embedder)
    estimator.load()
    estimator.estimate(question, hits)       # 0.83

A similarity threshold cannot carry refusal, so a logistic model reads several signs that disagree when an answer is
missing. ``benchmarks/fit_support.py`` fits it on the fitting halves of clapnq and hint3, where people asked what they
wanted to know, and on xquad and wikitables, each question once with its own passage among the hits and once with it
taken out. What it is worth on the other halves prints ``benchmarks/refusal.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from ragkit.generate.ranking import RankedPiece, Ranking, SentenceEncoder, read_pieces
from ragkit.generate.relevance import question_head
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Hit, Masked, MaskedQuestion

_WORD = re.compile(r"[^\W_]{3,}")
_NEXT = 10  # pieces among which the best document's are looked for


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer. All but ``question`` lie in about 0..1.

    Attributes:
        piece: Highest cosine of a piece.
        lead: How far the first hit stands above the mean of the others, by fused score.
        hit_words: Share of the question's words in the hit that has most of them.
        new_words: Of the question's words that the first hit's title and headings have not, the share in its body: a
            passage on the topic has the others anyway.
        beyond: Highest cosine of a piece of the best document, without what title and question share.
        spelling: Mean likeness of each word of the question, typing errors and all, to the nearest in the first hit.
        question: Logit of :func:`ragkit.generate.relevance.question_head`.
    """

    piece: float
    lead: float
    hit_words: float
    new_words: float
    beyond: float
    spelling: float
    question: float


INTERCEPT = -4.97
WEIGHTS = Signs(piece=3.42, lead=4.49, hit_words=0.46, new_words=1.23, beyond=2.09, spelling=1.21, question=0.51)


@dataclass(frozen=True, slots=True)
class Support:
    """What was read of one question and its hits. ``value`` is 0 where the hits hold no piece."""

    value: float
    ranking: Ranking
    signs: Signs | None = None


class SupportEstimator:
    """Estimates from question and hits alone whether they hold an answer; nothing is kept between calls.

    Args:
        embedder: Encodes question and sentences; loaded by :meth:`load`, or when first used.
    """

    def __init__(self, embedder: SentenceEncoder) -> None:
        self._embedder = embedder

    def load(self) -> None:
        """Load the encoder. May be called any number of times."""
        self._embedder.load()

    def estimate(self, question: MaskedQuestion, hits: Sequence[Hit]) -> float:
        """Return the probability in 0..1 that the hits, best first, hold an answer; 0 without hits."""
        kept = [hit for hit in hits if hit.chunk.record.strip()]
        if not kept:
            return 0.0
        self.load()
        return self.read(question.text.index, kept).value

    def read(self, question: Masked, hits: Sequence[Hit], *, terms: QuestionTerms | None = None) -> Support:
        """Rank the pieces of the hits and weigh what speaks for an answer. ``hits`` is not empty."""
        terms = terms or QuestionTerms(question)
        ranking = read_pieces(question, hits, self._embedder, terms=terms)
        if not ranking.pieces:
            return Support(0.0, ranking)
        fitting = question_head(ranking.question, str(getattr(self._embedder, "fingerprint", "")))
        signs = read_signs(question, hits, ranking.pieces, terms, fitting)
        return Support(estimate_support(signs), ranking, signs)


def estimate_support(signs: Signs) -> float:
    """Return the probability in 0..1 that the hits hold an answer (logistic regression)."""
    total = INTERCEPT + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(signs)))
    return 1 / (1 + math.exp(-total))


def read_signs(
    question: Masked, hits: Sequence[Hit], ranked: Sequence[RankedPiece], terms: QuestionTerms, fitting: float = 0.0
) -> Signs:
    """Collect the signs of one question.

    Args:
        question: In the index view.
        hits: Best first, not empty.
        ranked: Their pieces, best first, not empty.
        terms: The question's words.
        fitting: What the head says of the question.
    """
    first, *others = hits
    read = [one for one in ranked[:_NEXT] if one.cosine is not None and one.hit.doc_id == ranked[0].hit.doc_id]
    above = terms.matched(first.chunk.context_index)
    new = terms.matched(first.chunk.index) - above
    have = (len(terms.matched(hit.chunk.embedded)) for hit in hits)
    return Signs(
        piece=max((one.cosine or 0.0 for one in ranked), default=0.0),
        lead=first.score - sum(hit.score for hit in others) / len(others) if others else 0.0,
        hit_words=max(have) / max(len(terms.words), 1),
        new_words=len(new) / max(len(terms.words) - len(above), 1),
        beyond=max((one.beyond or 0.0 for one in read), default=0.0),
        spelling=_spelling(question, first.chunk.embedded),
        question=fitting,
    )


def _spelling(question: str, text: str) -> float:
    """Mean over the question's words of the likeness to the nearest word of the text with the same first letter."""
    words = [word.casefold() for word in _WORD.findall(question)]
    known = {word.casefold() for word in _WORD.findall(text)}
    if not words:
        return 0.0
    return sum(1.0 if word in known else _nearest(word, known) for word in words) / len(words)


def _nearest(word: str, known: set[str]) -> float:
    """Highest share of common runs of three letters (Jaccard), word ends marked."""
    own = _trigrams(word)
    near = (_trigrams(other) for other in known if other[0] == word[0] and abs(len(other) - len(word)) <= len(word))
    return max((len(own & other) / len(own | other) for other in near), default=0.0)


def _trigrams(word: str) -> set[str]:
    marked = f"<{word}>"
    return {marked[at : at + 3] for at in range(len(marked) - 2)}
