"""The words of a question: language, stems, what counts as having a word."""

from __future__ import annotations

import pytest

from ragkit.generate.terms import QuestionTerms, guess_language, share
from ragkit.types import Masked


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("How long is the warranty on a desk?", "english"),
        ("Wie lange ist die Garantie auf einen Tisch?", "german"),
        ("¿Cuánto dura la garantía de una mesa?", "spanish"),
        ("Quelle est la durée de la garantie pour une table ?", "french"),
        ("Bir masanın garantisi ne kadar ve hangi şartlarla?", "turkish"),
        ("Какова гарантия", "russian"),
        ("desk warranty", "english"),
    ],
)
def test_language_is_that_of_the_function_words(question: str, language: str) -> None:
    """The language with most function words is taken; English when there are none."""
    assert guess_language(question) == language


@pytest.mark.parametrize(
    ("question", "text", "words"),
    [
        ("How do I return the boxes?", "Returned goods go back in their box.", 2),
        ("Wie lange ist die Rückgabefrist?", "Die Rückgabefristen sind lang.", 2),
        ("Was kostet die Rückgabe?", "Unsere Rückgabefrist", 1),
        ("¿Cuánto cuesta la devolución?", "Las devoluciones", 1),
        ("黑豹队丢了多少分", "黑豹队赢了", 2),
        ("order 4711", "Order no. 4711 of May", 2),
        ("price", "The lamp", 0),
    ],
)
def test_words_meet_in_any_inflection(question: str, text: str, words: int) -> None:
    """Stems, accents, compounds and scripts without blanks are matched; other words are not."""
    assert len(QuestionTerms(Masked(question)).matched(text)) == words


def test_function_words_count_only_when_there_is_nothing_else() -> None:
    """A question of function words alone still has words to look for."""
    assert QuestionTerms(Masked("What is the desk?")).words == ("desk",)
    assert QuestionTerms(Masked("What is not covered?")).words == ("not", "cover")
    assert QuestionTerms(Masked("what is it")).words == ("what", "is", "it")
    assert QuestionTerms(Masked("?!")).words == ()


def test_rare_words_weigh_more() -> None:
    """A word that every text has counts less than one that a single text has."""
    terms = QuestionTerms(Masked("desk warranty"))
    weights = terms.weights([frozenset({"desk"}), frozenset({"desk"}), frozenset(terms.words)])
    assert share(["warranti"], weights) > 0.8
    assert share(terms.words, weights) == pytest.approx(1.0)
    assert share([], {}) == 0.0


def test_repr_hides_the_question() -> None:
    """The words of a question are not for logs."""
    assert "warrant" not in repr(QuestionTerms(Masked("desk warranty")))
