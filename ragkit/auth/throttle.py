"""How often somebody failed lately: counted in bounded memory, so that counting is no way to use it up."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

_MOST = 10_000


class Throttle:
    """Lets each key do something so often in a time; of more than 10,000 the one that was quiet longest is forgotten.

    Args:
        times: How often.
        seconds: In how long; it begins with the first time.
        clock: Gives seconds that only grow.
    """

    def __init__(self, times: int, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._times = times
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def count(self, key: str) -> int:
        """Count one time more and return how many there were in this stretch, this one included."""
        now = self._clock()
        with self._lock:
            since, times = self._kept.pop(key, (now, 0))
            if now - since >= self._seconds:
                since, times = now, 0
            self._kept[key] = (since, times + 1)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return times + 1

    def passes(self, key: str) -> bool:
        """Count one time more; false when it is one too many."""
        return self.count(key) <= self._times

    def left(self, key: str) -> int:
        """Seconds until the stretch of a key is over, at least 1."""
        with self._lock:
            since, _ = self._kept.get(key, (self._clock(), 0))
        return max(1, round(self._seconds - (self._clock() - since)))
