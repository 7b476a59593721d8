"""``sync`` that goes on: by a schedule, by what folders say, or both, until it is stopped."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from ragkit.cli.output import json_line, say
from ragkit.cli.sync_reports import by_source, in_a_line, in_counts, say_failures
from ragkit.errors import ConfigError, RagkitError

if TYPE_CHECKING:
    from ragkit.ingest.report import SyncReport
    from ragkit.scheduling import Round, Task
    from ragkit.workspace import Workspace

Sync = Callable[..., "SyncReport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was asked for on the command line.

    Attributes:
        every: The interval of sources without one of their own, such as ``15m``; ``None`` leaves them out.
        permissions_every: Likewise, between readings of the permissions alone.
        scheduled: Sources that have an interval in ``ragkit.toml`` are synced by it.
        watch: Sources of which files change are synced.
    """

    every: str | None
    permissions_every: str | None
    scheduled: bool
    watch: bool

    @property
    def goes_on(self) -> bool:
        """Whether anything is to be done again and again."""
        return bool(self.every or self.permissions_every or self.scheduled or self.watch)


@dataclass(slots=True)
class Rounds:
    """Does the rounds of a schedule, prints a line for each run, and knows how each source last ended.

    Args:
        sync: Of the workspace; takes ``only`` and ``permissions``.
        as_json: Print JSON lines.
    """

    sync: Sync
    as_json: bool
    ended: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The worst status of the last runs of all sources."""
        return max(self.ended.values(), default=0)

    def __call__(self, ready: Round) -> list[str]:
        """Do what is due; return what could not be synced. An error is told, and the next round goes on."""
        for kind, places in (("sync", ready.sync), ("permissions", ready.permissions)):
            if places:
                self._run(kind, places)
        return [place for place in ready.sync if self.ended[place, "sync"] == 2]

    def _run(self, kind: str, places: Collection[str]) -> None:
        at, began = datetime.now(UTC).isoformat(timespec="seconds"), time.monotonic()
        report: SyncReport | None = None
        failed: Mapping[str, str] = {"failed": "", "message": "", "remedy": ""}
        try:
            report = self.sync(only=tuple(places), permissions=kind == "permissions")
        except RagkitError as bad:
            failed = {"failed": type(bad).__name__, "message": str(bad), "remedy": bad.remedy}
        except Exception as fault:  # its text may hold content
            failed = {"failed": type(fault).__name__, "message": "a fault of the program", "remedy": "Report it."}
        if report is not None and report.failed:
            failed = {"failed": report.failed, "message": report.message, "remedy": report.remedy}
        for place in places:
            self.ended[place, kind] = _status(place, report)
        self._tell({"at": at, "kind": kind, "places": list(places), **failed}, report, time.monotonic() - began)

    def _tell(self, about: dict[str, Any], report: SyncReport | None, elapsed: float) -> None:
        if self.as_json:
            counts = None if report is None else in_counts(report)
            parts = [] if report is None else by_source(report)
            line = {**about, "report": counts, "sources": parts, "elapsed": round(elapsed, 3)}
            typer.echo(json_line("sync_run", line), nl=False)
            return
        head = f"{about['at']}  {about['kind']}  {', '.join(about['places'])}: "
        if report is not None:
            say(head + in_a_line(report))
            say_failures(report)
        else:
            say(f"{head}failed: {about['message']}", err=True)
            say(f"  try: {about['remedy']}", err=True)


def _status(place: str, report: SyncReport | None) -> int:
    if report is None:
        return 2
    parts = {f"{one.collection}/{one.source}": one.exit_code for one in report.sources}
    return parts.get(place, report.exit_code)


def run_schedule(
    here: Workspace, plan: Plan, sync: Sync, *, collection: str | None, source: str | None, as_json: bool
) -> int:
    """Sync again and again until Ctrl-C or SIGTERM; return the exit status.

    Raises:
        ConfigError: Nothing has an interval, nothing can be watched, or an interval is none.
        MissingDependency: The package for watching files is not installed.
    """
    from ragkit.config import chosen_sources
    from ragkit.scheduling import Timetable, keep_to
    from ragkit.watching import Watching, places_of

    config = here.config
    names = [collection] if collection else list(config.collections)
    if collection and collection not in config.collections:
        raise ConfigError("there is no such collection", remedy=f"Name one of: {', '.join(config.collections)}.")
    chosen = [(name, sections) for name, sections in chosen_sources(config, names, source)]
    places = {f"{name}/{one.name}": one for name, sections in chosen for one in sections}
    tasks = tasks_of({place: (one.every, one.permissions_every) for place, one in places.items()}, plan)
    if not tasks and not plan.watch:
        raise ConfigError(
            "no source has an interval",
            remedy='Name one with `--every 15m`, or write `every = "15m"` in the sources\' tables in ragkit.toml.',
        )
    for place, refusal in ({} if source else here.sources.dropped(collection=collection)).items():
        say(f"{place}: {refusal}", err=True)
        say(f"  try: {refusal.remedy}", err=True)
    rounds = Rounds(sync, as_json)
    with ExitStack() as stack:
        pause: Callable[[float], Collection[str]] = _sleep
        watched = places_of(config, chosen) if plan.watch else {}
        if watched:
            pause = stack.enter_context(Watching(watched, ignore=config.data_folder)).pause
        stack.enter_context(_terminable())
        try:
            first = [place for place in places if any(place in some for some in watched.values())]
            timetable = Timetable(tasks, now=time.monotonic())
            keep_to(timetable, rounds, clock=time.monotonic, pause=pause, changed=first)
        except KeyboardInterrupt:
            say("Stopped.", err=True)
    return rounds.exit_code


def tasks_of(intervals: Mapping[str, tuple[str | None, str | None]], plan: Plan) -> list[Task]:
    """Return what a plan makes of the sources' own intervals: those for syncs and for permissions, by place.

    Raises:
        ConfigError: An interval is none.
    """
    from ragkit.scheduling import Task

    found = []
    own = plan.scheduled or plan.every is not None or plan.permissions_every is not None
    for place, (every, permissions_every) in intervals.items():
        if (written := (every if own else None) or plan.every) is not None:
            found.append(Task(place, "sync", _seconds(written)))
        if (written := (permissions_every if own else None) or plan.permissions_every) is not None:
            found.append(Task(place, "permissions", _seconds(written)))
    return found


def _seconds(written: str) -> int:
    from ragkit.config_sections import seconds_of

    try:
        return seconds_of(written)
    except ValueError:
        raise ConfigError("the interval is not a duration", remedy="Write `30s`, `15m`, `2h` or `1d`.") from None


def _sleep(seconds: float) -> Collection[str]:
    time.sleep(seconds)
    return ()


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end things as Ctrl-C does: what is being committed is finished first."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
