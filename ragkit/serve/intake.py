"""The body of one request as it comes: so long, so fast; and afterwards whether the client is still there."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive

from ragkit.serve.limits import BodyTooLong, BodyTooSlow
from ragkit.serve.replies import ServiceError


class Intake:
    """Stands between the server and the application on the way in.

    Args:
        receive: The server's.
        has_body: Whether the request announces one.
        limit: Longest body, in bytes.
        seconds: In which the whole body must have come, from when it is first asked for.
        gone: Done when the client has left.

    Attributes:
        refusal: Why the body was not taken; what the application makes of that is not sent.
    """

    def __init__(
        self, receive: Receive, *, has_body: bool, limit: int, seconds: float, gone: asyncio.Future[None]
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._seconds = seconds
        self._gone = gone
        self._until = 0.0
        self._bytes = 0
        self._watching: asyncio.Task[None] | None = None
        self._empty: Message | None = None
        self.refusal: ServiceError | None = None
        if not has_body:
            self._empty = {"type": "http.request", "body": b"", "more_body": False}
            self._watch()

    async def receive(self) -> Message:
        """Return the next message for the application.

        Raises:
            BodyTooLong: As it says.
            BodyTooSlow: Likewise.
        """
        if self._empty is not None:
            message, self._empty = self._empty, None
            return message
        if self._watching is not None:
            await asyncio.wait({self._gone})
            return {"type": "http.disconnect"}
        now = asyncio.get_running_loop().time()
        self._until = self._until or now + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise self._refused(BodyTooSlow()) from None
        if message["type"] == "http.disconnect":
            self._left()
            return message
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._limit:
            raise self._refused(BodyTooLong(self._limit))
        if not message.get("more_body", False):
            self._watch()
        return message

    async def close(self) -> None:
        """Watch the client no longer."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    def _refused(self, error: ServiceError) -> ServiceError:
        self.refusal = error
        return error

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._see_it_leave())

    async def _see_it_leave(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left()

    def _left(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
