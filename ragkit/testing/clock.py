"""What a piece of work costs, measured so that a test may be built upon it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

__all__ = ["cpu_seconds"]


def cpu_seconds(work: Callable[[], object], runs: int = 2) -> float:
    """Processor time in seconds that ``work`` takes in this thread: the least of ``runs``.

    Other threads' time does not count, and no collection of the garbage of earlier tests falls into it, which takes
    over a second in a process that has run thousands of them.
    """
    taken = []
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(runs):
            began = time.thread_time()
            work()
            taken.append(time.thread_time() - began)
    finally:
        if collecting:
            gc.enable()
    return min(taken)
