"""A name found once is found in its whole document, and one wrong finding does not blacken it."""

from __future__ import annotations

import pytest

from ragkit.mask.examination import Examiner
from ragkit.policy import Policy
from ragkit.types import Span


@pytest.fixture
def people(rules):
    """People found in a text by the rules and by a learned detector that finds these values with these scores."""
    examiner = Examiner(Policy.default())

    def found(text: str, learned: dict[str, float] | None = None, *, ruled: bool = True) -> list[str]:
        spans = rules.detect([text])[0] if ruled else []
        for value, score in (learned or {}).items():
            start = text.index(value)
            spans.append(Span(start, start + len(value), "PERSON", score, "learned:test"))
        return [text[s.start : s.end] for s in examiner.examine_text(text, spans) if s.entity_type == "PERSON"]

    return found


@pytest.mark.parametrize(
    "mention", ["GALIP YALMAN", "Yalman, Galip", "Yalman", "yalman", "G. Yalman", "G Yalman", "Yalman G."]
)
def test_every_spelling_of_a_name(people, mention):
    """Case, order, part and initial do not hide it; the possessive stays outside."""
    assert people(f"Ms Galip Yalman came.\n\nThen {mention} left.") == ["Galip Yalman", mention.rstrip(".")]
    assert people("Ms Galip Yalman came.\n\nIt is Yalman's dog.")[1] == "Yalman's"[:6]


def test_a_name_that_is_also_a_word(people):
    """Adam Brown is found as Brown and A. Brown, and no brown dog with him."""
    text = "Mr Adam Brown came. A brown dog. With A. Brown went the Brown car. A Brown dog."
    assert people(text) == ["Adam Brown", "A. Brown", "Brown", "Brown"]


def test_what_a_model_finds_is_looked_for_again(people):
    """From a score of 0.7 on, with a capital."""
    text = "Hakki Karadavut left. Then Karadavut, karadavut and H. Karadavut"
    assert people(text, {"Hakki Karadavut": 0.9}, ruled=False) == ["Hakki Karadavut", "Karadavut", "H. Karadavut"]
    assert people(text, {"Hakki Karadavut": 0.6}, ruled=False) == ["Hakki Karadavut"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Close the door. Please Close it.", "Close"),
        ("Amazon Athena is fast. Use Athena and Amazon.", "Amazon Athena"),
        ("Grafana is up. Restart Grafana.", "Grafana"),
    ],
)
def test_one_wrong_guess_stays_one(people, text, found):
    """An everyday word is not looked for again, nor a single unknown word that was not sure."""
    assert people(text, {found: 0.85}, ruled=False) == [found]


def test_the_tail_of_a_long_name_needs_a_capital(people):
    """What follows a name may have been taken for a part of it; in lower case it is then a word."""
    assert people("Dr. Ana Ortega Zibelina\n\nzibelina and Zibelina") == ["Ana Ortega Zibelina", "Zibelina"]
