"""What the desk keeps, as its readers see it: conversations, messages, tickets. Text is masked, record view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragkit.errors import RagkitError

Status = Literal["assistant", "waiting", "agent", "closed"]
"""Who answers next: the assistant, a person who has yet to come, a person, or nobody any more."""

Role = Literal["customer", "assistant", "agent", "notice"]
Kind = Literal["said", "answer", "refusal", "clarify", "handoff", "notice"]
TicketStatus = Literal["open", "taken", "closed"]
Outcome = Literal["solved", "returned", "unreachable", "other"]
"""How a ticket ended; ``returned`` gives the conversation back to the assistant."""


class DeskConflict(RagkitError):
    """A ticket or conversation is not in the state that this needs: taken by somebody else, closed, busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A conversation.

    Attributes:
        id: Random; it is the id of the dialogue in events too.
        collection: What it is answered from.
        owner: Keyed hash of the principal whose it is, 16 bytes.
        disclosure: Version of the text by which they were told that an AI answers.
        begun: Milliseconds since 1970, like all times here.
        closed: When it ended; ``None`` while it has not.
        refusals: Questions in a row that could not be answered.
        asked_back: The assistant's last message was a question.
    """

    id: str
    collection: str
    owner: bytes = field(repr=False)
    status: Status
    disclosure: str
    begun: int
    changed: int
    closed: int | None = None
    refusals: int = 0
    asked_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message of a conversation.

    Attributes:
        seq: Position, from 1.
        request: Joins the events of the question that it answers or asks.
        ms: From the customer's message to the end of this one, for what the assistant said.
        content: ``text`` and what belongs to its kind, plain values: ``index`` (the question's index view),
            ``sentences``, ``sources``, ``quick_replies``, ``topic``.
    """

    id: str
    seq: int
    role: Role
    kind: Kind
    at: int
    request: str = ""
    ms: int | None = None
    content: Mapping[str, Any] = field(repr=False)

    @property
    def text(self) -> str:
        """Its text, masked."""
        return str(self.content.get("text", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an agent is told when they take a conversation, taken from it word by word; masked.

    Attributes:
        why: Why it was handed over.
        asked: The customer's questions, in order.
        tried: For each question that was answered or refused: ``question``, ``answer``, ``titles`` of the sources.
    """

    why: str
    asked: tuple[str, ...] = field(default=(), repr=False)
    tried: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A conversation that a person is to take.

    Attributes:
        conversation: Its id.
        topic: Why, one word: ``person``, ``complaint``, ``no-answer``, …
        created: Milliseconds since 1970.
        replied: When an agent first answered.
        taken_by: Subject of the agent; empty while nobody took it.
        contact: How the customer wants to be reached, as typed: shown to nobody but by ``reveal``.
        has_contact: Whether they left one.
    """

    id: str
    conversation: str
    status: TicketStatus
    topic: str
    created: int
    taken: int | None = None
    replied: int | None = None
    closed: int | None = None
    outcome: str = ""
    taken_by: str = ""
    summary: Summary = field(default_factory=lambda: Summary(why=""), repr=False)
    contact: str = field(default="", repr=False)

    @property
    def has_contact(self) -> bool:
        """Whether the customer left a way to be reached."""
        return bool(self.contact)
