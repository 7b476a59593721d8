"""Sentences of a text that comes in pieces."""

from __future__ import annotations

import random

import pytest

from ragkit.generate.citing import mark
from ragkit.generate.sentences import SentenceStream, sentences

ONE = mark(1)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (
            f"It is red {ONE}. It costs 12.50 €! {ONE} Really?{ONE} No.",
            [f"It is red {ONE}.", f"It costs 12.50 €! {ONE}", f"Really?{ONE}", "No."],
        ),
        (f"- one {ONE}\n- two.\n\nEnd", [f"- one {ONE}", "- two.", "End"]),
        (f"它很红。{ONE}它很贵！", [f"它很红。{ONE}", "它很贵！"]),
        ("Dr. A. Smith came. Yes. He left", ["Dr. A. Smith came.", "Yes. He left"]),
        ("Am 5. Mai siehe Nr. 7. Danach nicht.", ["Am 5. Mai siehe Nr. 7. Danach nicht."]),
    ],
)
def test_citations_stay_with_the_sentence_before(text: str, cut: list[str]) -> None:
    """Stops, line ends and other scripts cut; a mark after the stop belongs to what it follows."""
    found = sentences(text)
    assert [one.strip() for one in found] == cut
    assert "".join(found) == text


def test_any_cut_gives_the_same_sentences() -> None:
    """Random prose, letter by letter."""
    rng = random.Random(6)
    parts = [
        "word",
        " ",
        ". ",
        "! ",
        ONE,
        " ",
        "A",
        "Dr. ",
        "\n",
        "。",
        "」",
        '"',
        "(",
        "[PERSON:K7F3QX9M2T-4B]",
        "3.5",
        "…",
    ]
    for _ in range(2000):
        text = "".join(rng.choices(parts, k=rng.randint(1, 20)))
        stream = SentenceStream()
        found = [one for sign in text for one in stream.feed(sign)] + stream.flush()
        assert found == sentences(text)
        assert "".join(found) == text


def test_a_text_without_stops_is_cut_all_the_same() -> None:
    """Nothing is held back for ever, and long lines take no quadratic time."""
    stream = SentenceStream()
    found = [one for _ in range(2000) for one in stream.feed("word and ")] + stream.flush()
    assert max(map(len, found)) <= 2101
    assert "".join(found) == "word and " * 2000


def test_a_half_sentence_is_left_out_of_what_was_cut_off() -> None:
    """What the token limit cut ends with its last whole sentence."""
    stream = SentenceStream()
    assert stream.feed("One is so. Two is") == ["One is so."]
    assert stream.flush(whole=True) == []
    assert stream.half == " Two is"
