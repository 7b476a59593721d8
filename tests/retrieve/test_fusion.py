"""Fusing two rankings: bounded, ordered, monotonic, and leaning on the ranker that can be trusted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.retrieve.fusion import Fused, dense_weight, fragmentation, fuse, merge


def rankings(lowest: float, highest: float) -> st.SearchStrategy[list[tuple[int, float]]]:
    """Lists of distinct chunks, best first."""
    pairs = st.dictionaries(st.integers(1, 40), st.floats(lowest, highest), max_size=20)
    return pairs.map(lambda found: sorted(found.items(), key=lambda hit: (-hit[1], hit[0])))


COSINES, SCORES, WEIGHTS = rankings(-1, 1), rankings(0.01, 90), st.floats(0, 1)


@given(COSINES, SCORES, WEIGHTS, st.floats(0, 200))
def test_scores_are_bounded_and_sorted(
    dense: list[tuple[int, float]], lexical: list[tuple[int, float]], weight: float, bound: float
) -> None:
    """Each candidate comes once, scores are in 0..1 and fall, and each ranker's own score is kept."""
    fused = fuse(dense, lexical, weight=weight, bound=bound, depth=20)
    assert {candidate.chunk_id for candidate in fused} == dict(dense).keys() | dict(lexical).keys()
    assert len(fused) == len({candidate.chunk_id for candidate in fused})
    assert all(0 <= candidate.score <= 1 for candidate in fused)
    scores = [candidate.score for candidate in fused]
    assert scores == sorted(scores, reverse=True)
    for candidate in fused:
        assert candidate.dense == dict(dense).get(candidate.chunk_id)
        assert candidate.lexical == dict(lexical).get(candidate.chunk_id)


@given(COSINES, SCORES, WEIGHTS, st.data())
def test_a_better_cosine_never_hurts(
    dense: list[tuple[int, float]], lexical: list[tuple[int, float]], weight: float, data: st.DataObject
) -> None:
    """Raising one candidate's cosine does not let it fall in the fused order."""
    if not dense:
        return
    chosen = data.draw(st.sampled_from([chunk for chunk, _ in dense]))
    raised = sorted(
        ((chunk, min(1.0, score + 0.2) if chunk == chosen else score) for chunk, score in dense),
        key=lambda hit: (-hit[1], hit[0]),
    )

    def place(ranking: list[tuple[int, float]]) -> int:
        order = [candidate.chunk_id for candidate in fuse(ranking, lexical, weight=weight, bound=50, depth=99)]
        return order.index(chosen)

    assert place(raised) <= place(dense)


@given(COSINES, SCORES)
def test_extreme_weights_are_one_ranker_alone(dense: list[tuple[int, float]], lexical: list[tuple[int, float]]) -> None:
    """With weight 1 the order is the dense one, with weight 0 the lexical one."""
    by_dense = [c.chunk_id for c in fuse(dense, lexical, weight=1, bound=50, depth=99) if c.dense is not None]
    assert by_dense == [chunk for chunk, _ in dense]
    by_terms = fuse(dense, lexical, weight=0, bound=50, depth=99)
    scores = [dict(lexical)[c.chunk_id] for c in by_terms if c.score > 0]
    assert scores == sorted(scores, reverse=True)


def test_the_dense_ranker_counts_for_less_the_more_it_fragments() -> None:
    """English words in one piece each trust the encoder; five pieces a word trust the terms."""
    weights = [dense_weight(fragments) for fragments in (1.0, 1.7, 2.6, 5.4)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.6
    assert weights[-1] < 0.25


def test_a_question_without_known_words_is_ranked_by_meaning() -> None:
    """A chance match of one word out of many does not outrank a clear cosine."""
    fused = fuse([(1, 0.6), (2, 0.3)], [(2, 2.0)], weight=0.6, bound=60.0, depth=100)
    assert [candidate.chunk_id for candidate in fused] == [1, 2]
    fused = fuse([(1, 0.6), (2, 0.5)], [(2, 30.0)], weight=0.6, bound=60.0, depth=100)
    assert [candidate.chunk_id for candidate in fused] == [2, 1]


def test_a_full_list_says_less_about_the_absent() -> None:
    """Absent from a full list, a candidate counts as the last in it; absent from a short one, as no match."""
    full = fuse([(1, 0.9), (2, 0.8)], [(3, 5.0)], weight=1, bound=10, depth=2)
    short = fuse([(1, 0.9), (2, 0.8)], [(3, 5.0)], weight=1, bound=10, depth=3)
    assert {candidate.chunk_id: candidate.score for candidate in full}[3] == 0.8
    assert {candidate.chunk_id: candidate.score for candidate in short}[3] == 0


def test_fragmentation_counts_pieces_a_word() -> None:
    """Punctuation counts as a word, an empty question as one."""
    assert fragmentation("two words?", 3) == 1.0
    assert fragmentation("Donaudampfschifffahrt", 6) == 6.0
    assert fragmentation("", 0) == 1.0


@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_a_bound_below_the_best_score_does_not_matter(bound: float) -> None:
    """The delta may have grown between the bound and the search; scores stay in 0..1."""
    assert fuse([], [(1, 8.0)], weight=0.5, bound=bound, depth=9)[0].score == 0.5


FUSED = COSINES.map(lambda found: fuse(found, [], weight=1.0, bound=1.0, depth=100))


@given(st.lists(FUSED, min_size=1, max_size=4), st.data())
def test_merging_keeps_every_candidate_once(readings: list[list[Fused]], data: st.DataObject) -> None:
    """Scores are in 0..1 and fall; one reading stays as it is; the rankers' own scores are some reading's."""
    shares = [data.draw(st.floats(0.1, 1)) for _ in readings]
    merged = merge(readings, shares)
    assert {one.chunk_id for one in merged} == {one.chunk_id for ranking in readings for one in ranking}
    assert len(merged) == len({one.chunk_id for one in merged})
    assert [one.score for one in merged] == sorted((one.score for one in merged), reverse=True)
    assert all(0 <= one.score <= 1 for one in merged)
    assert {(one.chunk_id, one.dense) for one in merged} <= {(o.chunk_id, o.dense) for some in readings for o in some}
    if len(readings) == 1:
        assert merged == readings[0]


def test_the_first_of_each_reading_comes_before_the_third_of_any() -> None:
    """And at equal ranks the reading that weighs more, or else came first, is before the other."""
    one, other = ([Fused(base + place, 1 / place, None, None) for place in range(1, 9)] for base in (0, 100))
    assert [hit.chunk_id for hit in merge([one, other], [1.0, 0.9])][:4] == [1, 101, 2, 102]
    assert [hit.chunk_id for hit in merge([one, other], [1.0, 1.0])][:2] == [1, 101]
    agreed = merge([one, [other[0], one[1], *other[1:]]], [1.0, 0.9])
    assert [hit.chunk_id for hit in agreed][:3] == [1, 101, 2], "second to both is not first"
