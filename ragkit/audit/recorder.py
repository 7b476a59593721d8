"""The event recorder: every part tells it what happened; it appends one line of canonical JSON, and tells no content.

::

    recorder = EventRecorder(data / "events", mode="required", software={"ragkit": "0.1.0"}, actor_key=key)
    recorder.record("doc.added", data={"collection": "care", "doc": doc_id, "version": 1})
    recorder.flush()                          # on the disk now

Many processes may write: the log is a row of numbered segments, each line is added under a file lock and takes the
next ``seq`` of the whole log. A line reaches the operating system at once, so a killed process loses nothing; it is
forced to the disk by ``flush`` or by an event whose type is durable, together with all lines before it (group commit,
:mod:`ragkit.audit.writing`). A recorder that was not closed closes itself when the interpreter ends.
"""

from __future__ import annotations

import atexit
import errno
import os
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ragkit.audit.envelope import SYSTEM, Envelope, actor_of, event
from ragkit.audit.envelope import uuid7 as uuid7
from ragkit.audit.fields import is_id
from ragkit.audit.log_end import LogEnd
from ragkit.audit.schema import check
from ragkit.audit.sealing import EvidenceKeeper, Signer, Sink
from ragkit.audit.segments import Segments
from ragkit.audit.sinks import SinkFailed
from ragkit.audit.writing import Entry, Writer
from ragkit.crypto import opaque_id
from ragkit.errors import AuditUnavailable, RagkitError
from ragkit.types import Evidence, Principal

Mode = Literal["required", "best_effort", "unsafe_off"]

_ACTORS = 1_000
_FULL = (errno.ENOSPC, errno.EDQUOT)
_REMEDIES = {
    "full": "Free disk space on the file system of `.ragkit/events`.",
    "slow": "See to the disk of `.ragkit/events`: it did not answer within [audit] timeout.",
    "sink": "See to the sink, or take `required` from its [[audit.sinks]].",
    "other": "Make `.ragkit/events` writable for this user, and its file system too.",
}
_AFTER = " Nothing was done; recording goes on by itself as soon as it can."


class EventRecorder:
    """Implements :class:`ragkit.protocols.Recorder` on a folder of JSON lines.

    Args:
        directory: Where the segments are; made when first written to, mode 0700, files 0600.
        mode: ``required``: what cannot be recorded must not happen, so :class:`AuditUnavailable` is raised.
            ``best_effort``: go on, count the lost events, and record the count when writing works again.
            ``unsafe_off``: record nothing. Events that do not fit the catalogue are refused in every mode.
        software: Versions and fingerprints that stand in every event, such as ``{"ragkit": "0.1.0"}``.
        actor_key: 32-byte key under which subjects and machine names are hashed; the log names nobody.
        origin: The log's name, in every event and checkpoint.
        tenant: Name of the workspace.
        signer: Signs states of the log; without one there are no checkpoints.
        keeper: Keeps what events were about; without one, evidence is dropped.
        sinks: Places that get a copy of each line.
        timeout: Seconds until a disk that does not answer counts as unwritable.
        segment_bytes: A segment is closed when it is longer than this.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mode: Mode,
        software: Mapping[str, str],
        actor_key: bytes,
        origin: str = "",
        tenant: str = "",
        signer: Signer | None = None,
        keeper: EvidenceKeeper | None = None,
        sinks: Sequence[Sink] = (),
        timeout: float = 5.0,
        segment_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self.mode = mode
        self._directory = directory
        self._actor_key = actor_key
        self._actors: dict[Principal, Mapping[str, str]] = {}
        self._end = LogEnd(
            Segments(directory, segment_bytes=segment_bytes),
            Envelope(origin=origin, tenant=tenant, software=software, key=actor_key),
            sinks,
            lossy=mode == "best_effort",
        )
        self._writer = Writer(
            self._end, timeout=timeout, lossy=mode == "best_effort", signer=signer, keeper=keeper, sinks=sinks
        )
        _left_open.add(self)

    def __repr__(self) -> str:
        return f"EventRecorder(mode={self.mode!r})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a recorder holds a key and is not pickled; make one in the other process")

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Append one event. A dialogue's id that a caller made up, and that may name somebody, is kept as a keyed hash.

        Raises:
            EventRefused: It does not fit the catalogue.
            AuditUnavailable: It could not be written, and the mode is ``required``.
        """
        known = check(kind, data or {}, outcome=outcome, reason=reason, request=request)
        if self.mode == "unsafe_off":
            return
        if session and not is_id(session):
            session = self.keyed(f"session\0{session}")
        if evidence is not None and evidence.conversation and not is_id(evidence.conversation):
            evidence = replace(evidence, conversation=self.keyed(f"session\0{evidence.conversation}"))
        who = SYSTEM if actor is None else self._actor(actor)
        made = event(
            kind, data or {}, outcome=outcome, reason=reason, request=request or "", session=session, actor=who
        )
        entry = Entry(made, durable=known.durable, evidence=evidence, actor=actor)
        try:
            self._writer.submit(entry)
        except (OSError, RagkitError) as failed:
            if isinstance(failed, AuditUnavailable):  # the event itself is at fault
                raise
            self._end.missed(failed=failed)
            self._unwritable(failed)

    def flush(self) -> None:
        """Force every event recorded so far to the disk. Raises as :meth:`record`."""
        if self.mode == "unsafe_off":
            return
        try:
            self._writer.submit(Entry(None, durable=True))
        except OSError as failed:
            self._unwritable(failed)

    @property
    def signer(self) -> Signer | None:
        """Who signs states of the log."""
        return self._writer.signer

    def checkpoint(self) -> None:
        """Sign the log as it is now, due or not. Nothing happens where nothing was recorded, or without a signer.

        Raises:
            CheckpointRefused: The log does not continue what was signed, or the key is not there.
            AuditUnavailable: The log or the checkpoint could not be read or written.
        """
        if self.mode == "unsafe_off":
            return
        try:
            self._writer.sign()
        except OSError as failed:
            raise AuditUnavailable(
                f"the event log could not be signed ({type(failed).__name__}, errno {failed.errno})",
                remedy="Make `.ragkit/events` and the folder of the signing key writable, and see that there is room.",
            ) from None

    def close(self) -> None:
        """Record the end, sign, and close the files; recording again opens them again. Raises as :meth:`record`."""
        if not self._end.begun:
            return
        try:
            self.record("log.closed", data={"events": self._end.written})
        finally:
            try:
                self._writer.close()
            except OSError as failed:
                self._unwritable(failed)

    def keyed(self, text: str) -> str:
        """Return the keyed hash of a text that may not stand in an event, such as a purpose: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "text", text)

    def known_as(self, subject: str) -> str:
        """Return the keyed hash under which events name a principal: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "actor", subject)

    def groups(self, actor: Principal) -> str:
        """Return the keyed hash of all access tokens of a principal, as it stands in its events: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "groups", *sorted(actor.tokens))

    def _actor(self, actor: Principal) -> Mapping[str, str]:
        known = self._actors.get(actor)
        if known is None:
            if len(self._actors) >= _ACTORS:
                self._actors.clear()
            known = actor_of(actor, known_as=self.known_as(actor.subject), groups=self.groups(actor))
            self._actors[actor] = known
        return known

    def _unwritable(self, failed: BaseException) -> None:
        if self.mode != "required":
            return
        number = failed.errno if isinstance(failed, OSError) else None
        kind = "full" if number in _FULL else "slow" if isinstance(failed, TimeoutError) else "other"
        what = type(failed).__name__ + (f", errno {number}" if number else "")
        if isinstance(failed, SinkFailed):
            kind, what = "sink", f"sink {failed.sink}: {failed.code}"
        raise AuditUnavailable(f"an event could not be recorded ({what})", remedy=_REMEDIES[kind] + _AFTER) from None

    def _forked(self) -> None:
        self._writer.forget()

    def _end_here(self) -> None:
        if self._end.begun and self._directory.is_dir():
            self.close()


_left_open: weakref.WeakSet[EventRecorder] = weakref.WeakSet()


def _start_over() -> None:
    for recorder in list(_left_open):
        recorder._forked()


def _close_all() -> None:
    for recorder in list(_left_open):
        with suppress(Exception):  # nobody is there any more to be told; what was recorded is in the log
            recorder._end_here()


os.register_at_fork(after_in_child=_start_over)
atexit.register(_close_all)
