"""Refusals, by sentinel and in words."""

from __future__ import annotations

import random

import pytest

from ragkit.generate.citing import mark
from ragkit.generate.prompt import SENTINEL
from ragkit.generate.refusing import RefusalGate


def passed(text: str, piece: int = 1000) -> tuple[str, bool]:
    """What a gate lets through, and whether it was a refusal."""
    gate = RefusalGate()
    shown = "".join(gate.feed(text[at : at + piece]) for at in range(0, len(text), piece)) + gate.flush()
    return shown, gate.refused


@pytest.mark.parametrize(
    "text",
    [
        SENTINEL,
        f"  **{SENTINEL}**.",
        SENTINEL.replace("_", "\\_"),
        "NOT IN SOURCES because nobody says so",
        "I cannot answer this question from the sources.",
        "I’m sorry, but the sources say nothing.",
        "Die Quellen enthalten keine Angaben dazu.",
        "Las fuentes no dicen nada.",
        "В источниках нет ответа.",
        "来源中没有相关信息。",
    ],
)
def test_a_refusal_is_never_shown(text: str) -> None:
    """By the sentinel however it is dressed, or in the words of several languages; whole or letter by letter."""
    assert passed(text) == ("", True)
    assert passed(text, piece=1) == ("", True)


@pytest.mark.parametrize(
    "text",
    [
        f"The sources do not allow returns after 14 days {mark(1)}.",
        "No fee is due.",
        "Not in the box: batteries.",
        "I",
        "Sorry, " + "long " * 150,
    ],
)
def test_an_answer_passes(text: str) -> None:
    """A negative answer that cites, a word that only begins like a refusal, and what goes on for long."""
    assert passed(text) == (text, False)
    assert passed(text, piece=1) == (text, False)


def test_the_sentinel_after_an_answer_is_taken_out() -> None:
    """Not even half of it is shown, and the answer stays."""
    gate = RefusalGate()
    shown = [gate.feed(sign) for sign in f"It is so. {SENTINEL}"]
    assert "".join(shown) + gate.flush() == "It is so.  "
    assert gate.sentinel
    assert not gate.refused


def test_any_cut_gives_the_same() -> None:
    """Random pieces of sentinels and refusals."""
    rng = random.Random(4)
    parts = [
        "NOT",
        "_",
        "IN",
        "SOURCES",
        SENTINEL,
        " ",
        "\\",
        "*",
        "N",
        "x",
        mark(1),
        "I cannot",
        " answer",
        "sorry, ",
        "`",
    ]
    for _ in range(2000):
        text = "".join(rng.choices(parts, k=rng.randint(1, 12)))
        assert passed(text, piece=rng.choice([1, 2, 3])) == passed(text)
