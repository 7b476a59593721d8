"""The bodies of the desk: what an agent's page sends and reads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ragkit.desk.records import Dialogue, Status, Ticket
from ragkit.serve.chat_bodies import CLOSED, MessageBody, iso


class Tried(BaseModel):
    """A question and what was answered."""

    question: str
    answer: str
    titles: list[str]


class SummaryBody(BaseModel):
    """What an agent is told, in the conversation's own words."""

    why: str
    asked: list[str]
    tried: list[Tried]


class TicketRow(BaseModel):
    """A ticket in a list."""

    id: str
    status: Literal["open", "taken", "closed"]
    topic: str
    created: str
    taken_by: str = Field(description="Subject of the agent who has it; empty while nobody has.")
    mine: bool
    has_contact: bool
    asked: str = Field(description="The last question, masked.")


class TicketsBody(BaseModel):
    """Tickets, those that wait longest first."""

    tickets: list[TicketRow]


class TicketBody(BaseModel):
    """A ticket with its conversation, masked."""

    model_config = ConfigDict(title="DeskTicket")

    id: str
    status: Literal["open", "taken", "closed"]
    topic: str
    created: str
    taken_by: str
    mine: bool
    has_contact: bool
    outcome: str
    conversation: Status = Field(description="Who answers the customer next.")
    summary: SummaryBody
    messages: list[MessageBody]


class CloseBody(BaseModel):
    """How a ticket ended."""

    model_config = CLOSED | ConfigDict(title="DeskClose", json_schema_extra={"examples": [{"outcome": "solved"}]})

    outcome: Literal["solved", "returned", "unreachable", "other"] = Field(
        description="`returned` gives the conversation back to the assistant; anything else ends it."
    )


class PurposeBody(BaseModel):
    """Why clear words are needed."""

    model_config = CLOSED | ConfigDict(title="DeskReveal", json_schema_extra={"examples": [{"purpose": "call back"}]})

    purpose: str = Field(max_length=500, description="Its keyed hash is recorded.")


class ClearMessage(BaseModel):
    """What the customer typed, in clear."""

    id: str
    text: str


class RevealedBody(BaseModel):
    """A customer's own words, as far as they are kept."""

    model_config = ConfigDict(title="DeskRevealed")

    messages: list[ClearMessage]
    contact: str


def ticket_row(ticket: Ticket, *, agent: str) -> TicketRow:
    """Return a ticket for a list."""
    return TicketRow(
        id=ticket.id,
        status=ticket.status,
        topic=ticket.topic,
        created=iso(ticket.created),
        taken_by=ticket.taken_by,
        mine=ticket.taken_by == agent,
        has_contact=ticket.has_contact,
        asked=ticket.summary.asked[-1] if ticket.summary.asked else "",
    )


def ticket_body(ticket: Ticket, dialogue: Dialogue, messages: list[MessageBody], *, agent: str) -> TicketBody:
    """Return a ticket with its conversation."""
    summary = ticket.summary
    tried = [Tried(question=one["question"], answer=one["answer"], titles=one["titles"]) for one in summary.tried]
    row = ticket_row(ticket, agent=agent).model_dump(exclude={"asked"})
    return TicketBody(
        **row,
        outcome=ticket.outcome,
        conversation=dialogue.status,
        summary=SummaryBody(why=summary.why, asked=list(summary.asked), tried=tried),
        messages=messages,
    )
