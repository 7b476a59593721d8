"""Whose turn it is to write: one process, by the lock, and within it one thread after another.

::

    turns = WriterTurns(folder / "lock")
    with turns.turn("sync"):             # takes the lock for as long as it lasts
        ...
    turns.hold("ragkit serve")           # a service keeps it between its writes, so that nobody else can come between
    turns.patience = 10                  # and lets its threads wait for each other, rather than refuse them

A turn within a turn of the same thread is part of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.errors import WriterBusy
from ragkit.store.lock import SERVICE, WriterLock

if TYPE_CHECKING:
    from ragkit.store.dialect_postgresql import PostgreSQL

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """What is being written now.

    Attributes:
        verb: What it is; never its arguments.
        since: ISO 8601, to the second.
    """

    verb: str
    since: str


class WriterTurns:
    """The right to write one workspace, as one process has it. Safe to use from several threads.

    Args:
        path: The lock file.
        server: Where the records are, if on one: there the lock is taken too.

    Attributes:
        patience: Seconds that a thread waits for another of this process. Another process is never waited for here.
    """

    def __init__(self, path: Path, *, server: PostgreSQL | None = None) -> None:
        self._path = path
        self._server = server
        self._mine = threading.RLock()
        self._depth = 0
        self._now: Turn | None = None
        self._held: WriterLock | None = None
        self.patience = 0.0

    @property
    def now(self) -> Turn | None:
        """What is being written by this process; ``None`` when nothing is."""
        return self._now

    @property
    def held(self) -> bool:
        """Whether the lock is kept between turns."""
        return self._held is not None

    def hold(self, command: str, *, wait_s: float = 0.0) -> None:
        """Take the lock and keep it until :meth:`let_go`. Does nothing when it is held.

        Args:
            command: Who says so to whoever finds it taken.
            wait_s: How long to wait for another process to finish a write. A service does not finish, and is not
                waited for.

        Raises:
            WriterBusy: Another process has it; the message names it.
        """
        until = time.monotonic() + wait_s
        lock = WriterLock(self._path, command=command, server=self._server)
        while self._held is None:
            try:
                lock.acquire()
                self._held = lock
            except WriterBusy as busy:
                if SERVICE in str(busy) or time.monotonic() >= until:
                    raise
                time.sleep(_LOOK_S)

    def let_go(self) -> None:
        """Give back what :meth:`hold` took, after the turn that is under way."""
        with self._mine:
            held, self._held = self._held, None
            if held is not None:
                held.release()

    @contextmanager
    def turn(self, verb: str) -> Iterator[bool]:
        """Have the right to write. Yields whether this is the outermost turn of its thread.

        Raises:
            WriterBusy: Another process writes, or another thread of this one for longer than :attr:`patience`.
        """
        if not self._mine.acquire(timeout=self.patience):
            now = self._now
            doing = f"{now.verb}, since {now.since}" if now else "just starting or stopping"
            raise WriterBusy(
                f"this process is writing the workspace already ({doing})",
                remedy="Wait for it to finish; asking and searching work meanwhile.",
            )
        try:
            if self._depth:
                yield False
                return
            lock = None if self._held else WriterLock(self._path, command=verb, server=self._server)
            if lock is not None:
                lock.acquire()
            self._depth, self._now = 1, Turn(verb, datetime.now(UTC).isoformat(timespec="seconds"))
            try:
                yield True
            finally:
                self._depth, self._now = 0, None
                if lock is not None:
                    lock.release()
        finally:
            self._mine.release()
