"""Change or remove masked values in stored documents, without their sources.

::

    report = rewrite(store, embedder, vault, doc_ids, replace, recorder=…)

Of each document a new version is published, like those of a sync: staged, then swapped in a short transaction, old
version answering until then. Only chunks whose index view became another are embedded; the others keep their vectors.
A document in which there is nothing to replace stays as it is, so that a run that was killed is simply started again.

A replacement may be longer than what it replaces, so that a chunk outgrows the encoder's window. Nothing is cut off
silently: first the context before the body gives way, whole words from its end; where the body alone is too long, it is
embedded in as many parts as it takes, and the chunk's vector is the mean of theirs, as unit vector.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.crashpoints import reach
from ragkit.lifecycle.rewriting import Replace
from ragkit.lifecycle.rewriting_clear import Find
from ragkit.lifecycle.rewriting_document import Maker, Refilter, Rewritten
from ragkit.lifecycle.rewriting_window import Window
from ragkit.mask.vault import Vault
from ragkit.protocols import Embedder, Progress, Recorder
from ragkit.store.republish import Republisher

if TYPE_CHECKING:
    from ragkit.protocols import Vectors
    from ragkit.store.records import RecordStore

_SLAB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteReport:
    """What was rewritten, in counts and ids.

    Attributes:
        documents: Ids of the documents that have a new version.
        replaced: Places of the versions that answered before, as ``<document id>/<number>``.
        unchanged: Documents that hold nothing to replace, or do not answer.
        chunks: Chunks of the new versions.
        embedded: Of these, chunks embedded again.
        parted: Of these, chunks embedded in parts, being too long for the encoder now.
        spans: Spans replaced in bodies, by entity type.
        unaligned: Titles, names or metadata whose index view was made anew from the record view.
    """

    documents: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: int = 0
    chunks: int = 0
    embedded: int = 0
    parted: int = 0
    spans: Mapping[str, int] = field(default_factory=dict)
    unaligned: int = 0


def rewrite(
    store: RecordStore,
    embedder: Embedder,
    vault: Vault,
    doc_ids: Collection[str],
    replace: Replace,
    *,
    recorder: Recorder,
    surrogates: Mapping[str, str] | None = None,
    refilter: Refilter | None = None,
    find: Find | None = None,
    beside: Collection[str] = (),
    inside: Callable[[], None] | None = None,
    request: str | None = None,
    progress: Progress | None = None,
) -> RewriteReport:
    """Replace masked values in every view of these documents; the workspace's write lock is held.

    Args:
        store: The record store, open for writing.
        embedder: Embeds the chunks whose index view became another.
        vault: Tells the numbers of the values that stay.
        doc_ids: Which documents.
        replace: What comes in the place of a token, by entity type and token id; ``None`` leaves it.
        recorder: Gets a ``doc.rewritten`` for each document, before it becomes visible.
        surrogates: What comes in the place of surrogates that stand in contexts only; those of the documents are known.
        refilter: The clear value of a rewritten metadata field. Without, a filter on such a field is dropped.
        find: What is to be redacted though it stands in clear.
        beside: Ids of tokens; where given, only what stands beside one of them, in one table row or paragraph, goes.
        inside: Called in each transaction before its documents, such as to insert the vault rows that they need.
        request: Joins the events with the others of a request.
        progress: Called with ``"rewrite"``.

    Raises:
        KeyMismatch: A document cannot be opened any more.
        StoreError, ModelError, AuditUnavailable: What is committed stays; run it again.
    """
    window = Window(embedder)
    maker = Maker(store, vault, window, replace, surrogates=surrogates, refilter=refilter, find=find, beside=beside)
    run = _Run(store, embedder, window, recorder, inside, request)
    every, done = list(doc_ids), 0
    while done < len(every):
        waiting: list[Rewritten] = []
        with store.database.read():  # one snapshot and one connection for all of a slab
            while done < len(every) and sum(max(1, len(one.stale)) for one in waiting) < _SLAB:
                one = maker.make(every[done])
                done += 1
                if one is None:
                    run.unchanged += 1
                else:
                    waiting.append(one)
        run.publish(waiting)
        if progress:
            progress("rewrite", done, len(every))
    return run.report()


class _Run:
    """One call of :func:`rewrite`: from new versions in memory to the store."""

    def __init__(
        self,
        store: RecordStore,
        embedder: Embedder,
        window: Window,
        recorder: Recorder,
        inside: Callable[[], None] | None,
        request: str | None,
    ) -> None:
        self._store, self._embedder, self._window = store, embedder, window
        self._recorder, self._inside, self._request = recorder, inside or _nothing, request
        self._writer = Republisher(store.database, store.collection)
        self._documents: list[str] = []
        self._places: list[str] = []
        self._spans: Counter[str] = Counter()
        self._chunks = self._unaligned = 0
        self.unchanged = 0

    def publish(self, some: Sequence[Rewritten]) -> None:
        """Embed what must be, and make the new versions current. Events come first."""
        if not some:
            return
        reach("rewrite.before_embed")
        vectors = self._vectors(some)
        stagings = []
        for one, matrix in zip(some, vectors):
            staging = self._writer.begin(
                one.stored.entry, one.document, encoder=self._embedder.fingerprint, filters=one.filters
            )
            self._writer.add(staging, one.chunks, matrix)
            stagings.append(staging)
            self._tell(one)
        reach("rewrite.before_publish")
        self._writer.publish(stagings, inside=self._inside)
        reach("rewrite.after_publish")

    def report(self) -> RewriteReport:
        """What was done."""
        return RewriteReport(
            documents=tuple(self._documents),
            replaced=tuple(self._places),
            unchanged=self.unchanged,
            chunks=self._chunks,
            embedded=self._window.embedded,
            parted=self._window.parted,
            spans=dict(self._spans),
            unaligned=self._unaligned,
        )

    def _vectors(self, some: Sequence[Rewritten]) -> Iterator[Vectors]:
        """A matrix for each document: the vectors of before where a text is the same, new ones for the rest."""
        import numpy as np

        encoder = self._embedder.fingerprint
        stale = [one.stale if one.stored.version.encoder == encoder else range(len(one.chunks)) for one in some]
        texts = [one.chunks[at].embedded for one, places in zip(some, stale) for at in places]
        fresh = iter(self._window.embed(texts))
        for one, places in zip(some, stale):
            rows = list(one.stored.version.vectors)
            for at in places:
                rows[at] = next(fresh)
            yield np.stack(rows) if rows else np.empty((0, self._embedder.dimension), dtype=np.float32)

    def _tell(self, one: Rewritten) -> None:
        entry = one.stored.entry
        embedded = len(one.stale)
        self._recorder.record(
            "doc.rewritten",
            request=self._request,
            data={
                "collection": self._store.collection.name,
                "doc": entry.doc_id,
                "version": entry.last_version + 1,
                "chunks": len(one.chunks),
                "embedded": embedded,
                "spans": sum(one.spans.values()),
                "unaligned": one.unaligned,
                "policy": one.document.policy,
            },
        )
        self._documents.append(entry.doc_id)
        self._places.append(f"{entry.doc_id}/{one.stored.number}")
        self._spans.update(one.spans)
        self._chunks += len(one.chunks)
        self._unaligned += one.unaligned


def _nothing() -> None:
    """No vault rows to insert."""
