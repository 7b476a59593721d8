"""What a provider can link across conversations."""

from __future__ import annotations

import pytest

from ragkit.attack.prompts import Prompt, link_conversations, measure_linking, with_aliases

PROMPTS = [
    Prompt(
        f"{turn}{person}", f"What of [PERSON:{person * 10}-AA]? {('Ticket about the ' + thing) if turn else 'Hello'}"
    )
    for turn in (0, 1)
    for person, thing in (("K", "tent"), ("L", "stove"), ("M", "lamp"))
]
PEOPLE = {prompt.conversation: prompt.conversation[1] for prompt in PROMPTS}


def test_equal_tokens_link_every_conversation() -> None:
    """Tokens of the record view are the same everywhere; chance is one other of five."""
    found = measure_linking(PROMPTS, PEOPLE)
    assert (found.linked.value, found.conversations) == (1.0, 6)
    assert found.chance == pytest.approx(0.2)


def test_aliases_of_its_own_unlink_a_conversation() -> None:
    """Each conversation has a [PERSON_1]; equal aliases then say nothing."""
    aliased = with_aliases(PROMPTS)
    assert all("[PERSON_1]" in prompt.text for prompt in aliased)
    assert measure_linking(aliased, PEOPLE).linked.value < 0.5


def test_rare_words_link_without_any_token() -> None:
    """Two prompts that alone speak of a lamp."""
    said = [
        Prompt("a", "broken lamp"),
        Prompt("b", "wet tent"),
        Prompt("c", "my lamp"),
        Prompt("d", "so wet"),
    ]
    assert link_conversations(said, method="words") == {"a": "c", "b": "d", "c": "a", "d": "b"}


def test_the_prompts_of_one_conversation_count_together() -> None:
    """Any number of prompts each."""
    said = [
        Prompt("a", "x"),
        Prompt("a", "[PERSON:KKKKKKKKKK-AA]"),
        Prompt("b", "[PERSON:KKKKKKKKKK-AA]"),
        Prompt("c", "y"),
    ]
    assert link_conversations(said)["a"] == "b"
    assert "KKKK" not in repr(said)


def test_an_unknown_method_is_refused() -> None:
    """So are vectors without an encoder."""
    for method in ("magic", "vectors"):
        with pytest.raises(ValueError, match="no such way"):
            link_conversations(PROMPTS, method=method)
