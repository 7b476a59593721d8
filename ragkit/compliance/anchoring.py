"""Taking checkpoints off this machine: to files, to syslog, to any program; and telling what is unanchored.

::

    anchor(handles)                     # the newest checkpoint to each of [[audit.anchors]]; from cron, say
    anchored(handles).unanchored        # lines that rest on this machine and its signing key alone

Whoever holds the signing key can write the log anew, except for what somebody else can show a checkpoint of. It is done
by a command and not while an answer is on its way: a place that hangs holds up nobody, and an attacker who takes over
the service must not be the one who decides when the outside hears of it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ragkit.audit.segments import segment_paths
from ragkit.compliance.anchors import AnchorFailed, take
from ragkit.compliance.checkpointing import newest_note, signer_of
from ragkit.compliance.events import EventLog, stamped
from ragkit.errors import ConfigError
from ragkit.handles import Handles
from ragkit.roles import require

if TYPE_CHECKING:
    from ragkit.types import Principal

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchoring:
    """What became of a checkpoint at one place.

    Attributes:
        anchor: The place's name.
        kind: ``file``, ``syslog`` or ``command``.
        size: Lines of the log in the checkpoint.
        code: Empty when it was taken; otherwise why not: ``timeout``, ``unwritable``, ``unreachable``, ``exit-1``, …
        ms: How long it took.
    """

    anchor: str
    kind: str
    size: int
    code: str
    ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorState:
    """What is known of one place.

    Attributes:
        anchor: Its name.
        configured: Whether ``ragkit.toml`` still names it.
        size: Lines of the largest checkpoint that was taken there, 0 if none was.
        at: When; ``None`` if never.
        failures: How many attempts failed since.
        code: Why the last of them failed.
    """

    anchor: str
    configured: bool
    size: int
    at: datetime | None
    failures: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """Which part of the log somebody else can vouch for.

    Attributes:
        lines: Of the log.
        signed: Of the newest checkpoint.
        anchored: Of the largest checkpoint that was taken anywhere.
        places: Each place, in order of names.
    """

    lines: int
    signed: int
    anchored: int
    places: tuple[AnchorState, ...]

    @property
    def unanchored(self) -> int:
        """Lines that rest on this machine and its signing key alone."""
        return self.lines - self.anchored


def anchor(handles: Handles, names: Sequence[str] = (), *, principal: Principal | None = None) -> list[Anchoring]:
    """Sign the log and take the checkpoint to the places of ``[[audit.anchors]]``. Each attempt is an event.

    Args:
        handles: The open workspace.
        names: Only these places.
        principal: Who takes them; by default the owner.

    Raises:
        AccessDenied: No operator.
        ConfigError: There is no such place, or none at all.
        CheckpointRefused: The log does not continue what was signed, or the key is not there.
        AuditUnavailable: The log or the note could not be read or written.
    """
    asking = require(handles, "operator", verb="audit.anchor", principal=principal, tell=True)
    places = {section.name: section for section in handles.config.audit.anchors}
    if unknown := [name for name in names if name not in places]:
        raise ConfigError(f"there is no anchor {unknown[0]!r}", remedy="Name one of [[audit.anchors]] in ragkit.toml.")
    if not places:
        raise ConfigError("no anchor is configured", remedy="Write [[audit.anchors]] in ragkit.toml.")
    recorder = handles.recorder
    recorder.checkpoint()
    note = newest_note(signer_of(handles))
    done = []
    for name in names or places:
        section, began, code = places[name], time.monotonic(), ""
        try:
            take(handles.config, section, note)
        except AnchorFailed as failed:
            code = failed.code
        about = {"size": note.checkpoint.size, "anchor": name}
        if code:
            recorder.record("anchor.failed", actor=asking, outcome="error", data={**about, "code": code})
        else:
            recorder.record("anchor.done", actor=asking, data=about)
        ms = int(1000 * (time.monotonic() - began))
        done.append(Anchoring(anchor=name, kind=section.kind, size=note.checkpoint.size, code=code, ms=ms))
    recorder.flush()
    return done


def anchored(handles: Handles, *, principal: Principal | None = None) -> Anchored:
    """Tell which size is anchored where and when, from the log.

    Raises:
        AccessDenied: No auditor.
        CheckpointRefused: The file of checkpoints is malformed.
    """
    asking = require(handles, "auditor", verb="audit.anchored", principal=principal)
    handles.recorder.record("access.audit", actor=asking, data={"verb": "audit.anchored"})
    log = EventLog(handles.config.data_folder / "events")
    states = {section.name: _Place() for section in handles.config.audit.anchors}
    configured = set(states)
    for event in log.read("anchor."):
        state = states.setdefault(str(event["data"].get("anchor", "")), _Place())
        if event["type"] == "anchor.failed":
            state.failures, state.code = state.failures + 1, str(event["data"].get("code", ""))
        elif int(event["data"].get("size", 0)) >= state.size:
            state.size, state.at = int(event["data"].get("size", 0)), stamped(event)
            state.failures, state.code = 0, ""
    places = tuple(
        AnchorState(
            anchor=name,
            configured=name in configured,
            size=state.size,
            at=state.at,
            failures=state.failures,
            code=state.code,
        )
        for name, state in sorted(states.items())
    )
    signer = signer_of(handles)
    newest = signer.notes.newest()
    return Anchored(
        lines=_count(handles),
        signed=newest.checkpoint.size if newest else 0,
        anchored=max((one.size for one in places), default=0),
        places=places,
    )


class _Place:
    def __init__(self) -> None:
        self.size = self.failures = 0
        self.at: datetime | None = None
        self.code = ""


def _count(handles: Handles) -> int:
    """Return how many complete lines the log has."""
    lines = 0
    for path in segment_paths(handles.config.data_folder / "events"):
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                lines += block.count(b"\n")
    return lines
