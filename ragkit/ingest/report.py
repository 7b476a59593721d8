"""What a sync did, in numbers: the summary that is printed, returned and tested against."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """The result of one sync of one source, or of several together. Holds counts and codes only.

    Attributes:
        source: Name of the source; empty when reports were put together.
        added: Documents that answer now and did not before.
        updated: Documents with a new version.
        unchanged: Items as before; they cost no parsing, masking or embedding. Standing quarantines are among them.
        renamed: Documents that the source has under another identity now, with the same bytes; neither among the added
            nor among the deleted.
        access_changed: Documents whose permissions changed and whose content did not.
        deleted: Documents gone because they are gone at the source.
        expired: Items that were not taken in, or stay away, because retention says they are too old.
        held: Documents gone at the source that a legal hold keeps.
        refused: Items that this run put into quarantine.
        quarantined: All items of the source in quarantine now, by code.
        chunks: Chunks written.
        notices: What a reader should know, by code, such as pages without a text layer.
        masked: Spans masked, by entity type.
        seconds: Time by stage; stages overlap, so they add up to more than ``elapsed``.
        elapsed: Wall time of the run in seconds.
        dry_run: Nothing was parsed or written; ``added`` and ``updated`` count what would be tried.
        failed: Name of the error that ended the run, empty for none.
        message: What that error says; of several sources the first one's.
        remedy: What to do about it.
        collection: Name of the collection; empty when reports were put together.
        sources: The reports that were put together.
        policy_changed: The masking policy or a detector is another than at the last sync, so everything is masked anew.
    """

    source: str = ""
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    renamed: int = 0
    access_changed: int = 0
    deleted: int = 0
    expired: int = 0
    held: int = 0
    refused: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    chunks: int = 0
    notices: Mapping[str, int] = field(default_factory=dict)
    masked: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    elapsed: float = 0.0
    dry_run: bool = False
    failed: str = ""
    policy_changed: bool = False
    message: str = ""
    remedy: str = ""
    collection: str = ""
    sources: tuple[SyncReport, ...] = ()

    @property
    def items(self) -> int:
        """How many items the source gave, deletions not counted."""
        return self.added + self.updated + self.renamed + self.unchanged + self.refused

    @property
    def exit_code(self) -> int:
        """0 for all well, 1 when something is in quarantine (but for what was erased), 2 when the run failed."""
        return 2 if self.failed else 1 if self.quarantined.keys() - {"erased"} else 0

    @classmethod
    def together(cls, reports: Iterable[SyncReport]) -> SyncReport:
        """Add reports up."""
        every = list(reports)
        failed = next((report for report in every if report.failed), cls())
        return cls(
            added=sum(report.added for report in every),
            updated=sum(report.updated for report in every),
            unchanged=sum(report.unchanged for report in every),
            renamed=sum(report.renamed for report in every),
            access_changed=sum(report.access_changed for report in every),
            deleted=sum(report.deleted for report in every),
            expired=sum(report.expired for report in every),
            held=sum(report.held for report in every),
            refused=sum(report.refused for report in every),
            quarantined=_sum(report.quarantined for report in every),
            chunks=sum(report.chunks for report in every),
            notices=_sum(report.notices for report in every),
            masked=_sum(report.masked for report in every),
            seconds=_sum(report.seconds for report in every),
            elapsed=sum(report.elapsed for report in every),
            dry_run=any(report.dry_run for report in every),
            failed=failed.failed,
            message=failed.message,
            remedy=failed.remedy,
            sources=tuple(every),
            policy_changed=any(report.policy_changed for report in every),
        )


class StageClock:
    """Adds up time by stage."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made."""
        return time.perf_counter() - self._started

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of a block towards a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - started


_N = TypeVar("_N", int, float)


def _sum(tables: Iterable[Mapping[str, _N]]) -> dict[str, _N]:
    total: dict[str, _N] = {}
    for table in tables:
        for name, value in table.items():
            total[name] = total[name] + value if name in total else value
    return total
