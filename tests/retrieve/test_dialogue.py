"""Earlier turns as one more reading of a question."""

from __future__ import annotations

from ragkit.retrieve.dialogue import LONGEST, with_history
from ragkit.types import Masked, MaskedQuestion, MaskedText, Reading


def text(words: str) -> MaskedText:
    """A text whose views can be told apart."""
    return MaskedText(Masked(words), Masked(words.upper()))


def question(*history: str, readings: tuple[Reading, ...] = ()) -> MaskedQuestion:
    """A follow-up with its history."""
    return MaskedQuestion(text("and the Pro?"), "shop", "policy", history=tuple(map(text, history)), readings=readings)


def test_a_question_without_history_stays_as_it_is() -> None:
    """Nothing is added where there is nothing earlier, or no turn is wanted."""
    assert with_history(question(), turns=3) == question()
    assert with_history(question("earlier"), turns=0) == question("earlier")


def test_the_last_turns_and_the_question_are_one_more_reading() -> None:
    """Both views are joined in order, and the reading is not held against the others by its words."""
    own = Reading(text("and the pro?"))
    asked = with_history(question("one", "two", "three", readings=(own,)), turns=2)
    assert asked.text == question().text
    assert asked.readings[0] == own
    added = asked.readings[1]
    assert added.text.record == "two\nthree\nand the Pro?"
    assert added.text.index == "TWO\nTHREE\nAND THE PRO?"
    assert not added.alike
    assert 0 < added.weight < 1


def test_a_long_turn_ends_the_history() -> None:
    """What does not fit the encoder's window beside the question is left out, and what came before it."""
    asked = with_history(question("old", "x" * LONGEST, "new"), turns=3)
    assert asked.readings[-1].text.record == "new\nand the Pro?"
    assert with_history(question("x" * (LONGEST + 1)), turns=3).readings == ()
