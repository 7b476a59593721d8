"""Proving a generation whole, in a process that may die of it.

::

    python -m ragkit.index.probe <generation>      # exit status 0: whole; anything else: condemned

Opening a torn HNSW file can end in SIGSEGV (chroma-core/chroma#7238, hnswlib#47), so no process that serves questions
opens a generation that was not proven: the child checks sizes, proportions and digests, then opens Chroma and tantivy,
counts, and asks for a sample of the generation's own vectors. Its exit status is all that comes back.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ragkit.errors import IndexUnhealthy
from ragkit.index.manifest import Manifest, check_files

_SAMPLE = 200
_LEAST_FOUND = 0.99
_TOLERANCE = 1e-4
"""Two chunks with one text have one vector; a result as near as the asked one counts as found."""

_LEAST_SECONDS = 60.0
_SECONDS_A_ROW = 0.002


def run_child(module: str, arguments: Sequence[str], *, rows: int, seconds_a_row: float = _SECONDS_A_ROW) -> int:
    """Run ``python -m module`` on a generation; return its exit status, 124 when it ran too long."""
    environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False", "PYTHONFAULTHANDLER": "0"}
    environment.pop("RAGKIT_CRASH_POINT", None)
    folder = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, environment.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_LEAST_SECONDS + rows * seconds_a_row,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 124
    return done.returncode


def is_whole(generation: Path, *, rows: int) -> bool:
    """Probe a generation in a child process. A crash or a timeout of the child is a no."""
    return run_child("ragkit.index.probe", [str(generation)], rows=rows) == 0


def probe(generation: Path) -> None:
    """Check everything, in this process. Only for the child: a torn file may end the process.

    Raises:
        IndexUnhealthy: With the first thing that is wrong.
    """
    manifest = Manifest.read(generation)
    check_files(generation, manifest)
    _check_database(generation)
    _check_lexical(generation, manifest)
    _check_dense(generation, manifest)


def _check_database(generation: Path) -> None:
    with sqlite3.connect(generation / "chroma" / "chroma.sqlite3") as database:
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise IndexUnhealthy("Chroma's database fails SQLite's own check")


def _check_lexical(generation: Path, manifest: Manifest) -> None:
    from ragkit.index.lexical import LexicalIndex

    index = LexicalIndex.open(generation / "lexical", language=manifest.fingerprints.language, classes=())
    if len(index) != manifest.chunks:
        raise IndexUnhealthy("the lexical index has another number of chunks")


def _check_dense(generation: Path, manifest: Manifest) -> None:
    import numpy as np

    from ragkit.index.chroma import ChromaIndex, map_vectors

    index = ChromaIndex(generation)
    index.load()
    try:
        if index.count() != manifest.chunks:
            raise IndexUnhealthy("Chroma has another number of rows")
        vectors = map_vectors(generation, manifest.chunks)
        places = np.linspace(0, manifest.chunks - 1, min(_SAMPLE, manifest.chunks)).astype(int)
        ids = index.ids
        found = 0
        for place in places:
            hits = index.query_graph(vectors[place], min(10, manifest.chunks))
            nearest = min((score for _, score in hits), default=-1.0)
            found += any(number == ids[place] for number, _ in hits) or nearest > 1 - _TOLERANCE
        if found < _LEAST_FOUND * len(places):
            raise IndexUnhealthy("the graph does not find its own vectors")
    finally:
        index.close()


def run() -> None:
    """Probe the generation named on the command line; leave no core dump."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    probe(Path(sys.argv[1]))


if __name__ == "__main__":
    run()
