"""Bring collections of an open workspace in step with their sources, and publish what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection, build_parser
from ragkit.config_sections import UPLOADS
from ragkit.handles import Handles
from ragkit.ingest.report import SyncReport
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


def sync_collections(
    handles: Handles,
    chosen: Iterable[tuple[str, Sequence[SourceSection]]],
    *,
    dry_run: bool,
    retry_quarantined: bool,
    actor: Principal,
    progress: Progress | None = None,
    refused: dict[str, str] | None = None,
) -> SyncReport:
    """Sync these sources, one after another; ``actor`` is who runs it.

    Uploads that are refused are not kept; ``refused`` takes their document ids, with the code of why.

    Raises:
        WriterBusy: Another process is writing.
        SourceError: A source cannot be read; what came before is kept.
        MassDeletion: A source would lose more documents than ``max_delete_share`` allows.
    """
    reports = []
    with handles.writing("sync") as database, build_parser() as parser:
        for name, sources in chosen:
            part = handles.collection(name, database, create=True)
            part.store.sweep()
            if not dry_run and part.end_history().keys:
                renew_key_copy(handles.config, database.key_file, handles.root_key, handles.recorder)
            if not dry_run:
                holds, days = Holds(database, part.collection), handles.config.audit.evidence.days
                end_evidence(handles.evidence, name, holds, handles.recorder, days=days)
            before = part.store.index_source().last_chunk_id()
            make = partial(part.ingestor, parser, progress=progress, retry_quarantined=retry_quarantined, actor=actor)
            for section in sources:
                if section.connector == UPLOADS and not dry_run:
                    reports.append(_sync_uploads(part, make, section, {} if refused is None else refused))
                    continue
                connector = part.connector(section)
                reports.append(make().sync(connector, section.name, dry_run=dry_run, kind=section.connector))
            if not dry_run:
                if part.store.index_source().last_chunk_id() != before:
                    extend(part.store, part.masker.vault)
                fold(part.index, recorder=handles.recorder, collection=name, progress=progress, actor=actor)
            part.close()
    return SyncReport.together(reports)


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
