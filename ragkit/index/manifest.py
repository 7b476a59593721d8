"""What a generation says of itself, and whether its files still are what it says.

A generation directory ``<n>/`` holds::

    manifest.json   this: counts, fingerprints, versions, every file with its size and digest
    rows.npy        chunk id and code of the access class of every row
    classes.json    the access classes, by code
    vectors.f32     the rows' unit vectors, float32
    chroma/         the same vectors as an HNSW graph
    lexical/        BM25 postings

and beside it ``<n>.stamp`` (sizes and times of the files when they were last proven whole) and, when it failed,
``<n>.condemned``. A matching stamp costs a ``stat`` a file; anything else sends the generation to a probe in a child
process, since opening a torn HNSW file can kill the process that does it (chroma-core/chroma#7238).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ragkit.errors import IndexUnhealthy, ManifestMismatch

FORMAT = 1
_MANIFEST = "manifest.json"
_MUTABLE = frozenset({"chroma/chroma.sqlite3", "chroma/chroma.sqlite3-journal", "chroma/chroma.sqlite3-wal"})
"""Chroma writes to its SQLite file whenever it opens a directory, also for reading; SQLite itself guards it."""

_LINK_SHARE = 0.2
"""A whole ``link_lists.bin`` is about 0.5 % of ``data_level0.bin``; a torn one claims terabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """What made the chunks and vectors of a collection. An index built under others must not answer.

    Attributes:
        policy: Fingerprint of the masking policy and detectors.
        encoder: Fingerprint of the embedding model.
        chunker: Fingerprint of the chunker and its settings.
        dimension: Length of the vectors.
        language: Stemming language of the lexical index, or ``none``.
    """

    policy: str
    encoder: str
    chunker: str
    dimension: int
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One generation's description.

    Attributes:
        number: The generation's number; only grows in a collection.
        chunks: How many chunks are in it.
        built_through: The last chunk id of the record store when it was built; what came after is the delta.
        fingerprints: What made its chunks.
        versions: Versions of ragkit, chromadb and tantivy.
        files: Relative path to size in bytes and BLAKE2b digest; the digest is empty for what Chroma itself rewrites.
    """

    number: int
    chunks: int
    built_through: int
    fingerprints: Fingerprints
    versions: Mapping[str, str]
    files: Mapping[str, tuple[int, str]]

    def write(self, generation: Path) -> None:
        """Write ``manifest.json`` durably."""
        write_durably(generation / _MANIFEST, json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, indent=1))

    @classmethod
    def read(cls, generation: Path) -> Manifest:
        """Read ``manifest.json``.

        Raises:
            IndexUnhealthy: It is missing, torn, or of another format.
        """
        try:
            raw: dict[str, Any] = json.loads((generation / _MANIFEST).read_text(encoding="utf-8"))
            if raw.pop("format") != FORMAT:
                raise ValueError
            raw["fingerprints"] = Fingerprints(**raw["fingerprints"])
            raw["files"] = {path: (int(size), str(digest)) for path, (size, digest) in raw["files"].items()}
            return cls(**raw)
        except (OSError, ValueError, TypeError, KeyError) as bad:
            raise IndexUnhealthy("a generation's manifest cannot be read", remedy="Run `ragkit rebuild`.") from bad

    def require(self, wanted: Fingerprints) -> None:
        """Refuse to answer from an index that something else made.

        Raises:
            ManifestMismatch: Naming the parts that differ, without their values.
        """
        made = self.fingerprints
        changed = [part.name for part in fields(wanted) if getattr(made, part.name) != getattr(wanted, part.name)]
        if "policy" in changed:
            raise another_policy(f"index was built under another {', '.join(changed)}")
        if changed:
            raise ManifestMismatch(
                f"the index was built under another {', '.join(changed)}",
                remedy="Run `ragkit rebuild`; after a change of encoder or chunker run `ragkit sync` first.",
            )


def another_policy(what: str) -> ManifestMismatch:
    """The refusal of an index whose chunks were masked under another policy, or by other detectors."""
    return ManifestMismatch(
        f"the masking policy or a detector changed: the {what}",
        remedy="Run `ragkit remask`; with `--dry-run` it shows first what would change. "
        "`ragkit rebuild` is not enough, since nothing is masked again by it.",
    )


def write_durably(path: Path, text: str) -> None:
    """Replace a file by an atomic rename, and flush it and its directory to the disk."""
    passing = path.with_name(f"{path.name}.{os.getpid()}.new")
    with passing.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    passing.replace(path)
    sync_directory(path.parent)


def sync_directory(folder: Path) -> None:
    """Flush a directory's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _walk(generation: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(generation.rglob("*")):
        relative = path.relative_to(generation).as_posix()
        if relative != _MANIFEST and path.is_file() and not path.name.endswith(".lock"):
            yield relative, path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def list_files(generation: Path) -> dict[str, tuple[int, str]]:
    """Flush every file of a finished generation to the disk and return its size and digest."""
    found: dict[str, tuple[int, str]] = {}
    for relative, path in _walk(generation):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        found[relative] = (path.stat().st_size, "" if relative in _MUTABLE else _digest(path))
    for folder in {path.parent for _, path in _walk(generation)} | {generation}:
        sync_directory(folder)
    return found


def check_files(generation: Path, manifest: Manifest) -> None:
    """Compare every file with the manifest by size, then the HNSW files' proportions, then by digest.

    Sizes come first: a torn ``link_lists.bin`` can claim four terabytes, which nobody should read.

    Raises:
        IndexUnhealthy: With the first thing that is wrong.
    """
    for relative, (size, _) in manifest.files.items():
        path = generation / relative
        if not path.is_file() or (relative not in _MUTABLE and path.stat().st_size != size):
            raise _unhealthy("a file is missing or has another size")
    _check_graph(generation)
    for relative, (_, digest) in manifest.files.items():
        if digest and _digest(generation / relative) != digest:
            raise _unhealthy("a file has other bytes than when it was built")


def _check_graph(generation: Path) -> None:
    """Check the HNSW files' envelope: proportions, and a pickle that begins and ends as pickles do."""
    for level0 in generation.glob("chroma/*/data_level0.bin"):
        links, pickled = level0.with_name("link_lists.bin"), level0.with_name("index_metadata.pickle")
        if not links.is_file() or links.stat().st_size >= max(_LINK_SHARE * level0.stat().st_size, 1 << 16):
            raise _unhealthy("the graph's link file is out of proportion")
        raw = pickled.read_bytes() if pickled.is_file() else b""
        if raw[:1] != b"\x80" or raw[-1:] != b".":
            raise _unhealthy("the graph's metadata is torn")


def _unhealthy(what: str) -> IndexUnhealthy:
    return IndexUnhealthy(f"a generation failed its check: {what}", remedy="Run `ragkit rebuild`.")


def _marks(generation: Path, manifest: Manifest) -> dict[str, list[int]]:
    marks = {}
    for relative in manifest.files:
        if relative not in _MUTABLE:
            status = (generation / relative).stat()
            marks[relative] = [status.st_size, status.st_mtime_ns]
    return marks


def stamp(generation: Path, manifest: Manifest) -> None:
    """Note, beside a generation just proven whole, by what to recognise its files again."""
    write_durably(_beside(generation, "stamp"), json.dumps(_marks(generation, manifest)))


def stamp_matches(generation: Path, manifest: Manifest) -> bool:
    """Say whether no file has changed since the generation was last proven whole. Costs a ``stat`` a file."""
    try:
        noted = json.loads(_beside(generation, "stamp").read_text(encoding="utf-8"))
        return bool(noted == _marks(generation, manifest))
    except (OSError, ValueError):
        return False


def condemn(generation: Path, reason: str) -> None:
    """Mark a generation as never to be opened again. A directory that cannot be written is left unmarked."""
    try:
        write_durably(_beside(generation, "condemned"), json.dumps({"reason": reason}))
    except OSError:
        return


def is_condemned(generation: Path) -> bool:
    """Say whether the generation is marked."""
    return _beside(generation, "condemned").exists()


def forget_marks(generation: Path) -> None:
    """Remove what lies beside a generation that is itself gone."""
    for kind in ("stamp", "condemned"):
        _beside(generation, kind).unlink(missing_ok=True)


def _beside(generation: Path, kind: str) -> Path:
    return generation.with_name(f"{generation.name}.{kind}")
