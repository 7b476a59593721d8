"""What is told of sources: figures, tests, differences, and what became of a retry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragkit.ingest.report import SyncReport


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """A source of the configuration, and what the store holds of it; see :mod:`ragkit.store.sourcefigures`."""

    collection: str
    source: str
    connector: str
    trust: str
    every: str | None
    permissions_every: str | None
    documents: int
    quarantined: int
    state: str
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Whether a source can be read.

    Attributes:
        collection: Whose.
        source: Which.
        connector: Of which kind.
        outcome: ``ok``; ``unreadable``: the source does not let itself be read; ``unusable``: the configuration, a
            secret or a package is not as it should be.
        detail: What was seen, or what is wrong. No names of items.
        remedy: What to do about it; empty where all is well.
        seconds: How long it took.
    """

    collection: str
    source: str
    connector: str
    outcome: Literal["ok", "unreadable", "unusable"]
    detail: str
    remedy: str = ""
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 for all well, 1 for a source that cannot be read, 2 where it could not be tried."""
        return {"ok": 0, "unreadable": 1, "unusable": 2}[self.outcome]


Kind = Literal["added", "updated", "renamed", "access_changed", "deleted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One item that a sync would treat.

    Attributes:
        kind: What would be done.
        doc_id: Opaque; of an item that was renamed, the one that it was.
        name: The source's own id, for the entitled who gave a purpose.
        to: Likewise of an item that was renamed: what it is now.
    """

    kind: Kind
    doc_id: str
    name: str | None = field(default=None, repr=False)
    to: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDiff:
    """What a sync of one source would do.

    Attributes:
        report: The counts; ``failed`` where the source cannot be read.
        stopped: It would delete more than ``max_delete_share`` allows, and be stopped.
        differences: Which items, the first of them; not those that are as before.
    """

    report: SyncReport
    stopped: bool = False
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetriedItem:
    """What became of an item that was tried again.

    Attributes:
        collection: Whose.
        source: Which.
        doc_id: Opaque.
        before: The code under which it was set aside.
        status: ``indexed``, ``quarantined``, ``gone`` (the source has it no more), or ``waiting`` (not reached).
        code: The code under which it is set aside now; empty when it is not.
    """

    collection: str
    source: str
    doc_id: str
    before: str
    status: Literal["indexed", "quarantined", "gone", "waiting"]
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What a retry came to: item by item, and the report of the syncs."""

    items: tuple[RetriedItem, ...]
    report: SyncReport

    @property
    def exit_code(self) -> int:
        """0 when each is in order or gone, 1 when one is still set aside, 2 when a source could not be read."""
        return 2 if self.report.failed else int(any(one.status in ("quarantined", "waiting") for one in self.items))
