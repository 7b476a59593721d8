"""What the models behind a server share: one call made, heard and accounted for, through a door.

There is one HTTP path and no vendor's library in it: the egress gateway scans the very bytes that are made here and
sends those. A vendor's library would make them after the scan, read addresses, proxies and keys from the environment,
try again by itself, and send its own telemetry.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, ClassVar, NoReturn

from ragkit.backends.estimate import estimate_prompt, estimate_tokens
from ragkit.backends.refusals import ERROR_BYTES, blamed, code_of, refusal, words_of
from ragkit.backends.replies import ReplyReader
from ragkit.backends.shown import ShownText
from ragkit.backends.wire import encode, garbled
from ragkit.completions import Finish
from ragkit.errors import GenerationError, GeneratorGarbled, GeneratorRefused
from ragkit.protocols import Door, ReplyStream
from ragkit.types import Completion, Location, ModelCall, TokenUsage

_TRIES = 4
_AFTER_END = 4


class ServedModel(ABC):
    """A chat model behind a server. Subclasses know one API.

    Args:
        door: The way out: an egress gateway.
        model: The name asked for.
        context_tokens: How much prompt and answer may be together.
        keyed: Whether a key goes with the calls.

    Raises:
        GeneratorUnavailable, GeneratorRefused, GeneratorGarbled: From every verb, as the server failed.
        EgressRefused: The door did not let it out.
    """

    optional: ClassVar[Mapping[str, str | None]] = {}
    """Parameters that a server may refuse, and what takes the value then; ``None`` leaves it out."""

    def __init__(self, door: Door, *, model: str, context_tokens: int, keyed: bool) -> None:
        self._door = door
        self._model = model
        self._context_tokens = context_tokens
        self._keyed = keyed
        self._left_out: frozenset[str] = frozenset()

    @property
    def model(self) -> str:
        """The name asked for."""
        return self._model

    @property
    def location(self) -> Location:
        """Where the destination is."""
        return self._door.location

    @property
    def destination(self) -> str:
        """The destination's name."""
        return self._door.name

    @property
    def context_tokens(self) -> int:
        """How much prompt and answer may be together."""
        return self._context_tokens

    def __repr__(self) -> str:
        return f"{type(self).__name__}(model={self._model!r}, destination={self.destination!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a model with its key is not pickled")

    def load(self) -> None:  # noqa: B027 - a verb of the protocol
        """Nothing to load: the server has the model."""

    def count_tokens(self, text: str) -> int:
        """Return about how many tokens a text is: see :mod:`ragkit.backends.estimate`."""
        return estimate_tokens(text)

    def complete(self, call: ModelCall) -> Completion:
        """Return the whole answer."""
        started = time.perf_counter()
        for last in _tries():
            path, body, headers = self._request(call, streamed=False)
            reply = self._door.post(path, body, headers=headers, call=call)
            if 200 <= reply.status < 300:
                reader = self._reader(call)
                text = reader.whole(reply.body)
                reader.shown.take(text)
                reader.shown.end()
                return self._completion(call, reader, started, None)
            self._refused(reply.status, reply.body, last=last)
        raise AssertionError  # the last try raised

    def stream(self, call: ModelCall) -> Iterator[str | Completion]:
        """Yield the answer's text as it comes, and last the completion."""
        started = time.perf_counter()
        for last in _tries():
            path, body, headers = self._request(call, streamed=True)
            with self._door.stream(path, body, headers=headers, call=call) as reply:
                if 200 <= reply.status < 300:
                    yield from self._listen(reply, call, started)
                    return
                raw = _beginning(reply)
            self._refused(reply.status, raw, last=last)

    @abstractmethod
    def probe(self) -> None:
        """Say what is wrong, without a question: nothing, or an error."""

    @abstractmethod
    def _body(self, call: ModelCall, *, streamed: bool) -> dict[str, Any]: ...

    @abstractmethod
    def _path(self, *, streamed: bool) -> str: ...

    @abstractmethod
    def _headers(self, path: str, body: bytes, *, streamed: bool) -> dict[str, str]: ...

    @abstractmethod
    def _reader(self, call: ModelCall) -> ReplyReader: ...

    def _request(self, call: ModelCall, *, streamed: bool) -> tuple[str, bytes, dict[str, str]]:
        if all(message.role == "system" for message in call.messages):
            raise GeneratorRefused("a call without a question", code="refused", remedy="Ask something.")
        made = self._body(call, streamed=streamed)
        for name in self._left_out:
            target, value = self.optional[name], made.pop(name, None)
            if target is not None and value is not None:
                made[target] = value
        path, body = self._path(streamed=streamed), encode(made)
        return path, body, self._headers(path, body, streamed=streamed)

    def _refused(self, status: int, raw: bytes, *, last: bool) -> None:
        """Learn from a refusal which parameter to leave out, once for each; otherwise raise it.

        New models refuse what old ones want (``max_tokens``, ``temperature``), and servers what others ask for
        (``stream_options``, ``seed``): nothing else tells them apart.
        """
        if not last and status in (400, 422):
            words = words_of(raw)
            name = blamed(words, [name for name in self.optional if name not in self._left_out])
            if name is not None and code_of(status, words) in ("parameter", "refused"):
                self._left_out |= {name}
                return
        raise refusal(status, raw, destination=self.destination, model=self._model, keyed=self._keyed)

    def _listen(self, reply: ReplyStream, call: ModelCall, started: float) -> Iterator[str | Completion]:
        reader, pieces = self._reader(call), reply.pieces()
        first: float | None = None
        if "application/json" in reply.headers.get("content-type", ""):
            texts = iter([reader.whole(b"".join(pieces))])  # a server that does not stream
        else:
            texts = (text for piece in pieces for text in reader.feed(piece))
        for text in texts:
            if shown := reader.shown.take(text):
                first = first or time.perf_counter()
                yield shown
            if reader.heard.ended or reader.shown.stopped:
                break
        if reader.heard.ended:
            with suppress(GenerationError):  # what comes after the end is the end of HTTP: the connection can be kept
                for _ in islice(pieces, _AFTER_END):
                    pass
        if shown := reader.shown.end():
            first = first or time.perf_counter()
            yield shown
        yield self._completion(call, reader, started, first)

    def _completion(self, call: ModelCall, reader: ReplyReader, started: float, first: float | None) -> Completion:
        heard, shown, now = reader.heard, reader.shown, time.perf_counter()
        if heard.finish is None and not heard.ended and not shown.stopped:
            raise garbled("the reply breaks off before its end", code="cut")
        finish: Finish = "stop" if shown.stopped else heard.finish or "stop"
        if not shown.text.strip() and finish != "content-filter":
            raise _empty(finish)
        return Completion(
            text=shown.text,
            model=heard.model,
            usage=_usage(call, heard.usage, shown),
            finish=finish,
            latency_ms=(now - started) * 1000,
            ttft_ms=((first or now) - started) * 1000,
        )


def _tries() -> Iterator[bool]:
    """Yield for each try whether it is the last."""
    yield from (number == _TRIES - 1 for number in range(_TRIES))


def _beginning(reply: ReplyStream) -> bytes:
    raw = b""
    for piece in reply.pieces():
        raw += piece
        if len(raw) >= ERROR_BYTES:
            break
    return raw[:ERROR_BYTES]


def _usage(call: ModelCall, told: TokenUsage | None, shown: ShownText) -> TokenUsage:
    """Return the server's count, or ours where it gives none."""
    thought = estimate_tokens(shown.hidden) if shown.hidden else 0
    if told is None:
        written = estimate_tokens(shown.text) + thought
        return TokenUsage(input=estimate_prompt(call), output=written, reasoning=thought, estimated=True)
    if thought and not told.reasoning:
        return TokenUsage(told.input, told.output, told.cached_input, min(thought, told.output), told.estimated)
    return told


def _empty(finish: Finish) -> GeneratorGarbled:
    if finish == "length":
        return GeneratorGarbled(
            "the model reached its limit of tokens before it wrote an answer",
            code="empty",
            remedy="Raise `max_tokens` under [answers], or switch the model's thinking off with `extra_body`.",
        )
    return GeneratorGarbled(
        "the model wrote nothing", code="empty", remedy="Ask again; check that the model is one for chat."
    )
