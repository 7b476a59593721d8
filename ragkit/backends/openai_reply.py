"""Replies of ``/chat/completions`` as the servers that are called OpenAI-compatible really give them.

Seen in the field: no usage in streams (llama-cpp-python), usage in a last chunk without choices (OpenAI, vLLM), in
every chunk (vLLM), under ``x_groq`` (Groq); thoughts under ``reasoning_content`` (DeepSeek, vLLM) or ``reasoning``
(Ollama, vLLM); content as a list of parts (Mistral); errors as an object, a string (TGI) or beside ``object: error``
(vLLM) within a stream of status 200; streams without ``[DONE]``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ragkit.backends.refusals import code_of, told, words_of
from ragkit.backends.replies import ReplyReader, counted
from ragkit.backends.shown import ShownText
from ragkit.backends.sse import EventDecoder
from ragkit.backends.wire import decode, entry, garbled, model_name, whole_number
from ragkit.completions import Finish
from ragkit.errors import GenerationError, GeneratorUnavailable
from ragkit.types import TokenUsage

_FINISH: Final[Mapping[str, Finish]] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content-filter",
}
_FAILED: Final = frozenset({"error", "abort", "aborted", "cancelled"})
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")


class OpenAIReply(ReplyReader):
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

    def feed(self, piece: bytes) -> Iterator[str]:
        """Yield the text in this piece; what comes after ``[DONE]`` is not read."""
        for event in self._events.feed(piece):
            if self.heard.ended:
                return
            if event.data.strip() == "[DONE]":
                self.heard.ended = True
                yield ""
                return
            if event.data.strip():
                yield self._chunk(decode(event.data), "delta")

    def whole(self, body: bytes) -> str:
        """Return the text of a reply that was not streamed."""
        found = decode(body)
        if not isinstance(entry(found, "choices", 0, "message"), dict):
            self._check_error(found)
            raise garbled("the reply has no answer in it")
        text = self._chunk(found, "message")
        self.heard.ended = True
        return text

    def _chunk(self, found: dict[str, Any], part: str) -> str:
        self._check_error(found)
        self.heard.model = model_name(found.get("model"), otherwise=self.heard.model)
        self._take_usage(found)
        choices = found.get("choices")
        if not isinstance(choices, list):
            if choices is None and ("usage" in found or part == "delta"):
                return ""
            raise garbled("the choices of the reply are not a list")
        texts = [self._choice(choice, part) for choice in choices if entry(choice, "index") in (0, None)]
        return "".join(texts)

    def _choice(self, choice: Any, part: str) -> str:
        delta = entry(choice, part)
        if (choice is not None and not isinstance(choice, dict)) or (delta is not None and not isinstance(delta, dict)):
            raise garbled("a choice of the reply is not an object")
        self._take_finish(entry(choice, "finish_reason"))
        for name in _REASONING:
            thought = entry(delta, name)
            if isinstance(thought, str) and thought:
                self.shown.hide(thought)
                break
        refused = entry(delta, "refusal")
        if isinstance(refused, str) and refused:
            self.heard.finish = "content-filter"
            return refused
        return self._content(entry(delta, "content"))

    def _content(self, content: Any) -> str:
        if content is None:
            return ""
        if isinstance(content, str):
            return content
        if not isinstance(content, list):
            raise garbled("the text of the reply is not text")
        texts = []
        for part in content:
            text, kind = entry(part, "text"), entry(part, "type")
            if isinstance(part, str):
                texts.append(part)
            elif kind in (None, "text", "output_text") and isinstance(text, str):
                texts.append(text)
            elif kind in ("thinking", "reasoning"):
                self._hide_part(part)
        return "".join(texts)

    def _hide_part(self, part: Any) -> None:
        for thought in (entry(part, "thinking"), entry(part, "text")):
            pieces = thought if isinstance(thought, list) else [thought]
            for piece in pieces:
                text = piece if isinstance(piece, str) else entry(piece, "text")
                if isinstance(text, str):
                    self.shown.hide(text)

    def _take_finish(self, reason: Any) -> None:
        if reason is None or reason == "":
            return
        if not isinstance(reason, str):
            raise garbled("the end of the reply is not a word")
        if reason in _FAILED:
            raise garbled("the server stopped in the middle of its reply", code="cut")
        if self.heard.finish != "content-filter":
            self.heard.finish = _FINISH.get(reason, "stop")

    def _take_usage(self, found: dict[str, Any]) -> None:
        for usage in (found.get("usage"), entry(found, "x_groq", "usage")):
            counts = counted(usage, input=("prompt_tokens",), output="completion_tokens")
            if counts is not None:
                self.heard.usage = TokenUsage(
                    input=counts[0],
                    output=counts[1],
                    cached_input=whole_number(entry(usage, "prompt_tokens_details", "cached_tokens"))
                    or whole_number(entry(usage, "prompt_cache_hit_tokens"))
                    or 0,
                    reasoning=whole_number(entry(usage, "completion_tokens_details", "reasoning_tokens")) or 0,
                )

    def _check_error(self, found: dict[str, Any]) -> None:
        error = found.get("error")
        if error or found.get("object") == "error" or found.get("type") == "error":
            raise self._failed(error or found)

    def _failed(self, error: Any) -> GenerationError:
        """Return the error for one that came with status 200, or within a stream."""
        raw = json.dumps(error).encode()
        words = words_of(raw)
        number = next(
            (n for n in (entry(error, "code"), entry(error, "status_code")) if whole_number(n) and 400 <= n < 600), 0
        )
        code = code_of(number or 400, words) if number < 500 and number != 429 else "refused"
        if code == "refused" or ("rate" in words and "limit" in words):
            return GeneratorUnavailable(
                f"destination {self._asked[0]!r} failed in the middle of its reply",
                code="overloaded",
                remedy="Try again later, or see the server's own log.",
            )
        return told(code, *self._asked)
