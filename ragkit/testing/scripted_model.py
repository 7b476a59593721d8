"""A chat model that says what a test gives it: a real implementation of the protocol, without weights or a server.

::

    model = ScriptedModel("The warranty lasts 24 months [1].")
    model = ScriptedModel(["The warranty ", "lasts 24 months [1]."])     # the pieces of its stream
    model = ScriptedModel(lambda call: call.messages[-1].content[:20])   # from the call, which it keeps in `calls`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from ragkit.completions import Finish
from ragkit.types import Completion, Location, ModelCall, TokenUsage

Script = str | Sequence[str]


class ScriptedModel:
    """Implements :class:`ragkit.protocols.ChatModel`.

    Args:
        script: A text, its pieces, or a function that makes one of these from the call.
        error: Raised instead of an answer; with ``error_after``, in a stream after so many pieces.
        seconds: Waits so long before each piece.

    Attributes:
        calls: What it was asked, in order.
        closed: How many of its streams were closed before their end.
    """

    def __init__(
        self,
        script: Script | Callable[[ModelCall], Script] = "",
        *,
        model: str = "scripted",
        location: Location = Location.IN_PROCESS,
        destination: str = "",
        context_tokens: int = 8192,
        finish: Finish = "stop",
        error: Exception | None = None,
        error_after: int = 0,
        seconds: float = 0.0,
    ) -> None:
        self.model = model
        self.location = location
        self.destination = destination
        self.context_tokens = context_tokens
        self.calls: list[ModelCall] = []
        self.closed = 0
        self._script = script
        self._finish: Finish = finish
        self._error = error
        self._error_after = error_after
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"ScriptedModel({len(self.calls)} calls)"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "calls": []}  # what it was asked is not pickled

    def load(self) -> None:
        """Nothing to load."""

    def probe(self) -> None:
        """Raise the error that a call would raise."""
        if self._error is not None:
            raise self._error

    def count_tokens(self, text: str) -> int:
        """A token for every four characters begun."""
        return -(-len(text) // 4)

    def complete(self, call: ModelCall) -> Completion:
        """Return the whole text."""
        *_, last = self._told(call, error_after=0)
        assert isinstance(last, Completion)
        return last

    def stream(self, call: ModelCall) -> Iterator[str | Completion]:
        """Yield the pieces, then the completion."""
        ended = False
        try:
            yield from self._told(call, error_after=self._error_after)
            ended = True
        finally:
            self.closed += not ended

    def _told(self, call: ModelCall, *, error_after: int) -> Iterator[str | Completion]:
        self.calls.append(call)
        started = time.perf_counter()
        script = self._script(call) if callable(self._script) else self._script
        pieces = [script] if isinstance(script, str) else list(script)
        first = 0.0
        for number, piece in enumerate(pieces):
            if self._error is not None and number >= error_after:
                raise self._error
            if self._seconds:
                time.sleep(self._seconds)
            first = first or (time.perf_counter() - started) * 1000
            yield piece
        if self._error is not None:
            raise self._error
        text = "".join(pieces)
        prompt = sum(self.count_tokens(message.content) for message in call.messages)
        yield Completion(
            text=text,
            model=self.model,
            usage=TokenUsage(input=prompt, output=self.count_tokens(text), estimated=True),
            finish=self._finish,
            latency_ms=(time.perf_counter() - started) * 1000,
            ttft_ms=first,
        )
