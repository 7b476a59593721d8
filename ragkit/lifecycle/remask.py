"""Mask a collection again after its policy or a detector changed, or tell what that would change.

::

    watch = Differences(encoder=…)
    report = remask("handbook", {"folder": run}, watch=watch, store=…, masker=…, embedder=…, recorder=…, dry_run=True)

Clear text is kept nowhere, so it is read from the sources anew. While that lasts, a process that was started under the
old policy is answered by the old index and the documents that are through; one that was started under the new policy
is refused, until the new generation is published (:func:`ragkit.lifecycle.rebuild.fold`). What could not be masked
again, because its source cannot be read, is in no generation of the new policy: it waits, hidden, and loses nothing.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.errors import SourceError
from ragkit.lifecycle.differences import Differences
from ragkit.protocols import Embedder, Masker, Recorder
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.store.records import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RemaskReport:
    """What masking again changed, or would change. Counts, types, codes and names of sources only.

    Attributes:
        documents: Masked again.
        changed: Of these, documents of which a masked view is another than before; new ones too.
        embedded: Of these, documents with a chunk that must be embedded again.
        chunks: Chunks that must be embedded again.
        refused: Documents set aside under the new policy, by code.
        before: Masked spans by type in these documents, as they were.
        after: The same under the new policy.
        newly_masked: Values by type that stood in clear somewhere in a text, and are masked there now.
        newly_unmasked: Values by (old) type that were masked somewhere in a text, and stand in clear there now.
        unreachable: By source, the error for which it could not be read.
        hidden: By source, documents that wait to be masked again and are not found until they are.
        estimated: Seconds that the run is expected to take; of a dry run only.
        elapsed: Seconds.
        dry_run: Nothing was stored.
    """

    documents: int = 0
    changed: int = 0
    embedded: int = 0
    chunks: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    newly_masked: Mapping[str, int] = field(default_factory=dict)
    newly_unmasked: Mapping[str, int] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)
    hidden: Mapping[str, int] = field(default_factory=dict)
    estimated: float | None = None
    elapsed: float = 0.0
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        """0 for all well, 1 when something was set aside or waits for its source."""
        return 1 if self.refused or self.unreachable or self.hidden else 0

    @classmethod
    def together(cls, reports: Sequence[RemaskReport]) -> RemaskReport:
        """Add the reports of several collections up."""
        counted = ("documents", "changed", "embedded", "chunks", "elapsed")
        tables = ("refused", "before", "after", "newly_masked", "newly_unmasked", "hidden")
        estimates = [report.estimated for report in reports if report.estimated is not None]
        values: dict[str, Any] = {name: sum(getattr(report, name) for report in reports) for name in counted}
        values |= {name: dict(sum((Counter(getattr(r, name)) for r in reports), Counter())) for name in tables}
        unreachable = {source: error for report in reports for source, error in report.unreachable.items()}
        return cls(
            **values,
            unreachable=unreachable,
            estimated=sum(estimates) if estimates else None,
            dry_run=any(report.dry_run for report in reports),
        )


def remask(
    collection: str,
    runs: Mapping[str, Callable[[], object]],
    *,
    watch: Differences,
    store: RecordStore,
    masker: Masker,
    embedder: Embedder,
    recorder: Recorder,
    dry_run: bool,
    actor: Principal | None = None,
) -> RemaskReport:
    """Run every source, past those that cannot be read. The caller publishes the index afterwards.

    Args:
        collection: Its name.
        runs: By source, what masks its documents again (or previews that) and tells the watch.
        watch: What the runs tell.
        store: The record store; for a dry run it may be open for reading only.
        masker: Forgets what it allocated for a dry run.
        embedder: Timed on a few chunks, for the estimate of a dry run.
        recorder: Gets the beginning and the outcome.
        dry_run: The runs store nothing.
        actor: Who runs it, for the events.

    Raises:
        SourceError: No source can be read.
        MaskingError, StoreError, ModelError, AuditUnavailable: The run ended; what is committed stays, and the next
            run goes on from there.
    """
    began = time.perf_counter()
    policy, previous = masker.policy, store.policy_in_force()
    known = {"collection": collection, "policy": policy, "previous": previous, "dry_run": dry_run}
    waiting = {"sources": len(runs), "documents": _total(store.waiting(policy))}
    recorder.record("remask.started", actor=actor, data={**known, **waiting})
    unreachable: dict[str, str] = {}
    try:
        for source, run in runs.items():
            try:
                run()
            except SourceError as bad:
                unreachable[source] = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(bad).__name__).lower()
                if len(unreachable) == len(runs):
                    raise
    finally:
        if dry_run:
            masker.discard()
    hidden = store.waiting(policy)
    if dry_run:  # what a readable source has will be masked again
        hidden = {source: number for source, number in hidden.items() if source in unreachable or source not in runs}
    spent = time.perf_counter() - began
    report = RemaskReport(
        **watch.numbers(),
        unreachable=unreachable,
        hidden=hidden,
        estimated=spent + _embedding_seconds(watch, embedder) if dry_run else None,
        elapsed=spent,
        dry_run=dry_run,
    )
    _tell(recorder, known, report, actor)
    return report


def _tell(recorder: Recorder, known: Mapping[str, Any], report: RemaskReport, actor: Principal | None) -> None:
    counted = ("documents", "changed", "embedded", "chunks")
    typed = ("before", "after", "newly_masked", "newly_unmasked", "hidden")
    recorder.record(
        "remask.finished",
        actor=actor,
        data={
            **known,
            **{name: getattr(report, name) for name in counted},
            **{name: dict(getattr(report, name)) for name in typed if name != "hidden"},
            "codes": dict(report.refused),
            "quarantined": _total(report.refused),
            "hidden": _total(report.hidden),
            "unreachable": len(report.unreachable),
            "ms": round(report.elapsed * 1000),
        },
    )
    recorder.flush()


def _embedding_seconds(watch: Differences, embedder: Embedder) -> float:
    """What embedding will take, from a few of the chunks; loading the encoder is not counted."""
    if not watch.sample:
        return 0.0
    embedder.load()
    embedder.embed(watch.sample[:1])
    began = time.perf_counter()
    embedder.embed(watch.sample)
    return (time.perf_counter() - began) / len(watch.sample) * watch.counts["chunks"]


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.values())
