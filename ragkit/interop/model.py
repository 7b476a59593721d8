"""A generator of a workspace as an LLM of llama-index.

::

    llm = RagkitLLM(workspace, generator="large", principal=reader)
    CitationQueryEngine.from_args(index, retriever=RagkitRetriever(workspace, principal=reader), llm=llm)

:mod:`ragkit.interop.llm` is the other way round: any LLM of llama-index as a generator of ragkit.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.llms import CustomLLM
from pydantic import PrivateAttr

from ragkit.errors import ConfigError
from ragkit.telling import Role
from ragkit.types import Generation, Principal
from ragkit.workspace import Workspace

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "chatbot": "assistant",
    "model": "assistant",
}


class RagkitLLM(CustomLLM):  # type: ignore[misc]  # llama-index is untyped here
    """Tells a configured generator's model what an engine of llama-index wrote, through ragkit's masking and gateway.

    What it protects: every message is masked by the collection's vault before anything else (tokens of passages that a
    :class:`ragkit.interop.retriever.RagkitRetriever` found stay); the model sees aliases; the bytes pass the gateway of
    the destination with its data class, its last look and its events; budgets hold. What it does not: the reply is the
    model's as it is (tokens put back, nothing cited, checked or made safe for a page); what an engine puts into a
    prompt from other places is masked by the same policy and taken to be of this collection's data class; and
    llama-index's own callbacks and instrumentation see prompts as the engine wrote them. Tools are refused.

    Args:
        workspace: Open; who made it closes it.
        generator: A generator with a model behind it, by its name; by default the one that answers.
        collection: Whose vault and data class; by default the only one.
        principal: Whose question it is; by default the workspace's owner.
        max_tokens: Of a reply; by default ``[answers] max_tokens``.
        temperature: As the server takes it.
        **more: As :class:`CustomLLM`.

    Raises:
        ConfigError: From a call: there is no such generator, or none with a model.
    """

    max_tokens: int | None = None
    temperature: float = 0.0
    _workspace: Workspace = PrivateAttr()
    _generator: str | None = PrivateAttr()
    _collection: str | None = PrivateAttr()
    _principal: Principal | None = PrivateAttr()

    def __init__(
        self,
        workspace: Workspace,
        *,
        generator: str | None = None,
        collection: str | None = None,
        principal: Principal | None = None,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._workspace = workspace
        self._generator = generator
        self._collection = collection
        self._principal = principal

    @classmethod
    def class_name(cls) -> str:
        """As llama-index calls it."""
        return "RagkitLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """How much the model reads and writes."""
        name, window = self._workspace.generators.context(self._generator)
        written = self.max_tokens or self._workspace.config.answers.max_tokens
        return LLMMetadata(context_window=window, num_output=written, is_chat_model=True, model_name=name)

    def chat(self, messages: Sequence[ChatMessage], **more: Any) -> ChatResponse:
        """Return the whole reply."""
        *_, last = self.stream_chat(messages, **more)
        return last

    def stream_chat(self, messages: Sequence[ChatMessage], **more: Any) -> Iterator[ChatResponse]:
        """Yield the reply as it is written; the last response holds the tokens used."""
        told = [(_role(one), _text(one)) for one in messages]
        if more.get("tools"):
            raise ConfigError("ragkit's generators take no tools", remedy="Use an engine that writes text.")
        pieces = self._workspace.generators.tell(
            told,
            name=self._generator,
            collection=self._collection,
            principal=self._principal,
            max_tokens=more.get("max_tokens", self.max_tokens),
            temperature=more.get("temperature", self.temperature),
            stop=more.get("stop") or (),
        )
        text = ""
        for piece in pieces:
            if isinstance(piece, Generation):
                usage = piece.account.usage
                counted = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
                said = ChatMessage(role=MessageRole.ASSISTANT, content=str(piece.text))
                yield ChatResponse(message=said, delta="", additional_kwargs=counted)
            else:
                text += piece
                yield ChatResponse(message=ChatMessage(role=MessageRole.ASSISTANT, content=text), delta=str(piece))

    def complete(self, prompt: str, formatted: bool = False, **more: Any) -> CompletionResponse:  # noqa: ARG002
        """Return the whole reply to one message."""
        return _completion(self.chat([ChatMessage(role=MessageRole.USER, content=prompt)], **more))

    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,  # noqa: ARG002 - llama-index's shape
        **more: Any,
    ) -> Iterator[CompletionResponse]:
        """Yield the reply to one message as it is written."""
        for response in self.stream_chat([ChatMessage(role=MessageRole.USER, content=prompt)], **more):
            yield _completion(response)

    async def achat(self, messages: Sequence[ChatMessage], **more: Any) -> ChatResponse:
        """Return the whole reply; the loop goes on meanwhile."""
        return await asyncio.to_thread(self.chat, messages, **more)

    async def acomplete(self, prompt: str, formatted: bool = False, **more: Any) -> CompletionResponse:
        """Return the whole reply to one message; the loop goes on meanwhile."""
        return await asyncio.to_thread(self.complete, prompt, formatted, **more)

    async def astream_chat(self, messages: Sequence[ChatMessage], **more: Any) -> AsyncIterator[ChatResponse]:
        """Yield the reply as it is written; the loop goes on meanwhile."""
        return _in_a_thread(self.stream_chat(messages, **more))

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **more: Any
    ) -> AsyncIterator[CompletionResponse]:
        """Yield the reply to one message as it is written; the loop goes on meanwhile."""
        return _in_a_thread(self.stream_complete(prompt, formatted, **more))


async def _in_a_thread(pieces: Iterator[Any]) -> AsyncIterator[Any]:
    end = object()
    try:
        while (piece := await asyncio.to_thread(next, pieces, end)) is not end:
            yield piece
    finally:
        await asyncio.to_thread(getattr(pieces, "close", lambda: None))


def _completion(response: ChatResponse) -> CompletionResponse:
    return CompletionResponse(
        text=response.message.content or "",
        delta=response.delta,
        additional_kwargs=dict(response.additional_kwargs),
    )


def _role(message: ChatMessage) -> Role:
    role = _ROLES.get(str(getattr(message.role, "value", message.role)))
    if role is None:
        raise ConfigError("a message is of a role that ragkit's generators do not take", remedy="Leave tools out.")
    return role


def _text(message: ChatMessage) -> str:
    if any(block.block_type != "text" for block in message.blocks):
        raise ConfigError(
            "a message holds something else than text, which nothing could mask", remedy="Send text alone."
        )
    return message.content or ""
