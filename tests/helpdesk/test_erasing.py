"""A person who is erased is gone from conversations with the chatbot too, and one who asks is told of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ragkit import Principal
from ragkit.lifecycle.desk import held_conversations
from ragkit.lifecycle.subject import choose, people_of
from ragkit.testing.desk import Chat

NAME, MAIL, PHONE = "Galina Yalmanova", "galina.yalmanova@example.org", "+44 20 7946 0018"
STAFF = Principal("crm|sam", groups=frozenset({"crm|staff"}))
AGENT = Principal("crm|bob", groups=frozenset({"crm|agents"}))
WHY = {"purpose": "request 17"}


class Talks:
    """Conversations that name a person in each way there is, and one that does not."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.stranger = self._talk(f"My e-mail address is {MAIL}. How long is the warranty on a tent?")
        self.surname = self._talk("My name is Ms Yalmanova. How long is the warranty on a tent?")
        self.reader = self._talk("What did we write to Galina Yalmanova?", STAFF)
        self.ticket = self._talk(f"I want to talk to a person. Please ring {PHONE}.")
        self.agents = self._talk("I want to talk to a person")
        number = chat.desk.ticket_system.of(self.agents)[0].id
        chat.helpdesk.take(number, agent=AGENT)
        chat.desk.reply(number, f"Are you {NAME}?", agent=AGENT)
        self.other = self._talk("How long is the warranty on a tent? I am Henrik Thorvald.")

    def _talk(self, text: str, principal: Principal | None = None) -> str:
        made = Chat(self.chat.helpdesk, principal or self.chat.visitor).begin()
        made.say(text)
        return made.number

    @property
    def left(self) -> set[str]:
        """Conversations that are there."""
        return {one.id for one in self.chat.desk.store.conversations.list()}


def test_a_person_is_told_of_conversations_and_erased_from_them(open_chat: Callable[[], Chat], shop: Path) -> None:
    """By a stranger's token, by surname, by the vault's token, in clear words behind a ticket, in an agent's words.

    What is exported has their own values in clear and others' hidden; what is erased is forgotten as a whole.
    """
    chat = open_chat()
    talks, subjects = Talks(chat), chat.helpdesk.workspace.subjects
    held = subjects.export(MAIL, **WHY)["conversations"]
    said = [message["text"] for one in held for message in one["messages"] if message["role"] != "assistant"]
    for value in (MAIL, "Yalmanova", PHONE):
        assert any(value in text for text in said), value
    assert "Thorvald" not in json.dumps(held)
    assert len(held) == 5
    report = subjects.erase(MAIL, **WHY)
    assert report.complete
    assert report.levels["L1"] == "true"
    assert talks.left == {talks.other}
    assert '"conversations":5' in report.receipt.replace(" ", "")
    events = [json.loads(line) for path in (shop / ".ragkit" / "events").glob("*.jsonl") for line in path.open()]
    [told] = [one for one in events if one["type"] == "chat.forgotten"]
    assert told["data"] == {"conversations": 5, "cause": "erasure", "collection": "shop"}
    assert told["request"] == report.request


def test_comments_on_answers_go_with_a_person_too(open_chat: Callable[[], Chat]) -> None:
    """Those that belong to no conversation: they are told to the person, and forgotten with them."""
    chat = open_chat()
    desk, subjects = chat.desk, chat.helpdesk.workspace.subjects
    for number, comment in enumerate((f"{NAME} was told something else.", "Henrik Thorvald says it is outdated.")):
        desk.give_feedback(request_id=f"{number}" * 32, principal=STAFF, rating="down", comment=comment)
    [held] = subjects.export(MAIL, **WHY)["conversations"]
    assert [(one["role"], NAME in one["text"]) for one in held["messages"]] == [("comment", True)]
    report = subjects.erase(MAIL, **WHY)
    assert report.complete
    assert report.levels["L1"] == "true"
    assert [one.request_id for one in desk.store.feedback.since(0)] == ["1" * 32]
    assert '"comments":1' in report.receipt.replace(" ", "")


def test_an_export_has_what_was_left_to_be_reached_by_and_comments(open_chat: Callable[[], Chat]) -> None:
    """The contact as it was typed, what was said of an answer, and names that no detector saw."""
    chat = open_chat().begin()
    answer = chat.say("How long is the warranty on a tent?")
    chat.helpdesk.rate(chat.number, answer.id, principal=chat.visitor, rating="down", comment=f"Ask {NAME}.")
    chat.helpdesk.hand_over(chat.number, principal=chat.visitor, contact=f"write to {MAIL}")
    [held] = chat.helpdesk.workspace.subjects.export(MAIL, **WHY)["conversations"]
    said = {one["role"]: one["text"] for one in held["messages"]}
    assert said["contact"] == f"write to {MAIL}"
    assert said["comment"] == f"Ask {NAME}."


def test_a_name_that_no_detector_saw_is_told_too(open_chat: Callable[[], Chat]) -> None:
    """As it is found when the person is erased."""
    chat = open_chat().begin()
    chat.desk.store.conversations.add(chat.number, role="customer", kind="said", content={"text": f"I am {NAME}"})
    [held] = chat.helpdesk.workspace.subjects.export(MAIL, **WHY)["conversations"]
    assert held["messages"][0]["text"] == f"I am {NAME}"


def test_a_value_that_others_have_too_tells_nobody_of_a_conversation(open_chat: Callable[[], Chat]) -> None:
    """The telephone of a family, a town: somebody else's conversation that has it is not handed out."""
    chat = open_chat().begin()
    chat.say(f"My e-mail address is {MAIL}. How long is the warranty on a tent?")
    part = chat.helpdesk.workspace._handles.reader("shop")
    person = choose(people_of(part.store, part.masker.vault, MAIL, None), None)
    assert len(held_conversations(chat.desk.store, "shop", person, part.masker.vault)) == 1
    family = replace(person, values=tuple(replace(one, shared=True) for one in person.values))
    assert held_conversations(chat.desk.store, "shop", family, part.masker.vault) == []
