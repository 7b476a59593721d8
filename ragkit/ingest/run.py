"""What one run of a sync keeps in its hands, from the source to the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ragkit.connect.actions import Action, Entry
from ragkit.connect.sync import SyncEngine
from ragkit.crashpoints import reach
from ragkit.errors import AuditUnavailable, ChunkTooLong, ItemError, ItemRefused
from ragkit.ingest.conveyor import Conveyor, Embedded, Piece
from ragkit.ingest.intake import Intake
from ragkit.ingest.kept_away import KeptAway
from ragkit.ingest.report import SyncReport
from ragkit.ingest.settings import IngestSettings, Stages
from ragkit.ingest.tally import Tally
from ragkit.protocols import Connector, Progress
from ragkit.store.staging import Refused, Staging
from ragkit.types import Document, MaskedDocument, Trust

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.store.stored import StoredVersion

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
        kind: str = "",
        permissions: bool = False,
    ) -> None:
        self._stages = stages
        self._settings = settings
        self._dry_run = dry_run
        self._progress = progress
        self._expected: int | None = None
        self._given_up: set[str] = set()
        self._kind = kind
        self._permissions = permissions
        self._tally = Tally(
            stages.recorder,
            collection=stages.store.collection,
            source=source,
            dry_run=dry_run,
            actor=settings.actor,
            token_hash=settings.token_hash,
        )
        self._clock = self._tally.clock
        self._state = stages.store.sync_state(source, dry_run=dry_run)
        self._writer = stages.store.writer(source, state=self._state)
        self._away = KeptAway(stages)
        self._state.keeps_name = self._away.keeps_name
        self._state.trust = settings.trust.get(source, Trust.INTERNAL)
        engine = SyncEngine(
            self._state,
            keys=stages.store.collection.keys,
            source=source,
            fingerprint=stages.fingerprint,
            software=metadata.version("ragkit"),
            default_access=settings.access,
            retry_quarantined=settings.retry_quarantined,
            max_delete_share=settings.max_delete_share,
            ageing=settings.ageing,
        )
        actions: Iterator[Action] = engine.permissions(connector) if permissions else engine.actions(connector)
        self.intake = Intake(
            settings.ahead(actions) if settings.ahead is not None else actions,
            state=self._state,
            writer=None if dry_run else self._writer,
            tally=self._tally,
            held=settings.held,
        )

    def start(self) -> None:
        """Note what the run is about, and clear away what an interrupted one left."""
        stages = self._stages
        about: dict[str, Any] = {"connector": self._kind} if self._kind else {}
        about |= {"permissions": True} if self._permissions else {}
        self._tally.tell(
            "ingest.run.started", dry_run=self._dry_run, retry=bool(self._settings.retry_quarantined), **about
        )
        self._expected = self._state.present() or None
        if self._permissions:
            return
        previous = stages.store.policy_in_force()
        self._tally.policy_changed = previous not in {"", stages.masker.policy}
        if self._dry_run:
            return
        stages.store.sweep()
        if self._tally.policy_changed:
            changed = {"collection": stages.store.collection.name, "previous": previous, "policy": stages.masker.policy}
            stages.recorder.record("policy.changed", data=changed)
        stages.store.set_fingerprints(
            policy=stages.masker.policy, encoder=stages.embedder.fingerprint, chunker=stages.chunker.fingerprint
        )
        reach("sync.started")

    def count_only(self) -> None:
        """Go through a segment of a dry run."""
        for _item in self.intake.segment():
            entry = self.intake.take_entry()
            self._expect(entry)
            self.intake.settle(1)

    def preview(self) -> None:
        """Go through a segment of a dry run that masks: everything short of storing, and nothing is stored."""
        for entry, filters, outcome in self.masked():
            for _piece in self.cut(entry, filters, outcome):
                continue
            self._expect(entry)
            self.intake.settle(1)
            if self._progress is not None:
                self._progress("mask", self.intake.done, self._expected)

    def _expect(self, entry: Entry) -> None:
        """Count what an item would be tried as, and remember that the dry run has met it."""
        self._tally.expect(entry)
        self._state.foresee(entry.doc_id, entry.alike)

    def conveyor(self) -> Conveyor:
        """Make the way from chunks to the store."""
        return Conveyor(
            self._stages.embedder, self._commit, slab_chunks=self._settings.limits.slab_chunks, clock=self._clock
        )

    def masked(self) -> Iterator[_Outcome]:
        """Parse and mask a segment; documents are masked some at a time, in order."""
        batch: list[_Parsed] = []
        characters = 0
        for parsed in self._parsed():
            batch.append(parsed)
            characters += len(parsed[2].text) if isinstance(parsed[2], Document) else 0
            if (
                len(batch) >= self._settings.limits.mask_documents
                or characters >= self._settings.limits.mask_characters
            ):
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
        stored = self._stages.store.stored(entry.doc_id) if entry.answering else None
        copied = self._stages.store.stored(entry.alike) if entry.alike else None
        watch = self._settings.watch
        if isinstance(outcome, ItemError):
            if watch is not None:
                watch.refused(entry, outcome.code, stored)
            yield Piece(entry=entry, error=outcome)
            return
        if watch is not None:
            watch.masked(entry, outcome, chunks, stored)
        encoder = self._stages.embedder.fingerprint
        vectors = known_vectors(stored or copied, encoder)
        staging = self._writer.begin(entry, outcome, encoder=encoder, filters=filters)
        size = self._settings.limits.slab_chunks
        for start in range(0, len(chunks), size):
            end = start + size
            some = chunks[start:end]
            known = [vectors.get(chunk.embedded) for chunk in some] if vectors else ()
            yield Piece(entry=entry, staging=staging, chunks=some, known=known, last=end >= len(chunks))

    def fail(self, bad: BaseException) -> None:
        """Forget tokens that were not stored, and record how the run ended."""
        self._stages.masker.discard()
        with suppress(AuditUnavailable):  # the run fails anyway, and its first cause is the one to show
            self._tally.tell_failure(bad)

    def finish(self) -> SyncReport:
        """Record the end and sum the run up."""
        self._tally.tell_end()
        return self._tally.report(self._state.quarantined())

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
            outcome = parsed if isinstance(parsed, ItemError) else next(following)
            yield entry, filters, self._away.judged(entry, outcome)

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
                kept = self._settings.held is not None and bool(self._settings.held([doc_id]))
                outcomes.append(Refused(piece.entry, error.code, self._stages.masker.policy, kept))
            elif piece.staging is not None and not isinstance(part, ItemError):
                self._writer.add(piece.staging, piece.chunks, part)
                if piece.last:
                    outcomes.append(piece.staging)
                else:
                    self._writer.stage(piece.staging)
        for outcome in outcomes:
            self._tally.account(outcome)
        reach("sync.before_publish")
        self._writer.publish(outcomes, inside=self._stages.masker.flush)
        self.intake.settle(len(outcomes))
        if self._progress is not None:
            self._progress("sync", self.intake.done, self._expected)


def known_vectors(stored: StoredVersion | None, encoder: str) -> dict[str, NDArray[np.float32]]:
    """The vectors that a version's texts have already, by text; none when another encoder made them."""
    if stored is None or stored.encoder != encoder:
        return {}
    return {chunk.embedded: vector for chunk, vector in zip(stored.chunks, stored.vectors)}
