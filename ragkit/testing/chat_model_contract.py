"""The contract suite for chat models; see :mod:`ragkit.testing.generator_contract`."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

from ragkit.errors import GenerationError, GeneratorRefused, MissingDependency
from ragkit.protocols import ChatModel
from ragkit.testing.asking import call_of, watched, without_content
from ragkit.testing.contracts import AWKWARD
from ragkit.types import Completion, DataClass, Location, Masked, Message, ModelCall, TokenUsage

try:
    import pytest
except ImportError as error:
    raise MissingDependency("the contract suites run under pytest", remedy="pip install pytest") from error


class ChatModelContract:
    """What every chat model must do. Override ``make``, and ``says`` where it says one thing to everything.

    Set to False what the server behind it does not do: ``deterministic`` (the same words at temperature 0), ``stops``
    (at a stop string), ``limited`` (at ``max_tokens``), ``bounded`` (refuses what is longer than its context).
    """

    deterministic: ClassVar[bool] = True
    stops: ClassVar[bool] = True
    limited: ClassVar[bool] = True
    bounded: ClassVar[bool] = True

    @pytest.fixture
    def make(self) -> Callable[[], ChatModel]:
        """Return what makes a new model, not loaded. Override it."""
        pytest.fail("override the `make` fixture of ChatModelContract")

    @pytest.fixture
    def says(self) -> str | None:
        """Return what it answers to everything; ``None`` where that is not known."""
        return None

    @pytest.fixture
    def model(self, make: Callable[[], ChatModel]) -> ChatModel:
        """Return a loaded one."""
        made = make()
        made.load()
        return made

    def test_construction_opens_nothing(self, make: Callable[[], ChatModel]) -> None:
        """No socket and no file before ``load``; what is made says where it runs."""
        with watched() as seen:
            made = make()
            assert made.location in Location
            assert made.model
            assert bool(made.destination) or made.location is Location.IN_PROCESS or getattr(made, "unsafe", False)
        assert not seen

    def test_it_says_what_it_takes(self, model: ChatModel) -> None:
        """It has a context, counts tokens, may be loaded again, and a probe of a sound model is silent."""
        model.load()
        model.probe()
        assert model.context_tokens > 0
        assert model.count_tokens("") <= model.count_tokens("one") < model.count_tokens("one and two and three " * 9)

    def test_a_stream_agrees_with_the_whole(self, model: ChatModel, says: str | None) -> None:
        """Pieces joined are the text of the completion that comes last, and of ``complete`` at temperature 0."""
        call = call_of("What is the warranty?", max_tokens=64)
        whole = model.complete(call)
        *pieces, last = model.stream(call)
        assert isinstance(last, Completion)
        assert all(isinstance(piece, str) and piece for piece in pieces)
        assert "".join(str(piece) for piece in pieces) == last.text
        if self.deterministic:
            assert last.text == whole.text
            assert last.finish == whole.finish
        if says is not None:
            assert last.text == says
        for one in (whole, last):
            assert one.model
            assert 0 <= one.ttft_ms <= one.latency_ms

    def test_tokens_are_counted(self, model: ChatModel) -> None:
        """The usage is the server's or marked as an estimate, and grows with the prompt."""
        short, long = (model.complete(call_of("word " * count)) for count in (3, 60))
        for one in (short, long):
            assert isinstance(one.usage, TokenUsage)
            assert one.usage.input > 0
            assert one.usage.output > 0
        assert short.usage.input < long.usage.input
        *_, last = model.stream(call_of("word " * 3))
        assert isinstance(last, Completion)
        assert last.usage.input > 0

    def test_the_length_is_kept(self, model: ChatModel) -> None:
        """No more than ``max_tokens`` are written, streamed or not."""
        if not self.limited:
            return
        *_, last = model.stream(call_of("Tell me all.", max_tokens=3))
        for one in (model.complete(call_of("Tell me all.", max_tokens=3)), last):
            assert isinstance(one, Completion)
            assert one.usage.output <= 3 or one.usage.estimated
            assert one.finish in ("length", "stop")

    def test_it_stops_where_it_is_told(self, model: ChatModel) -> None:
        """The text ends before a stop string, streamed or not."""
        if not self.stops:
            return
        call = call_of("Tell me all.")
        text = model.complete(call).text
        stop = text[len(text) // 3 :][:4]
        wanted = text[: text.index(stop)]
        *pieces, last = model.stream(replace(call, stop=(stop, "never said")))
        assert isinstance(last, Completion)
        assert last.text == "".join(str(piece) for piece in pieces) == wanted
        assert last.finish == "stop"
        assert model.complete(replace(call, stop=(stop,))).text == wanted

    def test_a_stream_that_is_left_ends(self, model: ChatModel) -> None:
        """Closed after its first piece it makes room for the next call; one never begun costs nothing."""
        stream = model.stream(call_of("Tell me all.", max_tokens=256))
        next(stream)
        began = time.monotonic()
        stream.close()  # type: ignore[attr-defined]
        assert time.monotonic() - began < 5
        never = model.stream(call_of("Tell me all."))
        never.close()  # type: ignore[attr-defined]
        assert model.complete(call_of("And now?", max_tokens=3)).usage.input > 0

    def test_what_does_not_fit_is_refused(self, model: ChatModel) -> None:
        """A prompt beyond the context is refused, and says what to do; nothing is cut silently."""
        if not self.bounded:
            return
        call = call_of("word " * model.context_tokens)
        for attempt in (lambda: model.complete(call), lambda: list(model.stream(call))):
            with pytest.raises(GeneratorRefused) as caught:
                attempt()
            assert caught.value.remedy
            assert "word word" not in f"{caught.value} {caught.value.remedy}"

    def test_a_call_without_messages_is_refused(self, model: ChatModel) -> None:
        """Nothing asked, nothing run."""
        call = ModelCall(messages=(), data_class=DataClass.PUBLIC)
        with pytest.raises(GeneratorRefused):
            model.complete(call)
        with pytest.raises(GeneratorRefused):
            list(model.stream(call))

    @pytest.mark.parametrize("number", range(len(AWKWARD) - 2))
    def test_any_text_may_be_asked(self, model: ChatModel, says: str | None, number: int) -> None:
        """Blanks, controls, emoji, half surrogates: an answer that is whole UTF-8, or an error of the tree."""
        try:
            text = model.complete(call_of(AWKWARD[number], max_tokens=64)).text
        except GenerationError:
            return
        assert text.encode("utf-8").decode("utf-8") == text
        assert says is None or text == says

    def test_a_dialogue_may_be_continued(self, model: ChatModel) -> None:
        """Earlier answers may stand between the questions."""
        first, *_ = call_of("One?").messages
        turns = (Message("user", Masked("One?")), Message("assistant", Masked("One.")), Message("user", Masked("Two?")))
        assert model.complete(replace(call_of("One?"), messages=(first, *turns))).usage.output > 0

    def test_it_shows_no_content(self, model: ChatModel) -> None:
        """Neither its repr nor its pickle holds a prompt or an answer."""
        done = model.complete(call_of("The password of the vault is Saffron-71."))
        without_content(model, ("Saffron-71",))
        assert done.text not in repr(done) or len(done.text) < 12

    def test_threads_may_share_it(self, model: ChatModel) -> None:
        """Three calls at once are answered as one alone."""
        call = call_of("Tell me all.", max_tokens=8)
        with ThreadPoolExecutor(3) as pool:
            texts = {done.text for done in pool.map(lambda _: model.complete(call), range(3))}
        assert len(texts) == 1 or not self.deterministic
