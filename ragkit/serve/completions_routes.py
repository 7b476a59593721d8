"""``/v1/chat/completions``: answers in OpenAI's dialect, so that what already speaks it needs no change.

A client's system message has no effect: the prompt is ragkit's own, and nobody steers around it. Earlier answers have
none either: nothing but documents is a source. Both are told in ``ragkit.ignored``.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from ragkit.auth.callers import Caller
from ragkit.serve.answer_bodies import AnswerBody, answer_body
from ragkit.serve.asking import Asking, Told, earlier
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import choice_of
from ragkit.serve.completion_bodies import (
    STEERING,
    Annotation,
    AssistantMessage,
    ChatMessage,
    CompletionBody,
    CompletionChoice,
    CompletionReply,
    CompletionUsage,
    RagkitPart,
    UrlCitation,
)
from ragkit.serve.event_stream import EventStream, error_data, event, started, streamed
from ragkit.serve.replies import ServiceError, errors
from ragkit.serve.state import ServiceState, State, tenant_named
from ragkit.serve.texts import readable, readable_all, readable_filters
from ragkit.types import Answer, Masked

router = APIRouter(tags=["openai"])

_MARKER = re.compile(r"\[(\d{1,4})\]")
_FINISH: dict[str, Literal["stop", "length", "content_filter"]] = {
    "length": "length",
    "content-filter": "content_filter",
}
_STREAM = (
    'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},…}],…}\n\n'
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"ragkit":{…},…}\n\ndata: [DONE]\n\n'
)


class Unsupported(ServiceError):
    """A parameter that would change what the reply is."""

    code = "unsupported_parameter"

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message, remedy=f"Leave `{param}` out.")
        self.param = param


@router.post(
    "/v1/chat/completions",
    summary="Answer a question, in OpenAI's dialect",
    operation_id="create_chat_completion",
    response_model=CompletionReply,
    responses={**errors(401, 402, 403, 404, 502, 504), **streamed("The answer; with `stream`, chunks.", _STREAM)},
)
async def create_chat_completion(
    body: CompletionBody, caller: Annotated[Caller, Depends(calling("ask"))], state: State
) -> CompletionReply | Response:
    """Answer the last message of the user from the documents that the caller may see, with citations, masked.

    Any client of OpenAI's API works with ``base_url`` set to this service's ``/v1``. Citations are annotations of the
    message, and in full under ``ragkit``; in a stream both are in the last chunk with a choice. A refusal is an
    ordinary answer with ``ragkit.refused``.
    """
    asking, ignored = _asking(body, caller, state)
    if not body.stream:
        told = await state.admission.run(caller, asking.answer)
        return _reply(told, ignored)
    pieces = await started(state.admission.stream(caller, asking.stream))
    usage = bool(body.stream_options and body.stream_options.include_usage)
    return EventStream(_chunks(pieces, body.model, ignored, usage=usage))


def _asking(body: CompletionBody, caller: Caller, state: ServiceState) -> tuple[Asking, list[str]]:
    _refuse_unsupported(body)
    tenant, most = tenant_named(state, caller.tenant), state.settings.limits.question_characters
    said = [one for one in body.messages if one.role in {"user", "assistant"}]
    if not said or said[-1].role != "user":
        error = ServiceError("the last message is not the user's", remedy="End `messages` with the question.")
        error.param = "messages"
        raise error
    *before, question = [_text(one) for one in said if one.role == "user"]
    options = body.ragkit
    asking = Asking(
        tenant,
        caller,
        readable(question, param="messages", most=most),
        lambda: choice_of(tenant, caller, body.model),
        k=options.k if options else 8,
        filters=readable_filters(options.filters if options else None),
        history=readable_all([text for text in earlier(tenant, before) if text.strip()], param="messages", most=most),
    )
    ignored = [name for name in STEERING if getattr(body, name) is not None]
    return asking, ignored + sorted({one.role for one in body.messages} - {"user"})


def _refuse_unsupported(body: CompletionBody) -> None:
    refused = {
        "n": (body.n not in (None, 1), "there is one answer to a question"),
        "tools": (bool(body.tools), "answers come from documents; no tool is called"),
        "functions": (bool(body.functions), "answers come from documents; no function is called"),
        "tool_choice": (body.tool_choice not in (None, "none", "auto"), "no tool is called"),
        "function_call": (body.function_call not in (None, "none", "auto"), "no function is called"),
        "response_format": ((body.response_format or {}).get("type", "text") != "text", "answers are text"),
        "logprobs": (bool(body.logprobs), "an answer has no log probabilities"),
        "top_logprobs": (bool(body.top_logprobs), "an answer has no log probabilities"),
        "modalities": (body.modalities not in (None, [], ["text"]), "answers are text"),
        "audio": (body.audio is not None, "answers are text"),
        "web_search_options": (body.web_search_options is not None, "no answer comes from outside the documents"),
    }
    for name, (wrong, why) in refused.items():
        if wrong:
            raise Unsupported(name, f"`{name}` is not supported: {why}")


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, str) or message.content is None:
        return message.content or ""
    for part in message.content:
        if part.type != "text" or part.text is None:
            raise Unsupported("messages", "a message of the user has a part that is not text")
    return "\n".join(part.text or "" for part in message.content)


def _reply(told: Told, ignored: list[str]) -> CompletionReply:
    body = answer_body(told.answer)
    message = AssistantMessage(content=body.text, annotations=_annotations(body))
    return CompletionReply(
        id=f"chatcmpl-{body.request_id}",
        model=told.choice.model,
        choices=[CompletionChoice(message=message, finish_reason=_finish(told.answer))],
        usage=_usage(body),
        ragkit=RagkitPart.of(body, ignored=ignored),
    )


async def _chunks(
    pieces: AsyncGenerator[Masked | Told, None], model: str, ignored: list[str], *, usage: bool
) -> AsyncGenerator[str, None]:
    head: dict[str, Any] = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": None,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event({**head, "choices": [choice], **({"usage": None} if usage else {}), **more})

    async with aclosing(pieces):
        try:
            yield chunk({"role": "assistant", "content": ""})
            async for piece in pieces:
                if not isinstance(piece, Told):
                    yield chunk({"content": piece})
                    continue
                body = answer_body(piece.answer)
                cited = [one.model_dump() for one in _annotations(body)]
                details = RagkitPart.of(body, ignored=ignored).model_dump()
                yield chunk({"annotations": cited} if cited else {}, _finish(piece.answer), ragkit=details)
                if usage:
                    yield event({**head, "choices": [], "usage": _usage(body).model_dump()})
        except Exception as error:  # the status is sent: what is left is an event
            yield event(error_data(error))
        yield "data: [DONE]\n\n"


def _annotations(body: AnswerBody) -> list[Annotation]:
    """The citations at the places of their markers; the address is this service's own, never one of a document."""
    by_marker = {one.marker: one for one in body.citations}
    return [
        Annotation(
            url_citation=UrlCitation(
                start_index=found.start(),
                end_index=found.end(),
                title=by_marker[int(found[1])].title,
                url=f"/v1/documents/{by_marker[int(found[1])].document}",
            )
        )
        for found in _MARKER.finditer(body.text)
        if int(found[1]) in by_marker
    ]


def _finish(answer: Answer) -> Literal["stop", "length", "content_filter"]:
    return _FINISH.get(answer.account.finish, "stop")


def _usage(body: AnswerBody) -> CompletionUsage:
    asked, said = body.usage.input_tokens, body.usage.output_tokens
    return CompletionUsage(prompt_tokens=asked, completion_tokens=said, total_tokens=asked + said)
