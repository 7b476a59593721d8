"""Words, their observations, and windows of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.detect.features import CODES, GAPS, WordReader, flat_pieces, windows
from ragkit.models.weights import find_model
from ragkit.models.word_pieces import load_tokenizer


@pytest.fixture(scope="module")
def reader() -> WordReader:
    """The encoder's words."""
    return WordReader(load_tokenizer(find_model().folder))


def _observed(code: int) -> tuple[int, int, int, int]:
    """A code taken apart."""
    return code // 192, code // 32 % len(GAPS), code // 2 % 16, code % 2


def test_case_layout_and_accents_are_seen_though_the_tokenizer_is_uncased(reader: WordReader) -> None:
    """Case layout and accents are seen though the tokenizer is uncased."""
    words = reader.read("Müller calls\nIBM, x 42\n\nA7\t|")
    assert [words.starts[0], words.ends[0]] == [0, 6]
    cases = [_observed(code)[0] for code in words.codes]
    assert cases == [2, 1, 3, 8, 1, 6, 7, 8]
    gaps = [_observed(code)[1] for code in words.codes]
    assert gaps == [1, 2, 3, 1, 2, 2, 4, 5]
    assert [_observed(code)[3] for code in words.codes][:2] == [1, 0]
    assert reader.read("müller").pieces == reader.read("Muller").pieces


def test_known_names_are_told_from_everyday_words(reader: WordReader) -> None:
    """Known names are told from everyday words."""
    galip, the = (_observed(reader.read(word).codes[0])[2] for word in ("Galip", "the"))
    assert galip & 1
    assert the == 8


@given(st.text(max_size=400))
def test_words_cover_every_character_that_is_no_space(reader: WordReader, text: str) -> None:
    """Words cover every character that is no space."""
    words = reader.read(text)
    covered = {at for start, end in zip(words.starts, words.ends) for at in range(start, end)}
    assert all(at in covered or text[at].isspace() for at in range(len(text)))
    assert all(0 <= code < CODES for code in words.codes)
    assert all(1 <= len(pieces) <= 8 for pieces in words.pieces)


@given(st.lists(st.sampled_from(["Ann", "went", "internationalisation", ".", "\n", "\n\n", "x"]), max_size=200))
def test_windows_follow_one_another_and_stay_within_their_size(reader: WordReader, parts: list[str]) -> None:
    """Windows follow one another and stay within their size."""
    words = reader.read(" ".join(parts))
    cut = windows(words, most=24)
    assert [word for one in cut for word in range(one.first, one.last)] == list(range(len(words)))
    for one in cut:
        ids, codes, firsts = flat_pieces(words, one)
        assert len(ids) == len(codes) == one.pieces <= 24
        assert len(firsts) == one.last - one.first


def test_a_window_ends_where_a_paragraph_does(reader: WordReader) -> None:
    """A window ends where a paragraph does."""
    text = "one two three four five six\n\nseven eight nine. Ten eleven twelve"
    words = reader.read(text)
    first = windows(words, most=9)[0]
    assert text[words.ends[first.last - 1] :].startswith("\n\nseven")
