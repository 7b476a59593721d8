"""What is kept of an answer, held against what the log commits to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.errors import EvidenceGone, KeyMismatch, StoreError

if TYPE_CHECKING:
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.compliance.replay_log import Recorded


@dataclass(frozen=True, slots=True)
class Kept:
    """The parts of a turn.

    Attributes:
        parts: Content by role, in the order in which it was kept.
        altered: How many are not what the log commits to.
        missing: How many commitments have nothing behind them.
        macs: The last commitment of each role.
    """

    parts: Mapping[str, list[bytes]] = field(repr=False)
    altered: int
    missing: int
    macs: Mapping[str, str]

    def first(self, role: str) -> bytes | None:
        """Return the first part of a role."""
        found = self.parts.get(role, [])
        return found[0] if found else None

    def last(self, role: str) -> bytes | None:
        """Return the last part of a role: that of the generator that answered."""
        found = self.parts.get(role, [])
        return found[-1] if found else None


def open_evidence(store: EvidenceStore, found: Recorded) -> Kept:
    """Open what is kept of an answer.

    Raises:
        EvidenceGone: Nothing is; ``cause`` says why.
        StoreError: The evidence store cannot be read.
    """
    if not found.committed:
        raise EvidenceGone("no evidence was kept of this request", cause="missing")
    committed = {one.ref: one for one in found.committed}
    try:
        kept = store.parts(found.request)
    except KeyMismatch:
        return Kept({}, len(committed), 0, {})
    except OSError as failed:
        raise StoreError(
            f"the evidence store cannot be read ({failed.strerror or type(failed).__name__})",
            remedy="Look at the disk and the permissions of evidence.db in the data folder.",
        ) from None
    parts: dict[str, list[bytes]] = {}
    altered, seen = 0, set[str]()
    for one in kept:
        entry = committed.get(one.ref)
        seen.add(one.ref)
        altered += entry is None or (entry.mac, entry.role, entry.length) != (one.mac, one.role, len(one.content))
        parts.setdefault(one.role, []).append(one.content)
    return Kept(parts, altered, len(committed.keys() - seen), {one.role: one.mac for one in found.committed})
