"""Bring collections of an open workspace in step with their sources, and publish what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ragkit.build import build_connector, build_parser
from ragkit.handles import Handles
from ragkit.ingest.report import SyncReport
from ragkit.lifecycle.backup_keys import renew_key_copy
from ragkit.lifecycle.evidence import end_evidence
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.rebuild import fold
from ragkit.lifecycle.restrict import extend
from ragkit.protocols import Progress
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.config_sections import SourceSection


def sync_collections(
    handles: Handles,
    chosen: Iterable[tuple[str, Sequence[SourceSection]]],
    *,
    dry_run: bool,
    retry_quarantined: bool,
    actor: Principal,
    progress: Progress | None = None,
) -> SyncReport:
    """Sync these sources, one after another; ``actor`` is who runs it.

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
            ingestor = part.ingestor(parser, progress=progress, retry_quarantined=retry_quarantined, actor=actor)
            for section in sources:
                connector = build_connector(handles.config, section)
                reports.append(ingestor.sync(connector, section.name, dry_run=dry_run, kind=section.connector))
            if not dry_run:
                if part.store.index_source().last_chunk_id() != before:
                    extend(part.store, part.masker.vault)
                fold(part.index, recorder=handles.recorder, collection=name, progress=progress, actor=actor)
            part.close()
    return SyncReport.together(reports)


def rebuild_collections(
    handles: Handles, names: Sequence[str], *, actor: Principal, progress: Progress | None = None
) -> None:
    """Build the index of these collections anew from the record store. Raises ``WriterBusy``."""
    with handles.writing("rebuild") as database:
        for name in names:
            part = handles.collection(name, database, create=True)
            fold(part.index, recorder=handles.recorder, collection=name, progress=progress, force=True, actor=actor)
            part.close()
