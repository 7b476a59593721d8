"""``/mcp``: the Model Context Protocol over HTTP (streamable, without sessions), for the callers of the other routes.

A message is a request of its own, with its own credential: a key that is revoked is refused with the next one. The
protocol's own ways to log in and its sessions are not used.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any, cast

from anyio import to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from ragkit.auth.callers import Caller, Scope
from ragkit.serve.authenticate import caller_of, calling
from ragkit.serve.replies import ErrorReply, ServiceError, errors
from ragkit.serve.state import ServiceState, State

if TYPE_CHECKING:
    from mcp.server.lowlevel.server import Server
    from mcp.server.mcpserver import Context
    from starlette.types import Message, Receive, Send
    from starlette.types import Scope as AsgiScope

router = APIRouter(tags=["mcp"])

_REPEATED = "Validation error:"
"""How the SDK begins what it says of a message that is none; what follows repeats it."""

_MESSAGE = {
    "summary": "List the tools",
    "value": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "One JSON-RPC message of the Model Context Protocol.",
        "content": {"application/json": {"schema": {"type": "object"}, "examples": {"list": _MESSAGE}}},
    },
}


class NotInstalled(ServiceError):
    """The extra is not installed where the service runs."""

    status = 501
    code = "not_installed"


class _Exchange(Response):
    """Lets the SDK read one request and write its reply."""

    def __init__(self, server: Server[Any], most: int) -> None:
        super().__init__()
        self._server = server
        self._most = most

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Serve one exchange; a client that goes ends the work for it."""
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        manager = StreamableHTTPSessionManager(self._server, stateless=True, max_request_body_size=self._most)
        async with manager.run():
            await manager.handle_request(scope, receive, _Unechoed(send).send)


class _Unechoed:
    """Takes out of a refusal what the SDK repeats in it: the message that was none, with all that it held."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: Message | None = None

    async def send(self, message: Message) -> None:
        """Send a message on; the head of a refusal with its body, which is whole."""
        if message["type"] == "http.response.start" and message["status"] == 400:
            self._held = message
            return
        head, self._held = self._held, None
        if head is not None:
            message = {**message, "body": _without_words(message.get("body", b""))}
            length = (b"content-length", str(len(message["body"])).encode())
            kept = [one for one in head["headers"] if one[0].lower() != length[0]]
            await self._send({**head, "headers": [*kept, length]})
        await self._send(message)


def _without_words(body: bytes) -> bytes:
    try:
        said = json.loads(body)
        if said["error"]["message"].startswith(_REPEATED):
            said["error"]["message"] = f"{_REPEATED} this is no message of JSON-RPC 2.0"
        return json.dumps(said, separators=(",", ":")).encode()
    except (ValueError, KeyError, TypeError):
        return b""  # no refusal of the protocol's


@router.post(
    "/mcp",
    summary="Speak the Model Context Protocol",
    operation_id="mcp",
    response_class=Response,
    openapi_extra=_BODY,
    responses={
        **errors(401, 403),
        200: {
            "description": "The reply, as JSON or as a stream of server-sent events.",
            "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
        },
        202: {"description": "A notification was taken."},
        400: {
            "description": "Not as it should be: the request as every other, the message as an error of JSON-RPC.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        404: {"description": "No such method of the protocol."},
        406: {"description": "`Accept` must name `application/json` and `text/event-stream`."},
        415: {"description": "The body must be `application/json`."},
        501: {"model": ErrorReply, "description": "The service runs without the package `mcp`."},
    },
)
async def mcp(_caller: Annotated[Caller, Depends(calling())], state: State) -> Response:
    """Answer one message. Tools `search`, `ask` and `get_document`, each under its scope and the caller's access."""
    async with state.parts.setdefault("mcp-making", asyncio.Lock()):  # made once, in a thread: it reads in the SDK
        if "mcp" not in state.parts:
            await to_thread.run_sync(_server, state)
    return _Exchange(_server(state), state.settings.limits.body_bytes)


def _server(state: ServiceState) -> Server[Any]:
    if "mcp" not in state.parts:
        try:
            from ragkit.serve.mcp_server import build_server
        except ImportError as absent:
            if (absent.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
                raise
            raise NotInstalled(
                "the service runs without the package `mcp`", remedy="pip install 'ragkit[mcp]' where it runs."
            ) from None
        server = build_server(state, admit=_admit)
        server.streamable_http_app()  # makes what `session_manager` gives: the way to the server below
        state.parts["mcp"] = server.session_manager.app
    return cast("Server[Any]", state.parts["mcp"])


async def _admit(context: Context[Any, Any], scope: Scope) -> Caller:
    return await caller_of(cast("Request", context.request_context.request), scope)
