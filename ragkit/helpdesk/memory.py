"""What one process remembers of conversations that go on: aliases, what was typed, and how often somebody writes.

All of it is in memory and bounded. What a customer typed is here so that it can be kept when the conversation becomes a
ticket; it goes with a restart, when the conversation is quiet for too long, or when it is forgotten, by whomever.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from ragkit.types import Conversation

MOST = 10_000
MOST_WORDS = 50
"""Messages of a conversation whose words are remembered, the last ones."""


@dataclass(slots=True)
class Live:
    """A conversation that goes on.

    Attributes:
        conversation: What retrieval and prompt need of it.
        words: What the customer typed, by message. Raw: goes to the desk with a ticket, and nowhere else.
        first: The question that was asked back about. Raw.
        busy: A message of it is being answered.
    """

    conversation: Conversation
    used: float
    words: dict[str, str] = field(default_factory=dict, repr=False)
    first: str = field(default="", repr=False)
    busy: bool = False

    def typed(self, message: str, text: str) -> None:
        """Remember what the customer typed."""
        self.words[message] = text
        while len(self.words) > MOST_WORDS:
            del self.words[next(iter(self.words))]


class Memory:
    """Conversations that go on in this process.

    Args:
        minutes: How long a quiet one is remembered.
        clock: Seconds that only grow.
    """

    def __init__(self, minutes: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = minutes * 60
        self._clock = clock
        self._live: OrderedDict[str, Live] = OrderedDict()
        self._lock = Lock()

    def get(self, number: str, make: Callable[[], Conversation]) -> Live:
        """Return what is remembered of a conversation; one that is not is made."""
        with self._lock:
            self._drop()
            found = self._live.get(number)
        if found is None:
            made = make()
            with self._lock:
                found = self._live.setdefault(number, Live(made, self._clock()))
        with self._lock:
            found.used = self._clock()
            if number in self._live:
                self._live.move_to_end(number)
        return found

    @contextmanager
    def turn(self, live: Live) -> Iterator[bool]:
        """Hold a conversation while a message of it is answered; gives false where another one is."""
        with self._lock:
            mine = not live.busy
            live.busy = True
        try:
            yield mine
        finally:
            if mine:
                live.busy = False

    def forget(self, number: str) -> None:
        """Forget a conversation."""
        with self._lock:
            self._live.pop(number, None)

    def tidy(self, there: Callable[[Collection[str]], Collection[str]]) -> None:
        """Forget those that are quiet for too long, and those that ``there`` does not return of all numbers."""
        with self._lock:
            self._drop()
            numbers = list(self._live)
        for gone in {*numbers} - {*there(numbers)}:
            self.forget(gone)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._live.clear()

    def __len__(self) -> int:
        return len(self._live)

    def __repr__(self) -> str:
        return f"Memory({len(self)} conversations)"

    def _drop(self) -> None:
        now = self._clock()
        for number, one in list(self._live.items()):
            if len(self._live) < MOST and now - one.used < self._seconds:
                return
            if not one.busy:
                del self._live[number]


class Pace:
    """How often each visitor may write.

    Args:
        a_minute: Messages in any 60 seconds.
        clock: Seconds that only grow.
    """

    def __init__(self, a_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, subject: str) -> float:
        """Note a message; return 0, or, where there were too many, after how many seconds the next may come."""
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(subject, deque())
            self._times.move_to_end(subject)
            while len(self._times) > MOST:
                self._times.popitem(last=False)
            while times and now - times[0] >= 60:
                times.popleft()
            if len(times) >= self._a_minute:
                return max(1.0, 60 - (now - times[0]))
            times.append(now)
            return 0.0
