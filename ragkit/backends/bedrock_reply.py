"""Replies of Amazon Bedrock: Converse as JSON, ConverseStream as frames of ``application/vnd.amazon.eventstream``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ragkit.backends.refusals import code_of, told, words_of
from ragkit.backends.replies import ReplyReader, counted
from ragkit.backends.shown import ShownText
from ragkit.backends.wire import decode, entry, garbled, whole_number
from ragkit.completions import Finish
from ragkit.errors import GenerationError, GeneratorUnavailable
from ragkit.types import TokenUsage

_FINISH: Final[Mapping[str, Finish]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content-filter",
    "content_filtered": "content-filter",
    "refusal": "content-filter",
}
_INPUT: Final = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
_FRAME_BYTES: Final = 1_000_000


class BedrockReply(ReplyReader):
    """Reads one reply. The API names no model, so it is the one asked for.

    Args:
        shown: Takes the text.
        model: The name asked for.
        destination: For errors.
    """

    def __init__(self, shown: ShownText, *, model: str, destination: str) -> None:
        super().__init__(shown)
        self._asked = (destination, model, True)
        self.heard.model = model
        self._frames: Any = None
        self._waiting = 0

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the text in this piece."""
        from botocore.eventstream import EventStreamBuffer, ParserError

        if self._frames is None:
            self._frames = EventStreamBuffer()
        self._frames.add_data(piece)
        self._waiting += len(piece)
        while True:
            try:
                frame = next(self._frames, None)
            except (ParserError, ValueError, KeyError):
                raise garbled("the frames of the reply are damaged") from None
            if frame is None:
                break
            self._waiting -= frame.prelude.total_length
            yield self._event(frame.headers, frame.payload)
        if self._waiting > _FRAME_BYTES:
            raise garbled("a frame of the reply is longer than any model's would be")

    def whole(self, body: bytes) -> str:
        """Return the text of a reply that was not streamed."""
        found = decode(body)
        blocks = entry(found, "output", "message", "content")
        if not isinstance(blocks, list):
            raise garbled("the reply has no answer in it")
        text = "".join([self._block(block) for block in blocks])
        self._take_end(found.get("stopReason"))
        self._take_usage(found)
        self.heard.ended = True
        return text

    def _event(self, headers: Mapping[str, Any], payload: bytes) -> str:
        if headers.get(":message-type", "event") != "event":
            raise self._failed(headers, payload)
        kind, found = headers.get(":event-type"), decode(payload)
        if kind == "contentBlockDelta":
            return self._block(found.get("delta"))
        if kind == "messageStop":
            self._take_end(found.get("stopReason"))
        elif kind == "metadata":
            self._take_usage(found)
            self.heard.ended = self.heard.finish is not None
        return ""

    def _block(self, block: Any) -> str:
        if not isinstance(block, dict):
            raise garbled("a block of the reply is not an object")
        reasoning = block.get("reasoningContent")
        thought = entry(reasoning, "text") or entry(reasoning, "reasoningText", "text")
        if isinstance(thought, str):
            self.shown.hide(thought)
        text = block.get("text", "")
        if not isinstance(text, str):
            raise garbled("the text of the reply is not text")
        return text

    def _take_end(self, reason: Any) -> None:
        if reason is not None:
            self.heard.finish = _FINISH.get(str(reason), "stop")

    def _take_usage(self, found: Mapping[str, Any]) -> None:
        usage = found.get("usage")
        counts = counted(usage, input=_INPUT, output="outputTokens")
        if counts is not None:
            cached = whole_number(entry(usage, "cacheReadInputTokens")) or 0
            self.heard.usage = TokenUsage(input=counts[0], output=counts[1], cached_input=cached)

    def _failed(self, headers: Mapping[str, Any], payload: bytes) -> GenerationError:
        kind = str(headers.get(":exception-type") or headers.get(":error-code") or "").lower()
        code = code_of(400, words_of(payload))
        if ("validation" not in kind and "accessdenied" not in kind) or code == "refused":
            return GeneratorUnavailable(
                f"destination {self._asked[0]!r} failed in the middle of its reply",
                code="overloaded",
                remedy="Try again later, or see the provider's status page.",
            )
        return told(code, *self._asked)
