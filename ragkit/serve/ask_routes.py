"""``/v1/ask`` and ``/v1/conversations``: answers with citations in ragkit's own form, whole or as they are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, closing
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ragkit.auth.callers import Caller
from ragkit.serve.answer_bodies import AnswerBody, answer_body, reveal_answer
from ragkit.serve.asking import Asking, Told, earlier
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import Choice, collection_of, generator_of
from ragkit.serve.conversations import conversations_of
from ragkit.serve.event_stream import EventStream, error_data, event, started, streamed
from ragkit.serve.replies import ScopeMissing, errors
from ragkit.serve.search_routes import CollectionName, Filters
from ragkit.serve.state import ServiceState, State, tenant_named
from ragkit.serve.texts import MOST_HISTORY, Id, readable, readable_all, readable_filters
from ragkit.types import Masked

router = APIRouter(tags=["ask"])

NEW = "new"
"""Asks in a dialogue that begins with this question."""
EXAMPLES: list[Any] = [
    {"question": "How long is the warranty on a tent?"},
    {"question": "And on a stove?", "history": ["How long is the warranty on a tent?"], "k": 4},
    {"question": "How long is the warranty on a tent?", "conversation": "new", "generator": "extractive"},
]
_STREAM = (
    'event: piece\ndata: {"text":"The warranty on every tent lasts five years from purchase. [1]"}\n\n'
    'event: answer\ndata: {"text":"…","citations":[…],"refused":false,…}\n\nevent: done\ndata: {}\n\n'
)


class RevealBody(BaseModel):
    """Ask for masked values in clear."""

    model_config = ConfigDict(title="Reveal", extra="forbid")

    purpose: str = Field(min_length=1, max_length=500, description="Why; its keyed hash is recorded.")


class AskBody(BaseModel):
    """A question to answer."""

    model_config = ConfigDict(title="Ask", extra="forbid", json_schema_extra={"examples": EXAMPLES})

    question: str = Field(description="In plain words; masked before anything else happens.")
    collection: CollectionName = None
    k: int = Field(8, ge=1, le=100, description="How many passages to read.")
    filters: Filters = None
    history: list[str] = Field(
        [], max_length=MOST_HISTORY, description="Earlier questions, oldest first; the last few take part."
    )
    conversation: Id | None = Field(
        None, description="Id of a dialogue of the caller, which takes part and is added to; `new` begins one."
    )
    generator: str | None = Field(
        None, max_length=63, description="Who is to answer; by default what the service's configuration says."
    )
    stream: bool = Field(False, description="Answer by server-sent events, as it is written.")
    reveal: RevealBody | None = Field(
        None, description="Show masked values in clear, to whom the collection allows it; needs the scope `reveal`."
    )

    @model_validator(mode="after")
    def _one_past(self) -> Self:
        if self.history and self.conversation:
            raise PydanticCustomError("one_past", "has `history` and `conversation`; take one")
        return self


class TurnBody(BaseModel):
    """An earlier question and its answer, masked."""

    model_config = ConfigDict(title="Turn")

    question: str
    answer: str
    refused: bool


class ConversationBody(BaseModel):
    """A dialogue of the caller."""

    model_config = ConfigDict(title="Conversation")

    id: str
    collection: str | None
    turns: list[TurnBody] = Field(description="The last ones, oldest first.")


@router.post(
    "/v1/ask",
    summary="Answer a question",
    operation_id="ask",
    response_model=AnswerBody,
    responses={**errors(401, 402, 403, 404, 409, 502, 504), **streamed("The answer; with `stream`, events.", _STREAM)},
)
async def ask(body: AskBody, caller: Annotated[Caller, Depends(calling("ask"))], state: State) -> AnswerBody | Response:
    """Answer a question from the documents that the caller may see, with citations, masked.

    With ``stream``: events ``piece`` (``{"text"}``, joined they are the answer's text), then ``answer`` (the whole
    answer) or ``error``, last ``done``.
    """
    asking = _asking(body, caller, state)
    if body.stream:
        pieces = await started(state.admission.stream(caller, lambda: _written(asking, body)))
        return EventStream(_events(pieces))
    return await state.admission.run(caller, lambda: _whole(asking.answer(), asking, body))


@router.get(
    "/v1/conversations/{id}",
    summary="Show a dialogue",
    operation_id="get_conversation",
    responses=errors(401, 403, 404),
)
async def get_conversation(
    id: str, caller: Annotated[Caller, Depends(calling("ask"))], state: State
) -> ConversationBody:
    """Show one of the caller's own dialogues, masked."""
    kept = conversations_of(tenant_named(state, caller.tenant))
    dialogue = kept.get(caller, id)
    turns = [TurnBody(question=one.question.record, answer=one.answer, refused=one.refused) for one in dialogue.turns]
    return ConversationBody(id=dialogue.id, collection=kept.collection(caller, id), turns=turns)


@router.delete(
    "/v1/conversations/{id}",
    summary="Forget a dialogue",
    operation_id="forget_conversation",
    status_code=204,
    responses=errors(401, 403, 404),
)
async def forget_conversation(id: str, caller: Annotated[Caller, Depends(calling("ask"))], state: State) -> Response:
    """Forget one of the caller's own dialogues. What the audit log keeps of its answers stays."""
    conversations_of(tenant_named(state, caller.tenant)).forget(caller, id)
    return Response(status_code=204)


def _asking(body: AskBody, caller: Caller, state: ServiceState) -> Asking:
    tenant, most = tenant_named(state, caller.tenant), state.settings.limits.question_characters
    if body.reveal is not None:
        if not caller.may("reveal"):
            raise ScopeMissing("this credential may not show masked values", remedy="Use one with the scope `reveal`.")
        readable(body.reveal.purpose, param="reveal.purpose", most=500)
    conversation = {None: None, NEW: ""}.get(body.conversation, body.conversation)

    def choose() -> Choice:
        name = body.collection
        if name is None and conversation:
            name = conversations_of(tenant).collection(caller, conversation)
        collection = collection_of(tenant, caller, name)
        return Choice(collection, generator_of(tenant, collection, body.generator))

    return Asking(
        tenant,
        caller,
        readable(body.question, param="question", most=most),
        choose,
        k=body.k,
        filters=readable_filters(body.filters),
        history=readable_all(earlier(tenant, body.history), param="history", most=most),
        conversation=conversation,
    )


def _whole(told: Told, asking: Asking, body: AskBody) -> AnswerBody:
    made = answer_body(told.answer, conversation=told.conversation)
    if body.reveal is None:
        return made
    return reveal_answer(asking.tenant.workspace, asking.caller, made, purpose=body.reveal.purpose)


def _written(asking: Asking, body: AskBody) -> Iterator[str | AnswerBody]:
    """The answer's text in pieces, in clear where that is asked, and last the whole."""
    last: list[Told] = []

    def text() -> Generator[Masked, None, None]:
        for piece in asking.stream():
            if isinstance(piece, Told):
                last.append(piece)
            else:
                yield piece

    with closing(text()) as masked:
        shown: Iterator[str] = masked
        if body.reveal is not None:  # who may not is told before anything is asked
            shown = asking.tenant.workspace.reveal_stream(
                masked,
                purpose=body.reveal.purpose,
                principal=asking.caller.principal,
                collection=asking.choose().collection,
            )
        yield from shown
    for told in last:
        yield _whole(told, asking, body)


async def _events(pieces: AsyncGenerator[str | AnswerBody, None]) -> AsyncGenerator[str, None]:
    async with aclosing(pieces):
        try:
            async for piece in pieces:
                if isinstance(piece, AnswerBody):
                    yield event(piece.model_dump(), name="answer")
                else:
                    yield event({"text": piece}, name="piece")
        except Exception as error:  # the status is sent: what is left is an event
            yield event(error_data(error), name="error")
        yield event({}, name="done")
