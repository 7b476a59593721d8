"""One collection's index, as the retriever sees it: the published generation and the delta, searched as one.

::

    index = CollectionIndex(directory, source, fingerprints)
    index.search_dense(vector, 100, classes)
    index.search_lexical(text, 100, classes)

A question looks at the pointer first, so a newly published generation answers at once, in this process and in every
other. A generation that is torn, or fails while it answers, is condemned: exact search over the record store answers,
and :meth:`CollectionIndex.status` says that a rebuild is due. The asker sees no error.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ragkit.errors import IndexProblem, IndexUnhealthy
from ragkit.index.chroma import ChromaIndex, read_classes
from ragkit.index.delta import ExactVectors, RecentTerms
from ragkit.index.generations import Generations
from ragkit.index.lexical import LexicalIndex, gather_statistics, search_lexical
from ragkit.index.manifest import Fingerprints, another_policy
from ragkit.index.ranking import merge
from ragkit.protocols import IndexSource
from ragkit.types import Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ATTEMPTS = 5
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """How the index stands.

    Attributes:
        generation: Number of the one that answers, 0 for none.
        chunks: Chunks in it, the dead ones included.
        delta: Chunks searched exactly beside it.
        live: Live chunks in the record store.
        healthy: False when a generation is published but condemned.
        needs_rebuild: True when a fold is due, for whatever reason.
    """

    generation: int
    chunks: int
    delta: int
    live: int
    healthy: bool
    needs_rebuild: bool


class _Serving:
    """What answers while the pointer names one generation: its two parts, or none, and the tails after them."""

    def __init__(self, generations: Generations, source: IndexSource, *, number: int, healthy: bool) -> None:
        self.number = number
        self.chunks = 0
        self.chroma: ChromaIndex | None = None
        self.lexical: LexicalIndex | None = None
        self.users = 0
        self.retired = False
        made, after = generations.fingerprints, 0
        if healthy:
            manifest, folder = generations.manifest(number), generations.path(number)
            manifest.require(made)
            self.lexical = LexicalIndex.open(folder / "lexical", language=made.language, classes=read_classes(folder))
            self.chroma = ChromaIndex(folder)
            self.chunks, after = manifest.chunks, manifest.built_through
        elif source.policy not in {"", made.policy}:
            raise another_policy("chunks were masked under another")  # exact search would answer from them
        self.vectors = ExactVectors(source, after=after, dimension=made.dimension)
        self.recent = RecentTerms(source, after=after, language=made.language)

    def lexical_parts(self) -> list[LexicalIndex]:
        self.recent.refresh()
        return [part for part in (self.lexical, self.recent.index) if part is not None]

    def close(self) -> None:
        if self.chroma is not None:
            self.chroma.close()


class CollectionIndex:
    """Implements :class:`ragkit.protocols.CandidateSearch` for one collection. Thread-safe.

    Args:
        directory: The collection's index directory; it need not exist.
        source: The record store, as the index sees it.
        fingerprints: What makes the collection's chunks now, with the stemming language.

    Raises:
        ManifestMismatch: The published generation was made by something else (from any search, or :meth:`load`).
    """

    def __init__(self, directory: Path, source: IndexSource, fingerprints: Fingerprints) -> None:
        self.generations = Generations(directory, source, fingerprints)
        self._source = source
        self._lock = threading.Lock()
        self._state: _Serving | None = None
        self._condemned: set[int] = set()

    def load(self) -> None:
        """Open the generation and read the delta now rather than with the first question."""
        with self._serving() as state:
            if state.chroma is not None:
                state.chroma.load()
            state.vectors.refresh()
            state.recent.refresh()

    def search_dense(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, cosine)``, best first, from these access classes only.

        Raises:
            IndexProblem: The vector has another length than the collection's, or is not finite.
        """
        wanted = self.generations.fingerprints.dimension
        if vector.shape != (wanted,) or not math.isfinite(float(vector.sum())):
            raise IndexProblem(
                f"a question's vector must be {wanted} finite numbers", remedy="Check the encoder: `ragkit doctor`."
            )

        def search(state: _Serving) -> list[tuple[int, float]]:
            state.vectors.refresh()
            recent = state.vectors.search(vector, k, classes, only=only)
            if state.chroma is None:
                return recent
            state.chroma.load()
            return merge([state.chroma.search(vector, k, classes, only=only), recent], k)

        return self._answer(search) if classes and k > 0 else []

    def search_lexical(
        self, text: Masked, k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, BM25)``, best first, from these access classes only."""

        def search(state: _Serving) -> list[tuple[int, float]]:
            parts = state.lexical_parts()
            return search_lexical(parts, text, k, classes, only=only) if parts else []

        return self._answer(search) if classes and k > 0 else []

    def lexical_bound(self, text: Masked) -> float:
        """Return the BM25 score that no chunk can exceed for this question; 0 for an empty index or question."""

        def bound(state: _Serving) -> float:
            parts = state.lexical_parts()
            return gather_statistics(parts, text).bound if parts else 0.0

        return self._answer(bound)

    @property
    def generation(self) -> int:
        """The number of the generation that answers, 0 while exact search does."""
        with self._serving() as state:
            return state.number if state.chroma is not None else 0

    @property
    def through(self) -> int:
        """The last chunk number that was looked at: what the store published after it was not searched."""
        with self._serving() as state:
            return state.recent.through

    def status(self) -> IndexStatus:
        """Say how the index stands."""
        with self._serving() as state:
            state.vectors.refresh(sweep=True)
            healthy = state.number == 0 or state.chroma is not None
            return IndexStatus(
                generation=state.number,
                chunks=state.chunks,
                delta=len(state.vectors),
                live=self._source.count_live(),
                healthy=healthy,
                needs_rebuild=not healthy or self.generations.should_fold(),
            )

    def close(self) -> None:
        """Let the files go. A search that is under way finishes first."""
        with self._lock:
            self._retire(None)

    def _answer(self, search: Callable[[_Serving], _Found]) -> _Found:
        """Search what serves now; when that fails, what serves next, which in the end is the record store itself."""
        for _ in range(_ATTEMPTS):
            with self._serving() as state:
                try:
                    return search(state)
                except IndexUnhealthy:
                    self._give_up(state)
        raise IndexUnhealthy("the index keeps failing", remedy="Run `ragkit doctor`, then `ragkit rebuild`.")

    def _give_up(self, failed: _Serving) -> None:
        """Condemn a generation that failed while it answered, unless a newer one has taken its place and its files."""
        with self._lock:
            if self._state is not failed:
                return
            if failed.number == self._pointer():
                self._condemn(failed.number, "answering")
            self._retire(None)

    @contextmanager
    def _serving(self) -> Iterator[_Serving]:
        state = self._acquire()
        try:
            yield state
        finally:
            with self._lock:
                state.users -= 1
                if state.retired and state.users == 0:
                    state.close()

    def _acquire(self) -> _Serving:
        number = self._pointer()
        with self._lock:
            if self._state is None or self._state.number != number:
                self._retire(self._open())
            state = self._state
            assert state is not None
            state.users += 1
            return state

    def _condemn(self, number: int, reason: str) -> None:
        self._condemned.add(number)  # the mark on disk may be refused, where only reading is allowed
        self.generations.condemn(number, reason)

    def _pointer(self) -> int:
        try:
            return self.generations.current()
        except IndexUnhealthy:
            return 0

    def _open(self) -> _Serving:
        for _ in range(_ATTEMPTS):
            number = self._pointer()
            healthy = number > 0 and number not in self._condemned and self.generations.is_healthy(number)
            try:
                if healthy or self._pointer() == number:
                    return _Serving(self.generations, self._source, number=number, healthy=healthy)
            except IndexUnhealthy:
                if self._pointer() == number:
                    self._condemn(number, "opening")
        return _Serving(self.generations, self._source, number=self._pointer(), healthy=False)

    def _retire(self, following: _Serving | None) -> None:
        """Put another in place of what serves; the old one is closed by its last user. The lock is held."""
        retired, self._state = self._state, following
        if retired is not None:
            retired.retired = True
            if retired.users == 0:
                retired.close()
