"""``/chat/…``: what the page of the chatbot calls, for visitors who are known by a cookie alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from ragkit.auth.callers import Caller
from ragkit.desk.feedback import REASONS
from ragkit.desk.records import Entry
from ragkit.errors import ConfigError
from ragkit.helpdesk.spoken import Done, Piece, Said, Spoken
from ragkit.serve import chat_bodies as bodies
from ragkit.serve.authenticate import begin_visit, visiting
from ragkit.serve.chat_parts import answered_errors, chat_tenant, room_of
from ragkit.serve.event_stream import EventStream, error_data, event, started, streamed
from ragkit.serve.replies import NotFound, errors
from ragkit.serve.state import ServiceState, State, tenant_named
from ragkit.serve.texts import BadText, readable

MOST_COMMENT = 2_000
MOST_CONTACT = 200
_STREAM = (
    'event: message\ndata: {"id":"…","seq":1,"role":"customer",…}\n\n'
    'event: piece\ndata: {"text":"The warranty on every tent lasts five years from purchase. [1]"}\n\n'
    'event: answer\ndata: {"id":"…","seq":2,"role":"assistant","kind":"answer",…}\n\nevent: done\ndata: {}\n\n'
)


@asynccontextmanager
async def _begun(app: FastAPI) -> AsyncIterator[None]:
    """Let every chatbot forget at the start what is past its time."""
    state = getattr(app.state, "ragkit", None)
    for tenant in state.tenants if isinstance(state, ServiceState) else ():
        if tenant.config.chat is not None:
            await run_in_threadpool(room_of, tenant)
    yield


router = APIRouter(tags=["chat"], lifespan=_begun)
Visitor = Annotated[Caller, Depends(visiting)]


@router.post("/chat/session", summary="Open the chatbot", operation_id="chat_session", responses=errors(403, 404))
async def open_session(
    request: Request, response: Response, state: State, _body: bodies.NothingBody | None = None
) -> bodies.VisitBody:
    """Let a visitor in, by a cookie, and return what the page shows: above all that an AI answers."""
    tenant = chat_tenant(state)
    caller = begin_visit(request, response, tenant.name)
    helpdesk = room_of(tenant).helpdesk
    chat = helpdesk.chat
    name, location = await state.admission.run(caller, helpdesk.generator)
    return bodies.VisitBody(
        title=chat.title,
        disclosure=bodies.DisclosureBody(text=chat.disclosure, version=chat.disclosure_version),
        quick_replies=list(chat.quick_replies),
        generator=bodies.GeneratorBody(name=name, location=location),
        feedback_reasons=list(REASONS),
    )


@router.post(
    "/chat/conversations",
    summary="Begin a conversation",
    operation_id="chat_begin",
    responses=errors(401, 403, 404, 409),
)
async def begin(body: bodies.BeginBody, caller: Visitor, state: State) -> bodies.ConversationBody:
    """Begin a conversation with somebody who was shown the disclosure; that is recorded before any message."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    try:
        with answered_errors():
            made = await state.admission.run(
                caller, lambda: helpdesk.begin(principal=caller.principal, disclosure=body.disclosure)
            )
    except ConfigError as other:
        raise BadText(str(other), param="disclosure", remedy=other.remedy, code="other_disclosure") from None
    return bodies.ConversationBody(id=made.id, status=made.status)


@router.get(
    "/chat/conversations/{conversation}",
    summary="Read a conversation",
    operation_id="chat_read",
    responses=errors(401, 404),
)
async def read(
    conversation: str,
    caller: Visitor,
    state: State,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="Only messages after this position.")] = 0,
) -> bodies.ConversationBody:
    """Return the messages of a conversation: asked again and again for an agent's replies, and after a reload."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk

    def work() -> bodies.ConversationBody:
        found, messages = helpdesk.read(conversation, principal=caller.principal, after=after)
        listed = [bodies.message_body(one.entry, thumb=one.feedback, text=one.clear) for one in messages]
        return bodies.ConversationBody(id=found.id, status=found.status, messages=listed)

    return await state.admission.run(caller, work)


@router.delete(
    "/chat/conversations/{conversation}",
    summary="Forget a conversation",
    operation_id="chat_forget",
    status_code=204,
    responses=errors(401, 403, 404),
)
async def forget(conversation: str, caller: Visitor, state: State) -> Response:
    """Forget a conversation: its key is destroyed, and with it every word of it, an agent's and a ticket's too."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    await state.admission.run(caller, lambda: helpdesk.forget(conversation, principal=caller.principal))
    return Response(status_code=204)


@router.post(
    "/chat/conversations/{conversation}/messages",
    summary="Write to the chatbot",
    operation_id="chat_say",
    response_class=StreamingResponse,
    responses={**errors(401, 403, 404, 409, 422), **streamed("The reply, as it is written.", _STREAM)},
)
async def say(conversation: str, body: bodies.TextBody, caller: Visitor, state: State) -> EventStream:
    """Take a message and stream the reply. While a person has the conversation, only the message itself comes back."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    text = readable(body.text, param="text", most=state.settings.limits.question_characters)

    def work() -> Generator[Spoken, None, None]:
        with answered_errors():
            yield from helpdesk.say(conversation, text, principal=caller.principal)

    return EventStream(_events(await started(state.admission.stream(caller, work))))


async def _events(spoken: AsyncGenerator[Spoken, None]) -> AsyncGenerator[str, None]:
    async with aclosing(spoken):
        try:
            async for one in spoken:
                match one:
                    case Said(entry):
                        yield event(_shown(entry), name="message")
                    case Piece(text):
                        yield event({"text": text}, name="piece")
                    case Done(entry):
                        yield event(_shown(entry), name="answer")
        except Exception as error:  # the status is sent: what is left is an event
            said = error_data(error)["error"]
            yield event({key: said[key] for key in ("code", "message", "remedy")}, name="error")
        yield event({}, name="done")


def _shown(entry: Entry) -> dict[str, object]:
    return bodies.message_body(entry).model_dump()


@router.get(
    "/chat/conversations/{conversation}/passages/{passage}",
    summary="Read a cited passage",
    operation_id="chat_passage",
    responses=errors(401, 404),
)
async def passage(conversation: str, passage: str, caller: Visitor, state: State) -> bodies.PassageBody:
    """Return the passage that an answer cites, if the visitor may still see it."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    shown = await state.admission.run(
        caller, lambda: helpdesk.passage(conversation, passage, principal=caller.principal)
    )
    if shown is None:
        raise NotFound
    return bodies.PassageBody(**shown)


@router.post(
    "/chat/conversations/{conversation}/messages/{message}/feedback",
    summary="Rate an answer of the chatbot",
    operation_id="chat_feedback",
    responses=errors(401, 403, 404),
)
async def rate(conversation: str, message: str, body: bodies.ThumbBody, caller: Visitor, state: State) -> bodies.Thumb:
    """Keep what the customer thinks of an answer; of two the last counts."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    readable(body.comment, param="comment", most=MOST_COMMENT, empty=True)
    given = await state.admission.run(
        caller,
        lambda: helpdesk.rate(
            conversation,
            message,
            principal=caller.principal,
            rating=body.rating,
            reason=body.reason,
            comment=body.comment,
        ),
    )
    if not given:
        raise NotFound
    return bodies.Thumb(rating=body.rating, reason=body.reason)


@router.post(
    "/chat/conversations/{conversation}/handoff",
    summary="Ask for a person",
    operation_id="chat_handoff",
    responses=errors(401, 403, 404, 409),
)
async def handoff(conversation: str, body: bodies.ContactBody, caller: Visitor, state: State) -> bodies.MessageBody:
    """Hand the conversation to a person, or leave a way to be reached for the one who has it."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    contact = readable(body.contact, param="contact", most=MOST_CONTACT, empty=True).strip()
    with answered_errors():
        made = await state.admission.run(
            caller, lambda: helpdesk.hand_over(conversation, principal=caller.principal, contact=contact)
        )
    return bodies.message_body(made)


@router.post(
    "/chat/preview",
    summary="See a message as the model sees it",
    operation_id="chat_preview",
    responses=errors(401, 403, 422),
)
async def preview(body: bodies.TextBody, caller: Visitor, state: State) -> bodies.PreviewBody:
    """Return a message as the generator would be given it, and where that is. It is neither kept nor answered."""
    helpdesk = room_of(tenant_named(state, caller.tenant)).helpdesk
    text = readable(body.text, param="text", most=state.settings.limits.question_characters)
    with answered_errors():
        made = await state.admission.run(caller, lambda: helpdesk.preview(text, principal=caller.principal))
    return bodies.PreviewBody(
        text=made.text,
        entities=made.entities,
        leaves=made.leaves,
        generator=made.generator,
        location=made.location.value,
        destination=made.destination,
    )
