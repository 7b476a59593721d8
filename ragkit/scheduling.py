"""When which source is synced: a timetable, and the loop that keeps to it.

::

    timetable = Timetable([Task("shop/mail", "sync", 900)], now=time.monotonic())
    keep_to(timetable, work, clock=time.monotonic, pause=watching.pause)

A task is due at its start and at each multiple of its interval from there, whatever the runs take: nothing drifts. One
run goes at a time; a beat that passes while something runs is left out. What a folder says (:mod:`ragkit.watching`)
makes a source due at once; it says so once, so a source that could not be synced then is tried again soon.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["sync", "permissions"]
IDLE_S = 3600.0
"""How long a loop without anything on its timetable waits at a time for what is being watched."""
AGAIN_S = 60.0
"""After so long a source is tried again that changed and could not be synced."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done again and again.

    Attributes:
        place: The source, written ``collection/source``.
        kind: ``sync``, or ``permissions`` to read again who may see what.
        every: Seconds.
    """

    place: str
    kind: Kind
    every: float


@dataclass(frozen=True, slots=True)
class Round:
    """What is due now: the places to be synced, and those of which the permissions alone are read."""

    sync: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


class Timetable:
    """What is due when.

    Args:
        tasks: Each is due at once.
        now: Seconds by any clock that only grows.
    """

    def __init__(self, tasks: Iterable[Task], *, now: float) -> None:
        self._start = now
        self._next = dict.fromkeys(tasks, now)
        self._again: dict[str, float] = {}

    def due(self, now: float, *, changed: Collection[str] = ()) -> Round:
        """Return what is due, with the places that ``changed``. A sync reads the permissions too."""
        ready = [task for task, at in self._next.items() if at <= now]
        sync = {task.place: None for task in ready if task.kind == "sync"}
        sync |= dict.fromkeys([*changed, *(place for place, at in self._again.items() if at <= now)])
        alone = [task.place for task in ready if task.kind == "permissions" and task.place not in sync]
        return Round(tuple(sync), tuple(alone))

    def done(self, done: Round, now: float, *, changed: Collection[str] = (), failed: Collection[str] = ()) -> None:
        """Note that a round has ended; what it did is due again at the next beat that is still to come.

        Of the places that ``changed`` those that ``failed`` are due again after a while besides.
        """
        news = {*changed, *self._again}
        self._again = {place: at for place, at in self._again.items() if place not in done.sync}
        self._again |= {place: now + AGAIN_S for place in failed if place in news}
        for task in self._next:
            if task.place in done.sync or (task.kind == "permissions" and task.place in done.permissions):
                self._next[task] = self._beat(task, now)

    def wait(self, now: float) -> float:
        """Return the seconds until something is due."""
        moments = [*self._next.values(), *self._again.values()]
        return max(0.0, min(moments) - now) if moments else IDLE_S

    def _beat(self, task: Task, now: float) -> float:
        return self._start + task.every * (int((now - self._start) / task.every) + 1)


def keep_to(
    timetable: Timetable,
    work: Callable[[Round], Collection[str] | None],
    *,
    clock: Callable[[], float],
    pause: Callable[[float], Collection[str]],
    changed: Collection[str] = (),
) -> None:
    """Work round after round, one at a time, until ``KeyboardInterrupt`` is raised in one or while waiting.

    Args:
        timetable: What is due when.
        work: Does a round; it deals with errors itself, and returns the places that could not be synced.
        clock: As the timetable's.
        pause: Waits so many seconds, or until something changed; returns the places that did.
        changed: Places that are due at once besides.
    """
    while True:
        now = clock()
        if not changed and (seconds := timetable.wait(now)) > 0:
            changed = pause(seconds)
            continue
        ready = timetable.due(now, changed=changed)
        news, changed = changed, ()
        if ready != Round():
            failed = work(ready) or ()
            timetable.done(ready, clock(), changed=news, failed=failed)
