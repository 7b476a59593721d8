"""The request that is being answered, its id, its caller, whether its client is gone.

Set by :mod:`ragkit.serve.envelope` around each request; outside one there is none, and nothing is noted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from ragkit.auth.callers import Caller


@dataclass(slots=True)
class CurrentRequest:
    """One HTTP request.

    Attributes:
        id: 16 to 64 hexadecimal digits, sent back as ``X-Request-Id``. It is not the id under which the ledger files an
            answer.
        gone: Done when the client has left.
        caller: Who calls, once that is known.
        queue_ms: How long its work waited for a place.
        code: The short word of the error it was answered with.
        at_end: Called when it is answered or its client has left, whichever is first. Not every generator that is left
            is closed at once, and what it holds must not wait for the garbage collector.
    """

    id: str
    gone: asyncio.Future[None] = field(repr=False)
    caller: Caller | None = field(default=None, repr=False)
    queue_ms: float = 0.0
    code: str = ""
    at_end: list[Callable[[], None]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.gone.add_done_callback(lambda _: self.end())

    def end(self) -> None:
        """Call what is to be called at the end; the second time there is nothing left."""
        while self.at_end:
            self.at_end.pop()()


_current: ContextVar[CurrentRequest | None] = ContextVar("ragkit_request", default=None)


def current_request() -> CurrentRequest | None:
    """Return the request that this task answers; ``None`` outside a request."""
    return _current.get()


def set_current(request: CurrentRequest) -> None:
    """Make this the request of the running task and of all that it starts."""
    _current.set(request)


def note_caller(caller: Caller) -> None:
    """Tell the log and the figures whose request this is."""
    request = _current.get()
    if request is not None:
        request.caller = caller
