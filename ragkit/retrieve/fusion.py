"""Fusing two rankings by how far the dense one can be trusted with this question.

::

    score = w · cosine + (1 − w) · BM25 / √(best BM25 · bound)
    w     = σ(INTERCEPT + SLOPE · ln(word pieces / words))

No fixed weight serves every collection: on German text the English encoder finds half of what BM25 does, on English
questions in other words than the text's it is the other way round. Two things decide, and neither needs a label:

* *How many pieces the encoder cuts a word into.* An encoder knows the words it was trained on whole and cuts others
  into fragments (all-MiniLM-L6-v2: 1.05 pieces a word in English questions, 1.7 in Spanish, 2.6 in Turkish, 5.4 in
  Russian); the more fragments, the less its cosines tell.
* *How much of the question the lexical ranker found.* BM25 is divided by the geometric mean of its best score and of
  its *bound*, the score of a chunk that holds every term of the question many times over. Where no chunk shares more
  than a few terms with the question, as between two languages, the best lexical score is then small against the
  cosines. Dividing by the best score alone trusts chance matches, by the bound alone mistrusts long questions.

INTERCEPT and SLOPE were fitted by ``benchmarks/fit_fusion.py`` on nine sets of questions (xquad es, ru and tr,
wikitables, sec10q). nDCG@10 is within .003 of the better ranker and of rank fusion on each of them, mostly above, and
within .007 with the constants fitted without the set's group. Left out because they added nothing there: top cosine,
spread of the cosines, overlap of the rankings, length of the question, share of its terms that the index knows.

:func:`merge` puts the rankings of several readings of one question together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

INTERCEPT = 0.713
SLOPE = -1.262
MERGE_CONSTANT = 2

_WORDS = re.compile(r"\w+|[^\w\s]")

Ranking = Sequence[tuple[int, float]]
"""``(chunk_id, score)``, best first."""


@dataclass(frozen=True, slots=True)
class Fused:
    """One candidate: its fused score in 0..1, and what each ranker said (``None``: not among its candidates)."""

    chunk_id: int
    score: float
    dense: float | None
    lexical: float | None


def fragmentation(text: str, pieces: int) -> float:
    """Return word pieces a word (or punctuation mark), at least 1. ``pieces`` counts no special tokens."""
    return max(1.0, pieces / max(1, len(_WORDS.findall(text))))


def dense_weight(fragments: float) -> float:
    """Return ``w``, the share of the dense ranker, from :func:`fragmentation`."""
    return 1 / (1 + math.exp(-(INTERCEPT + SLOPE * math.log(fragments))))


def fuse(dense: Ranking, lexical: Ranking, *, weight: float, bound: float, depth: int) -> list[Fused]:
    """Fuse two rankings of one question, best first; ties go to the lower chunk id.

    A candidate that one ranker did not return is given that ranker's last score when its list is full (``depth``
    candidates), since it can be no better; else 0, since it did not match at all.

    Args:
        dense: Cosines.
        lexical: BM25 scores.
        weight: The share of the dense ranker, 0..1.
        bound: The BM25 score that no chunk can exceed, for this question.
        depth: How many candidates each ranker was asked for.
    """
    cosines, terms = dict(dense), dict(lexical)
    scale = math.sqrt(lexical[0][1] * max(bound, lexical[0][1])) if lexical and lexical[0][1] > 0 else 1.0
    dense_floor, lexical_floor = _floor(dense, depth), _floor(lexical, depth)
    mixed = {
        number: weight * cosines.get(number, dense_floor) + (1 - weight) * terms.get(number, lexical_floor) / scale
        for number in (cosines | terms)
    }
    order = sorted(mixed, key=lambda number: (-mixed[number], number))
    return [Fused(n, min(1.0, max(0.0, mixed[n])), cosines.get(n), terms.get(n)) for n in order]


def merge(rankings: Sequence[Sequence[Fused]], shares: Sequence[float]) -> list[Fused]:
    """Merge the rankings of several readings of one question, best first; one ranking stays as it is.

    By reciprocal rank (Cormack, Clarke and Büttcher, SIGIR 2009), with two departures, since a reading is right or
    wrong as a whole: the constant is small, so that the first of each reading comes before the third of another, and
    a candidate counts by its best reading and not by their sum, as otherwise what is second to all comes before what
    is first to one. The scores of two readings cannot be compared, each being divided by the best of its own.

    Args:
        rankings: One a reading, the first reading first; ties go to it.
        shares: The weight of each reading.
    """
    if len(rankings) == 1:
        return list(rankings[0])
    best: dict[int, tuple[float, Fused]] = {}
    for ranking, share in zip(rankings, shares, strict=True):
        for rank, one in enumerate(ranking, 1):
            worth = share / (MERGE_CONSTANT + rank)
            if one.chunk_id not in best or worth > best[one.chunk_id][0]:
                best[one.chunk_id] = (worth, one)
    most = max(shares) / (MERGE_CONSTANT + 1)
    order = sorted(best.values(), key=lambda entry: -entry[0])  # stable: among equals the first reading's
    return [replace(one, score=worth / most) for worth, one in order]


def _floor(ranking: Ranking, depth: int) -> float:
    return ranking[-1][1] if len(ranking) >= depth else 0.0
