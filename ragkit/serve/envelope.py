"""What stands around every request: its id, its limits, the headers of its reply, its line in the log, its figures."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ragkit.serve.current import CurrentRequest, set_current
from ragkit.serve.faults import Broken
from ragkit.serve.intake import Intake
from ragkit.serve.limits import Hosts, has_body, longest_body, refusal
from ragkit.serve.metrics import ServiceMetrics
from ragkit.serve.replies import ServiceError, error_reply
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.state import ServiceState

SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Headers of every reply that does not set its own."""

_DEFAULTS = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
_ID = re.compile(rb"[0-9a-f]{16,64}")


class Envelope:
    """ASGI middleware around the whole application.

    Args:
        app: The application.
        state: The running service.
        log: Its log.
        metrics: Its figures.
    """

    def __init__(self, app: ASGIApp, *, state: ServiceState, log: ServiceLog, metrics: ServiceMetrics) -> None:
        self._app = app
        self._limits = state.settings.limits
        self._hosts = Hosts(state.settings)
        self._log = log
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = CurrentRequest(request_id(scope), asyncio.get_running_loop().create_future())
        set_current(request)
        scope.setdefault("state", {})["request_id"] = request.id
        intake = Intake(
            receive,
            has_body=has_body(scope),
            limit=longest_body(scope, self._limits),
            seconds=self._limits.body_seconds,
            gone=request.gone,
        )
        reply = _Reply(send, intake, request)
        began = time.monotonic()
        with self._metrics.in_flight():
            try:
                await self._answer(scope, intake, reply)
            finally:
                request.end()
                seconds = time.monotonic() - began
                self._note(scope, request, reply, seconds)
                await intake.close()

    async def _answer(self, scope: Scope, intake: Intake, reply: _Reply) -> None:
        refused = refusal(scope, self._hosts, self._limits)
        if refused is not None:
            await _say(refused, scope, reply)
            return
        try:
            await self._app(scope, intake.receive, reply.send)
        except Exception as fault:
            if intake.refusal is None:
                self._log.fault(fault, request_id=reply.request.id)
                if reply.status:  # what was begun cannot be taken back; the client sees that it ends too early
                    reply.broken = True
                    raise Cut from None
                await _say(Broken(), scope, reply)
        if intake.refusal is not None:
            if reply.status:
                raise Cut
            refused, intake.refusal = intake.refusal, None
            await _say(refused, scope, reply)

    def _note(self, scope: Scope, request: CurrentRequest, reply: _Reply, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "")
        status = reply.status or 499
        self._metrics.observe(request.caller, route=route, method=scope["method"], status=status, seconds=seconds)
        self._log.request(
            request_id=request.id,
            method=scope["method"],
            route=route,
            status=status,
            ms=1_000 * seconds,
            caller=request.caller,
            code=request.code or None,
            bytes=reply.bytes,
            queue_ms=round(request.queue_ms, 1) if request.queue_ms else None,
            cut=True if not reply.whole or reply.broken else None,
        )


class Cut(ConnectionError):
    """A reply that was begun cannot be ended as it should; the connection is closed. Says nothing of why."""


class _Reply:
    """Stands between the application and the server on the way out."""

    def __init__(self, send: Send, intake: Intake, request: CurrentRequest) -> None:
        self._send = send
        self._intake = intake
        self.request = request
        self.status = 0
        self.bytes = 0
        self.whole = False
        self.broken = False

    async def send(self, message: Message) -> None:
        if self._intake.refusal is not None and not self.status:
            return  # the reply to half a body; ours follows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._headers(list(message.get("headers", [])))}
        elif message["type"] == "http.response.body":
            self.bytes += len(message.get("body", b""))
            self.whole = not message.get("more_body", False)
        await self._send(message)
        if not self.whole:
            await asyncio.sleep(0)  # to a client that left nothing is written, so nothing waits: others must get a turn

    def _headers(self, given: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        there = {name.lower() for name, _ in given}
        ours = [(name, value) for name, value in _DEFAULTS if name not in there]
        return [*given, *ours, (b"x-request-id", self.request.id.encode())]


async def _say(error: ServiceError, scope: Scope, reply: _Reply) -> None:
    await error_reply(error)(scope, _nothing, reply.send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def request_id(scope: Scope) -> str:
    """Return a request's id: the client's ``X-Request-Id`` if it is 16 to 64 hexadecimal digits, else one of ours."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value.lower()):
            return str(value.lower().decode("ascii"))
    return secrets.token_hex(16)
