"""What the servers of :mod:`ragkit.testing.model_servers` say: the APIs of OpenAI, Azure and Anthropic."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Turns = Sequence[tuple[str, str]]
"""Messages as (role, text), the system's first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer, where a text alone does not say it.

    Attributes:
        text: The answer.
        thought: What the model thinks first.
        finish: As the API calls it; empty for the usual end.
        usage: Whether tokens are counted.
    """

    text: str
    thought: str = ""
    finish: str = ""
    usage: bool = True

    @property
    def words(self) -> list[str]:
        """The text in pieces that give it back when joined."""
        first, *rest = self.text.split(" ")
        return [first, *(f" {word}" for word in rest)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as any of the APIs means it."""

    model: str
    turns: Turns
    streamed: bool
    max_tokens: int
    parameters: frozenset[str]
    with_usage: bool = True

    @property
    def words(self) -> int:
        """Length of the prompt, for ``usage``."""
        return sum(len(text.split()) for _, text in self.turns)


class Refusal(Exception):
    """The server does not take the request."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Dialect(ABC):
    """One API. ``model`` is the one there is, ``key`` what the server asks for."""

    model: str
    key: str | tuple[str, str] | None = field(repr=False)
    context_tokens: int = 4096
    content_type = "text/event-stream"
    at_limit = "max_tokens"

    def check_key(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:  # noqa: ARG002
        """Refuse a request without the key."""
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            raise Refusal(401, "invalid_api_key", f"Incorrect API key provided: {headers.get('authorization')}")

    def error(self, refused: Refusal) -> bytes:
        """Return the body of a refusal."""
        return json.dumps({"error": {"message": refused.message, "type": "x", "code": refused.code}}).encode()

    @abstractmethod
    def models(self, path: str) -> Any: ...

    @abstractmethod
    def read(self, path: str, query: str, body: Any) -> Asked: ...

    @abstractmethod
    def whole(self, asked: Asked, answer: Answer) -> Any: ...

    @abstractmethod
    def stream(self, asked: Asked, answer: Answer) -> Iterator[bytes]: ...


class OpenAI(Dialect):
    """``/v1/chat/completions``."""

    at_limit = "length"

    def models(self, path: str) -> Any:
        if path != "/v1/models":
            raise Refusal(404, "not_found", "Not Found")
        return {"object": "list", "data": [{"id": self.model, "max_model_len": self.context_tokens}]}

    def read(self, path: str, query: str, body: Any) -> Asked:  # noqa: ARG002
        if path != "/v1/chat/completions":
            raise Refusal(404, "not_found", "Not Found")
        return self._asked(body, body["model"])

    def _asked(self, body: Any, model: str) -> Asked:
        return Asked(
            model=model,
            turns=[(one["role"], one["content"]) for one in body["messages"]],
            streamed=body["stream"],
            max_tokens=body.get("max_tokens") or body.get("max_completion_tokens"),
            parameters=frozenset(body),
            with_usage=bool(body.get("stream_options", {}).get("include_usage")),
        )

    def _usage(self, asked: Asked, answer: Answer) -> Any:
        written, thought = len(answer.words), len(answer.thought.split())
        return {
            "prompt_tokens": asked.words,
            "completion_tokens": written + thought,
            "total_tokens": asked.words + written + thought,
            "prompt_tokens_details": {"cached_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }

    def whole(self, asked: Asked, answer: Answer) -> Any:
        message = {"role": "assistant", "content": answer.text, "reasoning_content": answer.thought or None}
        choice = {"index": 0, "message": message, "finish_reason": answer.finish or "stop"}
        usage = {"usage": self._usage(asked, answer)} if answer.usage else {}
        return {"object": "chat.completion", "model": self.model, "choices": [choice], **usage}

    def stream(self, asked: Asked, answer: Answer) -> Iterator[bytes]:
        def chunk(delta: Any, finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _event({"object": "chat.completion.chunk", "model": self.model, "choices": [choice]})

        yield chunk({"role": "assistant", "content": ""})
        if answer.thought:
            yield chunk({"reasoning_content": answer.thought})
        for word in answer.words:
            yield chunk({"content": word})
        yield chunk({}, answer.finish or "stop")
        if asked.with_usage and answer.usage:
            yield _event({"model": self.model, "choices": [], "usage": self._usage(asked, answer)})
        yield b"data: [DONE]\n\n"


class Azure(OpenAI):
    """Azure OpenAI: the v1 API and the older deployments, the key in a header of its own."""

    def check_key(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:  # noqa: ARG002
        if self.key is not None and headers.get("api-key") != self.key:
            raise Refusal(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")

    def models(self, path: str) -> Any:
        if path not in ("/openai/models", "/openai/v1/models"):
            raise Refusal(404, "404", "Resource not found")
        return {"data": [{"id": "gpt-of-the-catalogue"}]}

    def read(self, path: str, query: str, body: Any) -> Asked:
        if path == "/openai/v1/chat/completions":
            return self._asked(body, body["model"])
        deployment = path.removeprefix("/openai/deployments/").removesuffix("/chat/completions")
        if f"/openai/deployments/{deployment}/chat/completions" != path or not query.startswith("api-version=20"):
            raise Refusal(404, "404", "Resource not found")
        if deployment != self.model:
            raise Refusal(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
        return self._asked(body, deployment)

    def stream(self, asked: Asked, answer: Answer) -> Iterator[bytes]:
        yield _event({"choices": [], "model": "", "prompt_filter_results": [{"prompt_index": 0}]})
        yield from super().stream(asked, answer)


class Anthropic(Dialect):
    """``/v1/messages``."""

    def check_key(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:  # noqa: ARG002
        if "anthropic-version" not in headers:
            raise Refusal(400, "invalid_request_error", "anthropic-version: header is required")
        if self.key is not None and headers.get("x-api-key") != self.key:
            raise Refusal(401, "authentication_error", "invalid x-api-key")

    def error(self, refused: Refusal) -> bytes:
        kinds = {"model_not_found": "not_found_error"}
        kind = kinds.get(refused.code, "invalid_request_error" if refused.status == 400 else refused.code)
        message = f"model: {self.model}" if refused.code == "model_not_found" else refused.message
        if refused.code == "context_length_exceeded":
            message = f"prompt is too long: {refused.message}"
        return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()

    def models(self, path: str) -> Any:
        if path != f"/v1/models/{self.model}":
            raise Refusal(404, "model_not_found", "")
        return {"type": "model", "id": self.model, "max_input_tokens": self.context_tokens}

    def read(self, path: str, query: str, body: Any) -> Asked:  # noqa: ARG002
        if path != "/v1/messages" or any(one["role"] == "system" for one in body["messages"]):
            raise Refusal(404, "not_found_error", "Not Found")
        told = [("system", body["system"])] if "system" in body else []
        turns = [*told, *((one["role"], one["content"]) for one in body["messages"])]
        return Asked(body["model"], turns, body["stream"], body["max_tokens"], frozenset(body))

    def _usage(self, asked: Asked) -> Any:
        return {"input_tokens": asked.words - 3, "cache_creation_input_tokens": 1, "cache_read_input_tokens": 2}

    def whole(self, asked: Asked, answer: Answer) -> Any:
        thought = [{"type": "thinking", "thinking": answer.thought}] if answer.thought else []
        return {
            "type": "message",
            "model": self.model,
            "content": [*thought, {"type": "text", "text": answer.text}],
            "stop_reason": answer.finish or "end_turn",
            "usage": {**self._usage(asked), "output_tokens": len(answer.words)},
        }

    def stream(self, asked: Asked, answer: Answer) -> Iterator[bytes]:
        def event(kind: str, **data: Any) -> bytes:
            return f"event: {kind}\n".encode() + _event({"type": kind, **data})

        usage = {**self._usage(asked), "output_tokens": 1}
        yield event("message_start", message={"model": self.model, "content": [], "usage": usage})
        yield event("ping")
        blocks = [("thinking", [answer.thought])] * bool(answer.thought) + [("text", answer.words)]
        for index, (kind, pieces) in enumerate(blocks):
            yield event("content_block_start", index=index, content_block={"type": kind, kind: ""})
            for piece in pieces:
                delta = {"type": f"{kind}_delta", kind: piece}
                yield event("content_block_delta", index=index, delta=delta)
            yield event("content_block_stop", index=index)
        end = {"stop_reason": answer.finish or "end_turn"}
        yield event("message_delta", delta=end, usage={"output_tokens": len(answer.words)})
        yield event("message_stop")


def _event(data: Any) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
