"""Work of several threads done together: while one batch is computed, what comes waits and is the next.

A pass of a small encoder over one short text is mostly reading its weights: four texts cost half as much each. Nobody
waits for company: who comes alone is served at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Together(Generic[T, R]):
    """Calls ``work`` for the items of whoever waits, in order of arrival, and gives each caller their own results.

    Args:
        work: From items to as many results. Must not fail by what is in an item, since that fails for all of a batch.
        most: Items of one call of ``work``, unless a single caller brings more.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], *, most: int) -> None:
        self._work = work
        self._most = most
        self._turn = Lock()
        self._queue = Lock()
        self._waiting: list[_Waiting[T, R]] = []

    def do(self, items: Sequence[T]) -> Sequence[R]:
        """Return the results of these items. Raises what ``work`` raises."""
        mine = _Waiting[T, R](items)
        with self._queue:
            self._waiting.append(mine)
        with self._turn:  # the next in turn works for all who wait by then
            if not mine.done:
                self._serve(self._taken(mine))
        if mine.failed is not None:
            raise mine.failed
        return mine.results

    def _taken(self, mine: _Waiting[T, R]) -> list[_Waiting[T, R]]:
        """Take who waits off the queue: first who works, whose turn it is, then in order while there is room."""
        with self._queue:
            self._waiting.remove(mine)
            taken, room = [mine], self._most - len(mine.items)
            while self._waiting and len(self._waiting[0].items) <= room:
                taken.append(self._waiting.pop(0))
                room -= len(taken[-1].items)
        return taken

    def _serve(self, taken: Sequence[_Waiting[T, R]]) -> None:
        try:
            results = self._work([item for one in taken for item in one.items])
        except BaseException as failed:
            for one in taken:
                one.failed, one.done = failed, True
            return
        start = 0
        for one in taken:
            one.results, one.done = results[start : start + len(one.items)], True
            start += len(one.items)


class _Waiting(Generic[T, R]):
    __slots__ = ("done", "failed", "items", "results")

    def __init__(self, items: Sequence[T]) -> None:
        self.items = items
        self.results: Sequence[R] = ()
        self.failed: BaseException | None = None
        self.done = False
