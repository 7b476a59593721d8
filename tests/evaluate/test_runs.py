"""Type-blind runs: joined, trimmed and matched as presidio-research does."""

from __future__ import annotations

import pytest

from ragkit.evaluate.resampling import Counts
from ragkit.evaluate.runs import count_runs

TEXT = "Dr. Ana Kovač, Zagreb called the office of Jürgen Groß today: 28 Main Street, Springfield"


def at(*values: str) -> list[tuple[int, int]]:
    """Where values stand in the text."""
    return [(TEXT.index(value), TEXT.index(value) + len(value)) for value in values]


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        (["Ana Kovač"], ["Ana Kovač"], Counts(1, 1, 1, 1)),
        (["Ana Kovač", "Zagreb"], ["Ana Kovač", "Zagreb"], Counts(1, 1, 1, 1)),  # a comma joins
        (["Ana Kovač", "Jürgen Groß"], ["Ana Kovač"], Counts(1, 1, 2, 1)),
        (["Ana Kovač", "Zagreb"], ["Ana Kovač"], Counts(1, 0, 1, 0)),  # 9 of 17 characters
        (["28 Main Street, Springfield"], ["28 Main Street", "Springfield"], Counts(1, 1, 1, 1)),
        (["28 Main Street"], ["28 Main"], Counts(1, 1, 1, 1)),  # "Street" is a skip word at the end
        (["Jürgen Groß"], ["the", "of Jürgen Groß"], Counts(1, 1, 1, 1)),  # skip words alone are no run
        ([], ["called"], Counts(1, 0, 0, 0)),
        (["Jürgen Groß"], ["Groß today"], Counts(1, 0, 1, 0)),
        ([], [], Counts()),
    ],
)
def test_runs_match_by_what_they_share(gold: list[str], predicted: list[str], expected: Counts) -> None:
    """Joined across skip words and signs, without skip words at the ends, matched at .75."""
    assert count_runs(TEXT, at(*gold), at(*predicted)) == expected


def test_two_pieces_make_one_found() -> None:
    """Pieces with a word between stay two predicted runs, and both took part in the match."""
    text = "Maximilian xyz Featherstonehaugh"
    assert count_runs(text, [(0, len(text))], [(0, 10), (15, len(text))]) == Counts(2, 2, 1, 1)


def test_a_piece_of_a_word_is_the_word() -> None:
    """A range inside one token labels the token; one that begins inside a token and goes on does not."""
    assert count_runs("abcdefgh ijk", [(0, 8)], [(2, 6)]) == Counts(1, 1, 1, 1)
    assert count_runs("abcdefgh ijk", [(0, 8)], [(2, 12)]) == Counts(1, 0, 1, 0)


def test_long_texts_take_linear_time() -> None:
    """A million characters with spans everywhere is a matter of seconds."""
    text = "Ana Kovač xyz " * 40_000
    spans = [(n * 14, n * 14 + 9) for n in range(40_000)]
    assert count_runs(text, spans, spans) == Counts(40_000, 40_000, 40_000, 40_000)
