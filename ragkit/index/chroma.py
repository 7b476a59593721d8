"""Dense search by Chroma, embedded: the only module that imports chromadb.

::

    python -m ragkit.index.chroma <generation>      # builds <generation>/chroma from its rows and vectors, in a child
    index = ChromaIndex(generation)
    index.load()
    ranked = index.search(vector, 100, {"class of the sales group"})

Chroma gets decimal chunk ids, vectors and ``{"a": access_class}``: no documents, no embedding function, no telemetry,
and never its server (CVE-2026-45829). The graph is written once, by a process that ends afterwards, with the last batch
sized so that Chroma persists the whole graph: then nothing is replayed at open, and opening changes no graph file.

Access is not filtered by Chroma's ``where``, which took 15 to 60 ms over 20,000 rows and grows with the rows allowed.
Where a principal may see everything, no filter is needed; where most, more candidates are taken and the others dropped;
where few, the rows allowed are compared exactly. A small collection is always compared exactly: that is as fast as the
graph, misses nothing, and spares a first question the 0.4 s of importing chromadb.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.errors import IndexUnhealthy
from ragkit.index.ranking import top_k

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLLECTION = "chunks"
_FOLDER = "chroma"

EF_CONSTRUCTION, MAX_NEIGHBOURS, EF_SEARCH = 200, 32, 200
"""Recall@10 against exact search .9995 on 40,000 vectors of real text, near-duplicates among them (.995 with 16
neighbours); 1.6 ms a question for 100 candidates; 0.6 ms a vector to build, on 2 cores."""

_BATCH = 2_000
_PERSIST_EVERY = 10_000
_WIDEST = 2_000
"""Most candidates asked of the graph at once; 4 ms at 1,000."""

_FEW_ROWS = 10_000
"""So many permitted rows are compared exactly: 1 ms, once their vectors are in memory."""

_CACHED_SETS = 4
_SQLITE = b"SQLite format 3\0"
"""How such a file begins (https://www.sqlite.org/fileformat.html). Chroma rewrites its own, so it has no digest."""


def version() -> str:
    """Return chromadb's version without importing it."""
    from importlib.metadata import version as installed

    return installed("chromadb")


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    # `_env_file=None`: Chroma's settings would otherwise read a `.env` file of the current directory.
    settings = Settings(_env_file=None, anonymized_telemetry=False, is_persistent=True, allow_reset=False)
    return chromadb.PersistentClient(str(folder), settings=settings)


def read_rows(generation: Path) -> NDArray[np.void]:
    """Read ``rows.npy``: fields ``id`` (int64) and ``code`` (int32, position in ``classes.json``)."""
    import numpy as np

    rows: NDArray[np.void] = np.load(generation / "rows.npy", allow_pickle=False)
    return rows


def read_classes(generation: Path) -> tuple[str, ...]:
    """Read ``classes.json``: the access classes, by code."""
    return tuple(json.loads((generation / "classes.json").read_text(encoding="utf-8")))


def map_vectors(generation: Path, rows: int) -> NDArray[np.float32]:
    """Map ``vectors.f32``, shape (rows, dimension), without reading it."""
    import numpy as np

    flat = np.memmap(generation / "vectors.f32", dtype=np.float32, mode="r")
    return flat.reshape(rows, -1)


def _rounds(rows: int) -> list[int]:
    """Cut the rows into rounds of nearly one size; Chroma persists the graph at the end of each.

    It does so at the end of the batch with which the rows since the last time reach ``sync_threshold``. With the
    threshold at the smaller size, every round ends persisted, and so does the last.
    """
    count = max(1, -(-rows // _PERSIST_EVERY))
    return [rows * (place + 1) // count - rows * place // count for place in range(count)]


def _batches(rounds: list[int], largest: int) -> Iterator[tuple[int, int]]:
    """Cut each round into equal batches: before a very short last one, the threshold would be reached too early."""
    start = 0
    for size in rounds:
        parts = -(-size // min(_BATCH, largest))
        for part in range(parts):
            yield start + size * part // parts, start + size * (part + 1) // parts
        start += size


def build(generation: Path) -> int:
    """Write ``<generation>/chroma`` from ``rows.npy`` and ``vectors.f32``; return the number of rows."""
    rows, names = read_rows(generation), read_classes(generation)
    vectors, rounds = map_vectors(generation, len(rows)), _rounds(len(rows))
    client = _client(generation / _FOLDER)
    try:
        graph = {
            "space": "cosine",
            "ef_construction": EF_CONSTRUCTION,
            "max_neighbors": MAX_NEIGHBOURS,
            "ef_search": EF_SEARCH,
            "batch_size": min(100, len(rows)),
            "sync_threshold": min(rounds),
        }
        collection = client.create_collection(COLLECTION, embedding_function=None, configuration={"hnsw": graph})
        for start, end in _batches(rounds, client.get_max_batch_size()):
            collection.add(
                ids=[str(number) for number in rows["id"][start:end]],
                embeddings=vectors[start:end],
                metadatas=[{"a": names[code]} for code in rows["code"][start:end]],
            )
        return int(collection.count())
    finally:
        client.close()


class ChromaIndex:
    """The dense part of one generation, for reading. Thread-safe after :meth:`load`.

    Args:
        generation: The generation's directory, proven whole.

    Raises:
        IndexUnhealthy: Chroma or a file refuses; the caller condemns the generation and searches exactly.
    """

    def __init__(self, generation: Path) -> None:
        self._generation = generation
        self._classes: tuple[str, ...] = ()
        self._client: Any = None
        self._collection: Any = None
        self._loaded = False
        self._cached: dict[bytes, tuple[NDArray[np.int64], NDArray[np.float32]]] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Map the vectors, and open the graph if it will be asked; does nothing the second time."""
        import numpy as np

        with self._lock:
            if self._loaded:
                return
            try:
                rows, self._classes = read_rows(self._generation), read_classes(self._generation)
                self._ids: NDArray[np.int64] = rows["id"].copy()
                self._codes: NDArray[np.int32] = rows["code"].copy()
                self._vectors = map_vectors(self._generation, len(rows))
                self._sizes = np.bincount(self._codes, minlength=len(self._classes))
                with (self._generation / _FOLDER / "chroma.sqlite3").open("rb") as file:
                    if file.read(len(_SQLITE)) != _SQLITE:
                        raise ValueError("no database")
            except Exception as bad:  # a torn file shows in many ways
                raise IndexUnhealthy("the generation cannot be opened", remedy="Run `ragkit rebuild`.") from bad
            self._loaded = True
        if len(rows) > _FEW_ROWS:
            self._graph()

    def _graph(self) -> Any:
        """Open the graph, once."""
        with self._lock:
            if self._client is None:
                try:
                    client = _client(self._generation / _FOLDER)
                    self._collection = client.get_collection(COLLECTION, embedding_function=None)
                    self._client = client
                except Exception as bad:  # Chroma raises its own kinds and its binding's
                    raise IndexUnhealthy("Chroma cannot open the generation", remedy="Run `ragkit rebuild`.") from bad
            return self._collection

    @property
    def ids(self) -> NDArray[np.int64]:
        """Chunk ids in row order, ascending."""
        return self._ids

    def count(self) -> int:
        """Return Chroma's own count of rows."""
        return int(self._graph().count())

    def search(
        self,
        vector: NDArray[np.float32],
        k: int,
        classes: Collection[str] | None = None,
        *,
        only: Collection[int] | None = None,
    ) -> list[tuple[int, float]]:
        """Return ``(chunk_id, cosine)``, best first. ``classes`` and ``only`` do not filter when ``None``."""
        try:
            return self._search(vector, k, classes, only)
        except Exception as bad:
            raise IndexUnhealthy("Chroma failed to answer", remedy="Run `ragkit rebuild`.") from bad

    def _search(
        self, vector: NDArray[np.float32], k: int, classes: Collection[str] | None, only: Collection[int] | None
    ) -> list[tuple[int, float]]:
        import numpy as np

        permitted = np.array([classes is None or name in classes for name in self._classes], dtype=bool)
        if only is not None:
            places = np.flatnonzero(permitted[self._codes] & np.isin(self._ids, np.fromiter(only, dtype=np.int64)))
            return top_k(self._vectors[places] @ vector, self._ids[places], k)
        total, allowed = len(self._ids), int(self._sizes[permitted].sum())
        k = min(k, allowed)
        if k == 0:
            return []
        width = k if allowed == total else min(total, int(k * total / allowed * 1.5) + 50)
        if width > _WIDEST or allowed <= _FEW_ROWS:
            return self._exact(vector, k, permitted)
        found = self.query_graph(vector, width)
        if allowed < total:
            places = np.searchsorted(self._ids, [number for number, _ in found])
            found = [hit for hit, place in zip(found, places) if permitted[self._codes[place]]]
        return found[:k] if len(found) >= k else self._exact(vector, k, permitted)

    def query_graph(self, vector: NDArray[np.float32], k: int) -> list[tuple[int, float]]:
        """Ask Chroma's graph alone, over all classes; what the probe tests, without exact search to cover for it."""
        answer = self._graph().query(query_embeddings=[vector], n_results=k, include=["distances"])
        return [(int(name), 1.0 - distance) for name, distance in zip(answer["ids"][0], answer["distances"][0])]

    def _exact(self, vector: NDArray[np.float32], k: int, permitted: NDArray[np.bool_]) -> list[tuple[int, float]]:
        """Compare with every row of the permitted classes. Small sets stay in memory for the next question."""
        import numpy as np

        if permitted.all():
            return top_k(self._vectors @ vector, self._ids, k)
        key = permitted.tobytes()
        cached = self._cached.get(key)
        if cached is None:
            places = np.flatnonzero(permitted[self._codes])
            cached = (self._ids[places], self._vectors[places])
            if len(places) <= _FEW_ROWS:
                with self._lock:
                    while len(self._cached) >= _CACHED_SETS:
                        self._cached.pop(next(iter(self._cached)))
                    self._cached[key] = cached
        return top_k(cached[1] @ vector, cached[0], k)

    def close(self) -> None:
        """Let Chroma's handles go. Safe to call twice."""
        with self._lock:
            client, self._client = self._client, None
            self._collection, self._loaded = None, False
        if client is not None:
            client.close()


def run() -> None:
    """Build the generation named on the command line; leave no core dump, and nothing that others can read."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    build(Path(sys.argv[1]))


if __name__ == "__main__":
    run()
