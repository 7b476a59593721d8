"""Tickets: the interface by which a company plugs in its own system, and the one that ships, in ``desk.db``.

::

    Helpdesk(workspace, tickets=OurSystem(...))     # anything that has the methods of TicketStore

A ticket system is given masked text, the topic, the id of the conversation, and the contact that the customer typed
for exactly this. What else they typed in clear stays with the desk.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ragkit.desk.conversations import now_ms
from ragkit.desk.file import DeskFile
from ragkit.desk.keys import DeskKeys, forgotten, open_text
from ragkit.desk.records import Outcome, Summary, Ticket, TicketStatus

_TICKET = "SELECT id, conversation, status, topic, created, taken, replied, closed, outcome, sealed FROM tickets"


class TicketStore(Protocol):
    """Where tickets are. ``take``, ``replied``, ``leave_contact`` and ``close`` return the ticket as it is then.

    ``take`` changes a ticket that is open, and no other: of two agents at once the first has it. ``of`` returns the
    tickets of a conversation, newest first, ``forget`` deletes them with their words.
    """

    def open(self, conversation: str, *, topic: str, summary: Summary, contact: str = "") -> Ticket: ...

    def find(self, ticket: str) -> Ticket | None: ...

    def of(self, conversation: str) -> Sequence[Ticket]: ...

    def list(self, status: TicketStatus | None = None) -> Sequence[Ticket]: ...

    def take(self, ticket: str, *, agent: str) -> Ticket: ...

    def replied(self, ticket: str) -> Ticket: ...

    def leave_contact(self, ticket: str, contact: str) -> Ticket: ...

    def close(self, ticket: str, *, outcome: Outcome) -> Ticket: ...

    def forget(self, conversation: str) -> int: ...


class SqliteTickets:
    """Implements :class:`TicketStore`: the texts of a ticket are sealed under its conversation's key.

    Args:
        file: Where.
        keys: Seal them.
    """

    def __init__(self, file: DeskFile, keys: DeskKeys) -> None:
        self._file = file
        self._keys = keys

    def open(self, conversation: str, *, topic: str, summary: Summary, contact: str = "") -> Ticket:
        """Open a ticket for a conversation.

        Raises:
            KeyDestroyed: It is forgotten.
        """
        made = Ticket(
            id=secrets.token_hex(16),
            conversation=conversation,
            status="open",
            topic=topic,
            created=now_ms(),
            summary=summary,
            contact=contact,
        )
        row = (made.id, conversation, "open", topic, made.created, self._sealed(made))
        with self._file.writing() as database:
            if not database.execute("SELECT 1 FROM conversations WHERE id = ?", (conversation,)).fetchone():
                raise forgotten()
            database.execute(
                "INSERT INTO tickets (id, conversation, status, topic, created, sealed) VALUES (?, ?, ?, ?, ?, ?)", row
            )
        return made

    def find(self, ticket: str) -> Ticket | None:
        """Return a ticket; one whose conversation is forgotten is not there."""
        return next(iter(self._select("WHERE id = ?", ticket)), None)

    def of(self, conversation: str) -> Sequence[Ticket]:
        """Return the tickets of a conversation, newest first."""
        return self._select("WHERE conversation = ? ORDER BY created DESC", conversation)

    def list(self, status: TicketStatus | None = None) -> Sequence[Ticket]:
        """Return tickets, those that wait longest first."""
        return self._select("WHERE (? IS NULL OR status = ?) ORDER BY created", status, status)

    def take(self, ticket: str, *, agent: str) -> Ticket:
        """Let an agent have a ticket, if it is open. Raises as :meth:`close`."""
        return self._change(ticket, lambda one: one.status == "open", status="taken", taken=now_ms(), taken_by=agent)

    def replied(self, ticket: str) -> Ticket:
        """Note that an agent answered. Raises as :meth:`close`."""
        return self._change(ticket, lambda one: not one.replied, replied=now_ms())

    def leave_contact(self, ticket: str, contact: str) -> Ticket:
        """Note how the customer wants to be reached. Raises as :meth:`close`."""
        return self._change(ticket, contact=contact)

    def close(self, ticket: str, *, outcome: Outcome) -> Ticket:
        """Close a ticket.

        Raises:
            KeyDestroyed: Its conversation is forgotten.
        """
        return self._change(ticket, status="closed", closed=now_ms(), outcome=outcome)

    def forget(self, conversation: str) -> int:
        """Delete the tickets of a conversation."""
        if not self._file.exists:
            return 0
        with self._file.writing() as database:
            return database.execute("DELETE FROM tickets WHERE conversation = ?", (conversation,)).rowcount

    def _change(self, ticket: str, may: Callable[[Ticket], bool] = lambda _: True, **changes: Any) -> Ticket:
        """Change a ticket that may be changed; read and written in one transaction, since its words are one text."""
        with self._file.writing() as database:
            row = database.execute(f"{_TICKET} WHERE id = ?", (ticket,)).fetchone()
            if row is None:
                raise forgotten()
            found = self._ticket(row)
            if not may(found):
                return found
            made = replace(found, **changes)
            database.execute(
                "UPDATE tickets SET status = ?, taken = ?, replied = ?, closed = ?, outcome = ?, sealed = ? "
                "WHERE id = ?",
                (made.status, made.taken, made.replied, made.closed, made.outcome, self._sealed(made), ticket),
            )
        return made

    def _sealed(self, ticket: Ticket) -> bytes:
        summary = ticket.summary
        content: Mapping[str, Any] = {
            "why": summary.why,
            "asked": summary.asked,
            "tried": summary.tried,
            "agent": ticket.taken_by,
            "contact": ticket.contact,
        }
        return self._keys.seal(ticket.conversation, f"ticket/{ticket.id}", content)

    def _select(self, where: str, *values: Any) -> Sequence[Ticket]:
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            rows = database.execute(f"{_TICKET} {where}", values).fetchall()
        keys = self._keys.many({row[1] for row in rows})
        return [self._ticket(row, keys[row[1]]) for row in rows if row[1] in keys]

    def _ticket(self, row: tuple[Any, ...], key: bytes | None = None) -> Ticket:
        number, conversation, status, topic, created, taken, replied, closed, outcome, sealed = row
        key = key or self._keys.key(conversation)
        held = json.loads(open_text(key, conversation, f"ticket/{number}", sealed))
        return Ticket(
            id=number,
            conversation=conversation,
            status=status,
            topic=topic,
            created=created,
            taken=taken,
            replied=replied,
            closed=closed,
            outcome=outcome,
            taken_by=held["agent"],
            summary=Summary(why=held["why"], asked=tuple(held["asked"]), tried=tuple(held["tried"])),
            contact=held["contact"],
        )
