"""How a model in process is listened to: text cut before a stop, streams out of a thread, an end that comes soon.

A generating loop runs in a thread of its own and hands its pieces over, so that a stream which nobody reads holds no
lock, and closing the stream ends the loop at the next token.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final
from weakref import WeakSet

from ragkit.types import Completion

_PATIENCE_S: Final = 5


class Listener:
    """Takes the text of one answer as it is written.

    Args:
        stop: The text ends before the first of these.
        hand: Called with each piece that is sure to stay; nothing for an answer that is not streamed.

    Attributes:
        stopped: One of ``stop`` was written.
        left: Set when nobody listens any more.
        first: When the first text came, by ``time.perf_counter``; 0 before.
    """

    def __init__(self, stop: Sequence[str] = (), hand: Callable[[str], None] | None = None) -> None:
        self._stop = tuple(text for text in stop if text)
        self._hand = hand
        self._pieces: list[str] = []
        self._held = ""
        self.stopped = False
        self.left = Event()
        self.first = 0.0

    @property
    def text(self) -> str:
        """What was said so far and is sure to stay."""
        return "".join(self._pieces)

    def hear(self, text: str) -> bool:
        """Take more text; return whether more is wanted."""
        if self.stopped:
            return False
        self._held += text
        found = [at for one in self._stop if (at := self._held.find(one)) >= 0]
        if found:
            self.stopped = True
            self._say(self._held[: min(found)])
            self._held = ""
            return False
        kept = max((_beginning(self._held, one) for one in self._stop), default=0)
        self._say(self._held[: len(self._held) - kept])
        self._held = self._held[len(self._held) - kept :]
        return not self.left.is_set()

    def end(self) -> str:
        """Take what was held back as the beginning of a stop that never came; return the whole text."""
        self._say(self._held)
        self._held = ""
        return self.text

    def _say(self, text: str) -> None:
        if not text:
            return
        self.first = self.first or time.perf_counter()
        self._pieces.append(text)
        if self._hand is not None:
            self._hand(text)


def _beginning(text: str, stop: str) -> int:
    """Length of the longest end of ``text`` with which ``stop`` begins."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


_open: WeakSet[_Loop] = WeakSet()


class _Loop:
    """One generating loop and the thread it runs in."""

    def __init__(self, listener: Listener, run: Callable[[], None]) -> None:
        self.listener = listener
        self.thread = Thread(target=run, name="ragkit-stream", daemon=True)


@atexit.register
def _leave() -> None:
    """End what still writes: a thread inside torch must not be there when the interpreter goes."""
    loops = list(_open)
    for loop in loops:
        loop.listener.left.set()
    for loop in loops:
        loop.thread.join(_PATIENCE_S)


def streamed(stop: Sequence[str], answer: Callable[[Listener], Completion]) -> Iterator[str | Completion]:
    """Run ``answer`` in a thread and yield its text as it comes, and last the completion.

    Nothing runs before the first piece is asked for. Closing the iterator tells the listener, and does not wait.

    Raises:
        Whatever ``answer`` raises.
    """
    queue: SimpleQueue[str | Completion | BaseException] = SimpleQueue()
    listener = Listener(stop, queue.put)

    def run() -> None:
        try:
            queue.put(answer(listener))
        except BaseException as failed:  # it belongs to whoever reads the stream
            queue.put(failed)

    loop = _Loop(listener, run)
    _open.add(loop)
    loop.thread.start()
    try:
        while True:
            piece = queue.get()
            if isinstance(piece, BaseException):
                raise piece
            yield piece
            if isinstance(piece, Completion):
                return
    finally:
        listener.left.set()
