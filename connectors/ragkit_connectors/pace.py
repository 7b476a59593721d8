"""How fast a source is asked, so that reading it disturbs nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets calls through at an even rate; from several threads too.

    Args:
        per_second: Calls a second at the most; 0 for no limit.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.

    Raises:
        ValueError: The rate is negative.
    """

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if per_second < 0:
            raise ValueError("a rate is not negative")
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next = 0.0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Pace({1 / self._gap if self._gap else 0:g} a second)"

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            now = self._clock()
            due = max(self._next, now)
            self._next = due + self._gap
        if due > now:
            self._sleep(due - now)

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long: a server said ``Retry-After``."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)
