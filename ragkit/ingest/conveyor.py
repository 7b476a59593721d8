"""Chunks to vectors to the store, overlapped: one slab is embedded while the next is cut and the last is committed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragkit.connect.actions import Entry
from ragkit.crashpoints import reach
from ragkit.errors import ChunkTooLong, ItemError, ItemRefused
from ragkit.ingest.report import StageClock
from ragkit.protocols import Embedder
from ragkit.types import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.protocols import Vectors
    from ragkit.store.staging import Staging


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of one item's chunks. ``last`` for the end of the item; ``error`` when it is to be quarantined.

    ``known`` holds, chunk by chunk, the vector that the version before has for the same text, or ``None``.
    """

    entry: Entry
    staging: Staging | None = None
    chunks: Sequence[Chunk] = field(default=(), repr=False)
    known: Sequence[NDArray[np.float32] | None] = field(default=(), repr=False)
    last: bool = True
    error: ItemError | None = None


Embedded = Sequence["Vectors | ItemError"]
Commit = Callable[[Sequence[Piece], Embedded], None]


class Conveyor:
    """Collects pieces into slabs of some hundred chunks; two slabs are under way at the most.

    Pieces are committed in the order in which they were added, by the thread that adds them. Use as a context manager.
    """

    def __init__(self, embedder: Embedder, commit: Commit, *, slab_chunks: int, clock: StageClock) -> None:
        self._embedder = embedder
        self._commit = commit
        self._slab_chunks = slab_chunks
        self._clock = clock
        self._slab: list[Piece] = []
        self._filled = 0
        self._under_way: deque[tuple[list[Piece], Future[Embedded]]] = deque()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ragkit-embed")

    def add(self, piece: Piece) -> None:
        """Put a piece on; a full slab leaves, and the slab before the last one is committed."""
        self._slab.append(piece)
        self._filled += max(1, len(piece.chunks))
        if self._filled >= self._slab_chunks:
            self._send()
            while len(self._under_way) > 1:
                self._receive()

    def drain(self) -> None:
        """Embed and commit everything that was added."""
        if self._slab:
            self._send()
        while self._under_way:
            self._receive()

    def _send(self) -> None:
        slab, self._slab, self._filled = self._slab, [], 0
        self._under_way.append((slab, self._worker.submit(self._embed, slab)))

    def _receive(self) -> None:
        slab, future = self._under_way.popleft()
        embedded = future.result()
        reach("sync.after_embed")
        with self._clock("store"):
            self._commit(slab, embedded)

    def _embed(self, slab: Sequence[Piece]) -> Embedded:
        """Run in the worker thread. One document with a chunk that is too long does not fail the others."""
        reach("sync.before_embed")
        with self._clock("embed"):
            try:
                return self._vectors(slab)
            except ChunkTooLong:
                return [self._vectors_or_error(piece) for piece in slab]

    def _vectors(self, slab: Sequence[Piece]) -> list[Vectors | ItemError]:
        import numpy as np

        known = [vector for piece in slab for vector in piece.known or (None,) * len(piece.chunks)]
        chunks = [chunk for piece in slab for chunk in piece.chunks]
        texts = [chunk.embedded for chunk, vector in zip(chunks, known, strict=True) if vector is None]
        if texts:
            self._embedder.load()
            vectors = self._embedder.embed(texts)
        else:
            vectors = np.empty((0, 0), dtype=np.float32)
        if len(texts) < len(chunks):
            fresh = iter(vectors)
            vectors = np.stack([next(fresh) if vector is None else vector for vector in known])
        parts: list[Vectors | ItemError] = []
        position = 0
        for piece in slab:
            parts.append(vectors[position : position + len(piece.chunks)])
            position += len(piece.chunks)
        return parts

    def _vectors_or_error(self, piece: Piece) -> Vectors | ItemError:
        try:
            return self._vectors([piece])[0]
        except ChunkTooLong:
            return ItemRefused(
                "a chunk has more word pieces than the encoder reads",
                code="chunk-too-long",
                remedy="Lower the chunk size in ragkit.toml.",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)
