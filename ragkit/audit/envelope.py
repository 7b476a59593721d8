"""What stands in every event beside its own data: number, time, writer, who, which question, which software."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ragkit.audit.schema import SCHEMA_VERSION, canonical, check
from ragkit.crypto import opaque_id
from ragkit.types import Principal

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STEP_MS = 1_000
_DRIFT = 2_000  # a clock that is being set right may run 0.05 % faster or slower

SYSTEM = {"auth": "system", "groups": "", "id": "system", "kind": "system"}
"""The actor of what nobody asked for."""


class Envelope:
    """Makes lines of events. One thread uses it.

    Args:
        origin: The log's name.
        tenant: Name of the workspace.
        software: Versions and fingerprints.
        key: Hashes the machine's name.
    """

    def __init__(self, *, origin: str, tenant: str, software: Mapping[str, str], key: bytes) -> None:
        self._always = {"v": SCHEMA_VERSION, "log": origin, "tenant": tenant, "sw": dict(software)}
        self._key = key
        self._clock = (0, 0)

    def begin(self, last_stamp: str) -> int:
        """Take the name of this process and the time; return by how many ms the clock is behind the log's last line."""
        machine = opaque_id(self._key, "host", socket.gethostname())[:8]
        self._always["writer"] = f"{machine}:{os.getpid()}:{time.time_ns()}"
        self._always["boot"] = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
        self._clock = (time.time_ns(), _passed_ns())
        behind = (_parsed_ns(last_stamp) - self._clock[0]) // 1_000_000 if last_stamp else 0
        return behind if behind >= _STEP_MS else 0

    def jump(self) -> int:
        """Return by how many ms the clock moved more than time passed since the last call; 0 for less than a second."""
        before, self._clock = self._clock, (time.time_ns(), _passed_ns())
        moved, passed = self._clock[0] - before[0], self._clock[1] - before[1]
        step = (moved - passed) // 1_000_000
        return step if abs(step) >= _STEP_MS + passed // 1_000_000 // _DRIFT else 0

    def line(self, event: Mapping[str, Any], seq: int) -> bytes:
        """Return the line of an event.

        Raises:
            EventRefused: It holds what canonical JSON does not.
        """
        now = time.time_ns()
        stamped = {"seq": seq, "id": uuid7(now), "ts": _stamp(now), "mono_ns": time.monotonic_ns()}
        return canonical({**event, **self._always, **stamped})


def event(
    kind: str,
    data: Mapping[str, Any],
    *,
    outcome: str = "ok",
    reason: str = "",
    request: str = "",
    session: str = "",
    actor: Mapping[str, str] = SYSTEM,
) -> dict[str, Any]:
    """Return an event as it stands before it is written, with the caller's open span."""
    return {
        "type": kind,
        "data": dict(data),
        "outcome": outcome,
        "reason": reason,
        "request": request,
        "session": session,
        "actor": actor,
        **current_span(),
    }


def own(kind: str, data: Mapping[str, Any], *, outcome: str = "ok", reason: str = "") -> dict[str, Any]:
    """Return an event of the log about itself; of nobody and of no span.

    Raises:
        EventRefused: It does not fit the catalogue.
    """
    check(kind, data, outcome=outcome, reason=reason)
    return {**event(kind, data, outcome=outcome, reason=reason), "trace": "", "span": ""}


def actor_of(actor: Principal, *, known_as: str, groups: str) -> Mapping[str, str]:
    """Return how an event names who acts, by the keyed hashes of subject and access tokens."""
    auth = "local" if actor.kind == "local" else "caller"
    return {"kind": actor.kind, "id": known_as, "groups": groups, "auth": auth}


def current_span() -> dict[str, str]:
    """Return the W3C ids of the caller's trace and span; empty where no span is open, or nobody imported the API."""
    get = getattr(sys.modules.get("opentelemetry.trace"), "get_current_span", None)
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


def _stamp(now_ns: int) -> str:
    seconds = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).isoformat()[:19]
    return f"{seconds}.{now_ns // 1_000 % 1_000_000:06d}Z"


def _parsed_ns(stamp: str) -> int:
    try:
        return int(datetime.fromisoformat(stamp).timestamp() * 1_000_000) * 1_000
    except ValueError:
        return 0


def _passed_ns() -> int:
    """Time that passed, sleep of the machine included where the system tells it."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)
