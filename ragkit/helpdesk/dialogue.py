"""The chatbot's dialogue: what becomes of a message, step by step, and why.

::

    helpdesk = Helpdesk(workspace, config.chat)
    number = helpdesk.begin(principal=visitor, disclosure="1").id
    for piece in helpdesk.say(number, "How long is the warranty?", principal=visitor):
        ...                                  # Said, then pieces of text, last Done with the message as it is kept

In this order: is it for a person; is it small talk; does it fit several things, so that one is asked back; else it is
answered from the documents that the visitor may see, or refused with a way on. While a person has the conversation the
assistant is silent. Every message is kept masked (:mod:`ragkit.desk.conversations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from ragkit.config_serve import ChatSection
from ragkit.desk.records import Dialogue, Entry, Outcome, Ticket
from ragkit.desking import Preview
from ragkit.errors import ConfigError, KeyDestroyed, UnknownId
from ragkit.helpdesk.contents import rebuilt
from ragkit.helpdesk.memory import Live, Pace
from ragkit.helpdesk.showing import Showing
from ragkit.helpdesk.spoken import ChatBusy, Spoken, TooFast
from ragkit.helpdesk.topic_phrases import PERSON
from ragkit.types import Conversation, Principal
from ragkit.workspace import Workspace

LONGEST = 200
"""Messages of one conversation."""
_BESIDES = 3
"""What a visitor may begin, hand over and preview for each message that they may write."""


class Helpdesk(Showing):
    """The chatbot of one workspace. Safe to use from several threads.

    Args:
        workspace: Open.
        chat: ``[chat]``.
        minutes: How long a quiet conversation is remembered in memory; what is kept stays longer.
    """

    def __init__(self, workspace: Workspace, chat: ChatSection, *, minutes: float = 60) -> None:
        super().__init__(workspace, chat, minutes=minutes)
        self._pace = Pace(chat.messages_per_minute)
        self._besides = Pace(_BESIDES * chat.messages_per_minute)

    def begin(self, *, principal: Principal, disclosure: str) -> Dialogue:
        """Begin a conversation with somebody who was shown the disclosure of this version.

        Raises:
            ConfigError: It is not the version that is shown now.
            TooFast: Too much was begun in a minute.
        """
        if disclosure != self.chat.disclosure_version:
            raise ConfigError("another text is shown now", remedy="Show the disclosure of `POST /chat/session` first.")
        self._hurry(self._besides, principal)  # each leaves a row, a key and events, whoever asks
        return self._desk.begin(principal=principal, collection=self.chat.collection, disclosure=disclosure)

    def say(self, number: str, text: str, *, principal: Principal) -> Iterator[Spoken]:
        """Take a message of a customer and yield what becomes of it.

        Raises:
            UnknownId: There is no such conversation of theirs.
            ChatBusy: Another message of it is being answered; it is closed, or too long.
            TooFast: Too many messages in a minute.
            RagkitError: As :meth:`ragkit.Workspace.ask`.
        """
        self._open(number, principal)
        self._hurry(self._pace, principal)
        if self._desk.store.conversations.count_messages(number) >= LONGEST:
            raise ChatBusy("this conversation is too long", remedy="Begin a new one.")
        live = self._live(number)
        with self._memory.turn(live) as mine:
            if not mine:
                raise ChatBusy("a message of this conversation is being answered", remedy="Wait for its answer.")
            try:
                yield from self._reply(self._open(number, principal), live, text, principal)
            except KeyDestroyed:  # forgotten meanwhile
                self._memory.forget(number)
                raise UnknownId("there is no such conversation", remedy="Begin a new one.") from None

    def hand_over(self, number: str, *, principal: Principal, contact: str = "") -> Entry:
        """Give a conversation to a person because the customer wants one, or note how to reach them.

        Raises:
            UnknownId: There is no such conversation of theirs.
            ChatBusy: It is closed, or a message of it is being answered.
            TooFast: As :meth:`begin`.
        """
        self._open(number, principal)
        self._hurry(self._besides, principal)
        live = self._live(number)
        with self._memory.turn(live) as mine:
            if not mine:
                raise ChatBusy("a message of this conversation is being answered", remedy="Wait for its answer.")
            dialogue = self._open(number, principal)
            if dialogue.status == "assistant":
                return self._hand_over(dialogue, live, PERSON, principal, contact=contact)
            tickets = self._desk.ticket_system
            for one in [one for one in tickets.of(number) if one.status != "closed" and contact][:1]:
                tickets.leave_contact(one.id, contact)
            return self._notice(number, "contact" if contact else "already")

    def preview(self, text: str, *, principal: Principal) -> Preview:
        """Return a message as the generator would be given it, and where that is.

        Raises:
            TooFast: As :meth:`begin`.
        """
        self._hurry(self._besides, principal)
        return super().preview(text, principal=principal)

    def forget(self, number: str, *, principal: Principal) -> None:
        """Forget a conversation: its key is destroyed, and with it every word, the ticket's too.

        Raises:
            UnknownId: There is no such conversation of theirs.
        """
        self.find(number, principal=principal)
        self._memory.forget(number)
        self._desk.forget([number], cause="customer", principal=principal, collection=self.chat.collection)

    @staticmethod
    def _hurry(pace: Pace, principal: Principal) -> None:
        if seconds := pace.wait(principal.subject):
            raise TooFast(seconds)

    def take(self, ticket: str, *, agent: Principal) -> Ticket:
        """Let an agent have a ticket, and tell the customer. Raises as :meth:`ragkit.desking.Desk.take`."""
        before = self._desk.find_ticket(ticket)
        made = self._desk.take(ticket, agent=agent)
        if before.status == "open":
            self._notice(made.conversation, "taken")
        return made

    def close_ticket(self, ticket: str, *, outcome: str, agent: Principal) -> Ticket:
        """Close a ticket and tell the customer. Raises as :meth:`ragkit.desking.Desk.close`.

        Raises:
            ConfigError: No such outcome.
        """
        if outcome not in get_args(Outcome):
            raise ConfigError("there is no such outcome", remedy=f"Take one of: {', '.join(get_args(Outcome))}.")
        made = self._desk.close(ticket, outcome=outcome, agent=agent)  # type: ignore[arg-type]  # it is one of them
        self._notice(made.conversation, "returned" if outcome == "returned" else "closed")
        return made

    def sweep(self) -> int:
        """Forget what is older than ``keep_days``; return how many conversations ended."""
        return self._desk.sweep(days=self.chat.keep_days)

    def tidy(self) -> None:
        """Let go, in memory, of conversations that are quiet, or were forgotten: with a person, by age, elsewhere."""
        self._memory.tidy(self._desk.store.conversations.there)

    def close(self) -> None:
        """Forget what is in memory."""
        self._memory.clear()

    def __repr__(self) -> str:
        return f"Helpdesk({self.chat.collection!r})"

    # --- inside ------------------------------------------------------------------------------------------------------

    def _open(self, number: str, principal: Principal) -> Dialogue:
        found = self.find(number, principal=principal)
        if found.status == "closed":
            raise ChatBusy("this conversation is closed", remedy="Begin a new one.")
        return found

    def _live(self, number: str) -> Live:
        def make() -> Conversation:
            return rebuilt(number, self._desk.store.conversations.entries(number))

        return self._memory.get(number, make)
