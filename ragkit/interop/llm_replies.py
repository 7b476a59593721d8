"""What an LLM of llama-index gives back: text held to the limits of the call, usage where it says, safe errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ragkit.backends.estimate import estimate_prompt, estimate_tokens
from ragkit.backends.listening import Listener
from ragkit.errors import GenerationError, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.types import Completion, ModelCall, TokenUsage

_REFUSING = frozenset({400, 401, 402, 403, 404, 413, 422})


class HeldAnswer:
    """Text as it comes, held to the stops and the length of a call, whatever the LLM makes of them."""

    def __init__(self, call: ModelCall) -> None:
        self._call = call
        self._new: list[str] = []
        self._listener = Listener(call.stop, self._new.append)
        self._heard = ""
        self._full = False

    def hear(self, text: str) -> bool:
        """Take more; return whether more is wanted."""
        grown = self._heard + text
        if len(grown) > self._call.max_tokens and estimate_tokens(grown) > self._call.max_tokens:
            self._full = True
            return False
        self._heard = grown
        return self._listener.hear(text)

    def taken(self) -> list[str]:
        """What may be shown and was not yet."""
        new = self._new[:]
        self._new.clear()
        return new

    def completion(self, response: Any, model: str, started: float) -> Completion:
        """The end."""
        text = self._listener.end()
        now = time.perf_counter()
        usage = None if self._full or self._listener.stopped else _usage(response)
        return Completion(
            text=text,
            model=model,
            usage=usage or TokenUsage(estimate_prompt(self._call), estimate_tokens(text), estimated=True),
            finish="length" if self._full or _reason(response) in ("length", "max_tokens") else "stop",
            latency_ms=(now - started) * 1000,
            ttft_ms=((self._listener.first or now) - started) * 1000,
        )


def text_of(content: object) -> str:
    """The text of a message or a piece of one.

    Raises:
        GeneratorGarbled: It is something else.
    """
    if content is not None and not isinstance(content, str):
        raise GeneratorGarbled(
            "the llama-index model answered with something that is no text", remedy="Use a model that writes text."
        )
    return content or ""


def _usage(response: Any) -> TokenUsage | None:
    """Tokens as the integrations for OpenAI-shaped servers give them; ``None`` where there are none."""
    given = getattr(response, "additional_kwargs", None)
    if not isinstance(given, Mapping):
        return None
    counts = given.get("prompt_tokens"), given.get("completion_tokens")
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        return None
    return TokenUsage(int(counts[0] or 0), int(counts[1] or 0))


def _reason(response: Any) -> str:
    """Why an OpenAI-shaped server says it stopped; empty where it does not."""
    choices = getattr(getattr(response, "raw", None), "choices", None)
    return str(getattr(choices[0], "finish_reason", "")) if isinstance(choices, list) and choices else ""


def error_for(failed: Exception) -> GenerationError:
    """The error for what an integration raised; its message may hold the prompt and stays behind."""
    if isinstance(failed, GenerationError):
        return failed
    status = getattr(failed, "status_code", None) or getattr(getattr(failed, "response", None), "status_code", None)
    kind = type(failed).__name__
    if status in _REFUSING:
        return GeneratorRefused(
            f"the server behind the llama-index model refuses the call ({kind}, HTTP {status})",
            code="refused",
            remedy="Check its key, its model and the length of the prompt.",
        )
    return GeneratorUnavailable(
        f"the llama-index model failed ({kind})", code="failed", remedy="Try it alone, by its own `llm.chat`."
    )
