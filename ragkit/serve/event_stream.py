"""Server-sent events: an answer as it is written. What fails before the first piece is an ordinary error reply.

::

    stream = await started(state.admission.stream(caller, work))       # raises here, with its own HTTP status
    return EventStream(events(stream))
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, TypeVar

import anyio
from fastapi.responses import StreamingResponse
from starlette.types import Send

from ragkit.errors import RagkitError
from ragkit.serve.current import current_request
from ragkit.serve.faults import Broken
from ragkit.serve.replies import described, error_body

T = TypeVar("T")
_log = logging.getLogger("ragkit.serve")


class EventStream(StreamingResponse):
    """A stream of events, closed with all that feeds it when its client goes."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._events = events

    async def stream_response(self, send: Send) -> None:
        """Send the events; whatever happens meanwhile, end what makes them."""
        try:
            await super().stream_response(send)
        finally:
            with anyio.CancelScope(shield=True):
                await self._events.aclose()


async def started(pieces: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """Wait for the first piece, and return all of them.

    Raises:
        RagkitError: What went wrong before the first piece.
    """
    end = object()
    first: Any = await anext(pieces, end)

    async def all_of_them() -> AsyncGenerator[T, None]:
        try:
            if first is not end:
                yield first
                async for piece in pieces:
                    yield piece
        finally:
            close = getattr(pieces, "aclose", None)
            if close is not None:
                await close()

    return all_of_them()


def event(data: Any, *, name: str = "") -> str:
    """Return one event; its data as JSON in one line."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'))}\n\n"


def error_data(error: Exception) -> dict[str, Any]:
    """Return what a client is told in the middle of a stream, in the shape of every error reply."""
    request = current_request()
    if not isinstance(error, RagkitError):
        _log.error("a stream failed: %s", type(error).__name__)
        error = Broken()
    status, said, _ = described(error)
    if request is not None:
        request.code = said["code"]
    return error_body(status=status, request_id=request.id if request else "", **said)


def streamed(description: str, example: str) -> Mapping[int | str, dict[str, Any]]:
    """Return the part of ``responses=`` that says that a route may answer with events."""
    return {
        200: {
            "description": description,
            "content": {"text/event-stream": {"example": example}},
        }
    }
