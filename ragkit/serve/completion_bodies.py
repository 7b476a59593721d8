"""What OpenAI's chat completions take and give, as far as ragkit has a meaning for it.

What only steers a model's writing (``temperature``, ``max_tokens``, ``seed``, …) is ignored: the prompt, its limits
and its checks are ragkit's own. What would change what the reply *is* (``n``, ``tools``, ``logprobs``, …) is refused,
so that no client takes one thing for another. Whatever is not known here is ignored: clients send more each year.
"""

from __future__ import annotations

import time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ragkit.serve.answer_bodies import CITATION, AnswerBody, CitationBody
from ragkit.serve.texts import MOST_FILTERS

MOST_MESSAGES = 1_000
STEERING = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "reasoning_effort",
    "verbosity",
    "prediction",
    "service_tier",
    "store",
)
"""Parameters that are ignored, and named in ``ragkit.ignored`` of the reply."""
REQUEST: dict[str, Any] = {
    "model": "shop",
    "messages": [{"role": "user", "content": "How long is the warranty on a tent?"}],
}
STREAMED: dict[str, Any] = {**REQUEST, "stream": True, "stream_options": {"include_usage": True}}
CHOSEN: dict[str, Any] = {
    "model": "shop:extractive",
    "messages": [
        {"role": "user", "content": "How long is the warranty on a tent?"},
        {"role": "assistant", "content": "Five years."},
        {"role": "user", "content": [{"type": "text", "text": "And on a stove?"}]},
    ],
    "ragkit": {"k": 4},
}


class ContentPart(BaseModel):
    """A part of a message; only those of type ``text`` are read."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(examples=["text"])
    text: str | None = None


class ChatMessage(BaseModel):
    """One message. The last of the user is the question; the user's earlier ones are its history."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"] = Field(
        description="`system` and `developer` are ignored: the prompt is ragkit's own. So are `assistant` and `tool`: "
        "nothing but documents is a source."
    )
    content: str | list[ContentPart] | None = None


class StreamOptions(BaseModel):
    """How to stream."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool | None = Field(None, description="Send a last chunk with the usage.")


class Extension(BaseModel):
    """What ragkit takes besides; with OpenAI's Python client, ``extra_body={"ragkit": {…}}``."""

    model_config = ConfigDict(title="CompletionOptions", extra="forbid")

    k: int = Field(8, ge=1, le=100, description="How many passages to read.")
    filters: dict[str, str] | None = Field(None, max_length=MOST_FILTERS, description="Metadata that documents have.")


class CompletionBody(BaseModel):
    """A question in OpenAI's dialect."""

    model_config = ConfigDict(
        title="ChatCompletionRequest", extra="ignore", json_schema_extra={"examples": [REQUEST, STREAMED, CHOSEN]}
    )

    model: str = Field(
        max_length=200,
        description="`COLLECTION`, `COLLECTION:GENERATOR`, or `ragkit` where the caller knows of one collection only.",
    )
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(None, description="Only 1.")
    tools: list[Any] | None = Field(None, description="Refused unless empty.")
    functions: list[Any] | None = Field(None, description="Refused unless empty.")
    tool_choice: Any = Field(None, description="Refused unless `none` or `auto`.")
    function_call: Any = Field(None, description="Refused unless `none` or `auto`.")
    response_format: dict[str, Any] | None = Field(None, description='Refused unless `{"type": "text"}`.')
    logprobs: bool | None = Field(None, description="Refused when true.")
    top_logprobs: int | None = Field(None, description="Refused unless 0.")
    modalities: list[str] | None = Field(None, description='Refused unless `["text"]`.')
    audio: dict[str, Any] | None = Field(None, description="Refused.")
    web_search_options: dict[str, Any] | None = Field(None, description="Refused: no answer comes from elsewhere.")
    temperature: Any = Field(None, description="Ignored, as is all that only steers how a model writes.")
    top_p: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    seed: Any = None
    stop: Any = None
    presence_penalty: Any = None
    frequency_penalty: Any = None
    logit_bias: Any = None
    reasoning_effort: Any = None
    verbosity: Any = None
    prediction: Any = None
    service_tier: Any = None
    store: Any = None
    ragkit: Extension | None = None


class UrlCitation(BaseModel):
    """A source, as OpenAI's web search has it; `url` is the document's path in this service."""

    start_index: int = Field(description="Where its marker begins in the message.")
    end_index: int
    title: str
    url: str


class Annotation(BaseModel):
    """A citation at its place in the message."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class AssistantMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation] = []


class CompletionChoice(BaseModel):
    """The one choice there is."""

    index: Literal[0] = 0
    message: AssistantMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length", "content_filter"]


class CompletionUsage(BaseModel):
    """Tokens as the provider counted them, or as ragkit estimates them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class RagkitPart(BaseModel):
    """What OpenAI's dialect has no place for."""

    model_config = ConfigDict(title="CompletionDetails")

    refused: bool = Field(description="Whether the documents do not answer the question; `content` then says so.")
    reason: str = Field(description="Why it was refused, a word; empty for an answer.")
    support: float = Field(description="0..1: how well the passages support the answer.")
    citations: list[CitationBody] = Field(description="One a marker.")
    collection: str
    generator: str
    request_id: str = Field(description="Of this answer: what `/v1/feedback` and the audit log know it by.")
    ambiguous: dict[str, int] = Field(description="Mentions that fit several values, by entity type.")
    usage_estimated: bool
    ignored: list[str] = Field(description="Parameters and roles of the request that had no effect.")

    @classmethod
    def of(cls, body: AnswerBody, *, ignored: list[str]) -> RagkitPart:
        """Return the part of an answer."""
        shared = body.model_dump(include=set(cls.model_fields) & set(AnswerBody.model_fields) - {"citations"})
        return cls(**shared, citations=body.citations, usage_estimated=body.usage.estimated, ignored=ignored)


_REPLY: dict[str, Any] = {
    "id": "chatcmpl-5f0c9f6f7a1e4c0f9d1c2b3a4d5e6f70",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "shop",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "The warranty on every tent lasts five years from purchase. [1]",
                "annotations": [
                    {
                        "type": "url_citation",
                        "url_citation": {
                            "start_index": 59,
                            "end_index": 62,
                            "title": "Warranty",
                            "url": "/v1/documents/6fa3c1d2e4b5a697",
                        },
                    }
                ],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 16, "total_tokens": 25},
    "ragkit": {
        "refused": False,
        "reason": "",
        "support": 0.9,
        "citations": [CITATION],
        "collection": "shop",
        "generator": "extractive",
        "request_id": "0f5c1f7e8b9a4d2c8e7f6a5b4c3d2e1f",
        "ambiguous": {},
        "usage_estimated": True,
        "ignored": [],
    },
}


class CompletionReply(BaseModel):
    """An answer in OpenAI's dialect, with ragkit's own beside."""

    model_config = ConfigDict(title="ChatCompletion", json_schema_extra={"examples": [_REPLY]})

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(default_factory=lambda: int(time.time()), description="Seconds since 1970.")
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
    system_fingerprint: None = None
    ragkit: RagkitPart
