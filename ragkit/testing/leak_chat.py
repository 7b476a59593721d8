"""The chatbot as a way out: customers who type what was planted, agents who answer with it, and what is kept of it.

What it keeps lies in the data directory, where :func:`ragkit.testing.leaks.scan` looks; what it says of itself is
returned, to be kept with the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragkit.config_serve import ChatSection
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.testing.desk import Chat
from ragkit.types import Principal
from ragkit.workspace import Workspace

VISITOR = Principal("chat|leaks0123456789ab", groups=frozenset({"chat|visitors"}))


def talk(workspace: Workspace, words: Sequence[str], *, collection: str) -> list[str]:
    """Type these words in every place that the chat has for words; one conversation is forgotten at the end.

    Returns:
        The ``repr`` of all that came back, and the messages of what was refused.
    """
    chat = ChatSection(collection=collection, messages_per_minute=600)
    helpdesk, owner = Helpdesk(workspace, chat), workspace.config.workspace.principal
    said: list[str] = [repr(helpdesk)]
    for number, text in enumerate(words):
        one = Chat(helpdesk, VISITOR).begin()
        entry = one.say(text)
        said += [repr(entry), repr(helpdesk.preview(text, principal=VISITOR))]
        if entry.request:
            helpdesk.rate(one.number, entry.id, principal=VISITOR, rating="down", reason="other", comment=text)
        one.say(f"I want to talk to a person. {text}")
        said.append(repr(helpdesk.hand_over(one.number, principal=VISITOR, contact=text)))
        one.say(text)
        ticket = one.ticket
        helpdesk.take(ticket.id, agent=owner)
        one.desk.reply(ticket.id, text, agent=owner)
        said += [repr(ticket), repr(one.desk.store), repr(helpdesk.read(one.number, principal=VISITOR))]
        if collection in {name for name, of in workspace.config.collections.items() if of.reveal}:
            one.desk.reveal(ticket.id, purpose=text, agent=owner)
        helpdesk.close_ticket(ticket.id, outcome="returned", agent=owner)
        if number % 2:
            helpdesk.forget(one.number, principal=VISITOR)
    return said
