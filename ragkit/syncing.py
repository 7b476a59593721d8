"""Bring collections of an open workspace in step with their sources, and publish what came of it.

Several sources are read side by side; one at a time is masked and written (:mod:`ragkit.ingest.side_by_side`). One
that cannot be read does not stop the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection, build_parser
from ragkit.config_sections import UPLOADS
from ragkit.dropped import Dropped, dropped_sources
from ragkit.errors import RagkitError, SourceError
from ragkit.handles import Handles
from ragkit.ingest.report import SyncReport
from ragkit.ingest.side_by_side import SideBySide
from ragkit.ingest.told import Told
from ragkit.lifecycle.backup_keys import renew_key_copy
from ragkit.lifecycle.evidence import end_evidence
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.rebuild import fold
from ragkit.lifecycle.restrict import extend
from ragkit.lifecycle.uploads import Naming
from ragkit.protocols import Progress
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.config_sections import SourceSection
    from ragkit.pipeline import Ingestor
    from ragkit.store.database import Database

_LOOK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOrder:
    """How a sync is to be run.

    Attributes:
        dry_run: Tell what would be done; store nothing.
        retry: Try items again that were set aside: all, or these documents.
        allow_mass_delete: Delete however much is gone.
        permissions: Read again who may see what, and nothing else.
        jobs: How many sources are read side by side; 0 takes the configuration's number.
        whole: Every source of the collections is meant, also one that the configuration names no more.
        actor: Who runs it.
    """

    actor: Principal
    dry_run: bool = False
    retry: bool | frozenset[str] = False
    allow_mass_delete: bool = False
    permissions: bool = False
    jobs: int = 0
    whole: bool = False


def sync_collections(
    handles: Handles,
    chosen: Iterable[tuple[str, Sequence[SourceSection]]],
    order: SyncOrder,
    *,
    progress: Progress | None = None,
    refused: dict[str, str] | None = None,
) -> SyncReport:
    """Sync these sources. One that cannot be read is named in the report, and what came of it before is kept.

    Uploads that are refused are not kept; ``refused`` takes their document ids, with the code of why.

    Raises:
        WriterBusy: Another process is writing.
        SourceError, MassDeletion, ConfigError: The only source of this sync cannot be read.
    """
    began = time.perf_counter()
    told = Told(progress)
    with handles.writing("sync") as database, build_parser(handles.config) as parser:
        parts = [(_opened(handles, database, name, order), sources) for name, sources in chosen]
        together = SideBySide()
        passes: list[_Pass] = []
        for part, sources in parts:
            for section in (*sources, *(dropped_sources(part) if order.whole else ())):
                make = partial(
                    part.ingestor,
                    parser,
                    progress=told.of(f"{part.name}/{section.name}"),
                    retry_quarantined=order.retry,
                    max_delete_share=1.0 if order.allow_mass_delete else None,
                    actor=order.actor,
                )
                passes.append(_Pass(part, section, make, together, order, {} if refused is None else refused))
        publish = _Publishing(
            handles, order, {part.name: part.store.index_source().last_chunk_id() for part, _ in parts}
        )
        for part, sources in parts:
            if not sources:
                publish(part, progress)
        jobs = order.jobs or handles.config.sync.parallel
        reports = _run(passes, together, jobs, told, lambda part: publish(part, progress))
    if len(passes) == 1 and passes[0].failure is not None:
        raise passes[0].failure
    return replace(SyncReport.together(reports), elapsed=time.perf_counter() - began)


def _opened(handles: Handles, database: Database, name: str, order: SyncOrder) -> OpenCollection:
    """Open a collection and clear away what is over: leftovers, history and evidence past their time."""
    part = handles.collection(name, database, create=True)
    part.store.sweep()
    if not order.dry_run and part.end_history().keys:
        renew_key_copy(handles.config, database.key_file, handles.root_key, handles.recorder)
    if not order.dry_run:
        holds, days = Holds(database, part.collection), handles.config.audit.evidence.days
        end_evidence(handles.evidence, name, holds, handles.recorder, days=days)
    return part


@dataclass(frozen=True, slots=True)
class _Publishing:
    """Publishes what came of a collection; ``before`` are the last chunk numbers from before the sync."""

    handles: Handles
    order: SyncOrder
    before: dict[str, int]

    def __call__(self, part: OpenCollection, progress: Progress | None) -> None:
        if not self.order.dry_run:
            if part.store.index_source().last_chunk_id() != self.before[part.name]:
                extend(part.store, part.masker.vault)
            recorder, actor = self.handles.recorder, self.order.actor
            fold(part.index, recorder=recorder, collection=part.name, progress=progress, actor=actor)
        part.close()


class _Pass:
    """One pass over one source, in a thread of its own. ``failure`` is why the source could not be read."""

    def __init__(
        self,
        part: OpenCollection,
        section: SourceSection | Dropped,
        make: Callable[..., Ingestor],
        together: SideBySide,
        order: SyncOrder,
        refused: dict[str, str],
    ) -> None:
        self.part = part
        self.failure: RagkitError | None = None
        self._section = section
        self._make = make
        self._together = together
        self._order = order
        self._refused = refused

    def run(self) -> SyncReport:
        """Run it when it has the turn."""
        with self._together.turn():
            try:
                report = self._report()
            except SourceError as bad:
                self.failure = bad
            if self.failure is not None:
                report = SyncReport(
                    source=self._section.name,
                    failed=type(self.failure).__name__,
                    message=str(self.failure),
                    remedy=self.failure.remedy,
                    dry_run=self._order.dry_run,
                )
        return replace(report, collection=self.part.name)

    def _report(self) -> SyncReport:
        section, order = self._section, self._order
        if isinstance(section, Dropped):
            if not order.allow_mass_delete:
                raise section.refusal()
            return self._make(ahead=self._together.ahead).sync(section, section.name, dry_run=order.dry_run)
        if section.connector == UPLOADS and order.permissions:
            return SyncReport(source=section.name)  # an upload's access came with it
        try:
            connector = self.part.connector(section)
        except RagkitError as bad:  # a package or a secret that is not there
            self.failure = bad
            return SyncReport()
        if section.connector == UPLOADS and not order.dry_run:
            return _sync_uploads(self.part, self._make, section, self._refused)
        ingestor = self._make(ahead=self._together.ahead)
        if order.permissions:
            return ingestor.permissions(connector, section.name, kind=section.connector)
        return ingestor.sync(connector, section.name, dry_run=order.dry_run, kind=section.connector)


def _run(
    passes: Sequence[_Pass], together: SideBySide, jobs: int, told: Told, publish: Callable[[OpenCollection], None]
) -> list[SyncReport]:
    """Run the passes, some at once, and publish each collection when the last of its sources is through."""
    if not passes:
        return []
    with ThreadPoolExecutor(max_workers=min(jobs, len(passes)), thread_name_prefix="ragkit-sync") as pool:
        running: dict[Future[SyncReport], _Pass] = {pool.submit(one.run): one for one in passes}
        order, pending = list(running), set(running)
        try:
            while pending:
                done, pending = wait(pending, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                for part in {id(running[future].part): running[future].part for future in done}.values():
                    if not any(running[future].part is part for future in pending):
                        with together.turn():
                            publish(part)
                told.again()  # where a cancelled job ends, also while every source keeps us waiting
        except BaseException:
            together.stop()
            for future in pending:
                future.cancel()
            raise
    return [future.result() for future in order]


def _sync_uploads(
    part: OpenCollection, make: Callable[..., Ingestor], section: SourceSection, refused: dict[str, str]
) -> SyncReport:
    """Take in what was uploaded; what is refused goes, and what it was to replace is read again."""
    connector, reports = part.connector(section), list[SyncReport]()
    while True:
        watch, reached = Naming(), part.uploads.reached()
        reports.append(make(watch=watch).sync(connector, section.name, kind=section.connector))
        settled = part.uploads.settle(part.store.database, section.name, reached, naming=watch.naming)
        if not settled.refused:
            return replace(reports[0], quarantined=reports[-1].quarantined)
        refused |= settled.refused


def rebuild_collections(
    handles: Handles, names: Sequence[str], *, actor: Principal, progress: Progress | None = None
) -> None:
    """Build the index of these collections anew from the record store. Raises ``WriterBusy``."""
    with handles.writing("rebuild") as database:
        for name in names:
            part = handles.collection(name, database, create=True)
            fold(part.index, recorder=handles.recorder, collection=name, progress=progress, force=True, actor=actor)
            part.close()
