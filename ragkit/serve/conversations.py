"""Dialogues that a service remembers: in memory only, each of one tenant, principal and collection, gone when quiet.

::

    kept = conversations_of(tenant)
    conversation = kept.get(caller, body.conversation, collection=name)   # None begins one
    with kept.turn(conversation):                                          # one question at a time
        answer = workspace.ask(question, conversation=conversation, principal=caller.principal)

What a dialogue holds is masked. A restart forgets all of them; who has an id of a forgotten one is told that there is
no such thing, as for somebody else's.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from ragkit.auth.callers import Caller
from ragkit.serve.access import own
from ragkit.serve.replies import NotFound, ServiceError
from ragkit.serve.tenants import Tenant
from ragkit.types import Conversation

MOST = 10_000
"""Dialogues of one tenant; beyond it the one that was quiet longest is forgotten."""
MOST_OF_ONE = 200
"""Dialogues of one principal, so that nobody drives out those of the others."""
TURNS = 50
"""Turns that a dialogue remembers."""

_LOCK = Lock()


class ConversationBusy(ServiceError):
    """A question of this dialogue is being answered; aliases and turns are made by one at a time."""

    status = 409
    code = "conversation_busy"


class OtherCollection(ServiceError):
    """A dialogue holds what one collection answered, and stays with it."""

    code = "other_collection"


@dataclass(slots=True)
class _Kept:
    conversation: Conversation
    tenant: str
    subject: str
    collection: str | None
    tokens: frozenset[str]
    used: float
    turning: Lock = field(default_factory=Lock)


class Conversations:
    """The dialogues of one tenant.

    Args:
        minutes: How long a quiet one is kept.
        most: How many are kept.
        most_of_one: How many of one principal are kept.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        minutes: float,
        *,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = minutes * 60
        self._most = most
        self._most_of_one = most_of_one
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # by when it was used, longest ago first
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"Conversations({len(self._kept)})"

    def get(self, caller: Caller, id: str | None = None, *, collection: str | None = None) -> Conversation:
        """Return the caller's dialogue of this id, or begin one.

        Args:
            caller: Whose it is.
            id: Of a dialogue; ``None`` begins one.
            collection: The name of its collection; ``None`` takes the one it has.

        Raises:
            NotFound: There is none of that id, it is somebody else's, or it was answered under groups that the caller
                has not any more.
            OtherCollection: It is of another collection.
        """
        now = self._clock()
        with self._lock:
            self._drop_quiet(now)
            if id is None:
                return self._begin(caller, collection, now)
            kept = self._own(caller, id)
            if collection is not None and kept.collection not in (None, collection):
                raise OtherCollection(
                    "the conversation is of another collection",
                    remedy="Name its collection, or begin another by leaving `conversation` out.",
                )
            kept.collection = kept.collection or collection
            kept.tokens |= caller.principal.tokens
            kept.used = now
            self._kept.move_to_end(id)
            kept.conversation.turns = kept.conversation.turns[-TURNS:]
            return kept.conversation

    def collection(self, caller: Caller, id: str) -> str | None:
        """Return the name of a dialogue's collection. Raises as :meth:`get`."""
        with self._lock:
            self._drop_quiet(self._clock())
            return self._own(caller, id).collection

    def forget(self, caller: Caller, id: str) -> None:
        """Forget a dialogue.

        Raises:
            NotFound: There is none of that id, or it is somebody else's.
        """
        with self._lock:
            self._drop_quiet(self._clock())
            self._own(caller, id)
            del self._kept[id]

    @contextmanager
    def turn(self, conversation: Conversation) -> Iterator[None]:
        """Hold a dialogue while one of its questions is answered.

        Raises:
            ConversationBusy: Another is being answered.
        """
        with self._lock:
            kept = self._kept.get(conversation.id)
        if kept is None:  # forgotten since: what is left of it is the caller's alone
            yield
            return
        if not kept.turning.acquire(blocking=False):
            raise ConversationBusy(
                "a question of this conversation is being answered", remedy="Wait for its answer, then ask."
            )
        try:
            yield
        finally:
            kept.turning.release()
            with self._lock:
                kept.used = self._clock()
                if self._kept.get(conversation.id) is kept:
                    self._kept.move_to_end(conversation.id)

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def _begin(self, caller: Caller, collection: str | None, now: float) -> Conversation:
        subject = caller.principal.subject
        of_one = [id for id, kept in self._kept.items() if kept.subject == subject]
        for id in of_one[: len(of_one) + 1 - self._most_of_one]:
            del self._kept[id]
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        conversation = Conversation()
        tokens = caller.principal.tokens
        self._kept[conversation.id] = _Kept(conversation, caller.tenant, subject, collection, tokens, now)
        return conversation

    def _own(self, caller: Caller, id: str) -> _Kept:
        kept = self._kept.get(id)
        if kept is None:
            raise NotFound
        own(caller, tenant=kept.tenant, subject=kept.subject)
        if not kept.tokens <= caller.principal.tokens:
            raise NotFound
        return kept

    def _drop_quiet(self, now: float) -> None:
        for id, kept in list(self._kept.items()):
            if now - kept.used < self._seconds:
                return
            if not kept.turning.locked():
                del self._kept[id]


def conversations_of(tenant: Tenant) -> Conversations:
    """Return the dialogues of a tenant's API callers."""
    with _LOCK:
        if "conversations" not in tenant.parts:
            tenant.parts["conversations"] = Conversations(tenant.config.serve.conversation_minutes)
        kept = tenant.parts["conversations"]
    assert isinstance(kept, Conversations)
    return kept
