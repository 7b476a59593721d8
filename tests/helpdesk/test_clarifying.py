"""When one is asked back: several things of one kind, and nothing in the question that tells them apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragkit.helpdesk.clarifying import ask_which
from ragkit.testing.asking import hit_of
from ragkit.types import Hit

LIGHT = "Open the valve a quarter turn and press the igniter."


def _hits(*titles: str, scores: tuple[float, ...] = (), text: str = LIGHT) -> list[Hit]:
    found = []
    for number, title in enumerate(titles):
        hit = hit_of(number + 1, title, f"{text} {number}")
        score = scores[number] if scores else 0.5
        found.append(replace(hit, doc_id=f"doc{number}", score=score, dense=0.6))
    return found


STOVES = ("Kestrel 2 stove: manual", "Fellgate stove: manual")


def test_two_models_of_one_kind_are_asked_for() -> None:
    """The question says stove and not which; the titles are the choice."""
    assert ask_which("How do I light the stove?", _hits(*STOVES)) == list(STOVES)
    assert ask_which("how to light stoves", _hits(*STOVES)) == list(STOVES)


@pytest.mark.parametrize("question", ["How do I light the Kestrel stove?", "fellgate stove igniter", "light stove 2"])
def test_a_question_that_names_one_is_answered(question: str) -> None:
    """One word or number of what tells them apart is enough."""
    assert ask_which(question, _hits(*STOVES)) == []


def test_a_question_about_something_else_is_answered() -> None:
    """What the titles share is not what was asked about."""
    assert ask_which("How do I get a refund?", _hits(*STOVES)) == []


def test_papers_on_one_thing_are_not_asked_for() -> None:
    """Policy, handbook and guide are words for papers, which the passages write small too; no names of things."""
    text = "This returns policy and the desk handbook say how returns work."
    assert ask_which("What do returns cost?", _hits("Returns Policy", "Returns Handbook Desk", text=text)) == []


def test_ranks_alone_make_none_clearly_better() -> None:
    """The second and the third found have 0.75 and 0.6 of the first's fused score, however alike they are."""
    assert ask_which("How do I light the stove?", _hits(*STOVES, scores=(0.8, 0.6))) == list(STOVES)
    first, second, third = _hits("FAQ: cooking", *STOVES, scores=(1.0, 0.75, 0.6))
    assert ask_which("How do I light the stove?", [replace(first, dense=0.4), second, third]) == list(STOVES)


def test_a_paper_on_a_case_is_no_thing_to_choose() -> None:
    """What else its title says beside a number is no name."""
    titles = ("Brookmill 20 dehumidifier: user manual", "TCK-70318 Dehumidifier laid on its side")
    assert ask_which("What does E7 on the dehumidifier mean?", _hits(*titles, text="It was laid on a side.")) == []


def test_one_that_answers_clearly_better_is_taken() -> None:
    """By score, or by meaning."""
    assert ask_which("How do I light the stove?", _hits(*STOVES, scores=(0.9, 0.4))) == []
    first, second = _hits(*STOVES)
    assert ask_which("How do I light the stove?", [first, replace(second, dense=0.4)]) == []


def test_many_are_not_asked_for() -> None:
    """Five to choose from are no choice; nor is one."""
    many = [f"Model {name} stove" for name in ("Ash", "Birch", "Cedar", "Deodar", "Elm")]
    assert ask_which("How do I light the stove?", _hits(*many)) == []
    assert len(ask_which("How do I light the stove?", _hits(*many[:4]))) == 4
    assert ask_which("How do I light the stove?", _hits(*many[:1])) == []
    assert ask_which("How do I light the stove?", []) == []


def test_two_papers_of_one_name_are_no_choice() -> None:
    """Nothing tells them apart."""
    assert ask_which("How do I light the stove?", _hits("Kestrel stove", "Kestrel stove")) == []


def test_what_the_conversation_is_about_is_not_asked_again() -> None:
    """A follow-up stays with the document that answered before."""
    assert ask_which("How do I light the stove?", _hits(*STOVES), known=frozenset({"doc1"})) == []


def test_masked_words_tell_nothing_apart() -> None:
    """A token in a title or question is no name of a thing."""
    titles = ("Ticket of [PERSON:K7F3QX9M2T-4B]", "Ticket of [PERSON:9M2TK7F3QX-4B]")
    assert ask_which("What became of the ticket?", _hits(*titles)) == []
