"""Mask the collections of an open workspace again and publish what came of it, or only tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection, build_parser
from ragkit.handles import Handles
from ragkit.lifecycle.differences import Differences
from ragkit.lifecycle.rebuild import fold
from ragkit.lifecycle.remask import RemaskReport, remask
from ragkit.lifecycle.restrict import extend
from ragkit.protocols import Progress
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.config_sections import SourceSection
    from ragkit.parse.sandbox import SandboxedParser


def remask_collections(
    handles: Handles,
    chosen: Iterable[tuple[str, Sequence[SourceSection]]],
    *,
    dry_run: bool,
    actor: Principal,
    progress: Progress | None = None,
) -> RemaskReport:
    """Mask these collections again from their sources; ``actor`` is who runs it.

    A dry run takes no lock, and reads the record store only.

    Raises:
        WriterBusy: Another process is writing.
        SourceError: No source of a collection can be read.
    """
    reports = []
    with ExitStack() as stack:
        database = None if dry_run else stack.enter_context(handles.writing("remask"))
        parser = stack.enter_context(build_parser(handles.config))
        for name, sources in chosen:
            part = handles.collection(name, database) if database else handles.reader(name)
            reports.append(_remask(part, parser, sources, dry_run=dry_run, actor=actor, progress=progress))
            if not dry_run:
                extend(part.store, part.masker.vault)
                fold(part.index, recorder=handles.recorder, collection=name, progress=progress, actor=actor)
                part.close()
    if not dry_run:
        handles.renew()
    return RemaskReport.together(reports)


def _remask(
    part: OpenCollection,
    parser: SandboxedParser,
    sources: Sequence[SourceSection],
    *,
    dry_run: bool,
    actor: Principal,
    progress: Progress | None,
) -> RemaskReport:
    watch = Differences(encoder=part.embedder.fingerprint)
    ingestor = part.ingestor(parser, progress=progress, watch=watch, actor=actor)

    def run(source: SourceSection) -> object:
        connector = part.connector(source)
        return (ingestor.preview if dry_run else ingestor.sync)(connector, source.name, kind=source.connector)

    if not dry_run:
        part.store.sweep()
    if not dry_run and not sources:  # no pass notes the new policy, and an index of the old chunks must not be made
        made = part.fingerprints
        part.store.set_fingerprints(policy=made.policy, encoder=made.encoder, chunker=made.chunker)
    return remask(
        part.name,
        {source.name: partial(run, source) for source in sources},
        watch=watch,
        store=part.store,
        masker=part.masker,
        embedder=part.embedder,
        recorder=part.recorder,
        dry_run=dry_run,
        actor=actor,
    )
