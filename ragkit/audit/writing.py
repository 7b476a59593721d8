"""Group commit: one thread a process writes the log, and threads that come together share a write and a sync.

A caller hands its event over and waits, but no longer than the timeout: a disk that hangs holds the writing thread and
nobody else. What came while the thread was busy is written next, in one write and, if one of them is durable, with one
``fdatasync``. An event that is not durable is let go after the write, which a killed process cannot lose.

Of an event whose caller was told that it could not be recorded: if the thread had not begun with it, it is never
written. If the thread hangs in the very write, nobody can tell; should the disk answer later, the event is in the log
although what it announces was not done, once, and ``written`` of the next ``log.resumed`` or ``log.dropped`` counts it.
Numbers are given in the write, so there is no hole and no other order.

Measured beside this: a leader among the callers who writes for the others. Alone it is faster (no change of threads,
60 us an event), with 16 threads three times slower, and a leader whose disk hangs hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from ragkit.audit.envelope import Envelope, own
from ragkit.audit.fields import is_word
from ragkit.audit.sealing import EvidenceKeeper, Signer, Sink
from ragkit.audit.segments import Segments
from ragkit.audit.sinks import Copies, SinkFailed, code_of
from ragkit.audit.worker import Worker
from ragkit.errors import CheckpointRefused
from ragkit.types import Evidence, Principal

_AGAIN = 5.0
_DECIDED = 2
_OUTCOMES = {"sink.failed": "degraded", "sink.recovered": "ok"}


class Entry:
    """An event on its way to the log; ``None`` in the place of the event only forces out what is there.

    Attributes:
        failed: Why it was not recorded; set before ``done`` is released.
    """

    __slots__ = ("actor", "done", "durable", "event", "evidence", "failed", "left", "step", "then")

    def __init__(
        self,
        event: dict[str, Any] | None,
        *,
        durable: bool = False,
        evidence: Evidence | None = None,
        actor: Principal | None = None,
        then: Literal["", "sign", "end"] = "",
    ) -> None:
        self.event = event
        self.durable = durable
        self.evidence = evidence
        self.actor = actor
        self.then = then
        self.failed: BaseException | None = None
        self.step = 0  # 0 waits, 1 is being written, then _DECIDED
        self.left = False
        self.done = threading.Lock()
        self.done.acquire()


class Writer:
    """Writes events for all threads of a process.

    Args:
        segments: The log.
        envelope: Makes lines.
        timeout: Seconds a caller waits for the disk.
        lossy: Calls go on without their events; the log then says ``log.dropped`` instead of ``log.resumed``.
        signer: Signs states of the log.
        keeper: Keeps evidence.
        sinks: Second places.
    """

    _stuck: bool
    _misses: int

    def __init__(
        self,
        segments: Segments,
        envelope: Envelope,
        *,
        timeout: float,
        lossy: bool,
        signer: Signer | None,
        keeper: EvidenceKeeper | None,
        sinks: Sequence[Sink],
    ) -> None:
        self._segments = segments
        self._envelope = envelope
        self._timeout = timeout + sum(sink.timeout for sink in sinks if sink.required)
        self._lossy = lossy
        self._signer = signer
        self._keeper = keeper
        self._copies = [Copies(sink) for sink in sinks]
        self._start_over()

    @property
    def begun(self) -> bool:
        """Whether this process has written, and not closed since."""
        return self._begun

    @property
    def written(self) -> int:
        """Lines this process has written."""
        return self._segments.written

    @property
    def signer(self) -> Signer | None:
        """Who signs states of the log."""
        return self._signer

    def submit(self, entry: Entry) -> None:
        """Hand an entry over and wait until it is recorded, and on the disk if it is durable.

        Raises:
            TimeoutError: The disk, or a required second place, does not answer.
            OSError: It was not recorded.
            Exception: What else was wrong with it.
        """
        if self._stuck:
            raise TimeoutError("the disk does not answer")
        self._worker.put(entry)
        if not entry.done.acquire(timeout=self._timeout):
            with self._state:
                if entry.step < _DECIDED:
                    entry.left = self._stuck = True
                    raise TimeoutError("the disk does not answer")
        if entry.failed is not None:
            raise entry.failed

    def missed(self, failed: BaseException) -> None:
        """Count an event that was not recorded, for the note that follows when writing works again."""
        with self._state:
            self._misses += 1
            self._missed_code = code_of(failed)

    def sign(self) -> None:
        """Sign the log as it is, due or not.

        Raises:
            CheckpointRefused: It does not continue what was signed, or the key is not there.
            OSError: It could not be read or written.
        """
        self._prepare()
        self.submit(Entry(None, durable=True, then="sign"))

    def close(self) -> None:
        """Sign what is unsigned and close the files; the next entry opens them again. Raises as :meth:`submit`."""
        if self._unsigned:
            self._prepare()
        try:
            self.submit(Entry(None, durable=True, then="end"))
        finally:
            for copy in self._copies:
                copy.close()

    def forget(self) -> None:
        """Start over in a forked child, which shares locks, threads and positions with its parent no longer."""
        self._segments.forget()
        for copy in self._copies:
            copy.forget()
        self._start_over()

    def _start_over(self) -> None:
        self._worker: Worker[Entry] = Worker(self._serve, name="ragkit-audit", look=self._look, busy=self._busy)
        self._state = threading.Lock()
        self._stuck = False
        self._begun = False
        self._pending: list[dict[str, Any]] = []
        self._misses = self._in_log = self._unkept = 0
        self._noting = (0, 0, 0)
        self._missed_code = ""
        self._signing = threading.Lock()
        self._preparing = False
        self._unsigned = 0
        self._sign_again = 0.0
        self._told = ""

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _busy(self) -> bool:
        return bool(self._unsigned and self._signer) or any(copy.uneasy for copy in self._copies)

    def _look(self) -> None:
        """Do what is due without an event: note what became of second places, and sign."""
        with suppress(Exception):  # what could not be noted is noted with the next event
            if self._begun and (self._pending or any(copy.uneasy for copy in self._copies)):
                self._note_news()
        if self._sign_due():
            self._preparing = True
            try:
                threading.Thread(target=self._prepare_and_sign, daemon=True, name="ragkit-checkpoint").start()
            except RuntimeError:  # the interpreter is ending
                self._preparing = False

    def _serve(self, entries: list[Entry]) -> None:
        with self._state:
            mine = [entry for entry in entries if not entry.left]
            for entry in mine:
                entry.step = 1
        try:
            self._write([entry for entry in mine if entry.then != "sign"])
        except Exception as failed:
            self._decide(mine, failed)
        for entry in mine:
            refused = self._sign() if entry.then else None
            if entry.then == "sign":
                self._decide([entry], refused)
            if entry.then == "end":
                self._end()
        self._decide(mine)
        self._stuck = False
        self._look()

    def _write(self, entries: list[Entry]) -> None:
        """Keep evidence, write lines, send copies, sync; an entry is decided as soon as that is known."""
        events = [entry for entry in entries if entry.event is not None and self._keep(entry)]
        if events:
            try:
                events, lines = self._append(events)
            except OSError as failed:
                self._decide(events, failed)
                events, lines = [], []
            try:
                self._copy(lines, durable=any(entry.durable for entry in events))
            except SinkFailed as failed:
                self._decide(events, failed, in_log=True)
        self._decide([entry for entry in events if not entry.durable])
        forced = [entry for entry in entries if entry.durable and entry.step < _DECIDED]
        if forced:
            try:
                if self._keeper is not None:
                    self._keeper.sync()
                self._segments.sync()
            except Exception as failed:
                self._decide(forced, failed, in_log=True)
            self._decide([entry for entry in forced if not entry.then])

    def _decide(self, entries: Sequence[Entry], failed: BaseException | None = None, *, in_log: bool = False) -> None:
        """Let callers go. What is in the log although its caller is told otherwise, or has left, is counted."""
        for entry in entries:
            with self._state:
                if entry.step == _DECIDED:
                    continue
                entry.failed, entry.step = failed, _DECIDED
                if entry.event is not None and (in_log or (entry.left and failed is None)):
                    self._in_log += 1
            entry.done.release()

    def _keep(self, entry: Entry) -> bool:
        """Store the evidence of an entry; tell whether its event can be written."""
        if entry.evidence is None or self._keeper is None or entry.event is None:
            return True
        try:
            kept = self._keeper.keep(entry.evidence, request=entry.event["request"], actor=entry.actor)
        except Exception as failed:
            if not self._lossy:
                self._decide([entry], failed)
                return False
            self._unkept += 1
            return True
        entry.event["payload"] = [dict(part) for part in kept]
        return True

    def _append(self, entries: Sequence[Entry]) -> tuple[list[Entry], list[bytes]]:
        """Write events after what the log has to note about itself; return those that are in the log, and all lines."""
        written: list[Entry] = []
        with self._segments.locked() as notes:
            lines = self._notes(notes)
            for entry in entries:
                assert entry.event is not None
                try:
                    lines.append(self._envelope.line(entry.event, self._segments.next_seq + len(lines)))
                except Exception as refused:
                    self._decide([entry], refused)
                else:
                    written.append(entry)
            self._add(lines)
        return written, lines

    def _note_news(self) -> None:
        """Write the log's own events, if there are any, without waiting for another."""
        with self._segments.locked() as notes:
            lines = self._notes(notes)
            if lines:
                self._add(lines)
        with suppress(SinkFailed):
            self._copy(lines)

    def _notes(self, notes: Sequence[tuple[str, Mapping[str, Any]]]) -> list[bytes]:
        """Make the lines that stand before the next event. They come again until :meth:`_add` has succeeded."""
        events = [own(kind, data) for kind, data in notes]
        if not self._begun:
            events.append(own("log.opened", {}))
            behind = self._envelope.begin(self._segments.last_stamp)
            events += [_jump(-behind)] if behind else []
        elif moved := self._envelope.jump():
            self._pending.append(_jump(moved))
        for copy in self._copies:
            self._pending += [own(kind, data, outcome=_OUTCOMES[kind]) for kind, data in copy.news()]
        with self._state:
            self._noting = (self._misses, self._in_log, self._unkept)
        if self._noting[0] or self._noting[1]:
            kind = "log.dropped" if self._lossy else "log.resumed"
            data = {"events": self._noting[0], "written": self._noting[1], "code": self._missed_code or "failed"}
            events.append(own(kind, data, outcome="degraded"))
        if self._noting[2]:
            events.append(own("log.dropped", {"events": self._noting[2], "code": "evidence"}, outcome="degraded"))
        first = self._segments.next_seq
        return [self._envelope.line(one, first + place) for place, one in enumerate([*events, *self._pending])]

    def _add(self, lines: list[bytes]) -> None:
        """Append lines, the notes among them; under the log's lock."""
        self._segments.append(lines)
        self._begun = True
        self._pending.clear()
        self._unsigned += len(lines)
        with self._state:
            self._misses -= self._noting[0]
            self._in_log -= self._noting[1]
            self._unkept -= self._noting[2]
            self._noting = (0, 0, 0)

    def _copy(self, lines: Sequence[bytes], *, durable: bool = False) -> None:
        """Send lines to every second place. Raises SinkFailed, when all were sent, if a required one failed."""
        failed: SinkFailed | None = None
        for copy in self._copies if lines else ():
            try:
                copy.send(lines, durable=durable)
            except SinkFailed as refused:
                failed = refused
        if failed is not None:
            raise failed

    # --- checkpoints --------------------------------------------------------------------------------------------------

    def _sign_due(self) -> bool:
        now = time.monotonic()
        if self._signer is None or not self._unsigned or self._preparing or now < self._sign_again:
            return False
        return self._signer.due(lines=self._unsigned, now=now)

    def _prepare(self) -> None:
        if self._signer is not None:
            with self._signing:
                self._signer.prepare()

    def _prepare_and_sign(self) -> None:
        """Read what a checkpoint needs beside the writing thread, which goes on, and then ask that to sign."""
        try:
            self._prepare()
        finally:
            self._worker.put(Entry(None, then="sign"))

    def _sign(self) -> Exception | None:
        """Announce and sign a checkpoint; return why that was not done.

        When it is refused or fails, that is recorded, once until it succeeds again, and recording goes on: to stop
        would take from the users what they need and give the one who altered the log what he may want, while the
        evidence of the alteration stays where it is and ``ragkit audit verify`` tells it.
        """
        self._preparing = False
        if self._signer is None or not self._unsigned:
            return None
        try:
            with self._signing, self._segments.locked() as notes:
                lines = self._notes(notes)
                if lines:
                    self._add(lines)
                announced = self._signer.announce()
                if announced is not None:
                    lines.append(self._envelope.line(own("checkpoint", announced), self._segments.next_seq))
                    self._add(lines[-1:])
                    self._segments.sync()
                    self._signer.sign()
            self._unsigned, self._told = 0, ""
            with suppress(SinkFailed):
                self._copy(lines)
        except CheckpointRefused as refused:
            self._sign_again = time.monotonic() + _AGAIN
            if refused.code == "no-key":
                self._tell("checkpoint.failed", {"size": refused.size}, refused.code)
            else:
                self._tell("checkpoint.refused", {"size": refused.size, "seen": refused.seen}, refused.code)
            return refused
        except Exception as failed:
            self._sign_again = time.monotonic() + _AGAIN
            self._tell("checkpoint.failed", {"size": self._segments.next_seq - 1}, code_of(failed))
            return failed
        return None

    def _tell(self, kind: str, data: Mapping[str, Any], code: str) -> None:
        if self._told != kind:
            self._told = kind
            self._pending.append(own(kind, data, outcome="error", reason=code if is_word(code) else ""))

    def _end(self) -> None:
        """Close the files of the log and of the evidence."""
        with suppress(Exception):
            if self._pending:
                self._note_news()
                self._segments.sync()
        self._segments.close()
        if self._keeper is not None:
            with suppress(Exception):
                self._keeper.close()
        self._begun, self._unsigned = False, 0


def _jump(milliseconds: int) -> dict[str, Any]:
    return own("clock.jump", {"ms": milliseconds}, outcome="degraded")
