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

import errno
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any, Literal

from ragkit.audit.log_end import LogEnd
from ragkit.audit.sealing import EvidenceKeeper, Signer, Sink
from ragkit.audit.signing_turns import SigningTurns
from ragkit.audit.sinks import SinkFailed
from ragkit.audit.worker import Worker
from ragkit.types import Evidence, Principal

_DECIDED = 2


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
        end: The log.
        timeout: Seconds a caller waits for the disk.
        lossy: An event whose evidence cannot be kept is written without it.
        signer: Signs states of the log.
        keeper: Keeps evidence.
        sinks: Second places, whose timeouts a caller waits too where they are required.
    """

    def __init__(
        self,
        end: LogEnd,
        *,
        timeout: float,
        lossy: bool,
        signer: Signer | None,
        keeper: EvidenceKeeper | None,
        sinks: Sequence[Sink],
    ) -> None:
        self._end = end
        self._timeout = timeout + sum(sink.timeout for sink in sinks if sink.required)
        self._lossy = lossy
        self._keeper = keeper
        self._signing = SigningTurns(end, signer, lambda: self._worker.put(Entry(None, then="sign")))
        self._worker: Worker[Entry] = Worker(self._serve, name="ragkit-audit", look=self._look, busy=self._busy)
        self._state = threading.Lock()
        self._stuck = False

    @property
    def stuck(self) -> bool:
        """Whether a caller gave up waiting for the thread, and the thread is not back yet."""
        return self._stuck

    @property
    def signer(self) -> Signer | None:
        """Who signs states of the log."""
        return self._signing.signer

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

    def sign(self) -> None:
        """Sign the log as it is, due or not.

        Raises:
            CheckpointRefused: It does not continue what was signed, or the key is not there.
            OSError: It could not be read or written.
        """
        self._signing.prepare()
        self.submit(Entry(None, durable=True, then="sign"))

    def close(self) -> None:
        """Sign what is unsigned and close the files; the next entry opens them again. Raises as :meth:`submit`."""
        with ExitStack() as done:  # the files are closed, whatever reading ahead comes to
            done.callback(self._end.close_copies)
            done.callback(self.submit, Entry(None, durable=True, then="end"))
            self._signing.prepare()

    def forget(self) -> None:
        """Start over in a forked child, which shares locks, threads and positions with its parent no longer."""
        self._end.forget()
        self._signing.forget()
        self._worker.forget()
        self._state = threading.Lock()
        self._stuck = False

    # --- in the thread ------------------------------------------------------------------------------------------------

    def _busy(self) -> bool:
        return self._signing.waits or self._end.uneasy

    def _look(self) -> None:
        """Do what is due without an event: note what became of second places, and sign."""
        if self._end.uneasy:
            self._end.note_news()
        self._signing.look()

    def _serve(self, entries: list[Entry]) -> None:
        with self._state:
            mine = [entry for entry in entries if not entry.left]
            for entry in mine:
                entry.step = 1
        try:
            try:
                self._write([entry for entry in mine if entry.then != "sign"])
            except Exception as failed:
                self._decide(mine, failed)
            for entry in mine:
                refused = self._signing.sign() if entry.then else None
                if entry.then == "sign":
                    self._decide([entry], refused)
                if entry.then == "end":
                    self._close()
            self._decide(mine)
        finally:  # nobody is left waiting, whatever happened; who was told already is told nothing else
            self._decide(mine, OSError(errno.EIO, "the thread that writes was stopped"))
            self._stuck = False
        self._look()

    def _write(self, entries: list[Entry]) -> None:
        """Keep evidence, write lines, send copies, sync; an entry is decided as soon as that is known."""
        events = self._add([entry for entry in entries if entry.event is not None and self._keep(entry)])
        self._decide([entry for entry in events if not entry.durable])
        forced = [entry for entry in entries if entry.durable and entry.step < _DECIDED]
        if forced:
            try:
                if self._keeper is not None:
                    self._keeper.sync()
                self._end.sync()
            except Exception as failed:
                self._decide(forced, failed, in_log=True)
            self._decide([entry for entry in forced if not entry.then])

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
            self._end.missed(unkept=1)
            return True
        entry.event["payload"] = [dict(part) for part in kept]
        return True

    def _add(self, entries: Sequence[Entry]) -> list[Entry]:
        """Write the lines of entries, here and in the second places; return the entries that are recorded."""
        if not entries:
            return []
        try:
            added = self._end.add([entry.event for entry in entries if entry.event is not None])
        except OSError as failed:
            self._decide(entries, failed)
            return []
        for place, refused in added.refused.items():
            self._decide([entries[place]], refused)
        written = [entry for place, entry in enumerate(entries) if place not in added.refused]
        try:
            self._end.copy(added.lines, durable=any(entry.durable for entry in written))
        except SinkFailed as failed:
            self._decide(written, failed, in_log=True)
            return []
        return written

    def _decide(self, entries: Sequence[Entry], failed: BaseException | None = None, *, in_log: bool = False) -> None:
        """Let callers go. What is in the log although its caller is told otherwise, or has left, is counted."""
        for entry in entries:
            with self._state:
                if entry.step == _DECIDED:
                    continue
                entry.failed, entry.step = failed, _DECIDED
                if entry.event is not None and (in_log or (entry.left and failed is None)):
                    self._end.missed(written=1)
            entry.done.release()

    def _close(self) -> None:
        """Close the files of the log and of the evidence."""
        self._end.close()
        if self._keeper is not None:
            with suppress(Exception):
                self._keeper.close()
