"""A model behind Anthropic's Messages API, or a server that speaks it.

https://platform.claude.com/docs/en/api/messages; the request is made here and not by a vendor's library, so that the
egress gateway scans and sends the very bytes (:mod:`ragkit.backends.served` says more).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

from ragkit.backends.refusals import code_of, refusal, told, too_small, words_of
from ragkit.backends.replies import ReplyReader, counted, messages_of
from ragkit.backends.served import ServedModel
from ragkit.backends.shown import ShownText
from ragkit.backends.sse import EventDecoder
from ragkit.backends.wire import checked_key, decode, encode, entry, garbled, model_name, whole_number
from ragkit.completions import Finish
from ragkit.errors import ConfigError, GenerationError, GeneratorUnavailable
from ragkit.protocols import Door
from ragkit.types import ModelCall, TokenUsage

API_VERSION: Final = "2023-06-01"
_OURS: Final = frozenset({"model", "messages", "system", "stream", "tools", "tool_choice", "mcp_servers", "container"})
_FINISH: Final[Mapping[str, Finish]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content-filter",
}
_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_PASSING: Final = frozenset({"overloaded_error", "api_error", "rate_limit_error", "timeout_error"})


class AnthropicModel(ServedModel):
    """A Claude model, or another behind the same API. Nothing is asked to be cached at the provider.

    Args:
        door: The way out; its URL is the API's root, ``https://api.anthropic.com/v1``.
        model: The model's id.
        api_key: Sent as ``x-api-key``.
        context_tokens: How much prompt and answer may be together.
        extra_body: Further parameters, such as ``{thinking = {type = "disabled"}}``.
        version: Of the API, for ``anthropic-version``.

    Raises:
        ConfigError: The key is none, or ``extra_body`` changes what ragkit answers for.
    """

    optional: ClassVar[Mapping[str, str | None]] = {
        "temperature": None,  # models from Opus 4.7 on refuse it
        "stop_sequences": None,  # obeyed here, see ShownText
    }

    def __init__(
        self,
        door: Door,
        *,
        model: str,
        api_key: str | None = None,
        context_tokens: int = 200_000,
        extra_body: Mapping[str, Any] | None = None,
        version: str = API_VERSION,
    ) -> None:
        super().__init__(door, model=model, context_tokens=context_tokens, keyed=api_key is not None)
        self._key = checked_key(api_key)
        self._extra = dict(extra_body or {})
        self._version = version
        if taken := sorted(_OURS & self._extra.keys()):
            raise ConfigError(
                f"`extra_body` sets {taken[0]!r}, which ragkit makes itself", remedy="Leave it out of `extra_body`."
            )

    def probe(self) -> None:
        """Ask for the model by its id: is the server there, does it take the key, has it the model and the context?"""
        reply = self._door.get(f"/models/{quote(self.model, safe='')}", headers=self._authorization())
        if reply.status in (404, 405) and code_of(reply.status, words_of(reply.body)) != "model":
            return  # a server that speaks the Messages API and has no list
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.body, destination=self.destination, model=self.model, keyed=self._keyed)
        room = whole_number(decode(reply.body).get("max_input_tokens"))
        if room is not None and room < self.context_tokens:
            raise too_small(self.destination, room, self.context_tokens)

    def _authorization(self) -> dict[str, str]:
        return {"anthropic-version": self._version} | ({"x-api-key": self._key} if self._key else {})

    def _path(self, *, streamed: bool) -> str:  # noqa: ARG002 - one path for both
        return "/messages"

    def _headers(self, path: str, body: bytes, *, streamed: bool) -> dict[str, str]:  # noqa: ARG002
        accept = "text/event-stream" if streamed else "application/json"
        return {"Content-Type": "application/json", "Accept": accept} | self._authorization()

    def _body(self, call: ModelCall, *, streamed: bool) -> dict[str, Any]:
        system, others = messages_of(call)
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": call.max_tokens,
            "messages": [{"role": role, "content": text} for role, text in others],
            "temperature": call.temperature,
            "stream": streamed,
        }
        if system:
            body["system"] = system
        if stops := [stop for stop in call.stop if stop.strip()]:  # it refuses blank ones
            body["stop_sequences"] = stops
        return body | self._extra

    def _reader(self, call: ModelCall) -> AnthropicReply:
        return AnthropicReply(ShownText(call.stop), model=self.model, destination=self.destination, keyed=self._keyed)


class AnthropicReply(ReplyReader):
    """Reads one reply.

    Args:
        shown: Takes the text.
        model: The name asked for, where the server gives none.
        destination: For errors.
        keyed: Whether a key was sent.
    """

    def __init__(self, shown: ShownText, *, model: str, destination: str, keyed: bool) -> None:
        super().__init__(shown)
        self._asked = (destination, model, keyed)
        self.heard.model = model
        self._events = EventDecoder()
        self._usage: dict[str, Any] = {}

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the text in this piece; what comes after ``message_stop`` is not read."""
        for event in self._events.feed(piece):
            if self.heard.ended:
                return
            if event.type != "ping":
                yield self._event(decode(event.data))

    def whole(self, body: bytes) -> str:
        """Return the text of a reply that was not streamed."""
        found = decode(body)
        self._check_error(found)
        blocks = found.get("content")
        if not isinstance(blocks, list):
            raise garbled("the reply has no answer in it")
        text = "".join([self._block(block) for block in blocks])
        self._take(found)
        self._take_end(found.get("stop_reason"))
        self.heard.ended = True
        return text

    def _event(self, found: dict[str, Any]) -> str:
        self._check_error(found)
        kind = found.get("type")
        if kind == "message_start":
            self._take(entry(found, "message"))
        elif kind == "content_block_start":
            return self._block(found.get("content_block"))
        elif kind == "content_block_delta":
            return self._block(found.get("delta"))
        elif kind == "message_delta":
            self._take_end(entry(found, "delta", "stop_reason"))
            self._take(found)
        elif kind == "message_stop":
            self.heard.ended = True
        return ""  # kinds that are new to us are passed over, as the API asks

    def _block(self, block: Any) -> str:
        kind = entry(block, "type")
        if not isinstance(kind, str):
            raise garbled("a block of the reply has no type")
        if kind in ("text", "text_delta"):
            text = entry(block, "text")
            if not isinstance(text, str):
                raise garbled("the text of the reply is not text")
            return text
        thought = entry(block, "thinking")
        if isinstance(thought, str) and thought:
            self.shown.hide(thought)
        return ""

    def _take(self, message: Any) -> None:
        self.heard.model = model_name(entry(message, "model"), otherwise=self.heard.model)
        usage = entry(message, "usage")
        if isinstance(usage, dict):
            self._usage |= {name: count for name, count in usage.items() if count is not None}
            counts = counted(self._usage, input=_INPUT, output="output_tokens")
            if counts is not None:
                cached = whole_number(self._usage.get("cache_read_input_tokens")) or 0
                self.heard.usage = TokenUsage(input=counts[0], output=counts[1], cached_input=cached)

    def _take_end(self, reason: Any) -> None:
        if reason is not None:
            self.heard.finish = _FINISH.get(str(reason), "stop")

    def _check_error(self, found: dict[str, Any]) -> None:
        error = found.get("error")
        if found.get("type") == "error" or error:
            raise self._failed(error)

    def _failed(self, error: Any) -> GenerationError:
        """Return the error for one that came with status 200, or within a stream."""
        words = words_of(encode({"error": error}))
        code = code_of(400, words)
        if entry(error, "type") in _PASSING or code == "refused":
            return GeneratorUnavailable(
                f"destination {self._asked[0]!r} failed in the middle of its reply",
                code="overloaded",
                remedy="Try again later, or see the server's own log.",
            )
        return told(code, *self._asked)
