"""Taking a log as it is, although it does not continue what was signed, or its key is gone.

Whoever does that says why, and it is an event. The old key then signs no more, so that it never signs two things that
contradict each other: a new line of checkpoints begins under a new key. Old notes, old key and what was seen stay
beside, and whoever trusts the old key alone sees that the new line is not under it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.audit.checkpoints import FRONTIER, Checkpointer
from ragkit.audit.note_file import read_single
from ragkit.audit.notes import Note, VerifierKey
from ragkit.audit.signing import WHAT
from ragkit.compliance.checkpointing import SignedState, newest_state, signer_of
from ragkit.crashpoints import reach
from ragkit.errors import AccessDenied, CheckpointRefused, ConfigError, SecretUnavailable
from ragkit.handles import Handles
from ragkit.lifecycle.backup_files import only_one
from ragkit.roles import require

if TYPE_CHECKING:
    from ragkit.types import Principal


def accept_log(handles: Handles, *, purpose: str, principal: Principal | None = None) -> SignedState:
    """Take the log as it is and begin a new line of checkpoints, if the old one cannot be continued.

    Args:
        handles: The open workspace.
        purpose: Why; its keyed hash is recorded.
        principal: Who decides; by default the owner.

    Raises:
        AccessDenied: No auditor, or no purpose.
        ConfigError: The key comes from outside ragkit and is still the old one.
        CheckpointRefused: It could not be signed even so.
        AuditUnavailable: The log or the note could not be read or written.
    """
    asking = require(handles, "auditor", verb="audit.accept-log", principal=principal)
    recorder, signer = handles.recorder, signer_of(handles)
    if not purpose.strip():
        recorder.record("auth.denied", actor=asking, outcome="denied", data={"verb": "audit.accept-log"})
        raise AccessDenied("a log is not taken as it is without a purpose", remedy="State why with `--purpose`.")
    recorder.record("access.audit", actor=asking, data={"verb": "audit.accept-log"})
    try:
        recorder.checkpoint()
        return newest_state(signer)
    except CheckpointRefused as bad:
        refused = bad
    _require_new_key(signer)
    aside = _free_name(signer)
    recorder.record(
        "checkpoint.accepted",
        actor=asking,
        reason=refused.code,
        data={"size": refused.size, "seen": refused.seen, "aside": aside, "purpose": recorder.keyed(purpose)},
    )
    _leave_line(signer, aside)
    recorder.checkpoint()
    return newest_state(signer, aside=aside)


def _require_new_key(signer: Checkpointer) -> None:
    """Refuse to go on under the old key, where ragkit cannot make another."""
    if signer.key.kind == "file":
        return
    try:
        now = VerifierKey.of(signer.origin, signer.key.read())
    except SecretUnavailable:
        now = None
    if now is None or any(note is not None and note.is_signed_by(now) for note in _left(signer)):
        raise ConfigError(
            f"a new line of checkpoints needs a new key, and the {WHAT} comes from outside ragkit",
            remedy="Make one with `openssl rand -base64 32`, let [audit.key] give it, and run this again.",
        )


def _left(signer: Checkpointer) -> list[Note | None]:
    found: list[Note | None] = []
    for read in (signer.notes.newest, lambda: read_single(signer.seen)):
        try:
            found.append(read())
        except ValueError:
            found.append(None)
    return found


def _free_name(signer: Checkpointer) -> str:
    """Return a name under which nothing was put aside yet."""
    number = 1
    while any(path.exists() for path in _asides(signer, f"left-{number}").values()):
        number += 1
    return f"left-{number}"


def _asides(signer: Checkpointer, aside: str) -> dict[Path, Path]:
    """Return where each file of a line of checkpoints goes."""
    notes, seen, key = signer.notes.path, signer.seen, signer.key.path
    return {
        notes: notes.with_name(f"{notes.stem}.{aside}{notes.suffix}"),
        seen: seen.with_name(f"{seen.name}.{aside}"),
        key: key.with_name(f"{key.name}.{aside}"),
    }


def _leave_line(signer: Checkpointer, aside: str) -> None:
    """Put notes, memory and key aside. Killed in between, the next checkpoint is refused again, and this done again."""
    places = _asides(signer, aside)
    notes = signer.notes
    with only_one(notes.path.with_name("lock")):
        signer.key.set_aside(places[signer.key.path])
        reach("checkpoints.key_aside")
        for path in (notes.path, signer.seen):
            if path.exists():
                path.replace(places[path])
                reach("checkpoints.left")
        notes.path.with_name(FRONTIER).unlink(missing_ok=True)
        signer.forget()
