"""Where blocking work waits for its turn: so much at once, so much waiting; the rest gets 429.

Work runs in threads of its own. A client that leaves gives up its turn; work that runs already cannot be killed, so its
place is taken until it ends. A stream is read ahead of its client, so that a slow reader holds no place.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

from ragkit.auth.callers import Caller
from ragkit.config_serve import LimitsSection
from ragkit.serve.places import Place, Places
from ragkit.serve.readahead import ReadAhead
from ragkit.serve.replies import TooSlow

T = TypeVar("T")


class Admission:
    """Runs blocking calls in threads of its own.

    Args:
        limits: ``[serve.limits]``.
    """

    def __init__(self, limits: LimitsSection) -> None:
        self._limits = limits
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.places = Places(limits)

    async def run(self, caller: Caller, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread when its turn comes, and return what it returns.

        Raises:
            Overloaded: Too much runs and waits already, of everybody or of this caller.
            TooLate: Its turn did not come within ``request_seconds``.
            TooSlow: It was not done within ``request_seconds``; it goes on, and its result is thrown away.
            ClientGone: The client left before its turn came.
            Stopping: The service ends.
        """
        until = time.monotonic() + self._limits.request_seconds
        place = await self.places.take(_whose(caller), until=until)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def finish(result: T | None, failed: Exception | None) -> None:
            self.places.give_back(place)
            if done.done():
                return
            if failed is not None:
                done.set_exception(failed)
            else:
                done.set_result(result)  # type: ignore[arg-type]

        def job() -> None:
            result: T | None = None
            failed: Exception | None = None
            try:
                result = work()
            except StopIteration:  # a future does not take it
                failed = RuntimeError("StopIteration out of a call")
            except Exception as error:
                failed = error
            except BaseException as error:  # it must not end the thread or the loop
                failed = RuntimeError(type(error).__name__)
            _tell(loop, finish, result, failed)

        self._start(job)
        try:
            await asyncio.wait({done}, timeout=max(until - time.monotonic(), 0))
            if not done.done():
                raise TooSlow
            return done.result()
        finally:
            done.cancel()

    async def stream(self, caller: Caller, work: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """Yield what ``work()`` yields; it is iterated in a thread and closed there when it ends or is left.

        The thread reads ahead, up to some thousand pieces. Errors as :meth:`run`, in place of a piece.
        """
        until = time.monotonic() + self._limits.request_seconds
        place = await self.places.take(_whose(caller), until=until)
        loop = asyncio.get_running_loop()
        pieces: ReadAhead[T] = ReadAhead(loop, until=until)

        def job() -> None:
            try:
                pieces.fill(work)
            finally:
                _tell(loop, self._given_back, place)

        self._start(job)
        try:
            async for piece in pieces:
                yield piece
        finally:
            pieces.stop()

    def close(self) -> None:
        """Take no more work, and send away what waits. Work that runs ends in its own time, at the latest with us."""
        self.places.close()
        for _ in self._threads:
            self._jobs.put(None)

    def _given_back(self, place: Place) -> None:
        self.places.give_back(place)

    def _start(self, job: Callable[[], None]) -> None:
        context = copy_context()
        self._jobs.put(lambda: context.run(job))
        if len(self._threads) < min(self.places.running(), self._limits.running):
            number = len(self._threads) + 1
            thread = threading.Thread(target=self._work, name=f"ragkit-ask-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # or it lives, with all that it holds, until the next one comes


def _whose(caller: Caller) -> tuple[str, str]:
    return caller.tenant, caller.principal.subject


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *args: object) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(what, *args)
