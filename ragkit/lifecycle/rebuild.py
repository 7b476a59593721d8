"""Fold the record store's live chunks into a new generation, when one is due or when asked."""

from __future__ import annotations

from ragkit.errors import IndexUnhealthy
from ragkit.index.collection import CollectionIndex
from ragkit.index.generations import FoldReport
from ragkit.protocols import Progress, Recorder
from ragkit.types import Principal


def fold(
    index: CollectionIndex,
    *,
    recorder: Recorder,
    collection: str,
    progress: Progress | None = None,
    force: bool = False,
    actor: Principal | None = None,
) -> FoldReport | None:
    """Build, prove and publish a generation; return what was done, ``None`` when none was due.

    Nothing is masked or embedded again. Questions are answered meanwhile, and after a failure, from what was there
    before.

    Args:
        index: The collection's index; the workspace's write lock is held.
        recorder: Gets the outcome.
        collection: The collection's name, for the event.
        progress: Called with ``"index"``.
        force: Build also when none is due.
        actor: Who asked for it, for the event.

    Raises:
        IndexUnhealthy: The new generation failed its probe.
        StoreError: The disk refused.
    """
    generations = index.generations
    if not force and not generations.should_fold():
        generations.sweep()
        return None
    if progress:
        progress("index", 0, None)
    try:
        report = generations.fold()
    except IndexUnhealthy:
        recorder.record("index.generation.condemned", outcome="error", actor=actor, data={"collection": collection})
        raise
    numbers = {"collection": collection, "generation": report.number}
    recorder.record("index.generation.built", actor=actor, data={**numbers, "chunks": report.chunks})
    recorder.record(
        "index.generation.activated",
        actor=actor,
        data={
            "collection": collection,
            "generation": report.number,
            "previous": report.previous,
            "chunks": report.chunks,
            "through": report.built_through,
            "bytes": report.size,
            "ms": round(report.seconds * 1000),
            "policy": generations.fingerprints.policy,
            "encoder": generations.fingerprints.encoder,
            "chunker": generations.fingerprints.chunker,
            "language": generations.fingerprints.language,
        },
    )
    if report.previous:
        recorder.record("index.generation.removed", actor=actor, data={**numbers, "generation": report.previous})
    if progress:
        progress("index", report.chunks, report.chunks)
    return report
