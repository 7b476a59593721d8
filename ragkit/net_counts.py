"""Counts what :mod:`ragkit.net` does in this process, by purpose: calls, connections, bytes sent.

It counts at the sockets and knows nothing of the event log, so that the two can be compared: more calls than the log
knows of are calls that nobody recorded.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal

Kind = Literal["calls", "connections", "sent"]

_KINDS: tuple[Kind, ...] = ("calls", "connections", "sent")
_lock = threading.Lock()
_counts: dict[Kind, Counter[str]] = {kind: Counter() for kind in _KINDS}


def count(kind: Kind, purpose: str, number: int = 1) -> None:
    """Add to a count. ``sent`` is in bytes of HTTP, before TLS."""
    with _lock:
        _counts[kind][purpose] += number


def begin() -> Callable[[], dict[str, dict[str, int]]]:
    """Return what tells the counts from now on, by kind and purpose; what is zero is left out."""
    before = _now()

    def since() -> dict[str, dict[str, int]]:
        more = {kind: dict(counter - before[kind]) for kind, counter in _now().items()}
        return {kind: counts for kind, counts in more.items() if counts}

    return since


def _now() -> dict[Kind, Counter[str]]:
    with _lock:
        return {kind: Counter(counter) for kind, counter in _counts.items()}


def _forget() -> None:
    global _lock  # a forked child may have inherited it held
    _lock = threading.Lock()
    for counter in _counts.values():
        counter.clear()


os.register_at_fork(after_in_child=_forget)
