"""A question that is longer than the encoder reads is read in windows, and found all the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ragkit.index.embedder import MiniLMEmbedder
from ragkit.retrieve.windows import cut_windows, mean_vector
from ragkit.types import Masked


def by_words(texts: Sequence[Masked]) -> list[int]:
    """A piece a word, and two special ones."""
    return [len(text.split()) + 2 for text in texts]


@pytest.mark.parametrize("words", [1, 8, 9, 100, 1000])
def test_every_word_is_in_one_window(words: int) -> None:
    """Nothing is cut through, left out or read twice, and every window fits."""
    text = Masked(" ".join(f"word{number}" for number in range(words)))
    windows = cut_windows(text, by_words, limit=10)
    assert " ".join(windows).split() == text.split()
    assert max(by_words(windows)) <= 10


@pytest.mark.parametrize("text", ["", " ", "   \n ", "x" * 50])
def test_what_has_no_words_is_a_window(text: str) -> None:
    """There is always something to embed."""
    assert "".join(cut_windows(Masked(text), by_words, limit=10)) == text


def test_a_word_without_an_end_is_cut() -> None:
    """A text without blanks still ends in windows that fit."""
    windows = cut_windows(Masked("x" * 1000), lambda texts: [len(text) + 2 for text in texts], limit=12)
    assert "".join(windows) == "x" * 1000
    assert max(map(len, windows)) <= 10


def test_a_text_without_end_costs_no_more() -> None:
    """What comes after some thousand pieces is not embedded."""
    windows = cut_windows(Masked("word " * 100_000), by_words, limit=256)
    assert sum(by_words(windows)) < 4_600


def test_the_mean_has_length_one() -> None:
    """Weighed, and usable where a unit vector is due; vectors that cancel out do not become nothing."""
    one, other = np.eye(4, dtype=np.float32)[:2]
    mean = mean_vector([one, other], [3, 1])
    assert np.isclose(np.linalg.norm(mean), 1, atol=1e-6)
    assert mean[0] > mean[1] > 0
    assert np.array_equal(mean_vector([one, -one], [1, 1]), one)


def test_a_long_text_is_near_what_it_is_about() -> None:
    """The mean of the windows of a long letter is nearer to its matter than to another."""
    embedder = MiniLMEmbedder()
    letter = "My tent leaks at the seam since the storm, and I ask whether the warranty covers the repair. " * 40
    windows = cut_windows(Masked(letter), embedder.count_tokens, limit=embedder.max_tokens)
    assert len(windows) > 2
    whole = mean_vector(list(embedder.embed_questions(windows)), [len(part) for part in windows])
    tent, cake = embedder.embed_questions([Masked("warranty on a leaking tent"), Masked("a recipe for apple cake")])
    assert whole @ tent > 0.5 > whole @ cake
