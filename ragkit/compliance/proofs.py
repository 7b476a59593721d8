"""Proofs for somebody who has one checkpoint and not the log: that an event is in it, that it grew and nothing else.

::

    inclusion(handles, seq=17)          # event 17 is in the log of the newest checkpoint
    consistency(handles, size=1042)     # that log begins with the log of 1,042 lines

What they give is JSON for the verifier that an auditor carries away (``ragkit_verify.py --proof``). A proof of
inclusion shows its one line, and hashes of the others.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ragkit.audit.notes import Note
from ragkit.audit.segments import segment_paths
from ragkit.audit.tree import LeafHashes, consistency_proof, inclusion_proof, leaf_hash, tree_root
from ragkit.compliance.checkpointing import all_notes, newest_note, signer_of
from ragkit.errors import CheckpointRefused, ConfigError
from ragkit.handles import Handles
from ragkit.roles import require

if TYPE_CHECKING:
    from ragkit.protocols import Progress
    from ragkit.types import Principal

_STEP = 50_000


def inclusion(
    handles: Handles, seq: int, *, principal: Principal | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the proof that an event is in the log of the newest checkpoint. Reads the log once.

    Returns:
        ``kind``, ``index`` of the line from 0, ``size``, ``leaf_line``, ``proof`` and ``note``.

    Raises:
        AccessDenied: No auditor.
        ConfigError: There is no such event, or it is younger than the newest checkpoint.
        CheckpointRefused: There is no checkpoint, or the lines are not those that were signed.
    """
    _record(handles, principal)
    note = newest_note(signer_of(handles))
    wanted, found = f'"seq":{seq},'.encode(), None
    leaves = LeafHashes()
    for index, line in enumerate(_lines(handles, note.checkpoint.size, progress)):
        leaves.append(leaf_hash(line))
        if wanted in line and _seq(line) == seq:
            found = index, line
    _require_signed(leaves, note)
    if found is None:
        raise ConfigError(
            f"no event {seq} is in the log of {note.checkpoint.size} lines that was signed last",
            remedy="Give the `seq` of an event; one that was just recorded is signed by `ragkit audit checkpoint`.",
        )
    index, line = found
    return {
        "kind": "inclusion",
        "index": index,
        "size": note.checkpoint.size,
        "leaf_line": line.decode(),
        "proof": _written(inclusion_proof(leaves, index, note.checkpoint.size)),
        "note": note.written.decode(),
    }


def consistency(
    handles: Handles, size: int, *, principal: Principal | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the proof that the log of the newest checkpoint begins with that of an older one. Reads the log once.

    Args:
        handles: The open workspace.
        size: Lines of the older checkpoint.
        principal: Who asks; by default the owner.
        progress: Called with ``"lines"`` while the log is read.

    Returns:
        ``kind``, ``size1``, ``size2``, ``proof``, ``note1`` and ``note2``.

    Raises:
        AccessDenied: No auditor.
        ConfigError: No checkpoint is of this size.
        CheckpointRefused: There is no checkpoint, or the lines are not those that were signed.
    """
    _record(handles, principal)
    signer = signer_of(handles)
    newest, notes = newest_note(signer), all_notes(signer)
    older = next((note for note in notes if note.checkpoint.size == size), None)
    if older is None:
        near = sorted((note.checkpoint.size for note in notes), key=lambda one: abs(one - size))[:3]
        raise ConfigError(
            f"no checkpoint is of {size} lines", remedy=f"There are some of {', '.join(map(str, sorted(near)))}."
        )
    leaves = LeafHashes()
    for line in _lines(handles, newest.checkpoint.size, progress):
        leaves.append(leaf_hash(line))
    _require_signed(leaves, older)
    _require_signed(leaves, newest)
    return {
        "kind": "consistency",
        "size1": size,
        "size2": newest.checkpoint.size,
        "proof": _written(consistency_proof(leaves, size, newest.checkpoint.size)),
        "note1": older.written.decode(),
        "note2": newest.written.decode(),
    }


def _record(handles: Handles, principal: Principal | None) -> None:
    asking = require(handles, "auditor", verb="audit.prove", principal=principal)
    handles.recorder.record("access.audit", actor=asking, data={"verb": "audit.prove"})


def _lines(handles: Handles, size: int, progress: Progress | None) -> Iterator[bytes]:
    """Yield the first ``size`` lines of the log, without their line feeds."""
    taken = 0
    for path in segment_paths(handles.config.data_folder / "events"):
        with path.open("rb") as lines:
            for line in lines:
                if taken == size:
                    return
                taken += 1
                if progress is not None and taken % _STEP == 0:
                    progress("lines", taken, size)
                yield line[:-1]


def _require_signed(leaves: Sequence[bytes], note: Note) -> None:
    size = note.checkpoint.size
    if len(leaves) < size or tree_root(leaves, 0, size) != note.checkpoint.root:
        raise CheckpointRefused(
            f"the lines of the event log are not those of the checkpoint of {size} lines",
            code="edited",
            size=len(leaves),
            seen=size,
            remedy="Run `ragkit audit verify`: it tells where they differ.",
        )


def _seq(line: bytes) -> int:
    try:
        return int(json.loads(line)["seq"])
    except (ValueError, KeyError, TypeError):
        return 0


def _written(proof: list[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in proof]
