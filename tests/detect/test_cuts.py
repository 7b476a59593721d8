"""Long texts in pieces: nothing lost, nothing twice, places kept, in time that grows with the length alone."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.detect.cuts import Piece, cut, gather
from ragkit.testing.clock import cpu_seconds
from ragkit.types import Span

WORDS = st.lists(st.sampled_from(["a", "word", "Anna", ".", "\n", "\n\n", " ", "\u3000", "x" * 90]), max_size=80)


@given(st.lists(WORDS.map(" ".join), max_size=3), st.integers(20, 120))
def test_every_character_is_in_a_piece_at_its_place(texts: list[str], limit: int) -> None:
    """But white space; no piece is longer than asked, and pieces begin one after the other."""
    pieces = list(cut(texts, limit=limit, overlap=10))
    covered = [set[int]() for _ in texts]
    for piece in pieces:
        assert len(piece.text) <= limit
        assert texts[piece.source][piece.start : piece.start + len(piece.text)] == piece.text
        covered[piece.source].update(range(piece.start, piece.start + len(piece.text)))
    for text, seen in zip(texts, covered, strict=True):
        assert not [char for place, char in enumerate(text) if place not in seen and not char.isspace()]
    starts = [(piece.source, piece.start) for piece in pieces]
    assert starts == sorted(set(starts))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two\nthree.\n\nFour five. Six\nseven eight", "One. Two\nthree.\n\n"),
        ("One two. Three\nfour. Five six seven eight nine", "One two. Three\n"),
        ("One two three. Four five six seven eight nine", "One two three. "),
        ("One two three four five six seven eight nine", "One two three four five "),
        ("Onetwothreefourfivesixseveneightnineteneleven", "Onetwothreefourfivesixseve"),
    ],
)
def test_the_cut_is_where_least_runs_on(text: str, first: str) -> None:
    """After a blank line, a line, a sentence, a word; else anywhere."""
    assert next(cut([text], limit=26)).text == first


def test_half_a_surrogate_pair_keeps_its_place() -> None:
    """It cannot be encoded, and is replaced by one character."""
    (piece,) = cut(["a\ud800b"], limit=10)
    assert piece.text == "a\ufffdb"


def test_what_two_pieces_found_is_kept_once() -> None:
    """At its place in the text, with the higher score."""

    def span(start: int, score: float) -> Span:
        return Span(start, start + 4, "PERSON", score, "learned:x")

    found = gather([(Piece(0, 0, "…"), [span(6, 0.5)]), (Piece(0, 4, "…"), [span(2, 0.9), span(9, 0.4)])], 2)
    assert found == [[span(6, 0.9), span(13, 0.4)], []]


def test_the_work_is_linear() -> None:
    """Also without a space or a line end."""
    seconds = []
    for length in (500_000, 4_000_000):
        text = "x" * length
        assert sum(1 for _ in cut([text], limit=2_000)) > length // 2_000
        seconds.append(cpu_seconds(lambda text=text: deque(cut([text], limit=2_000), maxlen=0)))
    assert seconds[1] < 20 * seconds[0] + 0.2
