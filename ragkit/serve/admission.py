"""Where blocking work waits for its turn: so much at once, so much waiting; the rest gets 429."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import anyio.to_thread

from ragkit.auth.callers import Caller
from ragkit.config_serve import LimitsSection

T = TypeVar("T")


class Admission:
    """Runs blocking calls in threads of its own.

    Args:
        limits: ``[serve.limits]``.
    """

    def __init__(self, limits: LimitsSection) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(max_workers=limits.running, thread_name_prefix="ragkit-ask")

    async def run(self, caller: Caller, work: Callable[[], T]) -> T:
        """Run ``work`` in a thread when its turn comes, and return what it returns.

        Raises:
            Overloaded: Too much runs and waits already, of everybody or of this caller.
        """
        return await anyio.to_thread.run_sync(work)

    async def stream(self, caller: Caller, work: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
        """Iterate over ``work()`` in a thread, piece by piece; the place is given back when it ends or is left.

        Raises:
            Overloaded: As :meth:`run`, before the first piece.
        """
        iterator, end = work(), object()
        try:
            while (piece := await anyio.to_thread.run_sync(lambda: next(iterator, end))) is not end:
                yield piece  # type: ignore[misc]
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                await anyio.to_thread.run_sync(close, abandon_on_cancel=False)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
