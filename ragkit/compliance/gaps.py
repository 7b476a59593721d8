"""Where the log says that something is missing or odd: jumps, holes, torn lines, writers, what was never finished.

::

    for gap in gaps(EventLog(data / "events"), every_seconds=60):
        print(gap.kind, gap.seq, gap.ts, gap.counts)

What nobody wrote down cannot be seen here; what was changed afterwards is for ``verify``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal

from ragkit.compliance.events import Event, EventLog, Moment, is_until, stamped
from ragkit.compliance.exits import Exit, exits
from ragkit.compliance.gap_remedies import told_once

Kind = Literal[
    "clock-jump", "clock-backwards", "hole", "repeated", "torn-line", "recovered", "reopened", "dropped", "resumed",
    "overlap", "unclosed", "no-checkpoint", "checkpoint-refused", "checkpoint-failed", "sink-failed", "anchor-failed",
    "unlogged-egress", "open-egress", "open-run", "open-answer", "open-erasure",
]  # fmt: skip

ABOUT: Mapping[Kind, str] = {
    "clock-jump": "The clock moved by more than time passed.",
    "clock-backwards": "An event is older than the one before it, by more than writers differ.",
    "hole": "Numbers are missing.",
    "repeated": "A number stands more than once, or goes back.",
    "torn-line": "A line is no event: a kill or a hand tore it, and nothing says which.",
    "recovered": "A torn last line of a killed process was closed off.",
    "reopened": "The file vanished or was replaced under a writer.",
    "dropped": "Events were lost while the disk refused them.",
    "resumed": "Events were refused, and what they announced was not done, until they could be written again.",
    "overlap": "Two machines wrote at once: the lock of the log may not hold over a shared disk.",
    "unclosed": "A process wrote events and never its end: killed, or still running; its calls were not counted.",
    "no-checkpoint": "Events stood without a signature for longer than configured.",
    "checkpoint-refused": "No checkpoint was signed, because the log does not continue the one before.",
    "checkpoint-failed": "No checkpoint could be signed: the key or the disk was not there.",
    "sink-failed": "A second place took no events.",
    "anchor-failed": "A checkpoint could not be taken to its place.",
    "unlogged-egress": "A process counted more calls at its sockets than the log holds of it.",
    "open-egress": "A prompt was about to leave, and no end of it is in the log: it may have left.",
    "open-run": "A pass over a source has no end.",
    "open-answer": "Text of an answer began to be given, and no end of it is in the log.",
    "open-erasure": "An erasure was asked for and has no complete receipt.",
}
_NOTED: Mapping[str, Kind] = {
    "clock.jump": "clock-jump",
    "log.recovered": "recovered",
    "log.reopened": "reopened",
    "log.dropped": "dropped",
    "log.resumed": "resumed",
    "checkpoint.refused": "checkpoint-refused",
    "checkpoint.failed": "checkpoint-failed",
    "sink.failed": "sink-failed",
    "anchor.failed": "anchor-failed",
}
_LATE = 5.0  # seconds; writers take their time before the lock and wait for it
_SLACK = 60.0  # seconds by which a checkpoint may be late: one is signed by the next event after it is due


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One thing that is missing or odd.

    Attributes:
        kind: What; :data:`ABOUT` says it in a sentence.
        seq: Number of the event at which it shows, or of the one before; 0 for none.
        ts: When that was, RFC 3339 in UTC; empty for none.
        about: The request, run, process or place it is of, or why no checkpoint was signed; empty if none.
        counts: Figures: milliseconds, bytes, numbers missing; of what was noted anew ``times`` and the ``last`` event.
        remedy: What to do about it.
    """

    kind: Kind
    seq: int
    ts: str
    about: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    remedy: str = ""


def gaps(
    log: EventLog,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    every_seconds: int | None = None,
    running: str = "",
) -> list[Gap]:
    """Return what is missing or odd, in the order of the log; what is noted anew by every process is told once.

    Args:
        log: The event log; read once, whole.
        since: Only what shows from this time, or this ``seq``.
        until: Only what shows before this time, or up to this ``seq``.
        every_seconds: How often a checkpoint is to be signed; ``None`` if none is.
        running: The writer that asks, whose process is not over.
    """
    watch = _Watch(every_seconds, running)
    for line in log.lines():
        if line.event is None:
            watch.torn(line.segment, line.length)
        else:
            watch.take(line.event)
    found = [one for one in watch.ended() if _shows(one, since, until)]
    return told_once(sorted(found, key=lambda one: one.seq))


def _shows(gap: Gap, since: Moment | None, until: Moment | None) -> bool:
    if not gap.ts:
        return since is None
    after = not isinstance(since, int) or gap.seq >= since
    if isinstance(since, datetime):
        after = datetime.fromisoformat(gap.ts) >= since
    return after and is_until(until, seq=gap.seq, ts=gap.ts)


@dataclass(slots=True)
class _Writer:
    """One process as the log knows it."""

    first: Event
    last: Event
    boot: str
    closed: Event | None = None
    leaving: int = 0


class _Watch:
    """Goes through the log once and remembers what is not finished."""

    def __init__(self, every_seconds: int | None, running: str) -> None:
        self._every = every_seconds
        self._running = running
        self._found: list[Gap] = []
        self._before: Event | None = None
        self._torn: list[tuple[int, int]] = []
        self._writers: dict[str, _Writer] = {}
        self._unsigned: Event | None = None
        self._runs: dict[str, Event] = {}
        self._answers: dict[str, Event] = {}
        self._erasures: dict[str, Event] = {}
        self._egress: list[Event] = []

    def torn(self, segment: int, length: int) -> None:
        """A line that is no event."""
        self._torn.append((segment, length))

    def take(self, event: Event) -> None:
        """The next event."""
        self._number(event)
        kind = str(event["type"])
        if kind in _NOTED:
            self._add(_NOTED[kind], event, **_counts(event["data"]), about=_place(event))
        self._writer(event, kind)
        self._checkpoint(event, kind)
        self._unfinished(event, kind)
        self._before = event

    def ended(self) -> Iterator[Gap]:
        """Everything found, after the last event."""
        self._unexplained(None)
        yield from self._found
        for one in exits(self._egress):
            if one.state == "open":
                yield _open(one)
        unfinished: tuple[tuple[Kind, dict[str, Event]], ...] = (
            ("open-run", self._runs),
            ("open-answer", self._answers),
            ("open-erasure", self._erasures),
        )
        for kind, held in unfinished:
            for about, event in held.items():
                yield _gap(kind, event, about=about)
        yield from self._processes()
        if self._every is not None and self._unsigned is not None and self._before is not None:
            yield from self._waited(self._unsigned, self._before)

    def _number(self, event: Event) -> None:
        before = self._before
        self._unexplained(event)
        if before is None:
            if int(event["seq"]) != 1:
                self._add("hole", event, missing=int(event["seq"]) - 1)
            return
        step = int(event["seq"]) - int(before["seq"])
        if step > 1:
            self._add("hole", before, missing=step - 1)
        elif step < 1:
            self._add("repeated", event, back=1 - step)
        late = (stamped(before) - stamped(event)).total_seconds()
        if late > _LATE and event["type"] != "clock.jump":
            self._add("clock-backwards", event, ms=int(late * 1000))

    def _unexplained(self, event: Event | None) -> None:
        """Torn lines that no ``log.recovered`` explains: it stands right behind them and tells their length."""
        told = event is not None and event["type"] == "log.recovered"
        for segment, length in self._torn:
            if not (told and event is not None and event["data"].get("bytes") == length):
                anchor = self._before
                seq, ts = (int(anchor["seq"]), str(anchor["ts"])) if anchor else (0, "")
                self._found.append(Gap(kind="torn-line", seq=seq, ts=ts, counts={"segment": segment, "bytes": length}))
        self._torn.clear()

    def _writer(self, event: Event, kind: str) -> None:
        name = str(event.get("writer", ""))
        known = self._writers.get(name)
        if known is None:
            known = self._writers[name] = _Writer(event, event, str(event.get("boot", "")))
        if kind in ("egress.intent", "egress.probed"):
            known.leaving += 1
        known.last = event
        known.closed = event if kind == "log.closed" else known.closed

    def _checkpoint(self, event: Event, kind: str) -> None:
        if self._every is None:
            return
        if kind == "checkpoint":
            if self._unsigned is not None:
                self._found += self._waited(self._unsigned, event)
            self._unsigned = None
        elif self._unsigned is None:
            self._unsigned = event

    def _waited(self, begun: Event, ended: Event) -> list[Gap]:
        seconds = (stamped(ended) - stamped(begun)).total_seconds()
        if self._every is None or seconds <= self._every + _SLACK:
            return []
        events = int(ended["seq"]) - int(begun["seq"])
        return [_gap("no-checkpoint", begun, ms=int(seconds * 1000), events=events)]

    def _unfinished(self, event: Event, kind: str) -> None:
        data, request = event["data"], str(event["request"])
        if kind == "ingest.run.started":
            self._runs[str(data.get("run", ""))] = event
        elif kind == "ingest.run.finished":
            self._runs.pop(str(data.get("run", "")), None)
        elif kind == "answer.begun":
            self._answers[request] = event
        elif kind in ("answer.released", "answer.abandoned"):
            self._answers.pop(request, None)
        elif kind == "erasure.requested":
            self._erasures[request] = event
        elif kind == "erasure.receipt" and data.get("complete"):
            self._erasures.pop(request, None)
        elif kind.startswith("egress."):
            self._egress.append(event)

    def _processes(self) -> Iterator[Gap]:
        for name, writer in self._writers.items():
            if writer.closed is None:
                if name != self._running:
                    yield _gap("unclosed", writer.last, about=name)
                continue
            calls = int(dict(writer.closed["data"].get("calls", {})).get("generate", 0))
            if calls > writer.leaving:
                yield _gap("unlogged-egress", writer.closed, about=name, calls=calls, logged=writer.leaving)
        yield from self._overlaps()

    def _overlaps(self) -> Iterator[Gap]:
        """Machines (by keyed hash and boot) whose events stand between those of another."""
        spans: dict[tuple[str, str], list[Event]] = {}
        for name, writer in self._writers.items():
            machine = name.partition(":")[0], writer.boot
            first, last = spans.setdefault(machine, [writer.first, writer.last])
            last = writer.last if int(writer.last["seq"]) > int(last["seq"]) else last
            spans[machine] = [first, last]
        for (_, one), ((place, _), other) in pairwise(spans.items()):
            if int(other[0]["seq"]) < int(one[1]["seq"]):
                events = int(one[1]["seq"]) - int(other[0]["seq"])
                yield _gap("overlap", other[0], about=place, events=events)

    def _add(self, kind: Kind, event: Event, *, about: str = "", **counts: int) -> None:
        self._found.append(_gap(kind, event, about=about, **counts))


def _gap(kind: Kind, event: Event, *, about: str = "", **counts: int) -> Gap:
    return Gap(kind=kind, seq=int(event["seq"]), ts=str(event["ts"]), about=about, counts=counts)


def _open(one: Exit) -> Gap:
    return Gap(kind="open-egress", seq=one.seq, ts=one.ts, about=one.request, counts={"bytes": one.bytes})


def _counts(data: Mapping[str, Any]) -> dict[str, int]:
    return {key: value for key, value in data.items() if type(value) is int}


def _place(event: Event) -> str:
    why = event["reason"] if str(event["type"]).startswith("checkpoint.") else ""
    return str(event["data"].get("sink") or event["data"].get("anchor") or why)
