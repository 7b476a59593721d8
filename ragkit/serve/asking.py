"""One question of a caller, from what came over HTTP to the library's answer. For the routes of both dialects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from ragkit.auth.callers import Caller
from ragkit.serve.asked import asked_of
from ragkit.serve.choices import Choice
from ragkit.serve.conversations import conversations_of
from ragkit.serve.tenants import Tenant
from ragkit.types import Answer, Conversation, Masked


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, what was asked, and the id of the dialogue it belongs to."""

    answer: Answer
    choice: Choice
    conversation: str | None


@dataclass(frozen=True, slots=True)
class Asking:
    """A question, looked over and not yet asked.

    Attributes:
        choose: Says which collection and generator are meant; reads the record store, so it is called in the thread.
        history: Earlier questions, oldest first; only without a conversation.
        conversation: Id of a dialogue of the caller; empty begins one, ``None`` asks outside of any.
    """

    tenant: Tenant
    caller: Caller
    question: str = field(repr=False)
    choose: Callable[[], Choice] = field(repr=False)
    k: int = 8
    filters: Mapping[str, str] | None = field(default=None, repr=False)
    history: tuple[str, ...] = field(default=(), repr=False)
    conversation: str | None = None

    def answer(self) -> Told:
        """Ask, and wait for the answer."""
        with ExitStack() as stack:
            choice, dialogue = self._begin(stack)
            answer = self.tenant.workspace.ask(self.question, **self._how(choice, dialogue))
        return self._told(answer, choice, dialogue)

    def stream(self) -> Iterator[Masked | Told]:
        """Ask, and yield the answer's text as it is written, last the answer."""
        with ExitStack() as stack:
            choice, dialogue = self._begin(stack)
            pieces = self.tenant.workspace.ask_stream(self.question, **self._how(choice, dialogue))
            close = getattr(pieces, "close", None)
            if close is not None:
                stack.callback(close)
            for piece in pieces:
                yield self._told(piece, choice, dialogue) if isinstance(piece, Answer) else piece

    def _begin(self, stack: ExitStack) -> tuple[Choice, Conversation | None]:
        choice = self.choose()
        if self.conversation is None:
            return choice, None
        kept = conversations_of(self.tenant)
        dialogue = kept.get(self.caller, self.conversation or None, collection=choice.collection)
        stack.enter_context(kept.turn(dialogue))
        return choice, dialogue

    def _how(self, choice: Choice, dialogue: Conversation | None) -> dict[str, Any]:
        return {
            "collection": choice.collection,
            "principal": self.caller.principal,
            "k": self.k,
            "filters": self.filters,
            "history": self.history,
            "conversation": dialogue,
            "generator": choice.generator,
        }

    def _told(self, answer: Answer, choice: Choice, dialogue: Conversation | None) -> Told:
        asked_of(self.tenant).note(self.caller, answer.request_id, collection=answer.collection)
        return Told(answer, choice, dialogue.id if dialogue else None)


def earlier(tenant: Tenant, questions: Sequence[str]) -> list[str]:
    """Return those of a caller's earlier questions that take part, oldest first."""
    turns = tenant.config.answers.history
    return list(questions[-turns:]) if turns else []
