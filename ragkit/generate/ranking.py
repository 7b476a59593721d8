"""Orders the pieces of the hits by how likely each answers the question.

Words first, meaning second: every piece is weighed by the question's words it has, which costs microseconds; the best
of these are compared with the question by the encoder, which costs milliseconds a piece. The weights of the sum were
chosen on a grid by how often the best piece holds the answer, on xquad (es, ru, tr) and wikitables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from ragkit.errors import ChunkTooLong
from ragkit.generate.pieces import Piece, cut, index_text, row_text
from ragkit.generate.terms import QuestionTerms, share
from ragkit.types import Hit, Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

ENCODED = 25  # pieces that the encoder reads for one question
_LEAD_CREDIT = 0.5  # a question word that only the heading or the opening line has counts half

WORDS_WEIGHT = 1.0
HIT_WEIGHT = 0.4
COSINE_WEIGHT = 1.0


_LETTERHEAD = re.compile(
    r"(?:From|To|Cc|Date|Sent|Subject|Von|An|Gesendet|Betreff|De|À|Objet|Para|Asunto|Da|A|Oggetto):\s"
)
_TOKEN = re.compile(r"\[[A-Z_]+:[^\]\s]+\]")
_LETTERHEAD_COST = 0.4  # the head of a letter has the words of every question about it, and seldom the answer


class SentenceEncoder(Protocol):
    """What the generator needs of an embedder. One with ``embed_questions(texts) -> (n, d)`` is asked in one go."""

    def load(self) -> None: ...

    def embed_question(self, text: Masked) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class RankedPiece:
    """One piece with what speaks for it.

    Attributes:
        rank: Position of its hit, from 0.
        words: Share in 0..1 of the question's weighted words in the piece, those of its lead counted half.
        matched: The question's words in the piece itself.
        cosine: Similarity to the question, ``None`` when the encoder did not read it.
        beyond: Similarity to the question once what both share with the title and headings above the hit is taken out
            of both; the cosine where there are none.
        score: The sum it is ordered by.
    """

    hit: Hit
    rank: int
    piece: Piece
    words: float
    matched: frozenset[str]
    cosine: float | None = None
    beyond: float | None = None
    score: float = 0.0

    @property
    def quote(self) -> Masked:
        """The piece in the record view, word for word."""
        return Masked(self.hit.chunk.record[self.piece.start : self.piece.end])


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pieces that can answer, best first; those the encoder did not read come last. ``question`` is its vector."""

    pieces: list[RankedPiece]
    question: NDArray[np.float32] | None = None


def rank_pieces(
    question: Masked, hits: Sequence[Hit], encoder: SentenceEncoder, *, terms: QuestionTerms
) -> list[RankedPiece]:
    """Return the pieces of :func:`read_pieces`."""
    return read_pieces(question, hits, encoder, terms=terms).pieces


def read_pieces(question: Masked, hits: Sequence[Hit], encoder: SentenceEncoder, *, terms: QuestionTerms) -> Ranking:
    """Rank the pieces of the hits, and give the question's vector with them."""
    found = _weigh_words(hits, terms)
    found.sort(key=lambda one: (-_by_words(one), one.rank, one.piece.start))
    read, rest = found[:ENCODED], found[ENCODED:]
    if not read:
        return Ranking([])
    above = list(dict.fromkeys(one.hit.chunk.context_index for one in read if one.hit.chunk.context_index))
    asked, *vectors = _embed([question, *map(_encoded_text, read), *above], encoder)
    contexts = dict(zip(above, vectors[len(read) :]))
    ranked = [_scored(one, asked, vector, contexts) for one, vector in zip(read, vectors)]
    ranked.sort(key=lambda one: (-one.score, one.rank, one.piece.start))
    return Ranking(ranked + rest, asked)


def _scored(
    one: RankedPiece, asked: Vector | None, vector: Vector | None, contexts: Mapping[Masked, Vector | None]
) -> RankedPiece:
    cosine = beyond = 0.0
    if asked is not None and vector is not None:
        cosine = beyond = float(vector @ asked)
        context = contexts.get(one.hit.chunk.context_index)
        if context is not None:
            beyond = _cosine_beside(asked, vector, context)
    return replace(one, cosine=cosine, beyond=beyond, score=COSINE_WEIGHT * cosine + _by_words(one))


def _cosine_beside(one: Vector, other: Vector, common: Vector) -> float:
    """The cosine of two unit vectors after their parts along a third are taken away; 0 where nothing is left."""
    first, second = float(one @ common), float(other @ common)
    left = max(0.0, 1 - first * first) * max(0.0, 1 - second * second)
    return (float(one @ other) - first * second) / left**0.5 if left > 1e-6 else 0.0


def _by_words(one: RankedPiece) -> float:
    letterhead = one.piece.kind in ("record", "line") and _LETTERHEAD.match(one.quote)
    return WORDS_WEIGHT * one.words + HIT_WEIGHT * one.hit.score - (_LETTERHEAD_COST if letterhead else 0.0)


def _weigh_words(hits: Sequence[Hit], terms: QuestionTerms) -> list[RankedPiece]:
    pieces = [(rank, hit, piece) for rank, hit in enumerate(hits) for piece in _answers(hit)]
    own = [terms.matched(_piece_text(hit, piece)) for _, hit, piece in pieces]
    weights = terms.weights(own)
    around = [terms.matched(hit.chunk.context_index) for hit in hits]
    ranked = []
    for (rank, hit, piece), matched in zip(pieces, own):
        lead = terms.matched(index_text(hit.chunk, *piece.lead)) if piece.lead != (0, 0) else frozenset()
        beside = (lead | around[rank]) - matched
        words = share(matched, weights) + _LEAD_CREDIT * share(beside, weights)
        ranked.append(RankedPiece(hit, rank, piece, words, matched))
    return ranked


def _answers(hit: Hit) -> list[Piece]:
    """Pieces that can stand as an answer: no heading, question or masked value by itself; all if there is no other."""
    record = hit.chunk.record
    pieces = cut(hit.chunk)
    statements = [
        piece for piece in pieces if piece.kind != "heading" and _states(record[piece.start : piece.end], piece)
    ]
    return statements or pieces


def _states(text: str, piece: Piece) -> bool:
    if piece.kind == "row":
        return True
    asks = text.rstrip("*_\"'”’» ").endswith(("?", "？"))
    return not asks and any(map(str.isalnum, _TOKEN.sub("", text)))


def _piece_text(hit: Hit, piece: Piece) -> Masked:
    """The piece in the index view; a table row with its column names."""
    text = index_text(hit.chunk, piece.start, piece.end)
    return Masked(row_text(text, piece.header)) if piece.kind == "row" else text


def _encoded_text(one: RankedPiece) -> Masked:
    text = _piece_text(one.hit, one.piece)
    if one.piece.lead == (0, 0):
        return text
    return Masked(f"{index_text(one.hit.chunk, *one.piece.lead)}\n{text}")


def _embed(texts: Sequence[Masked], encoder: SentenceEncoder) -> Sequence[NDArray[np.float32] | None]:
    """Unit vectors in the order of the texts; ``None`` for a text beyond the encoder's window."""
    together = getattr(encoder, "embed_questions", None)
    if together is not None:
        try:
            return list(together(list(texts)))
        except ChunkTooLong:
            pass
    vectors: list[NDArray[np.float32] | None] = []
    for text in texts:
        try:
            vectors.append(encoder.embed_question(text))
        except ChunkTooLong:
            vectors.append(None)
    return vectors
