"""One connection of the server, with the limits that uvicorn leaves to others.

uvicorn bounds neither the time in which headers come (slow loris), nor a client that does not read, nor one that goes
on sending a body that was refused. Here each has its time, and when there are too many connections the one goes that
has been idle longest: whoever opens many pushes out its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ragkit.config_serve import LimitsSection
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.unasked import unasked

_LINGER_S = 2.0
_LINGER_BYTES = 2**20
"""How long, and how much of, a body that nobody wants is thrown away, so that its sender can read why."""


class Crowd:
    """The connections of one server, those without a request in the order in which they became so.

    Args:
        limits: ``[serve.limits]``.
        log: For requests that never became one.
        most: Connections at the same time.
    """

    def __init__(self, limits: LimitsSection, log: ServiceLog, *, most: int) -> None:
        self.limits = limits
        self.log = log
        self._most = most
        self.open = 0
        self.idle: dict[GuardedProtocol, None] = {}

    def make_room(self) -> bool:
        """Close the connection that has been idle longest if there are too many; tell whether there is room."""
        if self.open < self._most:
            return True
        if not self.idle:
            return False
        next(iter(self.idle)).cut()
        return True


class Clock:
    """Does something when its time is over, unless it is stopped before or started anew."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handle: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        """Whether it is started and its time is not over."""
        return self._handle is not None

    def start(self, seconds: float, what: Callable[[], None]) -> None:
        """Begin anew."""
        self.stop()
        self._handle = self._loop.call_later(seconds, self._ring, what)

    def stop(self) -> None:
        """Do nothing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self, what: Callable[[], None]) -> None:
        self._handle = None
        what()


class GuardedProtocol(H11Protocol):
    """A connection within limits.

    Args:
        crowd: The connections of the server.
        **more: As uvicorn's.
    """

    def __init__(self, crowd: Crowd, **more: Any) -> None:
        super().__init__(**more)
        self._crowd = crowd
        self._in = self._lost = False
        self._thrown = 0
        self._headers_due, self._read_due, self._sent_due = Clock(self.loop), Clock(self.loop), Clock(self.loop)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        if not self._crowd.make_room():
            self.transport = transport
            self._refuse(503)
            return
        self._in = True
        self._crowd.open += 1
        super().connection_made(transport)
        self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if not self._in or self._lost:
            return
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes: the time for headers runs from the first of them."""
        if not self._in or self._lost or self.transport.is_closing():
            return
        if self._is_idle() and not self._headers_due.runs:
            self._wait_for_headers()
        if self._read_due.runs:
            self._thrown += len(data)
            if self._thrown > _LINGER_BYTES:
                self.flow.pause_reading()  # what is left waits with its sender until the connection is closed
                return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request, no longer than for the rest of this one's body or for its reader."""
        super().on_response_complete()
        if self._lost:
            return
        seconds = self._crowd.limits.body_seconds
        if self.transport.get_write_buffer_size():
            self._sent_due.start(seconds, self._unread)
        if not self.transport.is_closing():
            if self._is_idle():
                self._crowd.idle[self] = None
            self._look()

    def pause_writing(self) -> None:
        """The client does not read: it has so long."""
        super().pause_writing()
        self._sent_due.start(self._crowd.limits.body_seconds, self.cut)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._sent_due.stop()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's shape
        """Answer what is no request, in the shape of every error."""
        waiting = len(self.conn.trailing_data[0]) if self.conn.their_state is h11.ERROR else 0
        self._refuse(431 if waiting >= self._crowd.limits.header_bytes else 400)

    def shutdown(self) -> None:
        """Begin to end: at once without a request, after it with one."""
        if self._lost:
            return
        if self._is_idle():
            self.transport.close()
            self._sent_due.start(_LINGER_S, self.cut)
        else:
            self.cycle.keep_alive = False

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle, also if its last reply is not read."""
        self.shutdown()

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        if self._lost:
            return
        self._leave()
        self.transport.abort()
        super().connection_lost(None)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_headers(self) -> None:
        self._crowd.idle[self] = None
        self._headers_due.start(self._crowd.limits.header_seconds, lambda: self._refuse(408))

    def _look(self) -> None:
        """Set the clocks by what state the connection is in now."""
        if not self._is_idle():
            self._headers_due.stop()
            self._crowd.idle.pop(self, None)
        if self.cycle is not None and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY:
            if not self._read_due.runs:
                self._headers_due.stop()
                self._read_due.start(_LINGER_S, self.shutdown)
        else:
            self._read_due.stop()
            self._thrown = 0

    def _refuse(self, status: int) -> None:
        """Answer without the application, and close; who sent nothing at all, as browsers do, gets nothing."""
        if self._lost or self.transport.is_closing():
            return
        asked = status != 408 or self.conn.trailing_data[0]
        if asked and self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.write(unasked(status, self._crowd.log))
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        if self._in:
            self._sent_due.start(_LINGER_S, self.cut)
        else:
            self.loop.call_later(_LINGER_S, self.transport.abort)

    def _unread(self) -> None:
        if self._is_idle() and self.transport.get_write_buffer_size():
            self.cut()

    def _leave(self) -> None:
        if self._in and not self._lost:
            self._lost = True
            self._crowd.open -= 1
            self._crowd.idle.pop(self, None)
        self._headers_due.stop()
        self._read_due.stop()
        self._sent_due.stop()
