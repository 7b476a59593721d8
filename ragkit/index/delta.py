"""What the current generation does not hold: the chunks after it, searched exactly from memory.

Both parts read the record store from a chunk id onwards, on the first question and again whenever the store has new
chunks, so that questions are answered while a sync runs. With no healthy generation they start at 0 and hold
everything: exact search over 90,000 × 384 takes some 10 ms. Rows that died are dropped as the parts grow; until then
the caller's re-check in the record store drops them.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

from ragkit.index.lexical import LexicalIndex
from ragkit.index.ranking import top_k
from ragkit.protocols import IndexRow, IndexSource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SWEEP_SHARE = 0.1
_SWEEP_ROWS = 256
_FIRST_CAPACITY = 1_024


class _Follower:
    """Follows the record store from one chunk id onwards; knows which rows it holds and when to look for dead ones."""

    def __init__(self, source: IndexSource, after: int, *, with_text: bool) -> None:
        self._source = source
        self._with_text = with_text
        self.through = after
        self._ids: set[int] = set()
        self._unswept = 0

    def is_behind(self) -> bool:
        """Say whether the store has chunks that were not taken in yet."""
        return self._source.last_chunk_id() > self.through

    def new_rows(self) -> list[IndexRow]:
        """Read what came since the last time."""
        last = self._source.last_chunk_id()
        rows = list(self._source.rows(after=self.through, through=last, with_text=self._with_text))
        self.through = last
        self._ids.update(row.chunk_id for row in rows)
        self._unswept += len(rows)
        return rows

    def dead_rows(self, *, now: bool = False) -> set[int]:
        """Ask the store which rows died, once enough came in since it was last asked, or ``now``."""
        if not now and self._unswept <= max(_SWEEP_ROWS, _SWEEP_SHARE * len(self._ids)):
            return set()
        self._unswept = 0
        dead = self._ids - self._source.live(self._ids)
        self._ids -= dead
        return dead

    def __len__(self) -> int:
        return len(self._ids)


class ExactVectors:
    """Dense search by comparing with every vector after a chunk id.

    Readers see one consistent snapshot; growing the matrix is amortised by doubling.
    """

    def __init__(self, source: IndexSource, *, after: int, dimension: int) -> None:
        self._rows = _Follower(source, after, with_text=False)
        self._dimension = dimension
        self._classes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._matrix: NDArray[np.float32] | None = None
        self._ids: NDArray[np.int64]
        self._codes: NDArray[np.int32]
        self._used = 0

    def __len__(self) -> int:
        return len(self._rows)

    def refresh(self, *, sweep: bool = False) -> None:
        """Take in new rows and drop dead ones; costs one look at the store's last id when nothing is new."""
        if not sweep and not self._rows.is_behind():
            return
        with self._lock:
            self._append(self._rows.new_rows())
            dead = self._rows.dead_rows(now=sweep)
            if dead:
                self._drop(dead)

    def _append(self, rows: list[IndexRow]) -> None:
        import numpy as np

        if not rows:
            return
        self._reserve(self._used + len(rows))
        assert self._matrix is not None
        end = self._used + len(rows)
        self._matrix[self._used : end] = np.stack([row.vector for row in rows])
        self._ids[self._used : end] = [row.chunk_id for row in rows]
        self._codes[self._used : end] = [self._classes.setdefault(row.access_class, len(self._classes)) for row in rows]
        self._used = end

    def _reserve(self, rows: int) -> None:
        import numpy as np

        if self._matrix is not None and rows <= len(self._matrix):
            return
        capacity = max(_FIRST_CAPACITY, rows, 0 if self._matrix is None else 2 * len(self._matrix))
        matrix = np.empty((capacity, self._dimension), dtype=np.float32)
        ids, codes = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int32)
        if self._matrix is not None:
            matrix[: self._used] = self._matrix[: self._used]
            ids[: self._used], codes[: self._used] = self._ids[: self._used], self._codes[: self._used]
        self._matrix, self._ids, self._codes = matrix, ids, codes

    def _drop(self, dead: set[int]) -> None:
        import numpy as np

        assert self._matrix is not None
        kept = ~np.isin(self._ids[: self._used], np.fromiter(dead, dtype=np.int64))
        # Fancy indexing copies, so a reader's snapshot stays as it was.
        self._matrix, self._ids = self._matrix[: self._used][kept], self._ids[: self._used][kept]
        self._codes, self._used = self._codes[: self._used][kept], int(kept.sum())

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        classes: Collection[str] | None = None,
        *,
        only: Collection[int] | None = None,
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, cosine)``, best first. ``classes`` and ``only`` do not filter when ``None``."""
        import numpy as np

        with self._lock:
            if self._matrix is None or not self._used:
                return []
            matrix, ids, codes = self._matrix[: self._used], self._ids[: self._used], self._codes[: self._used]
            allowed = [code for name, code in self._classes.items() if classes is None or name in classes]
            everything = len(allowed) == len(self._classes)
        if everything and only is None:
            return top_k(matrix @ vector, ids, k)
        kept = np.isin(codes, allowed)
        if only is not None:
            kept &= np.isin(ids, np.fromiter(only, dtype=np.int64))
        return top_k((matrix @ vector)[kept], ids[kept], k)


class RecentTerms:
    """Lexical search over the texts after a chunk id: a tantivy index in memory, made on first need."""

    def __init__(self, source: IndexSource, *, after: int, language: str) -> None:
        self._rows = _Follower(source, after, with_text=True)
        self._language = language
        self._lock = threading.Lock()
        self._index: LexicalIndex | None = None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def through(self) -> int:
        """The last chunk number that was looked at."""
        return self._rows.through

    @property
    def index(self) -> LexicalIndex | None:
        """The index in memory, or ``None`` while there is nothing in it."""
        return self._index

    def refresh(self, *, sweep: bool = False) -> None:
        """Take in new rows and drop dead ones; costs one look at the store's last id when nothing is new."""
        if not sweep and not self._rows.is_behind():
            return
        with self._lock:
            rows = self._rows.new_rows()
            if rows:
                index = self._index or LexicalIndex.create(None, language=self._language)
                index.add((row.chunk_id, row.access_class, row.text) for row in rows)
                self._index = index
            dead = self._rows.dead_rows(now=sweep)
            if dead and self._index is not None:
                self._index.remove(dead)
