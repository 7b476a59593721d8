"""Lets the last turns of a conversation take part in a search: "and for the Pro?" says little by itself.

The question keeps its own readings; one more is added, the last questions and it in one text. It is a reading of
another kind, so its words are not held against those of the others (:class:`ragkit.types.Reading`, ``alike``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragkit.types import Masked, MaskedQuestion, MaskedText, Reading

LONGEST = 600
"""Characters of earlier questions that are read, the last ones: the encoder's window is 256 word pieces."""

WEIGHT = 0.9


def with_history(question: MaskedQuestion, *, turns: int, weight: float = WEIGHT) -> MaskedQuestion:
    """Return the question with a further reading: its last ``turns`` earlier questions and itself.

    Without history, or with ``turns`` 0, it is returned as it is.
    """
    earlier = _last(question.history, turns)
    if not earlier:
        return question
    record = "\n".join([*(str(one.record) for one in earlier), question.text.record])
    index = "\n".join([*(str(one.index) for one in earlier), question.text.index])
    joined = Reading(MaskedText(Masked(record), Masked(index)), weight=weight, alike=False)
    return replace(question, readings=(*question.readings, joined))


def _last(history: Sequence[MaskedText], turns: int) -> list[MaskedText]:
    chosen: list[MaskedText] = []
    room = LONGEST
    for one in reversed(history[-turns:] if turns else ()):
        if len(one.index) > room:
            break
        room -= len(one.index)
        chosen.insert(0, one)
    return chosen
