"""``/desk/…``: what agents and operators do with the chatbot's conversations."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from ragkit.auth.callers import Caller
from ragkit.desk.records import Ticket
from ragkit.errors import KeyDestroyed
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.helpdesk.figures import Figures, figures_of
from ragkit.serve import desk_bodies as bodies
from ragkit.serve.authenticate import calling
from ragkit.serve.chat_bodies import NothingBody, TextBody, message_body
from ragkit.serve.chat_parts import answered_errors, room_of
from ragkit.serve.replies import NotFound, ScopeMissing, errors
from ragkit.serve.state import ServiceState, State, tenant_named
from ragkit.serve.texts import readable

router = APIRouter(tags=["desk"])
Agent = Annotated[Caller, Depends(calling("agent"))]
Operator = Annotated[Caller, Depends(calling("operate"))]


def _desk(state: ServiceState, caller: Caller) -> Helpdesk:
    return room_of(tenant_named(state, caller.tenant)).helpdesk


def _ticket(desk: Helpdesk, ticket: Ticket, caller: Caller) -> bodies.TicketBody:
    """A ticket with its conversation, masked; one that was forgotten is not there."""
    kept = desk.workspace.desk.store.conversations
    dialogue = kept.find(ticket.conversation)
    if dialogue is None:
        raise NotFound
    try:
        messages = [message_body(one) for one in kept.entries(dialogue.id)]
    except KeyDestroyed:
        raise NotFound from None
    return bodies.ticket_body(ticket, dialogue, messages, agent=caller.principal.subject)


@router.get("/desk/tickets", summary="List tickets", operation_id="desk_tickets", responses=errors(401, 403, 404))
async def tickets(
    caller: Agent,
    state: State,
    status: Annotated[Literal["open", "taken", "closed"] | None, Query(description="Only these.")] = None,
) -> bodies.TicketsBody:
    """Return the conversations that were handed to a person, those that wait longest first; masked."""
    desk, mine = _desk(state, caller), caller.principal.subject
    found = await state.admission.run(caller, lambda: desk.workspace.desk.ticket_system.list(status))
    return bodies.TicketsBody(tickets=[bodies.ticket_row(one, agent=mine) for one in found])


@router.get(
    "/desk/tickets/{ticket}", summary="Read a ticket", operation_id="desk_ticket", responses=errors(401, 403, 404)
)
async def ticket(ticket: str, caller: Agent, state: State) -> bodies.TicketBody:
    """Return a ticket with its summary and the whole conversation; masked."""
    desk = _desk(state, caller)
    return await state.admission.run(caller, lambda: _ticket(desk, desk.workspace.desk.find_ticket(ticket), caller))


@router.post(
    "/desk/tickets/{ticket}/take",
    summary="Take a ticket",
    operation_id="desk_take",
    responses=errors(401, 403, 404, 409),
)
async def take(ticket: str, caller: Agent, state: State, _body: NothingBody | None = None) -> bodies.TicketBody:
    """Let the agent have a conversation; the customer is told, and the assistant is silent in it."""
    desk = _desk(state, caller)
    with answered_errors():
        return await state.admission.run(
            caller, lambda: _ticket(desk, desk.take(ticket, agent=caller.principal), caller)
        )


@router.post(
    "/desk/tickets/{ticket}/reply",
    summary="Write to the customer",
    operation_id="desk_reply",
    responses=errors(401, 403, 404, 409, 422),
)
async def reply(ticket: str, body: TextBody, caller: Agent, state: State) -> bodies.TicketBody:
    """Write to the customer of a ticket that the agent has."""
    desk = _desk(state, caller)
    text = readable(body.text, param="text", most=state.settings.limits.question_characters)

    def work() -> bodies.TicketBody:
        desk.workspace.desk.reply(ticket, text, agent=caller.principal)
        return _ticket(desk, desk.workspace.desk.find_ticket(ticket), caller)

    with answered_errors():
        return await state.admission.run(caller, work)


@router.post(
    "/desk/tickets/{ticket}/close",
    summary="Close a ticket",
    operation_id="desk_close",
    responses=errors(401, 403, 404, 409),
)
async def close(ticket: str, body: bodies.CloseBody, caller: Agent, state: State) -> bodies.TicketBody:
    """Close a ticket that the agent has; the customer is told whether anybody answers further."""
    desk = _desk(state, caller)
    with answered_errors():
        return await state.admission.run(
            caller,
            lambda: _ticket(desk, desk.close_ticket(ticket, outcome=body.outcome, agent=caller.principal), caller),
        )


@router.post(
    "/desk/tickets/{ticket}/reveal",
    summary="See the customer's own words",
    operation_id="desk_reveal",
    responses=errors(401, 403, 404),
)
async def reveal(
    ticket: str, body: bodies.PurposeBody, response: Response, caller: Agent, state: State
) -> bodies.RevealedBody:
    """Return what the customer typed, in clear, to whom the collection's `reveal` names. It is recorded before."""
    desk = _desk(state, caller)
    if not caller.may("reveal"):
        raise ScopeMissing("this credential may not show masked values", remedy="Use one with the scope `reveal`.")
    purpose = readable(body.purpose, param="purpose", most=500)
    words, contact = await state.admission.run(
        caller, lambda: desk.workspace.desk.reveal(ticket, purpose=purpose, agent=caller.principal)
    )
    response.headers["Cache-Control"] = "no-store"
    listed = [bodies.ClearMessage(id=one, text=text) for one, text in words.items()]
    return bodies.RevealedBody(messages=listed, contact=contact)


@router.get(
    "/desk/figures", summary="See how the chatbot does", operation_id="desk_figures", responses=errors(401, 403, 404)
)
async def figures(
    caller: Operator,
    state: State,
    days: Annotated[int, Query(ge=1, le=366, description="How many days, today included.")] = 7,
) -> Figures:
    """Return volumes, refusals, hand-overs, cost and what answers badly; no words but masked questions and titles."""
    desk = _desk(state, caller)
    return await state.admission.run(caller, lambda: figures_of(desk, days=days, principal=caller.principal))
