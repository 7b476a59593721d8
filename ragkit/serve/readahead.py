"""From an iterator in a thread to an ``async for`` in the event loop, with some room between."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

from ragkit.serve.current import current_request
from ragkit.serve.replies import ClientGone, TooSlow

T = TypeVar("T")

_PIECES = 4_096
"""Read ahead at most; longer than any answer, so that a slow reader does not hold up the thread."""


class ReadAhead(Generic[T]):
    """A bounded line of pieces between one thread and one task.

    Args:
        loop: Where the reader runs.
        until: When it must have ended, on the monotonic clock, in seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, until: float) -> None:
        self._loop = loop
        self._until = until
        self._pieces: deque[T] = deque()
        self._room = threading.Condition()
        self._ended = False
        self._stopped = False
        self._failed: BaseException | None = None
        self._news: asyncio.Future[None] | None = None
        request = current_request()
        if request is not None:
            request.at_end.append(self.stop)

    def fill(self, work: Callable[[], Iterator[T]]) -> None:
        """Iterate over ``work()`` until it ends or nobody listens, and close it. For the thread."""
        iterator: Iterator[T] | None = None
        try:
            if not self._stopped:
                iterator = iter(work())
                for piece in iterator:
                    if not self._put(piece):
                        break
        except Exception as failed:
            self._failed = failed
        except BaseException as failed:
            self._failed = RuntimeError(type(failed).__name__)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                with suppress(Exception):  # who left is not told; the recorder remembers what it could not record
                    close()
            self._ended = True
            self._tell()

    def stop(self) -> None:
        """Tell the thread that nobody listens any more."""
        with self._room:
            self._stopped = True
            self._pieces.clear()
            self._room.notify_all()

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            while self._pieces:
                with self._room:
                    piece = self._pieces.popleft()
                    self._room.notify_all()
                yield piece
            if self._ended and not self._pieces:
                if self._stopped:
                    raise ClientGone
                if self._failed is not None:
                    raise self._failed
                return
            await self._wait()

    async def _wait(self) -> None:
        request = current_request()
        gone = request.gone if request is not None else self._loop.create_future()
        news = self._news = self._loop.create_future()
        if self._pieces or self._ended:  # between the look and the future
            return
        timeout = max(self._until - time.monotonic(), 0)
        await asyncio.wait({news, gone}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not news.done():
            raise ClientGone if gone.done() else TooSlow

    def _put(self, piece: T) -> bool:
        with self._room:
            while len(self._pieces) >= _PIECES and not self._stopped:
                if not self._room.wait(max(self._until - time.monotonic(), 0)):
                    raise TooSlow
            if self._stopped:
                return False
            self._pieces.append(piece)
        self._tell()
        return True

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
