"""Places for blocking work: so many at once, so many waiting, so many of one caller. Lives in the event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass

from ragkit.config_serve import LimitsSection
from ragkit.serve.current import current_request
from ragkit.serve.fairness import FairQueue, Whose
from ragkit.serve.replies import ClientGone, Overloaded, Stopping, TooLate

_WEIGHT = 0.2
"""Of the newest duration in the running mean."""

_LONGEST_WAIT = 600
"""Seconds; nobody is told to stay away for longer."""


@dataclass(eq=False, slots=True)
class Place:
    """A place that is waited for or held.

    Attributes:
        whose: Tenant and subject.
        granted: Done when the place is held.
        since: When it was held first, on the monotonic clock, in seconds.
    """

    whose: Whose
    granted: asyncio.Future[None]
    since: float = 0.0


class Places:
    """Gives places, in turn.

    Args:
        limits: ``[serve.limits]``.
    """

    def __init__(self, limits: LimitsSection) -> None:
        self._limits = limits
        self._line: FairQueue[Place] = FairQueue()
        self._running: Counter[Whose] = Counter()
        self._all: Counter[Whose] = Counter()
        self._seconds = 0.5
        self._open = True
        self.refused: Counter[str] = Counter()
        """Requests turned away because too much ran and waited, by tenant."""

    def running(self, tenant: str | None = None) -> int:
        """Return how many places are held: all, or a tenant's."""
        return sum(n for (name, _), n in self._running.items() if tenant in (None, name))

    def waiting(self, tenant: str | None = None) -> int:
        """Return how many wait for a place: all, or a tenant's."""
        return len(self._line) if tenant is None else self._line.of_tenant(tenant)

    async def take(self, whose: Whose, *, until: float) -> Place:
        """Return a held place when its turn comes.

        Args:
            whose: Tenant and subject.
            until: When to give up, on the monotonic clock, in seconds.

        Raises:
            Overloaded: Too much runs and waits already, of everybody or of this caller.
            TooLate: Its turn did not come in time.
            ClientGone: The client left meanwhile.
            Stopping: The service ends.
        """
        place = Place(whose, asyncio.get_running_loop().create_future())
        self._admit(place)
        began = time.monotonic()
        try:
            await self._turn(place, until)
        except BaseException:
            self._leave_line(place)
            raise
        finally:
            request = current_request()
            if request is not None:
                request.queue_ms += 1_000 * (time.monotonic() - began)
        return place

    def give_back(self, place: Place) -> None:
        """Let the next one have this place."""
        held = time.monotonic() - place.since
        self._seconds += _WEIGHT * (held - self._seconds)
        self._drop(self._running, place.whose)
        self._drop(self._all, place.whose)
        self._grant()

    def close(self) -> None:
        """Give no place any more, and send away who waits."""
        self._open = False
        while len(self._line):
            place = self._line.take()
            self._drop(self._all, place.whose)
            if not place.granted.done():
                place.granted.set_exception(Stopping())

    def retry_after(self) -> int:
        """Return after how many seconds a place may be expected, by how long they were held lately."""
        ahead = len(self._line) + 1
        return min(max(math.ceil(self._seconds * ahead / self._limits.running), 1), _LONGEST_WAIT)

    def _admit(self, place: Place) -> None:
        if not self._open:
            raise Stopping
        own, all_of_it = self._all[place.whose], self.running() >= self._limits.running or len(self._line) > 0
        full = all_of_it and len(self._line) >= self._limits.waiting
        if own >= self._limits.per_caller or (full and not self._made_room(place.whose)):
            if not own:
                del self._all[place.whose]
            self.refused[place.whose[0]] += 1
            raise Overloaded(seconds=self.retry_after())
        self._all[place.whose] += 1
        self._line.put(place.whose, place)
        self._grant()

    def _made_room(self, whose: Whose) -> bool:
        """Send away the last of whoever fills the line, so that nobody keeps the others out of it."""
        greedy = self._line.greediest(whose)
        if greedy is None:
            return False
        self._line.remove(greedy.whose, greedy)
        self._drop(self._all, greedy.whose)
        self.refused[greedy.whose[0]] += 1
        greedy.granted.set_exception(Overloaded(seconds=self.retry_after()))
        return True

    async def _turn(self, place: Place, until: float) -> None:
        if not place.granted.done():
            request = current_request()
            gone = request.gone if request is not None else asyncio.get_running_loop().create_future()
            timeout = max(until - time.monotonic(), 0)
            await asyncio.wait({place.granted, gone}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if not place.granted.done():
                raise ClientGone if gone.done() else TooLate(seconds=self.retry_after())
        place.granted.result()

    def _leave_line(self, place: Place) -> None:
        if self._line.remove(place.whose, place):
            self._drop(self._all, place.whose)
        elif place.since:  # it was given just then
            self.give_back(place)

    def _grant(self) -> None:
        while self._open and len(self._line) and self.running() < self._limits.running:
            place = self._line.take()
            place.since = time.monotonic()
            self._running[place.whose] += 1
            place.granted.set_result(None)

    @staticmethod
    def _drop(counter: Counter[Whose], whose: Whose) -> None:
        counter[whose] -= 1
        if counter[whose] <= 0:
            del counter[whose]
