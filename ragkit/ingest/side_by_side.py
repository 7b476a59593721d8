"""Several sources at once: each is read in a thread of its own, and one of them at a time is worked on.

::

    together = SideBySide()
    with together.turn():                                  # in a thread of the source's own
        ingestor = Ingestor(…, ahead=together.ahead)
        ingestor.sync(connector, "mailbox")

Reading waits for the network and the disk; masking, embedding and writing take the processor, and must not mix: the
masker holds values that are not stored yet, and a run sweeps what an interrupted one left. So there is one turn. A run
gives it away only when everything it was handed is committed, and takes it again when its source has something more:
while one source waits for its server, another is worked on.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from ragkit.connect.actions import AccessChange, Action, Change, Drain, Removal

AHEAD_ITEMS = 256
"""Actions that may be read of one source beyond what is worked on."""
AHEAD_BYTES = 32 * 2**20
"""Content of these, in bytes; one item more is always taken."""
LONGEST_TURN_S = 10.0
"""After so long a source with more to do lets another have the turn."""
_LEAVE_S = 5.0


class SideBySide:
    """The turn that the runs of one sync hand round. Made for one sync.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._taken = False
        self._since = 0.0
        self._clock = clock
        self._stopped = False

    def stop(self) -> None:
        """End every run after what it is committing, as Ctrl-C would."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the turn, from when it is one's own to the end of the block; in between a run may give it away.

        Raises:
            KeyboardInterrupt: It was stopped before.
        """
        with self._changed:
            self._take()
        try:
            if self._stopped:
                raise KeyboardInterrupt
            yield
        finally:
            with self._changed:
                self._give()

    def ahead(self, actions: Iterator[Action]) -> Iterator[Action]:
        """Give a source's actions, read ahead in a thread. To be drawn from by a run that has the turn.

        A :class:`~ragkit.connect.actions.Drain` more than the source has is put between two of them, where the turn is
        to be given away.

        Raises:
            KeyboardInterrupt: It was stopped.
        """
        reader = _Reader(actions, self._changed, lambda: self._stopped)
        reader.start()
        committed = True  # whether everything handed out is
        try:
            while True:
                action = self._next(reader, committed=committed)
                if action is None:
                    return
                yield action
                committed = isinstance(action, Drain) or (committed and not isinstance(action, Change))
                reader.carried_out()
        finally:
            reader.leave()

    def _next(self, reader: _Reader, *, committed: bool) -> Action | None:
        with self._changed:
            while True:
                if self._stopped:
                    raise KeyboardInterrupt
                overdue = bool(self._waiting) and self._clock() - self._since > LONGEST_TURN_S
                if reader.ready and not overdue:
                    return reader.take()
                if not committed and self._waiting:
                    return Drain()
                if committed:
                    self._give()
                    self._changed.wait_for(lambda: reader.ready or self._stopped)
                    self._take()
                    if self._stopped:
                        raise KeyboardInterrupt
                    return reader.take()
                self._changed.wait()

    def _take(self) -> None:
        me = object()
        self._waiting.append(me)
        self._changed.notify_all()  # who has it and waits for its source may let it go
        try:
            self._changed.wait_for(lambda: not self._taken and self._waiting[0] is me)
        finally:  # Ctrl-C may end the wait of the main thread
            self._waiting.remove(me)
        self._taken, self._since = True, self._clock()

    def _give(self) -> None:
        self._taken = False
        self._changed.notify_all()


class _Reader:
    """Reads the actions of one source in a thread, a bounded stretch ahead of who carries them out.

    What the engine reads of the store next must not be older than what it said last: after a removal, a change of
    access or a drain it is not asked for more before that is carried out.
    """

    def __init__(self, actions: Iterator[Action], changed: threading.Condition, stopped: Callable[[], bool]) -> None:
        self._actions = actions
        self._changed = changed
        self._stopped = stopped
        self._read: deque[Action] = deque()
        self._bytes = 0
        self._behind = False
        self._ended = False
        self._left = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ragkit-source", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether :meth:`take` has something to give, the end included."""
        return bool(self._read) or self._ended

    def take(self) -> Action | None:
        """Return the next action, ``None`` at the end. Raises what broke the source."""
        if self._read:
            action = self._read.popleft()
            self._bytes -= _size(action)
            self._changed.notify_all()
            return action
        if self._failure is not None:
            raise self._failure
        return None

    def carried_out(self) -> None:
        """Note that the last action is carried out."""
        with self._changed:
            if not self._read:
                self._behind = False
                self._changed.notify_all()

    def leave(self) -> None:
        """Read no more. A source that hangs is left to itself."""
        with self._changed:
            self._left = True
            self._changed.notify_all()
        self._thread.join(_LEAVE_S)

    def _run(self) -> None:
        try:
            for action in self._actions:
                with self._changed:
                    self._read.append(action)
                    self._bytes += _size(action)
                    self._behind = isinstance(action, Removal | AccessChange | Drain)
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._over or not (self._behind or self._full))
                    if self._over:
                        break
        except BaseException as failed:
            self._failure = failed
        finally:
            if isinstance(self._actions, Generator):
                self._actions.close()
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    @property
    def _over(self) -> bool:
        return self._left or self._stopped()

    @property
    def _full(self) -> bool:
        return len(self._read) >= AHEAD_ITEMS or self._bytes >= AHEAD_BYTES


def _size(action: Action) -> int:
    return len(action.item.content) if isinstance(action, Change) else 0
