"""A visitor of a chatbot, for tests: says something, and gives back what was replied.

::

    chat = Chat(Helpdesk(workspace, workspace.config.chat), visitor).begin()
    assert chat.say("Hello").kind == "said"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragkit.desk.records import Entry, Ticket
from ragkit.helpdesk.spoken import Piece, Said

if TYPE_CHECKING:
    from ragkit.helpdesk.dialogue import Helpdesk
    from ragkit.types import Principal


class Chat:
    """One conversation of a visitor.

    Args:
        helpdesk: The chatbot.
        visitor: Who writes.
        number: Of a conversation that was begun.
    """

    def __init__(self, helpdesk: Helpdesk, visitor: Principal, number: str = "") -> None:
        self.helpdesk = helpdesk
        self.visitor = visitor
        self.number = number
        self.desk = helpdesk.workspace.desk

    def begin(self) -> Chat:
        """Begin a conversation."""
        version = self.helpdesk.chat.disclosure_version
        self.number = self.helpdesk.begin(principal=self.visitor, disclosure=version).id
        return self

    def say(self, text: str) -> Entry:
        """Say something; return the reply, or, where nobody replies, the message itself."""
        spoken = list(self.helpdesk.say(self.number, text, principal=self.visitor))
        assert isinstance(spoken[0], Said)
        return [one.entry for one in spoken if not isinstance(one, Piece)][-1]

    @property
    def status(self) -> str:
        """Who answers next."""
        return self.helpdesk.find(self.number, principal=self.visitor).status

    @property
    def entries(self) -> list[Entry]:
        """All messages."""
        return list(self.desk.store.conversations.entries(self.number))

    @property
    def ticket(self) -> Ticket:
        """The newest ticket of the conversation."""
        return self.desk.ticket_system.of(self.number)[0]
