"""A generator that tells its model what an application wrote, instead of ragkit's own prompt.

Everything else is as with any generator: the messages go in the prompt view, through the same door, on the same meter.
What comes back is the model's text with the tokens of the record view in place of its aliases; nothing is cited or
judged, since nobody here knows what the messages are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from ragkit.errors import GeneratorGarbled
from ragkit.generate.aliases import AliasBook, AliasStream, DisarmStream, tokens_in
from ragkit.protocols import ChatModel
from ragkit.types import (
    Account,
    Completion,
    Generation,
    GenerationRequest,
    Location,
    Masked,
    Message,
    ModelCall,
)

PROMPT = "messages-1"


class MessagesGenerator:
    """Implements :class:`ragkit.protocols.Generator` for one set of messages.

    Args:
        model: Behind its door, and held to its ceiling.
        name: As in ``ragkit.toml``.
        messages: In the record view, out of the masker.
        max_tokens: Most tokens of the reply.
        temperature: As the server takes it.
        stop: The model stops before it writes one of these.
        told: Called with the call before it is made; what it raises ends it.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        name: str,
        messages: Sequence[Message],
        max_tokens: int,
        temperature: float = 0.0,
        stop: tuple[str, ...] = (),
        told: Callable[[GenerationRequest, ModelCall, str], None] | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._messages = tuple(messages)
        self._how: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, "stop": stop}
        self._told = told

    @property
    def name(self) -> str:
        """As in ``ragkit.toml``."""
        return self._name

    @property
    def location(self) -> Location:
        """Where the model runs."""
        return self._model.location

    def load(self) -> None:
        """Load the model."""
        self._model.load()

    def prepare(self, request: GenerationRequest) -> ModelCall:
        """Return exactly what would be sent. Aliases that it needs are given out in the request's conversation."""
        book = AliasBook(request.conversation)
        return ModelCall(
            messages=tuple(Message(one.role, book.hide(one.content)) for one in self._messages),
            data_class=request.data_class,
            collection=request.question.collection,
            request_id=request.request_id,
            conversation=request.conversation.id,
            prompt=PROMPT,
            tokens=frozenset[str]().union(*(tokens_in(one.content) for one in self._messages)),
            **self._how,
        )

    def generate(self, request: GenerationRequest) -> Generation:
        """Return what the model writes. Raises as :meth:`stream`."""
        *_, last = self.stream(request)
        assert isinstance(last, Generation)  # the last piece of a stream that ended well
        return last

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        """Yield the model's text as it is written, then the generation.

        Raises:
            GeneratorGarbled: The model's stream ended without its end.
            GenerationError, EgressRefused: As the model raises them.
        """
        call = self.prepare(request)
        if self._told is not None:
            self._told(request, call, "")
        book = AliasBook(request.conversation)
        aliases, tokens = AliasStream(book), DisarmStream(book)
        shown: list[str] = []
        completion: Completion | None = None
        with closing(_closable(self._model.stream(call))) as pieces:
            for piece in pieces:
                if isinstance(piece, Completion):
                    completion = piece
                    break
                # A token that the model wrote itself is disarmed before an alias becomes one.
                if text := aliases.feed(tokens.feed(piece)):
                    shown.append(text)
                    yield Masked(text)
        if completion is None:
            raise GeneratorGarbled("the model's stream ended without its end", remedy="Ask again.")
        if rest := aliases.feed(tokens.flush()) + aliases.flush():
            shown.append(rest)
            yield Masked(rest)
        yield Generation(text=Masked("".join(shown)), account=self._account(call, completion))

    def _account(self, call: ModelCall, completion: Completion) -> Account:
        return Account(
            backend=self._name,
            location=self._model.location,
            model=completion.model,
            destination=self._model.destination,
            usage=completion.usage,
            latency_ms=completion.latency_ms,
            ttft_ms=completion.ttft_ms,
            finish=completion.finish,
            prompt=call.prompt,
            max_tokens=call.max_tokens,
            temperature=call.temperature,
        )


def _closable(pieces: Iterator[str | Completion]) -> Any:
    try:
        yield from pieces
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
