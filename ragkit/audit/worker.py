"""A thread that serves a queue: begun by the first item, gone when there is nothing to do, made anew after a fork."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")

_REST = 5.0
_POLL = 1.0
_BATCH = 1_000


class Worker(Generic[Item]):
    """Serves items in order, several at once where they came while it was busy.

    Args:
        serve: Does the work, and tells whoever waits for it what was wrong; what it raises ends the thread, and the
            next item begins another.
        name: Of the thread.
        look: Called about every second while ``busy``, and when the thread is about to end; as ``serve``.
        busy: Tells whether something may come without an item, so that the thread stays.
    """

    _running: bool

    def __init__(
        self,
        serve: Callable[[list[Item]], None],
        *,
        name: str,
        look: Callable[[], None] = lambda: None,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._serve = serve
        self._name = name
        self._look = look
        self._busy = busy
        self.forget()

    def put(self, item: Item) -> None:
        """Hand in an item. It is served by the caller where no thread can be had: the interpreter is ending."""
        if sys.is_finalizing():
            self._serve([item])
            return
        with self._lock:
            self._queue.put(item)
            if self._running:
                return
            if self._started():
                return
            batch = self._waiting(self._queue.get())
        self._serve(batch)

    def forget(self) -> None:
        """Start over with no thread and nothing to do, as a forked child has to: neither came with it."""
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._running = False

    def _started(self) -> bool:
        """Begin a thread; say whether one could be had. Under the lock."""
        try:
            threading.Thread(target=self._run, daemon=True, name=self._name).start()
        except RuntimeError:
            return False
        self._running = True
        return True

    def _run(self) -> None:
        mine, lock = self._queue, self._lock
        try:
            self._turns(mine)
        except BaseException:  # not raised: a traceback on the screen would be one with text of events in it
            with lock:
                if mine is self._queue:
                    self._running = False
                    if not mine.empty():
                        self._started()

    def _turns(self, mine: queue.SimpleQueue[Item]) -> None:
        while True:
            try:
                first = mine.get(timeout=_POLL if self._busy() else _REST)
            except queue.Empty:
                self._look()
                with self._lock:
                    if mine.empty() and not self._busy():
                        self._running = False
                        return
                continue
            self._serve(self._waiting(first))

    def _waiting(self, first: Item) -> list[Item]:
        batch = [first]
        while len(batch) < _BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch
