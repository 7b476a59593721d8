"""Models whose bytes nobody here sees."""

from __future__ import annotations

from typing import Any

import pytest

from ragkit.config_answering import AnswersSection
from ragkit.egress.unsafe import Unseen, unseen_generator
from ragkit.errors import AuditUnavailable, EgressRefused
from ragkit.generate.prompted import PromptedGenerator
from ragkit.testing.scripted_model import ScriptedModel
from ragkit.types import (
    Completion,
    DataClass,
    GenerationRequest,
    Masked,
    MaskedQuestion,
    MaskedText,
    Message,
    ModelCall,
    Principal,
)


class Events:
    """Keeps what is recorded, or refuses to."""

    def __init__(self, *, writable: bool = True) -> None:
        self.kinds: list[str] = []
        self._writable = writable

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Any = None,
        session: str = "",
        evidence: Any = None,
    ) -> None:
        if not self._writable:
            raise AuditUnavailable("the disk is full", remedy="Make room.")
        self.kinds.append(kind)

    def flush(self) -> None:
        """Nothing is held back."""


def call(data_class: DataClass) -> ModelCall:
    """A small call for content of this class."""
    return ModelCall(messages=(Message("user", Masked("Hello")),), data_class=data_class)


@pytest.mark.parametrize("data_class", list(DataClass))
def test_nothing_above_internal_goes_there(data_class: DataClass) -> None:
    """Public and internal content leaves a mark and is sent; the rest is refused and recorded, the model not called."""
    events, model = Events(), ScriptedModel("An answer.")
    unseen = Unseen(model, name="far", ceiling=DataClass.INTERNAL, recorder=events)
    if data_class in (DataClass.PUBLIC, DataClass.INTERNAL):
        assert unseen.complete(call(data_class)).text == "An answer."
        *pieces, last = unseen.stream(call(data_class))
        assert "".join(map(str, pieces)) == "An answer."
        assert isinstance(last, Completion)
        assert events.kinds == ["egress.unsafe"] * 2
        assert len(model.calls) == 2
    else:
        with pytest.raises(EgressRefused):
            unseen.complete(call(data_class))
        with pytest.raises(EgressRefused):
            list(unseen.stream(call(data_class)))
        assert events.kinds == ["egress.blocked"] * 2
        assert not model.calls


def test_without_a_record_it_is_not_called() -> None:
    """What cannot be recorded is not sent."""
    model = ScriptedModel("An answer.")
    unseen = Unseen(model, name="far", ceiling=DataClass.INTERNAL, recorder=Events(writable=False))
    with pytest.raises(AuditUnavailable):
        unseen.complete(call(DataClass.PUBLIC))
    assert not model.calls


def test_a_foreign_generator_elsewhere_is_held_as_a_model_is() -> None:
    """A whole generator that works by a way of its own gets internal content at most, with a mark."""
    events, inner = Events(), PromptedGenerator(ScriptedModel("NOT_IN_SOURCES"), name="own", settings=AnswersSection())
    held = unseen_generator(inner, name="far", ceiling=DataClass.INTERNAL, recorder=events)
    text = MaskedText(Masked("What?"), Masked("What?"))
    for data_class in (DataClass.INTERNAL, DataClass.CONFIDENTIAL):
        request = GenerationRequest(MaskedQuestion(text, "shop", "policy"), (), data_class)
        if data_class is DataClass.INTERNAL:
            assert held.generate(request).refused
        else:
            with pytest.raises(EgressRefused):
                held.generate(request)
            with pytest.raises(EgressRefused):
                list(held.stream(request))
    assert events.kinds == ["egress.unsafe", "egress.blocked", "egress.blocked"]
