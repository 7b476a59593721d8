"""The event recorder: every part tells it what happened; it appends one line of canonical JSON, and tells no content.

::

    recorder = EventRecorder(data / "events", mode="required", software={"ragkit": "0.1.0"}, actor_key=key)
    recorder.record("doc.added", data={"collection": "care", "doc": doc_id, "version": 1})
    recorder.flush()                          # on the disk now

Many processes may write: the log is a row of numbered segments, each line is added under a file lock and takes the
next ``seq`` of the whole log. A line reaches the operating system at once, so a killed process loses nothing; it is
forced to the disk by ``flush`` or by an event whose type is durable, together with all lines before it (group commit).
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ragkit.audit.schema import SCHEMA_VERSION, canonical, check
from ragkit.audit.sealing import EvidenceKeeper, Signer, Sink
from ragkit.audit.segments import Segments
from ragkit.crypto import opaque_id
from ragkit.errors import AuditUnavailable
from ragkit.types import Evidence, Principal

Mode = Literal["required", "best_effort", "unsafe_off"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


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
        self._origin = origin
        self._tenant = tenant
        self._signer = signer
        self._keeper = keeper
        self._sinks = tuple(sinks)
        self._timeout = timeout
        self._software = dict(software)
        self._actor_key = actor_key
        self._segments = Segments(directory, segment_bytes=segment_bytes)
        self._lock = threading.Lock()
        self._pid = 0
        self._writer = ""
        self._boot = ""
        self._dropped = 0

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
        """Append one event.

        Raises:
            EventRefused: It does not fit the catalogue.
            AuditUnavailable: It could not be written, and the mode is ``required``.
        """
        known = check(kind, data or {}, outcome=outcome, reason=reason, request=request)
        if self.mode == "unsafe_off":
            return
        event: dict[str, Any] = {
            "actor": self._actor(actor),
            "data": dict(data or {}),
            "outcome": outcome,
            "reason": reason,
            "request": request or "",
            "session": session,
            "type": kind,
            **current_span(),
        }
        try:
            with self._lock:
                self._begin()
                if evidence is not None and self._keeper is not None:
                    kept = self._keeper.keep(evidence, request=request or "", actor=actor)
                    event["payload"] = [dict(one) for one in kept]
                if known.durable and self._keeper is not None:
                    self._keeper.sync()
                self._append(event, durable=known.durable)
        except OSError as failed:
            self._unwritable(failed)

    def flush(self) -> None:
        """Force every event recorded so far to the disk. Raises as :meth:`record`."""
        if self.mode == "unsafe_off":
            return
        try:
            with self._lock:
                self._segments.sync()
        except OSError as failed:
            self._unwritable(failed)

    def close(self) -> None:
        """Record the end, flush, and close the files; recording again opens them again."""
        if self._pid != os.getpid() or self.mode == "unsafe_off":
            return
        self.record("log.closed", data={"events": self._segments.written})
        self.flush()
        self._segments.close()
        self._pid = 0

    def keyed(self, text: str) -> str:
        """Return the keyed hash of a text that may not stand in an event, such as a purpose: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "text", text)

    def known_as(self, subject: str) -> str:
        """Return the keyed hash under which events name a principal: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "actor", subject)

    def groups(self, actor: Principal) -> str:
        """Return the keyed hash of all access tokens of a principal, as it stands in its events: ``h:…``."""
        return "h:" + opaque_id(self._actor_key, "groups", *sorted(actor.tokens))

    def _actor(self, actor: Principal | None) -> dict[str, str]:
        if actor is None:
            return {"kind": "system", "id": "system", "groups": "", "auth": "system"}
        auth = "local" if actor.kind == "local" else "caller"
        return {"kind": actor.kind, "id": self.known_as(actor.subject), "groups": self.groups(actor), "auth": auth}

    def _begin(self) -> None:
        """Start writing in this process; a forked child starts anew, since a lock is shared with its parent."""
        if self._pid == os.getpid():
            return
        self._segments.forget()
        machine = opaque_id(self._actor_key, "host", socket.gethostname())[:8]
        self._writer = f"{machine}:{os.getpid()}:{time.time_ns()}"
        self._boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
        self._append(self._own("log.opened"))
        self._pid = os.getpid()

    def _append(self, event: dict[str, Any], *, durable: bool = False) -> None:
        """Write ``event``, after the notes that the log itself has to leave."""
        with self._segments.locked() as notes:
            pending = [self._own(kind, **data) for kind, data in notes]
            if self._dropped:
                pending.append(self._own("log.dropped", outcome="degraded", events=self._dropped))
            self._segments.append([self._line(one, number) for number, one in enumerate([*pending, event])])
            self._dropped = 0
        if durable:
            self._segments.sync()

    def _own(self, kind: str, *, outcome: str = "ok", **data: Any) -> dict[str, Any]:
        check(kind, data, outcome=outcome)
        return {
            "actor": self._actor(None), "data": data, "outcome": outcome, "reason": "", "request": "", "session": "",
            "type": kind, "trace": "", "span": "",
        }  # fmt: skip

    def _line(self, event: dict[str, Any], number: int) -> bytes:
        now = time.time_ns()
        stamp = datetime.fromtimestamp(now // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return canonical(
            {
                **event,
                "v": SCHEMA_VERSION,
                "log": self._origin,
                "tenant": self._tenant,
                "seq": self._segments.next_seq + number,
                "id": uuid7(now),
                "ts": f"{stamp}.{now // 1_000 % 1_000_000:06d}Z",
                "mono_ns": time.monotonic_ns(),
                "boot": self._boot,
                "writer": self._writer,
                "sw": self._software,
            }
        )

    def _unwritable(self, failed: OSError) -> None:
        if self.mode == "required":
            raise AuditUnavailable(
                f"an event could not be recorded ({type(failed).__name__}, errno {failed.errno})",
                remedy="Free disk space and make `.ragkit/events` writable, or choose another [audit] mode.",
            ) from None
        self._dropped += 1


def current_span() -> dict[str, str]:
    """Return the W3C ids of the caller's trace and span; empty where no span is open, or nobody imported the API."""
    api = sys.modules.get("opentelemetry.trace")
    get = getattr(api, "get_current_span", None)
    context = get().get_span_context() if get is not None else None
    if context is None or not context.is_valid:
        return {"trace": "", "span": ""}
    return {"trace": f"{context.trace_id:032x}", "span": f"{context.span_id:016x}"}


def uuid7(now_ns: int) -> str:
    """Return a UUID version 7 (RFC 9562, section 5.7): milliseconds, 12 bits of the sub-millisecond, 62 random bits."""
    milliseconds, rest = divmod(now_ns, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    value = (milliseconds & (2**48 - 1)) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
