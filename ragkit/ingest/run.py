"""What one run of a sync keeps in its hands: its intake, its writer, its counts and its events."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Protocol

from ragkit.connect.sync import Entry, SyncEngine
from ragkit.crashpoints import reach
from ragkit.errors import ChunkTooLong, ItemError, ItemRefused
from ragkit.ingest.conveyor import Conveyor, Embedded, Piece
from ragkit.ingest.intake import Intake
from ragkit.ingest.report import StageClock, SyncReport
from ragkit.protocols import Chunker, Connector, Embedder, Masker, Progress, Recorder
from ragkit.store.records import RecordStore
from ragkit.store.writer import DocumentWriter, Refused, Staging
from ragkit.types import Document, MaskedDocument, SourceItem


class StreamParser(Protocol):
    """Parses items in order, some of them ahead of time, in a process of its own."""

    def parse_all(self, items: Iterable[SourceItem]) -> Iterator[tuple[SourceItem, Document | ItemError]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The parts that a run is composed of."""

    store: RecordStore
    parser: StreamParser
    masker: Masker
    chunker: Chunker
    embedder: Embedder
    recorder: Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """How a source is taken in.

    Attributes:
        access: Who may see items whose source says nothing of permissions; empty means nobody.
        filter_keys: Metadata keys that questions may filter on.
        max_delete_share: A pass that would delete a larger share of more than 20 documents is refused.
        retry_quarantined: Try quarantined items again though nothing changed.
        mask_documents: So many documents are masked together at the most.
        mask_characters: Or so many characters, if that is less.
        slab_chunks: About so many chunks are embedded together.
    """

    access: frozenset[str] = frozenset()
    filter_keys: frozenset[str] = frozenset()
    max_delete_share: float = 0.5
    retry_quarantined: bool = False
    mask_documents: int = 32
    mask_characters: int = 500_000
    slab_chunks: int = 256


_Parsed = tuple[Entry, Mapping[str, bytes], Document | ItemError]
_Outcome = tuple[Entry, Mapping[str, bytes], MaskedDocument | ItemError]


class IngestRun:
    """One pass over one source. Made, used and dropped by :class:`ragkit.pipeline.Ingestor`."""

    def __init__(
        self,
        stages: Stages,
        settings: IngestSettings,
        *,
        connector: Connector,
        source: str,
        progress: Progress | None,
        dry_run: bool,
    ) -> None:
        self._stages = stages
        self._settings = settings
        self._source = source
        self._dry_run = dry_run
        self._id = uuid.uuid4().hex
        self._clock = StageClock()
        self._counts: Counter[str] = Counter()
        self._notices: Counter[str] = Counter()
        self._masked: Counter[str] = Counter()
        self._given_up: set[str] = set()
        self._progress = progress
        self._expected: int | None = None
        self._state = stages.store.sync_state(source, dry_run=dry_run)
        self._writer = DocumentWriter(stages.store.database, stages.store.collection, self._state)
        self._engine = SyncEngine(
            self._state,
            keys=stages.store.collection.keys,
            source=source,
            fingerprint="|".join((stages.masker.policy, stages.chunker.fingerprint, stages.embedder.fingerprint)),
            software=metadata.version("ragkit"),
            default_access=settings.access,
            retry_quarantined=settings.retry_quarantined,
            max_delete_share=settings.max_delete_share,
        )
        self.intake = Intake(
            self._engine.actions(connector),
            state=self._state,
            writer=None if dry_run else self._writer,
            tell=self.tell,
            clock=self._clock,
        )

    def start(self) -> None:
        """Note what the run is about, and clear away what an interrupted one left."""
        stages = self._stages
        self.tell("ingest.run.started", dry_run=self._dry_run, retry=self._settings.retry_quarantined)
        self._expected = self._state.present() or None
        if self._dry_run:
            return
        stages.store.sweep()
        stages.store.set_fingerprints(
            policy=stages.masker.policy, encoder=stages.embedder.fingerprint, chunker=stages.chunker.fingerprint
        )
        reach("sync.started")

    def count_only(self) -> None:
        """Go through a segment of a dry run."""
        for _item in self.intake.segment():
            entry = self.intake.take_entry()
            self._counts["updated" if entry.present else "added"] += 1
            self._state.mark_seen([entry.doc_id], entry.pass_number)
            self.intake.settle(1)

    def conveyor(self) -> Conveyor:
        """Make the way from chunks to the store."""
        return Conveyor(self._stages.embedder, self._commit, slab_chunks=self._settings.slab_chunks, clock=self._clock)

    def masked(self) -> Iterator[_Outcome]:
        """Parse and mask a segment; documents are masked some at a time, in order."""
        batch: list[_Parsed] = []
        characters = 0
        for parsed in self._parsed():
            batch.append(parsed)
            characters += len(parsed[2].text) if isinstance(parsed[2], Document) else 0
            if len(batch) >= self._settings.mask_documents or characters >= self._settings.mask_characters:
                yield from self._mask(batch)
                batch, characters = [], 0
        if batch:
            yield from self._mask(batch)

    def cut(self, entry: Entry, filters: Mapping[str, bytes], outcome: MaskedDocument | ItemError) -> Iterator[Piece]:
        """Chunk a document, and give it out in pieces of at most a slab."""
        if isinstance(outcome, MaskedDocument):
            try:
                with self._clock("chunk"):
                    self._stages.chunker.load()
                    chunks = self._stages.chunker.chunk(outcome)
                    if not chunks:
                        raise ItemRefused("the document has no text", code="no-text")
            except ChunkTooLong:
                outcome = ItemRefused("a chunk is longer than the encoder reads", code="chunk-too-long")
            except ItemError as bad:
                outcome = bad
        reach("sync.after_chunk")
        if isinstance(outcome, ItemError):
            yield Piece(entry=entry, error=outcome)
            return
        encoder = self._stages.embedder.fingerprint
        staging = self._writer.begin(entry, outcome, encoder=encoder, filters=filters)
        size = self._settings.slab_chunks
        for start in range(0, len(chunks), size):
            end = start + size
            yield Piece(entry=entry, staging=staging, chunks=chunks[start:end], last=end >= len(chunks))

    def tell(self, kind: str, *, outcome: str = "ok", reason: str = "", **data: Any) -> None:
        """Record an event of this run."""
        known = {"collection": self._stages.store.collection.name, "source": self._source, "run": self._id}
        self._stages.recorder.record(kind, outcome=outcome, reason=reason, data={**known, **data})

    def fail(self, bad: BaseException) -> None:
        """Forget tokens that were not stored, and record how the run ended."""
        self._stages.masker.discard()
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(bad).__name__).lower()
        self.tell("ingest.run.finished", outcome="error", reason=name, **self._numbers())

    def finish(self) -> SyncReport:
        """Record the end and sum the run up."""
        self.tell("ingest.run.finished", **self._numbers())
        self._stages.recorder.flush()
        seconds = dict(self._clock.seconds)  # the parser pulls the source, so its time holds the source's
        return SyncReport(
            source=self._source,
            added=self._counts["added"],
            updated=self._counts["updated"],
            unchanged=self.intake.counts["unchanged"],
            access_changed=self.intake.counts["access_changed"],
            deleted=self.intake.counts["deleted"],
            refused=self._counts["refused"],
            quarantined=self._state.quarantined(),
            chunks=self._counts["chunks"],
            notices=dict(self._notices),
            masked=dict(self._masked),
            seconds={**seconds, "parse": max(0.0, seconds.get("parse", 0.0) - seconds.get("source", 0.0))},
            elapsed=self._clock.elapsed,
            dry_run=self._dry_run,
        )

    def _parsed(self) -> Iterator[_Parsed]:
        results = self._stages.parser.parse_all(self.intake.segment())
        while True:
            with self._clock("parse"):
                result = next(results, None)
            if result is None:
                return
            reach("sync.after_parse")
            outcome = result[1]
            filters: dict[str, bytes] = {}
            if isinstance(outcome, Document):
                metadata_keys = self._settings.filter_keys & outcome.metadata.keys()
                filters = {key: self._stages.store.filter_mac(key, outcome.metadata[key]) for key in metadata_keys}
                if not outcome.text.strip():
                    outcome = ItemRefused("the document has no text", code="no-text")
            yield self.intake.take_entry(), filters, outcome

    def _mask(self, batch: Sequence[_Parsed]) -> Iterator[_Outcome]:
        documents = [parsed for _entry, _filters, parsed in batch if isinstance(parsed, Document)]
        masked: list[MaskedDocument | ItemError] = []
        if documents:
            reach("sync.before_mask")
            with self._clock("mask"):
                self._stages.masker.load()
                masked = self._stages.masker.mask(documents)
            reach("sync.after_mask")
        following = iter(masked)
        for entry, filters, parsed in batch:
            yield entry, filters, parsed if isinstance(parsed, ItemError) else next(following)

    def _commit(self, pieces: Sequence[Piece], embedded: Embedded) -> None:
        """Write a slab. Events come first: nothing becomes visible that was not recorded."""
        outcomes: list[Staging | Refused] = []
        for piece, part in zip(pieces, embedded, strict=True):
            doc_id = piece.entry.doc_id
            if doc_id in self._given_up:
                if piece.last:
                    self._given_up.discard(doc_id)
                continue
            error = part if isinstance(part, ItemError) else piece.error
            if error is not None:
                if piece.staging is not None:
                    self._writer.discard(piece.staging)
                if not piece.last:
                    self._given_up.add(doc_id)
                outcomes.append(Refused(piece.entry, error.code, self._stages.masker.policy))
            elif piece.staging is not None and not isinstance(part, ItemError):
                self._writer.add(piece.staging, piece.chunks, part)
                if piece.last:
                    outcomes.append(piece.staging)
                else:
                    self._writer.stage(piece.staging)
        for outcome in outcomes:
            self._account(outcome)
        reach("sync.before_publish")
        self._writer.publish(outcomes, inside=self._stages.masker.flush)
        self.intake.settle(len(outcomes))
        if self._progress is not None:
            self._progress("sync", self.intake.done, self._expected)

    def _account(self, outcome: Staging | Refused) -> None:
        """Count an outcome and record it."""
        doc_id = outcome.entry.doc_id
        if isinstance(outcome, Refused):
            self._counts["refused"] += 1
            self.tell("doc.quarantined", doc=doc_id, version=outcome.entry.last_version, code=outcome.code)
            return
        policy = outcome.columns["policy"]
        change = "updated" if outcome.entry.answering else "added"
        self._counts[change] += 1
        self._counts["chunks"] += outcome.count
        self._notices.update(outcome.notices)
        self._masked.update(outcome.masked)
        place: dict[str, Any] = {"doc": doc_id, "version": outcome.number}
        self.tell(f"doc.{change}", **place, chunks=outcome.count, policy=policy, notices=dict(outcome.notices))
        if outcome.masked:
            self.tell("pii.masked", **place, entities=dict(outcome.masked), policy=policy)

    def _numbers(self) -> dict[str, Any]:
        return {
            **{name: self._counts[name] for name in ("added", "updated", "chunks")},
            **{name: self.intake.counts[name] for name in ("unchanged", "access_changed", "deleted")},
            "quarantined": self._counts["refused"],
            "ms": round(self._clock.elapsed * 1000),
            "dry_run": self._dry_run,
        }
