"""The open end of the log: lines in the order of their numbers, the log's own notes before them, copies after.

What the log has to say about itself stands before the next event, and is said again until it is in the log: that
it was opened, that a torn line was closed off, that the clock jumped, that events were lost, what became of a second
place.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from ragkit.audit.envelope import Envelope, own
from ragkit.audit.sealing import Sink
from ragkit.audit.segments import Segments
from ragkit.audit.sinks import Copies, SinkFailed, code_of

_OUTCOMES = {"sink.failed": "degraded", "sink.recovered": "ok"}


@dataclass(slots=True)
class Missed:
    """What the log lacks, or holds although a caller was told otherwise.

    Attributes:
        events: Calls whose event was not recorded, as they were told.
        written: Events of such calls that are in the log all the same.
        unkept: Events that were recorded without their evidence.
        code: Why, of the last.
    """

    events: int = 0
    written: int = 0
    unkept: int = 0
    code: str = ""


@dataclass(slots=True)
class Added:
    """What became of events: the lines that were added, notes included, and which events are no lines, and why."""

    lines: list[bytes] = field(default_factory=list)
    refused: dict[int, Exception] = field(default_factory=dict)


class LogEnd:
    """Adds lines to the log. The writing thread uses it; ``missed`` and ``close_copies`` may be called by others.

    Args:
        segments: The files.
        envelope: Makes lines.
        sinks: Second places.
        lossy: Calls go on without their events; the log then says ``log.dropped`` instead of ``log.resumed``.

    Attributes:
        begun: This process has written, and not closed since.
        unsigned: Lines of this process since the last checkpoint.
    """

    def __init__(self, segments: Segments, envelope: Envelope, sinks: Sequence[Sink], *, lossy: bool) -> None:
        self._segments = segments
        self._envelope = envelope
        self._copies = [Copies(sink) for sink in sinks]
        self._lossy = lossy
        self._start_over()

    @property
    def written(self) -> int:
        """Lines this process has written."""
        return self._segments.written

    @property
    def last_seq(self) -> int:
        """Number of the last event, as far as this process knows."""
        return self._segments.next_seq - 1

    @property
    def uneasy(self) -> bool:
        """Whether something may have to be noted without waiting for an event."""
        return self.begun and (bool(self._pending) or any(copy.uneasy for copy in self._copies))

    def missed(self, *, failed: BaseException | None = None, written: int = 0, unkept: int = 0) -> None:
        """Count what is missing, for the note that follows when writing works again."""
        with self._counting:
            if failed is not None:
                self._missed.events += 1
                self._missed.code = code_of(failed)
            self._missed.written += written
            self._missed.unkept += unkept

    def note(self, event: dict[str, Any]) -> None:
        """Let an event of the log about itself stand before the next."""
        self._pending.append(event)

    def add(self, events: Sequence[Mapping[str, Any]]) -> Added:
        """Write events, all in one write; one that is no canonical JSON is left out. Raises OSError: none was."""
        added = Added()
        with self._segments.locked() as notes:
            added.lines = self._notes(notes)
            for place, event in enumerate(events):
                try:
                    added.lines.append(self._envelope.line(event, self._segments.next_seq + len(added.lines)))
                except Exception as refused:
                    added.refused[place] = refused
            self._write(added.lines)
        return added

    def copy(self, lines: Sequence[bytes], *, durable: bool = False) -> None:
        """Send lines to every second place. Raises SinkFailed, when all were sent, if a required one failed."""
        failed: SinkFailed | None = None
        for copy in self._copies if lines else ():
            try:
                copy.send(lines, durable=durable)
            except SinkFailed as refused:
                failed = refused
        if failed is not None:
            raise failed

    def sync(self) -> None:
        """Force the log to the disk. Raises OSError."""
        self._segments.sync()

    def note_news(self) -> None:
        """Write what there is to note. Raises nothing: what could not be noted is noted with the next event."""
        with suppress(Exception):
            with self._segments.locked() as notes:
                lines = self._notes(notes)
                self._write(lines)
            self.copy(lines)

    @contextmanager
    def standing_still(self) -> Iterator[list[bytes]]:
        """Hold the log's lock, everything noted; gives the lines written in the block. Raises OSError."""
        with self._segments.locked() as notes:
            lines = self._notes(notes)
            self._write(lines)
            yield lines

    def announce(self, event: Mapping[str, Any]) -> bytes:
        """Write and sync one event while :meth:`standing_still`; return its line. Raises OSError."""
        line = self._envelope.line(event, self._segments.next_seq)
        self._write([line])
        self._segments.sync()
        return line

    def close(self) -> None:
        """Note what there is to note, and close the files."""
        if self.uneasy:
            self.note_news()
            with suppress(OSError):
                self._segments.sync()
        self._segments.close()
        self.begun, self.unsigned = False, 0

    def close_copies(self) -> None:
        """Wait until second places took what was sent, each no longer than its timeout, and close them."""
        for copy in self._copies:
            copy.close()

    def forget(self) -> None:
        """Start over in a forked child."""
        self._segments.forget()
        for copy in self._copies:
            copy.forget()
        self._start_over()

    def _start_over(self) -> None:
        self.begun = False
        self.unsigned = 0
        self._pending: list[dict[str, Any]] = []
        self._counting = threading.Lock()
        self._missed = Missed()
        self._noting = Missed()

    def _notes(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[bytes]:
        """Make the lines that stand before the next event. They come again until they are written."""
        events = [own(kind, data) for kind, data in notes]
        if not self.begun:
            events.append(own("log.opened", {}))
            behind = self._envelope.begin(self._segments.last_stamp)
            events += [_jump(-behind)] if behind else []
        elif moved := self._envelope.jump():
            self._pending.append(_jump(moved))
        for copy in self._copies:
            self._pending += [own(kind, data, outcome=_OUTCOMES[kind]) for kind, data in copy.news()]
        events += self._losses()
        first = self._segments.next_seq
        return [self._envelope.line(one, first + place) for place, one in enumerate([*events, *self._pending])]

    def _losses(self) -> list[dict[str, Any]]:
        with self._counting:
            missed = self._missed
            self._noting = Missed(missed.events, missed.written, missed.unkept, missed.code)
        found = []
        if self._noting.events or self._noting.written:
            kind = "log.dropped" if self._lossy else "log.resumed"
            data = {"events": self._noting.events, "written": self._noting.written, "code": missed.code or "failed"}
            found.append(own(kind, data, outcome="degraded"))
        if self._noting.unkept:
            data = {"events": self._noting.unkept, "code": "evidence"}
            found.append(own("log.dropped", data, outcome="degraded"))
        return found

    def _write(self, lines: list[bytes]) -> None:
        """Append lines, the notes among them; under the log's lock."""
        if not lines:
            return
        self._segments.append(lines)
        self.begun = True
        self.unsigned += len(lines)
        self._pending.clear()
        with self._counting:
            self._missed.events -= self._noting.events
            self._missed.written -= self._noting.written
            self._missed.unkept -= self._noting.unkept
            self._noting = Missed()


def _jump(milliseconds: int) -> dict[str, Any]:
    return own("clock.jump", {"ms": milliseconds}, outcome="degraded")
