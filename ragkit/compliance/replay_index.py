"""The index of a collection as it was at a moment: the generation that answered then, and the delta beside it.

::

    built = PastGeneration.of(rows, number=3, at=then, through=900, dimension=384, language="en")
    past = PastIndex(rows, built, dimension=384, language="en")
    past.look(moment)                                   # as the process did then, with each question
    past.search_lexical(question, 100, classes)

It implements :class:`ragkit.protocols.CandidateSearch`, so that the retriever itself searches in it. The lexical
statistics are those of the chunks that were in the generation when it was built, dead ones included, and of the delta
as the answering process had read it; the scores of BM25 depend on both. Vectors are compared one by one: where the
graph of a large generation had missed a chunk, it is found here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.index.delta import ExactVectors, RecentTerms
from ragkit.index.lexical import LexicalIndex, gather_statistics, search_lexical
from ragkit.index.ranking import merge, top_k
from ragkit.types import Masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PastRow:
    """One chunk that was live for a while (:class:`ragkit.protocols.IndexRow`).

    Attributes:
        place: Its document and the version.
        access_class: Of its document while it was live; a change of permissions gives a chunk another number.
        vector: Unit vector, float32.
        text: What was embedded and indexed.
        valid_from: When it was published.
        valid_to: When it was replaced or removed; ``None`` while it answers.
    """

    chunk_id: int
    place: tuple[str, int]
    access_class: str
    valid_from: datetime
    valid_to: datetime | None
    vector: NDArray[np.float32] = field(repr=False)
    text: Masked = field(default=Masked(""), repr=False)

    def lived(self, at: datetime) -> bool:
        """Whether it was live at a moment."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


class PastSource:
    """The record store as the index saw it at :attr:`at`, which can be moved (:class:`ragkit.protocols.IndexSource`).

    Args:
        rows: All that were live at some time that matters, in order of their numbers.
        at: The moment.
    """

    policy = ""

    def __init__(self, rows: Sequence[PastRow], at: datetime) -> None:
        self.at = at
        self._rows = list(rows)
        self._by_id = {row.chunk_id: row for row in rows}
        self._numbers = [row.chunk_id for row in rows]
        published = sorted((row.valid_from, row.chunk_id) for row in rows)
        self._times = [when for when, _ in published]
        self._highest = list(accumulate((number for _, number in published), max))

    def last_chunk_id(self) -> int:
        """Return the highest number given by then."""
        place = bisect_right(self._times, self.at)
        return self._highest[place - 1] if place else 0

    def rows(self, *, after: int = 0, through: int | None = None, with_text: bool = True) -> Iterator[PastRow]:  # noqa: ARG002
        """Give the rows live then with ``after < chunk_id <= through``, in order."""
        end = len(self._rows) if through is None else bisect_right(self._numbers, through)
        return (row for row in self._rows[bisect_right(self._numbers, after) : end] if row.lived(self.at))

    def live(self, chunk_ids: Collection[int]) -> set[int]:
        """Return which of these chunks were live then."""
        return {number for number in chunk_ids if number in self._by_id and self._by_id[number].lived(self.at)}

    def count_live(self) -> int:
        """Count the chunks live then."""
        return sum(row.lived(self.at) for row in self._rows)


class PastGeneration:
    """A generation as it was built: its rows in the order of its files, so that sums are the same to the last bit.

    Args:
        number: Its own.
        through: The last chunk number it can hold.
        ids: Chunk numbers, ascending.
        codes: Place in ``classes`` of each row's access class.
        classes: The access classes.
        vectors: Shape (rows, dimension), float32.
        lexical: Its BM25 index.
    """

    def __init__(
        self,
        number: int,
        through: int,
        *,
        ids: NDArray[np.int64],
        codes: NDArray[np.int32],
        classes: Sequence[str],
        vectors: NDArray[np.float32],
        lexical: LexicalIndex,
    ) -> None:
        self.number = number
        self.through = through
        self.lexical = lexical
        self._ids = ids
        self._codes = codes
        self._classes = tuple(classes)
        self._vectors = vectors

    @classmethod
    def of(
        cls, rows: Sequence[PastRow], *, number: int, at: datetime, through: int, dimension: int, language: str
    ) -> PastGeneration:
        """Build it again from what was live when it was built, as :class:`PastSource` takes the rows."""
        import numpy as np

        mine = [row for row in rows if row.chunk_id <= through and row.lived(at)]
        codes: dict[str, int] = {}
        coded = np.array([codes.setdefault(row.access_class, len(codes)) for row in mine], dtype=np.int32)
        vectors = np.empty((len(mine), dimension), dtype=np.float32)
        for place, row in enumerate(mine):
            vectors[place] = row.vector
        lexical = LexicalIndex.create(None, language=language)
        lexical.add((row.chunk_id, row.access_class, row.text) for row in mine)
        ids = np.array([row.chunk_id for row in mine], dtype=np.int64)
        return cls(number, through, ids=ids, codes=coded, classes=list(codes), vectors=vectors, lexical=lexical)

    @classmethod
    def on_disk(cls, folder: Path, *, through: int, language: str) -> PastGeneration:
        """Open it where it still is.

        Raises:
            IndexUnhealthy: It cannot be opened.
        """
        from ragkit.errors import IndexUnhealthy
        from ragkit.index.chroma import map_vectors, read_classes, read_rows

        try:
            rows, classes = read_rows(folder), read_classes(folder)
            vectors = map_vectors(folder, len(rows))
        except (OSError, ValueError) as bad:
            raise IndexUnhealthy("the generation cannot be opened", remedy="Run `ragkit rebuild`.") from bad
        return cls(
            int(folder.name),
            through,
            ids=rows["id"].copy(),
            codes=rows["code"].copy(),
            classes=classes,
            vectors=vectors,
            lexical=LexicalIndex.open(folder / "lexical", language=language, classes=classes),
        )

    def __len__(self) -> int:
        return len(self._ids)

    def search(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, cosine)``, best first, from these access classes, comparing with every row."""
        import numpy as np

        permitted = np.array([name in classes for name in self._classes], dtype=bool)
        if only is None and permitted.all():
            return top_k(self._vectors @ vector, self._ids, k)
        kept = permitted[self._codes]
        if only is not None:
            kept &= np.isin(self._ids, np.fromiter(only, dtype=np.int64))
        places = np.flatnonzero(kept)
        return top_k(self._vectors[places] @ vector, self._ids[places], k)


class PastIndex:
    """Rankers over what was there then.

    Args:
        rows: As for :class:`PastSource`.
        generation: What answered; ``None`` where exact search over the record store did.
        dimension: Length of the vectors.
        language: Stemming language of then.
    """

    def __init__(
        self, rows: Sequence[PastRow], generation: PastGeneration | None, *, dimension: int, language: str
    ) -> None:
        self.generation = generation.number if generation else 0
        self._built = generation
        after = generation.through if generation else 0
        self._source = PastSource(rows, datetime.min.replace(tzinfo=UTC))
        self._vectors = ExactVectors(self._source, after=after, dimension=dimension)
        self._recent = RecentTerms(self._source, after=after, language=language)

    def look(self, at: datetime) -> None:
        """Look for what is new, as a process does with each question; not before the time it looked last."""
        self._source.at = at
        self._vectors.refresh()
        self._recent.refresh()

    @property
    def through(self) -> int:
        """The last chunk number that was looked at."""
        return self._recent.through

    def search_dense(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, cosine)``, best first, from these access classes only."""
        if not classes or k <= 0:
            return []
        recent = self._vectors.search(vector, k, classes, only=only)
        return merge([self._built.search(vector, k, classes, only=only), recent], k) if self._built else recent

    def search_lexical(
        self, text: Masked, k: int, classes: Collection[str], *, only: Collection[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, BM25)``, best first, from these access classes only."""
        parts = self._parts()
        return search_lexical(parts, text, k, classes, only=only) if parts and classes and k > 0 else []

    def lexical_bound(self, text: Masked) -> float:
        """Return the BM25 score that no chunk could exceed."""
        parts = self._parts()
        return gather_statistics(parts, text).bound if parts else 0.0

    def _parts(self) -> list[LexicalIndex]:
        parts = (self._built.lexical if self._built else None, self._recent.index)
        return [part for part in parts if part is not None]
