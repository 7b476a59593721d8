"""The generations of one collection's index: built whole, proven, published by one rename, never modified.

::

    generations = Generations(directory, source, fingerprints)
    if generations.should_fold():
        report = generations.fold()

``<directory>/current`` names the generation that answers. A new one is written under ``<n>.building``, renamed to
``<n>``, probed in a child process, and only then named by ``current``; the old one is deleted after that. Numbers are
never used again, since Chroma keeps what it opened by path. A crash at any point leaves either the old pointer or the
new one, and :meth:`Generations.sweep` removes what neither needs. One process writes (it holds the workspace's lock);
any number read.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ragkit.crashpoints import reach
from ragkit.errors import IndexUnhealthy, StoreError
from ragkit.index import manifest as marks
from ragkit.index.lexical import LexicalIndex, check_language
from ragkit.index.manifest import Fingerprints, Manifest
from ragkit.index.probe import is_whole, run_child
from ragkit.protocols import IndexRow, IndexSource

_POINTER = "current"
_BUILDING = ".building"
_FOLD_ROWS = 1_000
_FOLD_SHARE = 0.1
_BUILD_SECONDS_A_ROW = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldReport:
    """What a fold did; all counts.

    Attributes:
        number: The generation that answers now; 0 when there is nothing to index.
        previous: The one before, 0 for none.
        chunks: Chunks in it.
        built_through: Last chunk id of the store when it was read.
        seconds: Wall time, probe included.
        size: Bytes on disk.
    """

    number: int
    previous: int
    chunks: int
    built_through: int
    seconds: float
    size: int


class Generations:
    """One collection's generations, and the rules of changing from one to the next.

    Args:
        directory: Where they lie; made on the first fold.
        source: The record store, as the index sees it.
        fingerprints: What makes the chunks now.
    """

    def __init__(self, directory: Path, source: IndexSource, fingerprints: Fingerprints) -> None:
        check_language(fingerprints.language)
        self.directory = directory
        self._source = source
        self.fingerprints = fingerprints

    def current(self) -> int:
        """Return the number that ``current`` names, 0 for none. Costs one small read."""
        try:
            return int((self.directory / _POINTER).read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as bad:
            raise IndexUnhealthy("the pointer to the generation is torn", remedy="Run `ragkit rebuild`.") from bad

    def path(self, number: int) -> Path:
        """Return a generation's directory."""
        return self.directory / str(number)

    def manifest(self, number: int) -> Manifest:
        """Read a generation's manifest.

        Raises:
            IndexUnhealthy: It cannot be read.
        """
        return Manifest.read(self.path(number))

    def is_healthy(self, number: int) -> bool:
        """Say whether a generation may be opened in this process.

        A ``stat`` a file when nothing has touched it since it was proven; else a probe in a child process, after
        which it is stamped again or condemned for good.
        """
        generation = self.path(number)
        if marks.is_condemned(generation):
            return False
        try:
            manifest = Manifest.read(generation)
        except IndexUnhealthy:
            return self._condemn_current(number, "manifest")
        if marks.stamp_matches(generation, manifest):
            return True
        if not is_whole(generation, rows=manifest.chunks):
            return self._condemn_current(number, "probe")
        marks.stamp(generation, manifest)
        return True

    def _condemn_current(self, number: int, reason: str) -> bool:
        """Mark a generation, unless it went away because a newer one was published meanwhile."""
        if self._current_or_none() == number:
            self.condemn(number, reason)
        return False

    def condemn(self, number: int, reason: str) -> None:
        """Mark a generation that failed while it answered."""
        marks.condemn(self.path(number), reason)

    def should_fold(self) -> bool:
        """Say whether a new generation is due.

        It is when there is none, when the current one is condemned or was made by something else, and when the delta or
        the dead rows exceed their share (chroma-core/chroma#7758: deleting from a graph leaves live rows unreachable).
        """
        live = self._source.count_live()
        number = self._current_or_none()
        if not live:
            return bool(number)
        if not number or marks.is_condemned(self.path(number)):
            return True
        try:
            manifest = self.manifest(number)
        except IndexUnhealthy:
            return True
        if manifest.fingerprints != self.fingerprints:
            return True
        most = int(max(_FOLD_ROWS, _FOLD_SHARE * live))
        fresh = sum(1 for _ in islice(self._source.rows(after=manifest.built_through, with_text=False), most + 1))
        dead = manifest.chunks - (live - fresh)
        return fresh > most or dead > _FOLD_SHARE * manifest.chunks

    def _current_or_none(self) -> int:
        try:
            return self.current()
        except IndexUnhealthy:
            return 0

    def fold(self) -> FoldReport:
        """Build, prove and publish a generation of everything that is live; delete the one before.

        Raises:
            ManifestMismatch: The chunks were masked under another policy than the one in the configuration.
            IndexUnhealthy: The new generation failed its probe. The old one, or exact search, goes on answering.
            StoreError: The disk refused. Likewise.
        """
        if self._source.policy not in {"", self.fingerprints.policy}:
            raise marks.another_policy("chunks were masked under another")
        began = time.monotonic()
        self.sweep()
        previous = self._current_or_none()
        number = self._next_number()
        building = self.directory / f"{number}{_BUILDING}"
        reach("index.build_start")
        try:
            manifest = self._build(building, number)
            if manifest is not None:
                building.rename(self.path(number))
                marks.sync_directory(self.directory)
                self._prove(number, manifest)
            reach("index.before_publish")
            self._publish(number if manifest else 0)
        except OSError as refused:
            raise StoreError(
                "the index could not be written", remedy="Free some disk space, then run `ragkit rebuild`."
            ) from refused
        finally:
            shutil.rmtree(building, ignore_errors=True)
        reach("index.after_publish")
        self.sweep()
        return FoldReport(
            number=number if manifest else 0,
            previous=previous,
            chunks=manifest.chunks if manifest else 0,
            built_through=manifest.built_through if manifest else 0,
            seconds=time.monotonic() - began,
            size=sum(size for size, _ in manifest.files.values()) if manifest else 0,
        )

    def _next_number(self) -> int:
        names = [path.name.partition(".")[0] for path in self.directory.iterdir()]
        return max([self._current_or_none(), *(int(name) for name in names if name.isdigit())], default=0) + 1

    def _build(self, building: Path, number: int) -> Manifest | None:
        through = self._source.last_chunk_id()
        building.mkdir(mode=0o700)
        (building / "lexical").mkdir(mode=0o700)
        index = LexicalIndex.create(building / "lexical", language=self.fingerprints.language)
        classes: dict[str, int] = {}
        rows: list[tuple[int, int]] = []
        with (building / "vectors.f32").open("wb") as vectors:
            index.add(self._spread(through, vectors, rows, classes))
        reach("index.after_lexical")
        if not rows:
            return None
        _write_rows(building, rows, list(classes))
        if run_child("ragkit.index.chroma", [str(building)], rows=len(rows), seconds_a_row=_BUILD_SECONDS_A_ROW):
            raise IndexUnhealthy(
                "the process that builds the graph failed",
                remedy="Look at free memory and disk, then `ragkit rebuild`.",
            )
        reach("index.after_graph")
        manifest = Manifest(
            number=number,
            chunks=len(rows),
            built_through=through,
            fingerprints=self.fingerprints,
            versions=_versions(),
            files=marks.list_files(building),
        )
        manifest.write(building)
        return manifest

    def _spread(
        self, through: int, vectors: BinaryIO, rows: list[tuple[int, int]], classes: dict[str, int]
    ) -> Iterator[tuple[int, str, str]]:
        """Read the store once: vectors to their file, ids and classes to memory, texts on to the lexical index."""
        row: IndexRow
        for row in self._source.rows(through=through):
            vector = row.vector.astype("<f4", copy=False)
            if vector.shape != (self.fingerprints.dimension,):
                raise IndexUnhealthy(
                    f"a stored vector has {vector.size} numbers, not {self.fingerprints.dimension}",
                    remedy="Run `ragkit sync` with the encoder the collection was made with, or make a new collection.",
                )
            vectors.write(vector.tobytes())
            rows.append((row.chunk_id, classes.setdefault(row.access_class, len(classes))))
            yield row.chunk_id, row.access_class, row.text

    def _prove(self, number: int, manifest: Manifest) -> None:
        reach("index.before_probe")
        generation = self.path(number)
        if not is_whole(generation, rows=manifest.chunks):
            marks.condemn(generation, "probe")
            raise IndexUnhealthy(
                "the new generation failed its probe; the one before goes on answering",
                remedy="Run `ragkit doctor`, then `ragkit rebuild`.",
            )
        marks.stamp(generation, manifest)

    def _publish(self, number: int) -> None:
        marks.write_durably(self.directory / _POINTER, str(number))

    def clear(self) -> None:
        """Publish none and delete all; exact search over the record store answers until the next fold."""
        self.sweep()
        self._publish(0)
        self.sweep()

    def sweep(self) -> None:
        """Delete whatever the pointer does not name: half-built and old generations, and marks without one."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        reach("index.before_sweep")
        kept = str(self._current_or_none())
        for path in sorted(self.directory.iterdir()):
            name, _, kind = path.name.partition(".")
            if path.name == _POINTER or (name == kept and kind in {"", "stamp", "condemned"}):
                continue
            if name.isdigit() and path.is_dir():
                shutil.rmtree(path)
            elif name.isdigit() or name == _POINTER:
                path.unlink()


def _write_rows(building: Path, rows: list[tuple[int, int]], classes: list[str]) -> None:
    import numpy as np

    (building / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    np.save(building / "rows.npy", np.array(rows, dtype=[("id", "<i8"), ("code", "<i4")]), allow_pickle=False)


def _versions() -> dict[str, str]:
    found = {}
    for package in ("ragkit", "chromadb", "tantivy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
