"""The ``extractive`` generator: answers with sentences of the hits, each with its citation, and refuses when unsure.

::

    generator = ExtractiveGenerator(embedder)
    generator.load()
    generation = generator.generate(GenerationRequest(question, hits, data_class))

It writes nothing of its own: every sentence, list and table row stands in a retrieved chunk word for word (images, HTML
and live links apart, which are shown as words; the quotation in the citation keeps them), so a citation is true by
construction, and a value put in front ("five years. Every desk …") is part of what is quoted after
it. It needs no model beyond the encoder that made the index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragkit.errors import ConfigError
from ragkit.generate.direct import value_in_front
from ragkit.generate.ranking import RankedPiece, SentenceEncoder
from ragkit.generate.sanitise import sanitise
from ragkit.generate.statements import says_something
from ragkit.generate.stitching import compose, replies, with_openings
from ragkit.generate.support import SupportEstimator
from ragkit.generate.terms import QuestionTerms
from ragkit.generate.wording import show_value
from ragkit.types import Checks, Citation, Generation, GenerationRequest, Location, Masked

REFUSAL = Masked("The documents do not answer this.")
MIN_SUPPORT = 0.4
_SURE = 0.5  # support from which a value may stand in front of the sentence it is taken from
_KEEP = 0.75  # share of the best score that a further sentence needs
_SAME = 0.8  # two sentences that share this much of their words say the same
_CONTAINED = 6  # words from which a sentence within a longer one is a repetition


class ExtractiveGenerator:
    """Answers from the hits alone, in this process.

    Args:
        embedder: Encodes question and sentences; loaded by :meth:`load`.
        sentences: At most this many sentences, rows or lists an answer; the line that opens a quoted list item comes on
            top.
        min_support: Refuse below this estimate, 0..1. 0 never refuses while there are hits.

    Raises:
        ConfigError: An option out of range.
    """

    def __init__(self, embedder: SentenceEncoder, *, sentences: int = 3, min_support: float = MIN_SUPPORT) -> None:
        if sentences < 1 or not 0 <= min_support <= 1:
            raise ConfigError(
                "an option of the extractive generator is out of range",
                remedy="Set `sentences` to 1 or more and `min_support` between 0 and 1.",
            )
        self._estimator = SupportEstimator(embedder)
        self._sentences = sentences
        self._min_support = min_support

    @property
    def name(self) -> str:
        """``extractive``."""
        return "extractive"

    @property
    def location(self) -> Location:
        """``in-process``: nothing is sent anywhere."""
        return Location.IN_PROCESS

    def load(self) -> None:
        """Load the encoder. May be called any number of times."""
        self._estimator.load()

    def generate(self, request: GenerationRequest) -> Generation:
        """Answer, or refuse with ``no-hits`` or ``weak-support``. Hits without text count as none."""
        return self._answer(request)[1]

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Yield the answer statement by statement, each with its marker, then the generation."""
        parts, generation = self._answer(request)
        yield from parts
        yield generation

    def _answer(self, request: GenerationRequest) -> tuple[list[Masked], Generation]:
        """The text in parts that joined are that of the generation."""
        hits = [hit for hit in request.hits if hit.chunk.record.strip()]
        if not hits:
            return _refuse("no-hits", 0.0)
        question = request.question.text.index
        terms = QuestionTerms(question)
        read = self._estimator.read(question, hits, terms=terms)
        support = read.value
        telling = [one for one in read.ranking.pieces if says_something(one.hit.chunk, one.piece, terms)]
        if not telling or support < self._min_support:
            return _refuse("weak-support", support)
        front = value_in_front(question, terms, telling) if support >= _SURE else None
        chosen = _choose(telling, self._sentences)
        first = chosen[:1] if front or replies(chosen[0]) else []
        statements = with_openings([*first, *_in_reading_order(chosen[len(first) :])])
        made = [sanitise(part, _stands) for part in compose(statements, show_value(front) if front else None)]
        parts = [Masked(text) for text, _ in made]
        checks = Checks(sanitised=sum(removed for _, removed in made))
        citations = tuple(_cite(one, marker) for marker, one in enumerate(statements, start=1))
        return parts, Generation(text=Masked("".join(parts)), citations=citations, support=support, checks=checks)


def _stands(_address: str) -> bool:
    """Every address in a quotation stands in the sources: it is shown, in a form that nothing makes a link of."""
    return True


def _refuse(reason: str, support: float) -> tuple[list[Masked], Generation]:
    return [REFUSAL], Generation(text=REFUSAL, refused=True, reason=reason, support=support)


def _choose(ranked: Sequence[RankedPiece], count: int) -> list[RankedPiece]:
    """The best pieces, without those far behind the best and those that a piece already taken makes needless."""
    chosen: list[RankedPiece] = []
    for one in ranked:
        if len(chosen) == count or one.score < _KEEP * ranked[0].score:
            break
        if not any(_repeats(one, other) or _misses_row(one, other) for other in chosen):
            chosen.append(one)
    return chosen


def _repeats(one: RankedPiece, other: RankedPiece) -> bool:
    """Whether both say the same, or, rows of tables apart, one says it within a longer stretch."""
    words, others = set(one.quote.casefold().split()), set(other.quote.casefold().split())
    fewer = min(len(words), len(others))
    within = fewer >= _CONTAINED and "row" not in (one.piece.kind, other.piece.kind)
    return len(words & others) >= _SAME * (fewer if within else len(words | others))


def _misses_row(one: RankedPiece, other: RankedPiece) -> bool:
    """Whether another row of the same table has all that this one has of the question, and more."""
    rows = one.piece.kind == other.piece.kind == "row" and one.piece.header == other.piece.header
    return rows and one.hit.doc_id == other.hit.doc_id and one.matched < other.matched


def _in_reading_order(chosen: Sequence[RankedPiece]) -> list[RankedPiece]:
    """Documents by their best piece; within one document as it reads."""
    first: dict[str, int] = {}
    for place, one in enumerate(chosen):
        first.setdefault(one.hit.doc_id, place)
    return sorted(chosen, key=lambda one: (first[one.hit.doc_id], one.hit.chunk.ordinal, one.piece.start))


def _cite(one: RankedPiece, marker: int) -> Citation:
    start, end = one.hit.chunk.source_range(one.piece.start, one.piece.end)
    return Citation(
        marker=marker,
        doc_id=one.hit.doc_id,
        version=one.hit.version,
        chunk_id=one.hit.chunk_id,
        title=one.hit.title,
        start=start,
        end=end,
        quote=one.quote,
        uri=one.hit.uri,
        source=one.hit.provenance.source,
        page=one.hit.chunk.page,
        heading=one.hit.chunk.heading_at(one.piece.start),
    )
