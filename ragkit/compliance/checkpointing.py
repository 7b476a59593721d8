"""What people do with checkpoints: sign now, look at the key, change it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.audit.checkpoints import Checkpointer
from ragkit.audit.notes import Note, VerifierKey
from ragkit.errors import CheckpointRefused, ConfigError, SecretUnavailable
from ragkit.handles import Handles
from ragkit.roles import require

if TYPE_CHECKING:
    from ragkit.types import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedState:
    """The newest checkpoint.

    Attributes:
        origin: The log's name.
        size: Lines that are signed.
        root: Of the tree over them, base64.
        note: The signed note, to be taken elsewhere.
        aside: Name under which an old line of checkpoints was put aside by this call; empty if none was.
    """

    origin: str
    size: int
    root: str
    note: str
    aside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyState:
    """What may be told of the signing key.

    Attributes:
        source: ``file``, ``env`` or ``command``.
        verifier_key: C2SP verifier key, to be handed to the auditor; empty if there is no key.
        problem: Why there is none.
        changes: Size of the log and verifier key that followed, for every change since the line of checkpoints began.
    """

    source: str
    verifier_key: str
    problem: str
    changes: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """A change of the signing key.

    Attributes:
        old: Verifier key before.
        new: Verifier key from the next checkpoint on.
        kept: File of the old key; ``None`` if it was destroyed, or is not in a file.
        note: The note that both signed.
    """

    old: str
    new: str
    kept: Path | None
    note: str


def sign_now(handles: Handles, *, principal: Principal | None = None) -> SignedState:
    """Sign the log as it is.

    Raises:
        AccessDenied: No auditor.
        ConfigError: Nothing is recorded here.
        CheckpointRefused: The log does not continue what was signed, or the key is not there.
        AuditUnavailable: The log or the note could not be read or written.
    """
    asking = require(handles, "auditor", verb="audit.checkpoint", principal=principal)
    handles.recorder.record("access.audit", actor=asking, data={"verb": "audit.checkpoint"})
    handles.recorder.checkpoint()
    return newest_state(signer_of(handles))


def rotate_key(
    handles: Handles, *, new_key: bytes | None = None, keep_old: bool = True, principal: Principal | None = None
) -> KeyChange:
    """Change the key that signs checkpoints; one note with the new key in it is signed by both. Killed, it goes on.

    Args:
        handles: The open workspace.
        new_key: 32 bytes; by default what waits in ``<variable>_NEXT``, or for a key file a new one.
        keep_old: Keep the old key file beside the new one, named after its id; otherwise it is written over.
        principal: Who changes it; by default the owner.

    Raises:
        AccessDenied: No operator.
        ConfigError: The source is no file and no new key is given, or it is the old one.
        CheckpointRefused: The log cannot be signed by the old key.
        AuditUnavailable: The log or the note could not be read or written.
    """
    asking = require(handles, "operator", verb="audit.key.rotate", principal=principal, tell=True)
    recorder, signer = handles.recorder, signer_of(handles)
    recorder.checkpoint()  # also finishes a change that was killed
    old = signer.verifier_key()
    following = signer.key.make_next(new_key)
    new = VerifierKey.of(signer.origin, following)
    if new == old:
        raise ConfigError("the new key is the old one", remedy="Make another with `openssl rand -base64 32`.")
    recorder.record("key.rotated", actor=asking, data={"scope": "audit", "finished": True, "key": new.mark})
    signer.change_key(following, keep_old=keep_old)
    try:
        recorder.checkpoint()
    except BaseException:
        signer.change_key(b"", keep_old=True)
        raise
    kept = signer.key.path.with_name(f"{signer.key.path.name}.{old.key_id.hex()}.old")
    note = newest_note(signer)
    return KeyChange(old=str(old), new=str(new), kept=kept if kept.exists() else None, note=note.written.decode())


def show_key(handles: Handles, *, principal: Principal | None = None) -> SigningKeyState:
    """Tell of the signing key what may be told: the verifier key, which opens nothing and signs nothing.

    Raises:
        AccessDenied: No auditor.
        CheckpointRefused: The file of checkpoints is malformed.
    """
    asking = require(handles, "auditor", verb="audit.key.show", principal=principal)
    handles.recorder.record("access.audit", actor=asking, data={"verb": "audit.key.show"})
    signer, written, problem = signer_of(handles), "", ""
    try:
        written = str(VerifierKey.of(signer.origin, signer.key.read()))
    except SecretUnavailable as bad:
        problem = f"{bad}. {bad.remedy}"
    told = [note.checkpoint for note in all_notes(signer)]
    changes = tuple((one.size, one.next_key) for one in told if one.next_key)
    return SigningKeyState(source=signer.key.kind, verifier_key=written, problem=problem, changes=changes)


def signer_of(handles: Handles) -> Checkpointer:
    """Return who signs the log. Raises ConfigError: nobody, since nothing is recorded."""
    signer = handles.recorder.signer
    if not isinstance(signer, Checkpointer):
        raise ConfigError(
            "nothing is recorded here, so nothing is signed", remedy="Set another `mode` under [audit] than unsafe_off."
        )
    return signer


def all_notes(signer: Checkpointer) -> list[Note]:
    """Return every note of the current line, oldest first. Raises CheckpointRefused: one is malformed."""
    try:
        return list(signer.notes.read())
    except ValueError:
        raise CheckpointRefused(
            "a note in the file of checkpoints is malformed", code="bad-notes", remedy="Run `ragkit audit verify`."
        ) from None


def newest_note(signer: Checkpointer) -> Note:
    """Return the newest note. Raises CheckpointRefused: there is none, or it is malformed."""
    try:
        note = signer.notes.newest()
    except ValueError:
        note = None
    if note is None:
        raise CheckpointRefused(
            "there is no checkpoint", code="bad-notes", remedy="Run `ragkit audit checkpoint`, then this again."
        )
    return note


def newest_state(signer: Checkpointer, *, aside: str = "") -> SignedState:
    """Return the newest checkpoint. Raises as :func:`newest_note`."""
    note = newest_note(signer)
    told = note.checkpoint
    root = base64.b64encode(told.root).decode()
    return SignedState(origin=told.origin, size=told.size, root=root, note=note.written.decode(), aside=aside)
