"""What a thief finds in a data directory without any key: file by file, what is in clear, and what its size tells.

::

    for finding in inventory(Path(".ragkit")):
        finding.where, finding.count, finding.tells
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragkit.attack.loot import current_generation, open_lexical, read_only

_TABLES = (
    ("collections, sources", "SELECT (SELECT count(*) FROM collections) + (SELECT count(*) FROM sources)",
     "names and data class of collections, names of sources, times of the last sync"),
    ("versions", "SELECT count(*) FROM versions WHERE state = 'current'",
     "media type, time, number of chunks and how many values of each type were masked in each document"),
    ("versions.sealed_header", "SELECT count(DISTINCT length(sealed_header)) FROM versions",
     "sealed; its length tells how long title, name and place are together: so many different lengths"),
    ("bodies", "SELECT count(*) FROM bodies",
     "the vector of each chunk, its page, and where it begins and ends in the source, in characters"),
    ("mentions", "SELECT count(*) FROM mentions",
     "which documents hold the same value or the same part of a name, by number: frequency and company of each"),
    ("periods, past_chunks", "SELECT (SELECT count(*) FROM periods) + (SELECT count(*) FROM past_chunks)",
     "from when to when replaced versions answered, and for which readers; under history only"),
    ("past_mentions", "SELECT count(*) FROM past_mentions", "as mentions, of replaced versions kept for replay"),
    ("fates", "SELECT count(*) FROM fates", "which versions of which documents were destroyed, why and when"),
    ("links", "SELECT count(*) FROM links", "which values of a document belong to one person, by number"),
    ("vault", "SELECT count(*) FROM vault", "type of each value, its token, and by its number where it stands"),
    ("vault.sealed_value", "SELECT count(DISTINCT length(sealed_value)) FROM vault",
     "sealed; its length tells that of the value: so many different lengths"),
    ("vault_names", "SELECT count(*) FROM vault_names", "which names share a word, by number"),
    ("filters", "SELECT count(*) FROM filters",
     "keys of metadata, and which documents share a metadata value: frequency of each"),
    ("access_classes", "SELECT count(*) FROM access_classes",
     "which documents have the same readers, and how many readers' tokens each class has"),
    ("items", "SELECT count(*) FROM items", "state, code, attempts and time of each item of the sources"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where something stands in clear.

    Attributes:
        where: Table, column or file.
        count: Rows, terms, files or bytes, as ``tells`` says; for a length, how many different ones.
        tells: What it gives away.
    """

    where: str
    count: int
    tells: str

    def as_json(self) -> dict[str, Any]:
        """The shape of a finding."""
        return {"where": self.where, "count": self.count, "tells": self.tells}


def inventory(folder: Path) -> list[Finding]:
    """List what stands in clear in a data directory; opens files for reading only and needs no key.

    Raises:
        EvaluationError: There is no record store in it.
    """
    connection = read_only(folder / "records.db")
    try:
        found = list(_tables(connection))
    finally:
        connection.close()
    found += _free_pages(folder)
    found += _key_file(folder)
    found += _indexes(folder / "index")
    found += _events(folder)
    return [one for one in found if one.count]


def _tables(connection: sqlite3.Connection) -> Iterator[Finding]:
    for where, query, tells in _TABLES:
        try:
            count = int(connection.execute(query).fetchone()[0])
        except sqlite3.Error:  # an older store, which has no such table
            continue
        yield Finding(where, count, tells)


def _free_pages(folder: Path) -> Iterator[Finding]:
    """Bytes that are not zero in free pages, which ``secure_delete`` should have overwritten, and the log beside.

    File format: https://www.sqlite.org/fileformat.html, 1.5 "The Freelist": trunk pages hold the numbers of the leaves.
    """
    for name in ("records.db", "records.keys.db"):
        path = folder / name
        if path.is_file():
            left = sum(1 for page in _leaves(path) if any(page))
            yield Finding(f"{name}, free pages", left, "pages with what was deleted and not overwritten")
            log = folder / f"{name}-wal"
            size = log.stat().st_size if log.is_file() else 0
            yield Finding(f"{name}-wal", size, "bytes of earlier states of pages, sealed as the pages are")


def _leaves(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        head = file.read(100)
        if len(head) < 100:
            return
        size = struct.unpack(">H", head[16:18])[0]
        size = 65_536 if size == 1 else size
        trunk, left = struct.unpack(">II", head[32:40])
        while trunk and left > 0:
            file.seek((trunk - 1) * size)
            page = file.read(size)
            trunk, count = struct.unpack(">II", page[:8])
            for leaf in struct.unpack(f">{count}I", page[8 : 8 + 4 * count]):
                file.seek((leaf - 1) * size)
                yield file.read(size)
            left -= count + 1


def _key_file(folder: Path) -> Iterator[Finding]:
    if not (folder / "records.keys.db").is_file():
        return
    connection = read_only(folder / "records.keys.db")
    try:
        for table, tells in (
            ("record_keys", "which versions and values have a key still; the keys are wrapped"),
            ("requests", "kind, state and time of what was done for data subjects; the plans are sealed"),
            ("uploads", "how many documents were uploaded, in which order, and which of them are gone"),
            ("holds", "when holds were placed and released; what is held is sealed"),
        ):
            try:
                count = int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
            except sqlite3.Error:
                continue
            yield Finding(f"key file, {table}", count, tells)
    finally:
        connection.close()


def _indexes(folder: Path) -> Iterator[Finding]:
    for one in sorted(folder.iterdir()) if folder.is_dir() else ():
        generation = current_generation(one)
        if generation is None or not generation.is_dir():
            continue
        index, _ = open_lexical(generation)
        terms = index.searcher().terms_with_prefix("text", "")
        yield Finding(
            "lexical index", len(terms), "terms of the index view (stand-ins, and all that is not masked) and where"
        )
        once = sum(1 for _, holding in terms if holding == 1)
        yield Finding("lexical index", once, "terms that stand in one chunk alone")
        size = (generation / "vectors.f32").stat().st_size if (generation / "vectors.f32").is_file() else 0
        yield Finding("vector index", size, "bytes of vectors, with chunk numbers and access classes")


def _events(folder: Path) -> Iterator[Finding]:
    lines = 0
    for path in sorted((folder / "events").glob("*")) if (folder / "events").is_dir() else ():
        with path.open("rb") as file:
            lines += sum(1 for _ in file)
    yield Finding(
        "events", lines, "when what was done, to which document id, how many values of which type; no content"
    )
