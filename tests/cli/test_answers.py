"""What is printed beside an answer."""

from __future__ import annotations

import pytest

from ragkit.cli.answers import answer_json, print_answer
from ragkit.types import Answer, Masked, MaskedText


def answer(**ambiguous: int) -> Answer:
    """An answer to a question about somebody."""
    asked = Masked("what of [PERSON:K7F3QX9M2T-4B]?")
    return Answer(
        text=Masked("Nothing."),
        citations=(),
        refused=False,
        reason="",
        support=0.5,
        hits=(),
        question=MaskedText(asked, Masked("what of Quux?")),
        collection="care",
        request_id="r" * 32,
        ambiguous=ambiguous,
    )


def test_a_name_of_several_people_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the answer and not in it; without a name, a number or a token. Nothing where there is nothing to say."""
    print_answer(answer(PERSON=2), "Nothing.", [])
    shown = capsys.readouterr()
    assert shown.out == "Nothing.\n"
    assert "matches several people" in shown.err
    assert "[" not in shown.err
    assert not any(char.isdigit() for char in shown.err)
    print_answer(answer(CUSTOMER_NUMBER=1), "Nothing.", [])
    assert "several values" in capsys.readouterr().err
    print_answer(answer(), "Nothing.", [])
    assert capsys.readouterr().err == ""


def test_the_json_counts_by_type() -> None:
    """Types and counts only."""
    assert answer_json(answer(PERSON=2), "Nothing.", [], revealed=False)["ambiguous"] == {"PERSON": 2}
