"""The chatbot as routes find it: whose it is, what it is made of, and how its errors are answered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ragkit.desk.records import DeskConflict
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.helpdesk.spoken import TooFast
from ragkit.serve.replies import NotFound, Overloaded, ServiceError
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenant

_LOCK = threading.Lock()
_log = logging.getLogger("ragkit.serve")
_DAY_SECONDS = 86_400.0
_TIDY_SECONDS = 60.0


class Conflict(ServiceError):
    """A ticket or conversation is not in the state that this needs."""

    status = 409
    code = "conflict"


class ChatRoom:
    """A tenant's chatbot while the service runs: it forgets at its start, and once a day, what is past its time.

    What is in memory of a conversation that somebody forgot, or that is quiet, goes within a minute.

    Args:
        tenant: Whose; it has a ``[chat]``.
    """

    def __init__(self, tenant: Tenant) -> None:
        chat = tenant.config.chat
        assert chat is not None
        self.helpdesk = Helpdesk(tenant.workspace, chat, minutes=tenant.config.serve.conversation_minutes)
        self._ended = threading.Event()
        self._sweeper = threading.Thread(target=self._sweep, name="ragkit-chat-sweep", daemon=True)

    def start(self) -> None:
        """Begin to forget what is past its time."""
        self._sweeper.start()

    def close(self) -> None:
        """End."""
        self._ended.set()
        if self._sweeper.ident is not None:
            self._sweeper.join(10)
        self.helpdesk.close()

    def _sweep(self) -> None:
        swept = -_DAY_SECONDS
        while True:
            try:
                if (now := time.monotonic()) - swept >= _DAY_SECONDS:
                    swept = now
                    self.helpdesk.sweep()
                self.helpdesk.tidy()
            except Exception as failed:  # it is tried again
                _log.error("the chatbot could not forget what is past its time: %s", type(failed).__name__)
            if self._ended.wait(_TIDY_SECONDS):
                return


def chat_tenant(state: ServiceState) -> Tenant:
    """Return the tenant whose chatbot this service shows: the first that has one.

    Raises:
        NotFound: None has.
    """
    for tenant in state.tenants:
        if tenant.config.chat is not None:
            return tenant
    raise NotFound("there is no chatbot here", remedy="Write a table [chat] into ragkit.toml.")


def room_of(tenant: Tenant) -> ChatRoom:
    """Return a tenant's chatbot, begun at its first use.

    Raises:
        NotFound: It has none.
    """
    if tenant.config.chat is None:
        raise NotFound("there is no chatbot here", remedy="Write a table [chat] into ragkit.toml.")
    with _LOCK:
        if "chat" not in tenant.parts:
            tenant.parts["chat"] = ChatRoom(tenant)
            tenant.parts["chat"].start()
        room = tenant.parts["chat"]
    assert isinstance(room, ChatRoom)
    return room


@contextmanager
def answered_errors() -> Iterator[None]:
    """Give the desk's own errors their HTTP status."""
    try:
        yield
    except TooFast as fast:
        raise Overloaded(str(fast), remedy=fast.remedy, seconds=round(fast.seconds)) from None
    except DeskConflict as conflict:
        raise Conflict(str(conflict), remedy=conflict.remedy) from None
