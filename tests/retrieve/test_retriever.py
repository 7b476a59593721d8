"""From question to hits: nobody sees what the record store does not show them, and everybody sees what it does."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ragkit.audit.schema import check
from ragkit.errors import AuditUnavailable, FilterRefused
from ragkit.retrieve.retriever import HybridRetriever
from ragkit.types import Chunk, Hit, Masked, MaskedQuestion, MaskedText, Principal, Provenance, Reading, Trust

DIMENSION = 8


class Store:
    """A record store in memory: chunks with access lists and metadata; the index may know stale classes of them."""

    def __init__(self) -> None:
        self.chunks: dict[int, Hit] = {}
        self.access: dict[int, frozenset[str]] = {}
        self.indexed_class: dict[int, str] = {}
        self.topics: dict[int, str] = {}
        self.vectors: dict[int, NDArray[np.float32]] = {}
        self.asked = 0
        self.lists_filtered = True

    def add(self, access: frozenset[str], *, topic: str = "lamps", document: str | None = None) -> int:
        number = len(self.chunks) + 1
        text = Masked(f"chunk word{number} about {topic}")
        chunk = Chunk(ordinal=0, record=text, index=text, source_start=0, source_end=len(text))
        name = document or f"document{number:012d}abcd"
        self.chunks[number] = Hit(chunk_id=number, doc_id=name, version=1, chunk=chunk, score=0, title=Masked("t"))
        self.access[number] = access
        self.indexed_class[number] = ";".join(sorted(access))
        self.topics[number] = topic
        vector = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
        self.vectors[number] = vector / np.linalg.norm(vector)
        return number

    def may_see(self, number: int, principal: Principal) -> bool:
        return number in self.chunks and bool(self.access[number] & principal.tokens)

    def classes_for(self, principal: Principal) -> frozenset[str]:
        classes = set(self.indexed_class.values()) | {";".join(sorted(tokens)) for tokens in self.access.values()}
        return frozenset(name for name in classes if principal.tokens & set(name.split(";")))

    def hits(
        self, chunk_ids: Sequence[int], *, principal: Principal, filters: Mapping[str, str] | None = None
    ) -> dict[int, Hit]:
        self.asked += 1
        self._check(filters)
        return {
            number: self.chunks[number]
            for number in chunk_ids
            if self.may_see(number, principal) and (not filters or self.topics[number] == filters["topic"])
        }

    def filtered_ids(self, filters: Mapping[str, str], *, principal: Principal) -> frozenset[int] | None:
        self._check(filters)
        if not self.lists_filtered:
            return None
        return frozenset(self.hits(list(self.chunks), principal=principal, filters=filters))

    def _check(self, filters: Mapping[str, str] | None) -> None:
        if filters is not None and set(filters) != {"topic"}:
            raise FilterRefused("a filter key may not be filtered on")


class Index:
    """Exact rankers over the store as it was indexed, the dead and the re-classed included."""

    generation, through = 4, 9

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known = dict(store.indexed_class)
        self.depths: list[int] = []

    def search_dense(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        self.depths.append(k)
        rows = [(n, float(self.store.vectors[n] @ vector)) for n in self._allowed(classes, only)]
        return sorted(rows, key=lambda hit: -hit[1])[:k]

    def search_lexical(
        self, text: Masked, k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        words = text.split()
        rows = [(n, 5.0) for n in self._allowed(classes, only) if f"word{n}" in words]
        return rows[:k]

    def lexical_bound(self, text: Masked) -> float:
        return 5.0 * len(text.split())

    def _allowed(self, classes: Collection[str], only: Collection[int] | None) -> list[int]:
        return [n for n, name in self.known.items() if name in classes and (only is None or n in only)]


class Embedder:
    """Embeds a question about chunk n as the vector of chunk n."""

    fingerprint, dimension, max_tokens = "fake", DIMENSION, 256

    def __init__(self, store: Store) -> None:
        self.store = store

    def load(self) -> None:
        pass

    def count_tokens(self, texts: Sequence[Masked]) -> list[int]:
        return [len(text.split()) + 2 for text in texts]

    def embed_question(self, text: Masked) -> NDArray[np.float32]:
        return self.store.vectors[int(text.rpartition("word")[2])]

    def embed(self, texts: Sequence[Masked]) -> NDArray[np.float32]:
        return np.stack([self.embed_question(text) for text in texts])


class Events:
    """Keeps events that fit the catalogue; refuses all others."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.full = False

    def record(self, kind: str, *, data: Mapping[str, Any] | None = None, **envelope: Any) -> None:
        if self.full:
            raise AuditUnavailable("the log is full")
        check(kind, data or {}, request=envelope.get("request"))
        self.kept.append({"kind": kind, **(data or {}), **envelope})

    def flush(self) -> None:
        pass


def asking(number: int) -> MaskedQuestion:
    """A question about one chunk."""
    text = Masked(f"what about word{number}")
    return MaskedQuestion(text=MaskedText(text, text), collection="shop", policy="p1")


def make(store: Store, **options: Any) -> tuple[HybridRetriever, Index, Events]:
    """A retriever over a store as it stands now."""
    index, events = Index(store), Events()
    retriever = HybridRetriever(index, store, Embedder(store), events, collection="shop", **options)
    return retriever, index, events


ANA = Principal("local|ana", frozenset({"files|sales"}))
PUBLIC = frozenset({"pub"})


def test_2000_random_access_cases_leak_nothing_and_hide_nothing() -> None:
    """Against a brute-force oracle, with an index that knows stale classes and dead chunks: 0 leaks, full recall."""
    rng = random.Random(11)
    tokens = ["pub", *(f"u:local|{name}" for name in "abcd"), *(f"g:files|{name}" for name in "wxyz")]
    leaked = missed = cases = 0
    for _ in range(40):
        store = Store()
        for _ in range(40):
            store.add(frozenset(rng.sample(tokens, rng.randint(0, 3))))
        retriever, _, _ = make(store, candidates=10)
        for number in rng.sample(range(1, 41), 6):
            if rng.random() < 0.5:
                store.access[number] = frozenset(rng.sample(tokens[1:], 1)) & store.access[number]  # shrinks
            else:
                del store.chunks[number]
        for _ in range(50):
            groups = frozenset(f"files|{name}" for name in rng.sample("wxyz", rng.randint(0, 2)))
            principal = Principal(f"local|{rng.choice('abcdef')}", groups)
            found = [hit.chunk_id for hit in retriever.retrieve(asking(rng.randint(1, 40)), k=40, principal=principal)]
            visible = {number for number in store.chunks if store.may_see(number, principal)}
            leaked += len(set(found) - visible)
            missed += len(visible - set(found))
            cases += 1
            assert len(found) == len(set(found))
    assert (cases, leaked, missed) == (2_000, 0, 0)


def test_best_hits_come_first_with_their_scores() -> None:
    """The chunk asked for leads; hits carry the fused score and what each ranker said."""
    store = Store()
    for _ in range(50):
        store.add(PUBLIC)
    retriever, _, _ = make(store)
    hits = retriever.retrieve(asking(17), k=5, principal=ANA)
    assert hits[0].chunk_id == 17
    assert hits[0].lexical == 5.0
    assert hits[0].dense == pytest.approx(1.0)
    assert hits[1].lexical is None
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(hits) == 5


def test_dropped_candidates_are_replaced() -> None:
    """When the best candidates died since they were indexed, the next take their place, and the rankers go deeper."""
    store = Store()
    for _ in range(300):
        store.add(PUBLIC)
    retriever, index, events = make(store, candidates=10)
    order = [n for n, _ in index.search_dense(store.vectors[1], 300, {"pub"})]
    for number in order[:290]:
        del store.chunks[number]
    index.depths.clear()
    found = [hit.chunk_id for hit in retriever.retrieve(asking(1), k=8, principal=ANA)]
    assert found == order[290:298]
    assert index.depths[:2] == [10, 100]
    assert index.depths[-1] >= 300
    assert events.kept[-1]["dropped"] >= 290


def test_principal_without_access_finds_nothing_and_asks_no_ranker() -> None:
    """No access class, no search, no hit; the event says so."""
    store = Store()
    store.add(frozenset({"g:files|board"}))
    retriever, index, events = make(store)
    assert retriever.retrieve(asking(1), k=8, principal=ANA) == []
    assert index.depths == []
    assert (events.kept[-1]["classes"], events.kept[-1]["returned"]) == (0, 0)


@pytest.mark.parametrize("lists", [True, False])
def test_filters_narrow_the_search(lists: bool) -> None:
    """A rare topic is found in full, whether the store can list its chunks or not, and nothing of another topic is."""
    store = Store()
    store.lists_filtered = lists
    for number in range(400):
        store.add(PUBLIC, topic="beds" if number % 100 == 0 else "lamps")
    retriever, _, events = make(store, candidates=20)
    hits = retriever.retrieve(asking(5), k=8, principal=ANA, filters={"topic": "beds"})
    assert {hit.chunk_id for hit in hits} == {1, 101, 201, 301}
    assert events.kept[-1]["filter_keys"] == ["topic"]


@pytest.mark.parametrize("principal", [ANA, Principal("local|nobody")])
@pytest.mark.parametrize("filters", [{}, {"secret": "x"}])
def test_empty_and_unknown_filters_are_refused(filters: dict[str, str], principal: Principal) -> None:
    """An empty filter never means "all", an unknown key never means "any"; with and without access alike."""
    store = Store()
    store.add(frozenset({"g:files|sales"}))
    retriever, _, _ = make(store)
    with pytest.raises(FilterRefused):
        retriever.retrieve(asking(1), k=8, principal=principal, filters=filters)


def test_one_document_does_not_fill_the_result() -> None:
    """At most so many chunks of one document, when asked for."""
    store = Store()
    for number in range(60):
        store.add(PUBLIC, document=f"document{number % 4:012d}abcd")
    retriever, _, _ = make(store, per_document=2)
    hits = retriever.retrieve(asking(3), k=20, principal=ANA)
    assert len(hits) == 8
    assert max(sum(hit.doc_id == other.doc_id for hit in hits) for other in hits) == 2


@pytest.mark.parametrize(("internal", "k", "expected"), [(20, 8, 4), (20, 5, 3), (2, 8, 6), (0, 8, 8)])
def test_external_sources_do_not_fill_the_result(internal: int, k: int, expected: int) -> None:
    """Of k hits at most half are external while others are at hand; without others the result is as full as ever."""
    store = Store()
    external = {store.add(PUBLIC) for _ in range(10)}
    for number in external:
        store.chunks[number] = replace(store.chunks[number], provenance=Provenance("web", Trust.EXTERNAL))
    for _ in range(internal):
        store.add(PUBLIC)
    for number in store.chunks:  # every external text is nearer to the question than any other
        angle = number / len(store.chunks) * np.pi / 2
        store.vectors[number] = np.array([np.cos(angle), np.sin(angle), *[0] * (DIMENSION - 2)], np.float32)
    retriever, _, _ = make(store)
    found = retriever.retrieve(asking(1), k=k, principal=ANA)
    assert len(found) == min(k, 10 + internal)
    assert sum(hit.chunk_id in external for hit in found) == expected
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)


def test_many_questions_give_what_one_by_one_gives() -> None:
    """Bulk retrieval is the same retrieval."""
    store = Store()
    for _ in range(30):
        store.add(PUBLIC)
    retriever, _, events = make(store)
    questions = [asking(number) for number in (2, 9, 30)]
    one_by_one = [retriever.retrieve(question, k=4, principal=ANA) for question in questions]
    assert retriever.retrieve_many(questions, k=4, principal=ANA) == one_by_one
    assert retriever.retrieve_many([], k=4, principal=ANA) == []
    assert len(events.kept) == 6


def test_event_says_what_was_found_without_content() -> None:
    """One event a question: ids, versions, ranks and millionths of scores; no word of question or chunk."""
    store = Store()
    for _ in range(12):
        store.add(PUBLIC)
    retriever, _, events = make(store)
    request = "0123456789abcdef0123456789abcdef"
    hits = retriever.retrieve(asking(3), k=2, principal=ANA, request=request)
    [event] = events.kept
    assert (event["kind"], event["request"], event["actor"]) == ("retrieval.done", request, ANA)
    told = (event["generation"], event["through"], event["exact"], event["k"], event["returned"])
    assert told == (4, 9, False, 2, 2)
    assert event["chunks"][0] == {
        "chunk": 3,
        "doc": hits[0].doc_id,
        "version": 1,
        "score_u": round(hits[0].score * 1_000_000),
        "rank": 1,
    }
    assert "word3" not in str(event)
    assert "about" not in str(event)


def test_nothing_is_returned_that_could_not_be_recorded() -> None:
    """An event that cannot be written keeps the hits back."""
    store = Store()
    store.add(PUBLIC)
    retriever, _, events = make(store)
    events.full = True
    with pytest.raises(AuditUnavailable):
        retriever.retrieve(asking(1), k=1, principal=ANA)


def test_stale_class_does_not_outlive_the_access_list() -> None:
    """A chunk whose access list shrank is hidden at once, although the index still files it under the old class."""
    store = Store()
    number = store.add(PUBLIC)
    store.add(PUBLIC)
    retriever, _, _ = make(store)
    assert retriever.retrieve(asking(number), k=5, principal=ANA)[0].chunk_id == number
    store.access[number] = frozenset({"g:files|board"})
    assert [hit.chunk_id for hit in retriever.retrieve(asking(number), k=5, principal=ANA)] == [2]


def test_hits_are_new_records() -> None:
    """The store's own records are not changed by ranking."""
    store = Store()
    number = store.add(PUBLIC)
    retriever, _, _ = make(store)
    [hit] = retriever.retrieve(asking(number), k=1, principal=ANA)
    assert store.chunks[number].score == 0
    assert replace(hit, score=0, dense=None, lexical=None) == store.chunks[number]


def test_every_reading_is_searched_for() -> None:
    """A question that may mean either of two chunks finds both, one event, and nothing that is not to be seen."""
    store = Store()
    for _ in range(6):
        store.add(frozenset({"pub"}))
    hidden = store.add(frozenset({"u:local|ben"}))
    retriever, _, events = make(store)
    asked = replace(asking(2), readings=(Reading(asking(5).text, 0.9), Reading(asking(hidden).text)))
    hits = retriever.retrieve(asked, k=4, principal=ANA)
    found = [hit.chunk_id for hit in hits]
    assert found[0] == 2
    assert 5 in found
    assert hidden not in found
    assert [event["kind"] for event in events.kept] == ["retrieval.done"]
    plain, again = retriever.retrieve_many([asking(3), asked], k=4, principal=ANA)
    assert plain[0].chunk_id == 3
    assert again == hits
