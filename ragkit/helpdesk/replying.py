"""How the chatbot finds its reply to a message: for a person, small talk, a question back, an answer, or a refusal."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ragkit.config_serve import ChatSection
from ragkit.desk.records import Dialogue, Entry, Kind
from ragkit.generate.extractive import REFUSAL
from ragkit.helpdesk.clarifying import ask_which
from ragkit.helpdesk.contents import answer_content, documents_of, question_content, summary_of
from ragkit.helpdesk.memory import Live, Memory
from ragkit.helpdesk.small_talk import small_talk
from ragkit.helpdesk.spoken import Done, Piece, Said, Spoken
from ragkit.helpdesk.topics import Topics, plain
from ragkit.helpdesk.wording import say
from ragkit.types import Answer, MaskedQuestion, Principal
from ragkit.workspace import Workspace

CHUNKS = 8
_SHORT_REPLY = 8
"""Words up to which a message after a question back is taken for its answer, and not for a question of its own."""
_SAME = 0.85
_REPEATED = 2
"""Earlier questions that say the same, after which the next goes to a person."""
_LEAST_WORDS = 3
_OFFERED = 3


class Replying:
    """Replies to messages in one collection.

    Args:
        workspace: Open.
        chat: ``[chat]``.
        minutes: How long a quiet conversation is remembered in memory.
    """

    def __init__(self, workspace: Workspace, chat: ChatSection, *, minutes: float) -> None:
        self.workspace = workspace
        self.chat = chat
        self.language = workspace.config.language_of(chat.collection)
        self._desk = workspace.desk
        self._topics = Topics(chat.handoff.topics, chat.handoff.without)
        self._memory = Memory(minutes)

    def _reply(self, dialogue: Dialogue, live: Live, text: str, principal: Principal) -> Iterator[Spoken]:
        began, number = time.perf_counter(), dialogue.id
        kept = self._desk.store.conversations
        earlier = kept.entries(number)
        masked = self._desk.mask(text, collection=dialogue.collection, principal=principal, session=number)
        waiting = dialogue.status in ("waiting", "agent")
        said = kept.add(
            number,
            role="customer",
            kind="said",
            content=question_content(masked),
            raw=text if waiting else None,
            count={"messages": 1},
        )
        yield Said(said)
        if waiting:
            return
        live.typed(said.id, text)
        reason = self._topics.find(text)
        topic = reason.topic if reason else "repeated" if _repeats(said, earlier) else ""
        if topic:
            yield Done(self._hand_over(dialogue, live, topic, principal))
            return
        talk = small_talk(text)
        if talk is not None and not (dialogue.asked_back and talk == "ok"):
            yield Done(self._keep(number, "said", {"text": say(talk, self.language), "topic": talk}))
            return
        question = text
        if dialogue.asked_back:
            question = _joined(live.first, text)
        elif back := self._asks_back(text, masked, earlier, principal, number):
            live.first = text
            kept.note(number, asked_back=True)
            yield Done(self._keep(number, "clarify", back, count={"clarified": 1}))
            return
        live.first = ""
        yield from self._answer(dialogue, live, question, principal, began)

    def _asks_back(
        self, text: str, masked: MaskedQuestion, earlier: Sequence[Entry], principal: Principal, number: str
    ) -> dict[str, Any] | None:
        """What is asked back, where the question fits several people, or several things of one kind."""
        if masked.ambiguous:
            return {"text": say("who-is-meant", self.language), "topic": "who-is-meant"}
        hits = self._desk.look_up(masked, principal=principal, k=CHUNKS, session=number)
        answers = [one for one in earlier if one.kind == "answer"]
        known = documents_of(answers[-1]) if answers else frozenset[str]()
        titles = ask_which(text, hits, known=known)
        return {"text": say("which", self.language), "quick_replies": titles, "topic": "which"} if titles else None

    def _answer(
        self, dialogue: Dialogue, live: Live, question: str, principal: Principal, began: float
    ) -> Iterator[Spoken]:
        number, answer = dialogue.id, None
        for piece in self.workspace.ask_stream(
            question, collection=dialogue.collection, principal=principal, k=CHUNKS, conversation=live.conversation
        ):
            if isinstance(piece, Answer):
                answer = piece
            elif piece != REFUSAL:  # a refusal is said in the desk's own words
                yield Piece(str(piece))
        assert answer is not None
        ms, count = round((time.perf_counter() - began) * 1000), _spent(answer)
        note = self._desk.store.conversations.note
        if not answer.refused:
            note(number, refusals=0, asked_back=False)
            content = answer_content(answer)
            yield Done(self._keep(number, "answer", content, count | {"answered": 1}, request=answer.request_id, ms=ms))
            return
        refusals = dialogue.refusals + 1
        note(number, refusals=refusals, asked_back=False)
        if refusals >= self.chat.handoff.after_refusals:
            self._desk.store.tallies.add_all(count | {"refused": 1})
            yield Done(self._hand_over(dialogue, live, "no-answer", principal, request=answer.request_id, ms=ms))
            return
        offered = [*self.chat.quick_replies[:_OFFERED], say("person", self.language)]
        content = {"text": say("refusal", self.language), "quick_replies": offered, "topic": answer.reason}
        yield Done(self._keep(number, "refusal", content, count | {"refused": 1}, request=answer.request_id, ms=ms))

    def _hand_over(
        self,
        dialogue: Dialogue,
        live: Live,
        topic: str,
        principal: Principal,
        *,
        contact: str = "",
        request: str = "",
        ms: int | None = None,
    ) -> Entry:
        kept, number = self._desk.store.conversations, dialogue.id
        entries = kept.entries(number)
        last = request or next((one.request for one in reversed(entries) if one.request), "")
        summary = summary_of(topic, entries)
        self._desk.open_ticket(dialogue, principal=principal, topic=topic, summary=summary, contact=contact, of=last)
        kept.put_raw(number, live.words)
        live.words.clear()
        live.first = ""
        content = {"text": say(f"handoff.{topic}", self.language), "topic": topic}
        count = {"handed_over": 1, f"topic.{topic}": 1}
        return self._keep(number, "handoff", content, count, request=request, ms=ms)

    def _keep(
        self,
        number: str,
        kind: Kind,
        content: Mapping[str, Any],
        count: Mapping[str, int] | None = None,
        *,
        request: str = "",
        ms: int | None = None,
    ) -> Entry:
        kept = self._desk.store.conversations
        return kept.add(number, role="assistant", kind=kind, content=content, count=count, request=request, ms=ms)

    def _notice(self, number: str, name: str) -> Entry:
        content = {"text": say(name, self.language), "topic": name}
        return self._desk.store.conversations.add(number, role="notice", kind="notice", content=content)


def _joined(first: str, reply: str) -> str:
    """The question that was asked back about, with what was replied; or the reply, if it is a question of its own."""
    return f"{first} {reply}" if first and len(plain(reply).split()) <= _SHORT_REPLY else reply


def _repeats(said: Entry, earlier: Sequence[Entry]) -> bool:
    """Whether a customer asks for the third time what they asked before: the answers do not help."""
    words = Counter(plain(said.text).split())
    if words.total() < _LEAST_WORDS:
        return False
    before = [Counter(plain(one.text).split()) for one in earlier if one.role == "customer"]
    alike = [one for one in before if (one & words).total() >= _SAME * max(one.total(), words.total())]
    return len(alike) >= _REPEATED


def _spent(answer: Answer) -> dict[str, int]:
    """What an answer used, for the counters of the day."""
    account = answer.account
    spent = {"tokens": account.usage.input + account.usage.output}
    if account.cost_micro is not None:
        spent[f"cost.{account.currency}"] = account.cost_micro
    return {name: number for name, number in spent.items() if number}
