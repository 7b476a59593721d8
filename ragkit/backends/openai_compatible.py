"""A model behind ``/chat/completions``: vLLM, llama.cpp, Ollama, TGI, LM Studio, ``transformers serve``, hosts, OpenAI.

The request is made here, byte for byte, and no vendor's library is in the way: the egress gateway must scan and send
the very bytes we made (:mod:`ragkit.backends.served` says more).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal

from ragkit.backends.openai_reply import OpenAIReply
from ragkit.backends.refusals import refusal, told, too_small
from ragkit.backends.replies import PUBLIC_CALL
from ragkit.backends.served import ServedModel
from ragkit.backends.shown import ShownText
from ragkit.backends.wire import checked_key, decode, entry, whole_number, without_halves
from ragkit.errors import ConfigError, GeneratorGarbled
from ragkit.protocols import Door
from ragkit.types import ModelCall

_OURS: Final = frozenset({"model", "messages", "stream", "n", "tools", "tool_choice", "functions"})
_CONTEXT: Final = (
    ("max_model_len",),
    ("meta", "n_ctx"),
    ("max_context_length",),
    ("context_window",),
    ("context_length",),
)
"""Where model lists tell the context: vLLM; llama.cpp; Mistral and LM Studio; Groq; Together."""


class OpenAICompatibleModel(ServedModel):
    """A chat model of an OpenAI-compatible server. Thoughts are counted and not shown.

    Args:
        door: The way out; its URL is the API's root, such as ``http://127.0.0.1:8000/v1``.
        model: The name the server knows it by.
        api_key: Sent as a bearer token, where the server asks for one.
        context_tokens: How much prompt and answer may be together; what the server was started with.
        organization: OpenAI's header of that name.
        extra_body: Further parameters of the server, such as ``{reasoning_effort = "none"}``.
        max_tokens_field: Name of the limit; ``auto`` begins with ``max_tokens`` and changes when it is refused.
        stream_usage: Ask for usage at the end of a stream.
        model_list: What :meth:`probe` does with ``/models``: ``check`` the name, ``ignore`` what it says, or ``none``:
            ask a tiny public question instead.

    Raises:
        ConfigError: The key is none, or ``extra_body`` changes what ragkit answers for.
    """

    optional: ClassVar[Mapping[str, str | None]] = {
        "max_tokens": "max_completion_tokens",
        "stream_options": None,
        "temperature": None,
        "seed": None,
        "stop": None,  # obeyed here, see ShownText
    }

    def __init__(
        self,
        door: Door,
        *,
        model: str,
        api_key: str | None = None,
        context_tokens: int = 8192,
        organization: str | None = None,
        extra_body: Mapping[str, Any] | None = None,
        max_tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto",
        stream_usage: bool = True,
        model_list: Literal["check", "ignore", "none"] = "check",
    ) -> None:
        super().__init__(door, model=model, context_tokens=context_tokens, keyed=api_key is not None)
        self._key = checked_key(api_key)
        self._organization = checked_key(organization)
        self._extra = dict(extra_body or {})
        if taken := sorted(_OURS & self._extra.keys()):
            raise ConfigError(
                f"`extra_body` sets {taken[0]!r}, which ragkit makes itself", remedy="Leave it out of `extra_body`."
            )
        if max_tokens_field not in ("auto", "max_tokens", "max_completion_tokens"):
            raise ConfigError("`max_tokens_field` is not known", remedy="Leave it out, or write `max_tokens`.")
        if model_list not in ("check", "ignore", "none"):
            raise ConfigError("`model_list` is not known", remedy="Write `check`, `ignore` or `none`.")
        self._limit = "max_completion_tokens" if max_tokens_field == "max_completion_tokens" else "max_tokens"
        self._stream_usage = stream_usage
        self._model_list = model_list

    def probe(self) -> None:
        """Ask for the list of models: is the server there, does it take the key, has it the model and the context?"""
        if self._model_list == "none":
            self._try_out()
            return
        reply = self._door.get(self._models_path(), headers=self._authorization())
        if reply.status == 404 and self._model_list == "check":
            self._try_out()  # servers without a list
            return
        if not 200 <= reply.status < 300:
            raise refusal(reply.status, reply.body, destination=self.destination, model=self.model, keyed=self._keyed)
        if self._model_list == "check":
            self._check_list(decode(reply.body))

    def _check_list(self, found: Mapping[str, Any]) -> None:
        listed = entry(found, "data") if isinstance(found.get("data"), list) else entry(found, "models")
        rows = {str(entry(row, "id") or entry(row, "name")): row for row in listed or () if isinstance(row, dict)}
        row = rows.get(self.model) or rows.get(f"{self.model}:latest")  # Ollama's short names
        if rows and row is None:
            raise told("model", self.destination, self.model, self._keyed)
        room = next((n for path in _CONTEXT if (n := whole_number(entry(row, *path)))), None)
        if room is not None and room < self.context_tokens:
            raise too_small(self.destination, room, self.context_tokens)

    def _try_out(self) -> None:
        try:
            self.complete(PUBLIC_CALL)
        except GeneratorGarbled as bad:
            if bad.code != "empty":  # it answers; what it says is not our question here
                raise

    def _models_path(self) -> str:
        return "/models"

    def _path(self, *, streamed: bool) -> str:  # noqa: ARG002 - one path for both
        return "/chat/completions"

    def _authorization(self) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return headers | ({"OpenAI-Organization": self._organization} if self._organization else {})

    def _headers(self, path: str, body: bytes, *, streamed: bool) -> dict[str, str]:  # noqa: ARG002
        accept = "text/event-stream" if streamed else "application/json"
        return {"Content-Type": "application/json", "Accept": accept} | self._authorization()

    def _body(self, call: ModelCall, *, streamed: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": one.role, "content": without_halves(one.content)} for one in call.messages],
            self._limit: call.max_tokens,
            "temperature": call.temperature,
            "stream": streamed,
        }
        if call.seed is not None:
            body["seed"] = call.seed
        if call.stop:
            body["stop"] = list(call.stop)
        if streamed and self._stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body | self._extra

    def _reader(self, call: ModelCall) -> OpenAIReply:
        shown = ShownText(call.stop)
        return OpenAIReply(shown, model=self.model, destination=self.destination, keyed=self._keyed)
