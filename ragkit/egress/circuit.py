"""Leaves a failing server alone for a while: the circuit breaker of one destination, shared by all threads.

Closed, calls go through. After ``failures`` failures in a row it is open: calls are turned away at once. When
``rest_seconds`` are over one call is let through as a probe; its success closes the circuit, its failure opens it
again. (M. Nygard, Release It!, 2nd ed., 2018, ch. 5.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Circuit:
    """One circuit.

    Args:
        failures: How many in a row open it.
        rest_seconds: How long it stays open.
        clock: Seconds, never going back.
    """

    def __init__(
        self, *, failures: int = 5, rest_seconds: float = 30, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._rest = rest_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        with self._lock:
            if self._opened is None:
                return "closed"
            return "half-open" if self._rested() else "open"

    def enter(self) -> bool:
        """Whether a call may go out now; one that may is followed by one of the three below."""
        with self._lock:
            if self._opened is None:
                return True
            if self._probing or not self._rested():
                return False
            self._probing = True
            return True

    def succeeded(self) -> None:
        """The server answered."""
        with self._lock:
            self._failed, self._opened, self._probing = 0, None, False

    def failed(self) -> None:
        """The server did not answer, or only that it cannot."""
        with self._lock:
            self._failed += 1
            if self._probing or self._failed >= self._limit:
                self._opened = self._clock()
            self._probing = False

    def left(self) -> None:
        """The call came to nothing that speaks for or against the server."""
        with self._lock:
            self._probing = False

    def _rested(self) -> bool:
        return self._opened is not None and self._clock() - self._opened >= self._rest

    def __repr__(self) -> str:
        return f"Circuit({self.state})"
