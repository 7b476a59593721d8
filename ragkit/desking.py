"""The desk behind the chatbot, in an open workspace: ``workspace.desk``. What happens here leaves its event.

What is kept is :mod:`ragkit.desk`; what the chatbot says is :mod:`ragkit.helpdesk`, which stands above the workspace.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from ragkit.desk.records import DeskConflict, Dialogue, Outcome, Summary, Ticket, TicketStatus
from ragkit.desk.store import DeskStore
from ragkit.errors import UnknownId
from ragkit.generator_names import routed_names
from ragkit.handles import Handles
from ragkit.revealing import approved, entitled
from ragkit.roles import require
from ragkit.types import Conversation, Hit, Location, Masked, MaskedQuestion, Principal, RawQuestion

if TYPE_CHECKING:
    from ragkit.desk.feedback import Rating
    from ragkit.desk.tickets import TicketStore

Cause = Literal["customer", "age", "erasure", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a message becomes before anything reads it.

    Attributes:
        text: As a model is given it: personal data replaced by aliases of the conversation.
        entities: How many of each type were replaced.
        leaves: Whether anything of it may leave this machine.
        generator: Who answers; of several, the first.
        location: Where it runs.
        destination: The host that it is sent to; empty in process.
    """

    text: str = field(repr=False)
    entities: dict[str, int]
    leaves: bool
    generator: str
    location: Location
    destination: str = ""


class Desk:
    """Keeps conversations and tickets, and records what is done with them. Reached as ``workspace.desk``.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles
        self._tickets: TicketStore | None = None

    @property
    def store(self) -> DeskStore:
        """What is kept, without a look at who may: for the chatbot, which asks on behalf of whose it is."""
        return self._handles.desk

    @property
    def ticket_system(self) -> TicketStore:
        """Where tickets are: in ``desk.db``, or where :meth:`use_tickets` put them."""
        return self._tickets or self.store.tickets

    def use_tickets(self, tickets: TicketStore) -> None:
        """Keep tickets in a system of the company from now on."""
        self._tickets = tickets

    # --- what a customer does ----------------------------------------------------------------------------------------

    def begin(self, *, principal: Principal, collection: str, disclosure: str) -> Dialogue:
        """Begin a conversation of somebody who was told by this version of the text that an AI answers."""
        from ragkit.compliance.reviewing import disclosed

        name = self._handles.name(collection)
        made = self.store.conversations.begin(collection=name, subject=principal.subject, disclosure=disclosure)
        disclosed(self._handles, collection=name, text=disclosure, session=made.id, principal=principal)
        recorder = self._handles.recorder
        recorder.record("chat.begun", actor=principal, session=made.id, data={"collection": name})
        recorder.flush()
        return made

    def mask(self, text: str, *, collection: str, principal: Principal, session: str = "") -> MaskedQuestion:
        """Mask what a customer or an agent typed as a question is masked; nothing is put into the vault."""
        part = self._handles.reader(collection)
        part.masker.load()
        masked = part.masker.mask_question(RawQuestion(text), principal=principal)
        about = {"collection": part.name, "characters": len(text), "stored": False, "entities": dict(masked.counts)}
        about |= {"policy": masked.policy, **masked.findings.told()}
        self._handles.recorder.record("text.masked", actor=principal, session=session, data=about)
        return masked

    def look_up(self, question: MaskedQuestion, *, principal: Principal, k: int, session: str) -> list[Hit]:
        """Return what is found for a message that was masked, best first; that it was found is on the disk then.

        It is no question of its own: the one that is asked with the same words afterwards is recorded as that.
        """
        part = self._handles.reader(question.collection)
        request = uuid4().hex
        hits = part.retriever.retrieve(question, k=k, principal=principal, request=request, session=session)
        self._handles.recorder.flush()
        return hits

    def preview(self, text: str, *, collection: str, principal: Principal) -> Preview:
        """Return a message as the generator would be given it, and where that is. Nothing is searched or sent."""
        from ragkit.generate.aliases import AliasBook

        masked = self.mask(text, collection=collection, principal=principal)
        answering, config = self._handles.reader(collection).answering, self._handles.config
        name, location, leaves = self._writer(collection)
        section = config.destinations.get(answering.named[name].destination or "")
        return Preview(
            text=AliasBook(Conversation()).hide(Masked(masked.text.record)),
            entities=dict(masked.counts),
            leaves=leaves,
            generator=name,
            location=location,
            destination=section.host if section is not None else "",
        )

    def generator(self, collection: str) -> tuple[str, str]:
        """Return the name of the generator that answers from a collection, and where it runs."""
        name, location, _ = self._writer(collection)
        return name, location.value

    def _writer(self, collection: str) -> tuple[str, Location, bool]:
        """Who answers, of several the one furthest out; where it runs; whether anything may leave the machine."""
        answering, config = self._handles.reader(collection).answering, self._handles.config
        names = routed_names(config) or [answering.default]
        data_class = config.collections[collection].data_class
        allowed = [name for name in names if answering.allowed(name, data_class)]
        outside = [name for name in allowed if answering.bare(name).location is not Location.IN_PROCESS]
        name = (outside or allowed or names)[0]
        return name, answering.bare(name).location, bool(outside)

    def passage(self, chunk: int, *, collection: str, principal: Principal) -> Hit | None:
        """Return a chunk by its number, if it is still there and the principal may see it."""
        part = self._handles.reader(collection)
        return part.store.hit_source(filter_keys=()).hits([chunk], principal=principal).get(chunk)

    def give_feedback(
        self,
        *,
        request_id: str,
        principal: Principal,
        rating: Rating,
        reason: str = "",
        comment: str = "",
        collection: str | None = None,
        conversation: str = "",
        message: str = "",
    ) -> str:
        """Keep what somebody thinks of an answer; a comment is masked first. Returns its id.

        Raises:
            ConfigError: No such rating or reason.
            KeyDestroyed: The conversation is forgotten.
        """
        if comment.strip():
            name = collection or next(iter(self._handles.config.collections))
            comment = str(self.mask(comment, collection=name, principal=principal, session=conversation).text.record)
        made = self.store.feedback.add(
            request_id=request_id,
            subject=principal.subject,
            rating=rating,
            reason=reason,
            comment=comment.strip(),
            conversation=conversation,
            message=message,
        )
        data = {"of": request_id, "rating": rating, "commented": bool(comment.strip())}
        data |= {"code": reason} if reason else {}
        self._handles.recorder.record(
            "feedback.given", actor=principal, request=request_id, session=conversation, data=data
        )
        return made

    def open_ticket(
        self, dialogue: Dialogue, *, principal: Principal, topic: str, summary: Summary, contact: str = "", of: str = ""
    ) -> Ticket:
        """Hand a conversation to a person; ``of`` is the request of the last answer in it."""
        made = self.ticket_system.open(dialogue.id, topic=topic, summary=summary, contact=contact)
        self.store.conversations.note(dialogue.id, status="waiting", refusals=0, asked_back=False)
        since = max(0, made.created - dialogue.begun)
        data = {"ticket": made.id, "taken": False, "topic": topic, "collection": dialogue.collection, "ms": since}
        data |= {"of": of} if of else {}
        self._tell("human.handoff", principal, dialogue.id, data, request=of)
        return made

    def forget(
        self,
        conversations: Collection[str],
        *,
        cause: Cause,
        principal: Principal | None = None,
        collection: str = "",
        days: int | None = None,
    ) -> int:
        """Forget conversations: their keys are destroyed, here and in every copy of the file. Returns how many."""
        if not conversations:
            return 0
        data: dict[str, object] = {"conversations": len(conversations), "cause": cause}
        data |= {"collection": collection} if collection else {}
        data |= {"days": days} if days is not None else {}
        only = next(iter(conversations)) if len(conversations) == 1 else ""
        self._handles.recorder.record("chat.forgotten", actor=principal, session=only, data=data)
        if self._tickets is not None:
            for one in conversations:
                self._tickets.forget(one)
        return self.store.forget(conversations)

    def sweep(self, *, days: int) -> int:
        """Forget what nobody touched for so many days, and finish what a kill left half done. Returns how many ended.

        A conversation whose ticket is not closed stays.
        """
        if not self.store.exists:
            return 0
        now = round(time.time() * 1000)
        waiting = {one.conversation for one in self.ticket_system.list() if one.status != "closed"}
        old = [one for one in self.store.old(days=days, now=now) if one not in waiting]
        done = self.forget(old, cause="age", days=days)
        self.store.sweep(days=days, now=now)
        return done

    # --- what agents and operators do --------------------------------------------------------------------------------

    def tickets(self, status: TicketStatus | None = None, *, principal: Principal | None = None) -> Sequence[Ticket]:
        """Return tickets, masked, those that wait longest first; for operators. Agents come by the service."""
        self.require_operator("desk.tickets", principal=principal)
        return self.ticket_system.list(status) if self.store.exists else ()

    def take(self, ticket: str, *, agent: Principal) -> Ticket:
        """Let an agent have a ticket; one that another has already stays theirs.

        Raises:
            UnknownId: There is no such ticket.
            DeskConflict: It is taken by somebody else, or closed.
        """
        found = self._ticket(ticket)
        if found.status == "closed" or (found.status == "taken" and found.taken_by != agent.subject):
            raise _no_longer_open()
        if found.status == "taken":
            self.store.conversations.note(found.conversation, status="agent")  # a kill may have come between
            return found
        made = self.ticket_system.take(ticket, agent=agent.subject)
        if made.status != "taken" or made.taken_by != agent.subject:
            raise _no_longer_open()
        self.store.conversations.note(found.conversation, status="agent")
        waited = max(0, (made.taken or 0) - made.created)
        data = {"ticket": ticket, "taken": True, "topic": found.topic, "ms": waited}
        self._tell("human.handoff", agent, found.conversation, data)
        return made

    def reply(self, ticket: str, text: str, *, agent: Principal) -> None:
        """Let the agent who has a ticket write to the customer. What they write is masked like all that is kept.

        Raises:
            UnknownId: There is no such ticket.
            DeskConflict: The agent does not have it.
        """
        found = self._mine(ticket, agent)
        dialogue = self.store.conversations.find(found.conversation)
        if dialogue is None:
            raise UnknownId("there is no such conversation", remedy="The customer may have had it forgotten.")
        masked = self.mask(text, collection=dialogue.collection, principal=agent, session=dialogue.id)
        content = {"text": str(masked.text.record)}
        self.store.conversations.add(dialogue.id, role="agent", kind="said", content=content, raw=text)
        made = self.ticket_system.replied(ticket)
        data = {"ticket": ticket, "characters": len(text), "ms": max(0, (made.replied or 0) - made.created)}
        self._tell("ticket.replied", agent, dialogue.id, data)

    def close(self, ticket: str, *, outcome: Outcome, agent: Principal) -> Ticket:
        """Close a ticket: ``returned`` gives the conversation back to the assistant, anything else ends it.

        Raises:
            UnknownId: There is no such ticket.
            DeskConflict: The agent does not have it.
        """
        found = self._mine(ticket, agent)
        status: Literal["assistant", "closed"] = "assistant" if outcome == "returned" else "closed"
        self.store.conversations.note(found.conversation, status=status, refusals=0)
        made = self.ticket_system.close(ticket, outcome=outcome)  # last: killed before, the agent closes it again
        data = {"ticket": ticket, "outcome": outcome, "ms": max(0, (made.closed or 0) - made.created)}
        self._tell("ticket.closed", agent, found.conversation, data)
        return made

    def reveal(self, ticket: str, *, purpose: str, agent: Principal) -> tuple[dict[str, str], str]:
        """Return what the customer typed, by message, and their contact, in clear: for whom ``reveal`` names.

        Raises:
            UnknownId: There is no such ticket.
            AccessDenied: The agent may not see masked values here, or gave no purpose.
            ApprovalNeeded: A second officer has to approve first.
            AuditUnavailable: It could not be recorded, so nothing is shown.
        """
        found = self._ticket(ticket)
        dialogue = self.store.conversations.find(found.conversation)
        if dialogue is None:
            raise UnknownId("there is no such conversation", remedy="The customer may have had it forgotten.")
        part, recorder = self._handles.reader(dialogue.collection), self._handles.recorder
        entitled(part, recorder, asking=agent, purpose=purpose)
        approved(self._handles, part, ticket, asking=agent, purpose=purpose)
        words = self.store.conversations.raw(found.conversation, role="customer")
        shown = sum(map(len, words.values())) + len(found.contact)
        data = {"ticket": ticket, "messages": len(words), "characters": shown, "collection": dialogue.collection}
        data |= {"purpose": recorder.keyed(purpose)}
        self._tell("ticket.revealed", agent, dialogue.id, data)
        recorder.flush()
        return words, found.contact

    def find_ticket(self, ticket: str) -> Ticket:
        """Return a ticket, masked.

        Raises:
            UnknownId: There is no such ticket.
        """
        return self._ticket(ticket)

    def require_operator(self, verb: str, *, principal: Principal | None = None) -> Principal:
        """Return who asks, if they are an operator; both answers are recorded.

        Raises:
            AccessDenied: They are not.
        """
        return require(self._handles, "operator", verb=verb, principal=principal, tell=True)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _ticket(self, ticket: str) -> Ticket:
        found = self.ticket_system.find(ticket)
        if found is None:
            raise UnknownId("there is no such ticket", remedy="`GET /desk/tickets` lists them.")
        return found

    def _mine(self, ticket: str, agent: Principal) -> Ticket:
        found = self._ticket(ticket)
        if found.status != "taken" or found.taken_by != agent.subject:
            raise DeskConflict("this ticket is not yours", remedy="Take it first; one that is closed stays closed.")
        return found

    def _tell(self, kind: str, actor: Principal, session: str, data: dict[str, object], *, request: str = "") -> None:
        self._handles.recorder.record(kind, actor=actor, session=session, request=request or None, data=data)


def _no_longer_open() -> DeskConflict:
    return DeskConflict("this ticket is closed or somebody else has it", remedy="Take one that is open.")
