"""From a masked question to hits that its asker may see.

::

    retriever = HybridRetriever(index=…, hits=…, embedder=…, recorder=…, collection="handbook")
    hits = retriever.retrieve(question, k=8, principal=principal)

Both rankers are asked for candidates from the access classes the principal may see; the candidates are fused; then the
record store has the last word, candidate by candidate: what is gone, changed or forbidden is dropped and the next one
takes its place. Where too few remain, the rankers are asked for more, in the end for all.

A question that can be read in several ways is searched for in each of them, and the rankings are merged by rank.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragkit.errors import FilterRefused
from ragkit.protocols import CandidateSearch, Embedder, HitSource, Recorder
from ragkit.retrieve.fusion import Fused, dense_weight, fragmentation, fuse, merge
from ragkit.retrieve.windows import cut_windows, mean_vector
from ragkit.types import Hit, Masked, MaskedQuestion, Principal, Reading, Trust

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MICRO = 1_000_000
_DEEPER = 10
_EVERYTHING = 1 << 24
_LEAST_COVER = 0.1
_AS_WELL = 0.6
_SPARE = 2
"""Candidates checked beyond ``k`` at once; each costs a decryption, each further round a query."""


@dataclass(frozen=True, slots=True)
class _Search:
    """What one reading of a question asks of the rankers; ``share`` is its weight among the readings."""

    text: Masked
    vector: NDArray[np.float32]
    weight: float
    bound: float
    classes: frozenset[str]
    only: frozenset[int] | None
    share: float
    alike: bool


@dataclass(frozen=True, slots=True)
class _Read:
    """One reading of a question, embedded; ``pieces`` without special tokens."""

    text: Masked
    vector: NDArray[np.float32]
    pieces: int
    share: float
    alike: bool


@dataclass(frozen=True, slots=True)
class _Ranked:
    """The ranking of one reading; ``covered`` tells how much of its words the best chunk has, 0..1."""

    ranking: list[Fused]
    exhausted: bool
    covered: float


@dataclass(slots=True)
class _Tally:
    """What happened on the way, for the event; counts only."""

    candidates: int = 0
    checked: set[int] = field(default_factory=set)
    dropped: int = 0
    by_document: dict[str, int] = field(default_factory=dict)


class HybridRetriever:
    """Implements :class:`ragkit.protocols.Retriever`. Thread-safe when its parts are.

    Args:
        index: The rankers.
        hits: The record store's check.
        embedder: Embeds the question, and counts its word pieces to weigh the rankers.
        recorder: Gets one ``retrieval.done`` a question, without content.
        collection: The collection's name, for the event.
        candidates: How many each ranker is asked for at first.
        per_document: Most chunks of one document in a result; ``None`` for any number.
    """

    def __init__(
        self,
        index: CandidateSearch,
        hits: HitSource,
        embedder: Embedder,
        recorder: Recorder,
        *,
        collection: str,
        candidates: int = 100,
        per_document: int | None = None,
    ) -> None:
        self._index = index
        self._hits = hits
        self._embedder = embedder
        self._recorder = recorder
        self._collection = collection
        self._candidates = candidates
        self._per_document = per_document

    def retrieve(
        self,
        question: MaskedQuestion,
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None = None,
        request: str | None = None,
        session: str = "",
    ) -> list[Hit]:
        """Return at most ``k`` hits, best first, each checked in the record store for this principal and these filters.

        Raises:
            FilterRefused: An empty filter, or a key that is not whitelisted.
            AuditUnavailable: The event could not be recorded; nothing is returned.
        """
        self._embedder.load()
        read = self._embed([question])[0]
        return self._retrieve(read, k=k, principal=principal, filters=filters, request=request, session=session)

    def retrieve_many(
        self,
        questions: Sequence[MaskedQuestion],
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None = None,
        request: str | None = None,
    ) -> list[list[Hit]]:
        """Do :meth:`retrieve` for each question; they are embedded together where the embedder can."""
        if not questions:
            return []
        self._embedder.load()
        return [
            self._retrieve(read, k=k, principal=principal, filters=filters, request=request)
            for read in self._embed(questions)
        ]

    def _embed(self, questions: Sequence[MaskedQuestion]) -> list[list[_Read]]:
        """Embed every reading of every question, together where the embedder can."""
        readings = [[Reading(question.text), *question.readings] for question in questions]
        texts = [reading.text.index for some in readings for reading in some]
        vectors = iter(self._vectors(texts))
        pieces = iter(self._pieces(texts))
        return [
            [_Read(one.text.index, next(vectors), next(pieces), one.weight, one.alike) for one in some]
            for some in readings
        ]

    def _vectors(self, texts: Sequence[Masked]) -> list[NDArray[np.float32]]:
        """Unit vectors in the order of the texts; one that is too long for the encoder is read in windows."""
        limit, count = self._embedder.max_tokens, self._embedder.count_tokens
        parts = [
            cut_windows(text, count, limit=limit) if pieces > limit else [text]
            for text, pieces in zip(texts, count(texts), strict=True)
        ]
        flat = [part for some in parts for part in some]
        together = getattr(self._embedder, "embed_questions", None) if len(flat) > 1 else None
        found = iter(together(flat) if together else [self._embedder.embed_question(text) for text in flat])
        vectors = [[next(found) for _ in some] for some in parts]
        return [
            of_one[0] if len(some) == 1 else mean_vector(of_one, [len(part) for part in some])
            for some, of_one in zip(parts, vectors, strict=True)
        ]

    def _pieces(self, texts: Sequence[Masked]) -> list[int]:
        """Count word pieces without the special tokens and prompts that every text gets."""
        *counts, overhead = self._embedder.count_tokens([*texts, Masked("")])
        return [max(0, count - overhead) for count in counts]

    def _retrieve(
        self,
        readings: Sequence[_Read],
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None,
        request: str | None,
        session: str = "",
    ) -> list[Hit]:
        began = time.monotonic()
        if filters is not None and not filters:
            raise FilterRefused("a filter is empty", remedy="Leave the filter out, or give each key a value.")
        classes = self._hits.classes_for(principal)
        tally, found = _Tally(), list[Hit]()
        # Also without any class, since an unknown filter key is refused to everybody alike.
        only = self._hits.filtered_ids(filters, principal=principal) if filters is not None else None
        if classes and k > 0 and only != frozenset():
            searches = [self._search(read, classes, only) for read in readings]
            found = self._fill(searches, tally, k=k, principal=principal, filters=filters)
        self._record(
            found,
            tally,
            classes,
            k=k,
            principal=principal,
            filters=filters,
            request=request,
            session=session,
            began=began,
        )
        return found

    def _search(self, read: _Read, classes: frozenset[str], only: frozenset[int] | None) -> _Search:
        weight = dense_weight(fragmentation(read.text, read.pieces))
        bound = self._index.lexical_bound(read.text)
        return _Search(read.text, read.vector, weight, bound, classes, only, read.share, read.alike)

    def _fill(
        self,
        searches: Sequence[_Search],
        tally: _Tally,
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None,
    ) -> list[Hit]:
        """Check candidates, best first, until ``k`` passed; go deeper while the rankers have more to give.

        Of the ``k`` at most half come from external sources while others are at hand: who can write a few texts into
        one would else fill the result with them (PoisonedRAG, USENIX Security 2025: five texts, 90 % success).
        """
        found: list[Hit] = []
        aside: list[tuple[int, Hit]] = []
        room = (k + 1) // 2
        depth = max(self._candidates, k)
        while True:
            rankings = [self._rank(search, depth) for search in searches]
            ranked = merge([one.ranking for one in rankings], _shares(searches, rankings))
            exhausted = all(one.exhausted for one in rankings)
            tally.candidates = len(ranked)
            for hit in self._check(ranked, tally, k=k, principal=principal, filters=filters):
                if hit.provenance.trust is Trust.EXTERNAL:
                    if not room:
                        aside.append((len(found) + len(aside), hit))
                        continue
                    room -= 1
                found.append(hit)
                if len(found) == k:
                    return found
            for place, hit in aside[: k - len(found)]:
                found.insert(place, hit)
            if exhausted or len(found) == k:
                return found
            del aside[:]
            depth = depth * _DEEPER if depth < self._candidates * _DEEPER else _EVERYTHING

    def _rank(self, search: _Search, depth: int) -> _Ranked:
        only = {} if search.only is None else {"only": search.only}
        dense = self._index.search_dense(search.vector, depth, search.classes, **only)
        lexical = self._index.search_lexical(search.text, depth, search.classes, **only)
        ranked = fuse(dense, lexical, weight=search.weight, bound=search.bound, depth=depth)
        covered = lexical[0][1] / search.bound if lexical and search.bound > 0 else 0.0
        return _Ranked(ranked, len(dense) < depth and len(lexical) < depth, covered)

    def _check(
        self,
        ranked: Sequence[Fused],
        tally: _Tally,
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None,
    ) -> Iterator[Hit]:
        left = [candidate for candidate in ranked if candidate.chunk_id not in tally.checked]
        width = k + _SPARE
        while left:
            some, left = left[:width], left[width:]
            width *= 2
            ids = [candidate.chunk_id for candidate in some]
            passed = self._hits.hits(ids, principal=principal, filters=filters)
            for candidate in some:
                tally.checked.add(candidate.chunk_id)
                hit = passed.get(candidate.chunk_id)
                if hit is None:
                    tally.dropped += 1
                elif self._has_room(hit, tally):
                    yield replace(hit, score=candidate.score, dense=candidate.dense, lexical=candidate.lexical)

    def _has_room(self, hit: Hit, tally: _Tally) -> bool:
        taken = tally.by_document.get(hit.doc_id, 0)
        if self._per_document is not None and taken >= self._per_document:
            return False
        tally.by_document[hit.doc_id] = taken + 1
        return True

    def _record(
        self,
        found: Sequence[Hit],
        tally: _Tally,
        classes: Collection[str],
        *,
        k: int,
        principal: Principal,
        filters: Mapping[str, str] | None,
        request: str | None,
        session: str,
        began: float,
    ) -> None:
        generation = self._index.generation
        self._recorder.record(
            "retrieval.done",
            request=request,
            session=session,
            actor=principal,
            data={
                "collection": self._collection,
                "generation": generation,
                "exact": generation == 0,
                "through": self._index.through,
                "k": k,
                "candidates": tally.candidates,
                "returned": len(found),
                "dropped": tally.dropped,
                "classes": len(classes),
                "filter_keys": sorted(filters or ()),
                "ms": int((time.monotonic() - began) * 1000),
                "chunks": [
                    {
                        "chunk": hit.chunk_id,
                        "doc": hit.doc_id,
                        "version": hit.version,
                        "score_u": round(hit.score * _MICRO),
                        "rank": rank,
                    }
                    for rank, hit in enumerate(found, start=1)
                ],
            },
        )


def _shares(searches: Sequence[_Search], rankings: Sequence[_Ranked]) -> list[float]:
    """Weigh readings by how well they are covered: ``grace period`` by a passage, ``grace invoice`` by Grace's letter.

    All but a word or two is the same in those that are alike, so their covers can be compared, as their fused scores
    cannot; others keep their weight. What is covered nearly as well counts whole, since a word that stands twice in a
    short chunk covers better, too.
    """
    best = max(one.covered for search, one in zip(searches, rankings, strict=True) if search.alike)
    if best <= 0:
        return [search.share for search in searches]
    covers = (min(1.0, max(one.covered / best / _AS_WELL, _LEAST_COVER)) for one in rankings)
    return [search.share * (cover if search.alike else 1.0) for search, cover in zip(searches, covers, strict=True)]
