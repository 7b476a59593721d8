"""Looks for byte patterns in files, many at once: values in whatever they were encoded in, vectors, wrapped keys.

::

    scanner = PatternScanner([*spellings("Galip Yalman", 0), raw(vector_bytes, "vector", 1)])
    findings = scanner.scan_tree(data_folder)

A text is searched as UTF-8, UTF-16 in both orders, with accents removed, JSON-escaped, percent-encoded, in hexadecimal
and as base64 at its three alignments; all but base64 without regard to case. Gzip and zip content is unpacked. Cost
grows with the bytes, hardly with the number of patterns: the first eight bytes of every pattern are looked up at every
position by numpy, and only what matches is compared in full (Rabin and Karp, 1987). Shorter patterns are searched one
by one.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_WIDTH = 8  # bytes looked up at once, one 64-bit word
_TABLE_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, TAOCP 3, section 6.4)
_READ = 16 * 1024 * 1024
_OVERLAP = 4096
EXACT = frozenset({"base64", "vector", "key", "sealed"})
"""Encodings in which upper and lower case differ."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bytes to look for. ``encoding`` says what they are of ``item``, its number in the caller's list."""

    data: bytes
    encoding: str
    item: int

    def __repr__(self) -> str:
        return f"Pattern({len(self.data)} bytes, {self.encoding}, item={self.item})"


@dataclass(frozen=True, slots=True)
class Found:
    """A pattern that was found; ``where`` is a path or label."""

    item: int
    encoding: str
    where: str
    offset: int


class PatternScanner:
    """Searches for many patterns at once.

    Args:
        patterns: What to look for; those whose encoding is not one of :data:`EXACT` without regard to case.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        every = list(patterns)
        self._folded = _Table(
            Pattern(one.data.lower(), one.encoding, one.item) for one in every if one.encoding not in EXACT
        )
        self._exact = _Table(one for one in every if one.encoding in EXACT)

    def scan_bytes(self, data: bytes, *, where: str) -> list[Found]:
        """Return what ``data`` holds, one finding a place and encoding."""
        found = [*self._folded.search(data.lower()), *self._exact.search(data)]
        return [Found(one.item, one.encoding, where, at) for at, one in found]

    def scan_file(self, path: Path) -> list[Found]:
        """Return what a file holds, packed or not. A file that vanished meanwhile holds nothing."""
        findings: dict[tuple[int, str], Found] = {}
        try:
            for part in _parts(path):
                for one in self.scan_bytes(part, where=str(path)):
                    findings.setdefault((one.item, one.encoding), one)
        except FileNotFoundError:
            return []
        return list(findings.values())

    def scan_tree(self, folder: Path) -> list[Found]:
        """Return what any file under ``folder`` holds, and any path below it spells."""
        findings: list[Found] = []
        for path in sorted(folder.rglob("*")):
            findings += self.scan_bytes(os.fsencode(path.relative_to(folder)), where=f"name of {path}")
            if path.is_file() and not path.is_symlink():
                findings += self.scan_file(path)
        return findings


class _Table:
    """Patterns by their first eight bytes, with a bitmap that turns away nearly every other position."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self._by_start: dict[int, list[Pattern]] = {}
        unique: dict[tuple[bytes, int], Pattern] = {}
        for pattern in patterns:
            unique.setdefault((pattern.data, pattern.item), pattern)
        self._short = [one for one in unique.values() if len(one.data) < _WIDTH]
        for pattern in unique.values():
            if len(pattern.data) >= _WIDTH:
                start = int.from_bytes(pattern.data[:_WIDTH], "little")
                self._by_start.setdefault(start, []).append(pattern)
        self._seen = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._seen[_slot(np.fromiter(self._by_start, dtype=np.uint64, count=len(self._by_start)))] = True

    def search(self, data: bytes) -> Iterator[tuple[int, Pattern]]:
        for pattern in self._short:
            at = data.find(pattern.data)
            while at >= 0:
                yield at, pattern
                at = data.find(pattern.data, at + 1)
        if not self._by_start:
            return
        for shift in range(min(_WIDTH, max(0, len(data) - _WIDTH + 1))):
            words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // _WIDTH)
            for place in np.flatnonzero(self._seen[_slot(words)]):
                at = shift + int(place) * _WIDTH
                for pattern in self._by_start.get(int(words[place]), ()):
                    if data.startswith(pattern.data, at):
                        yield at, pattern


def _slot(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (words * _MIX) >> np.uint64(64 - _TABLE_BITS)


def raw(data: bytes, encoding: str, item: int) -> Pattern:
    """Bytes as they are: ``encoding`` is ``vector``, ``key`` or ``sealed``."""
    return Pattern(data, encoding, item)


def spellings(text: str, item: int) -> Iterator[Pattern]:
    """Every way to write a text as bytes."""
    for encoding, data in _plain(text):
        yield Pattern(data, encoding, item)
    for data in _base64_forms(text):
        yield Pattern(data, "base64", item)


def _plain(text: str) -> Iterator[tuple[str, bytes]]:
    folded = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    for spelling in dict.fromkeys((text, text.lower(), text.upper(), folded.replace("ı", "i").replace("ß", "ss"))):
        bare = spelling.encode("utf-8", "surrogatepass")
        yield "utf-8", bare
        yield "utf-16-le", spelling.encode("utf-16-le", "surrogatepass")
        yield "utf-16-be", spelling.encode("utf-16-be", "surrogatepass")
        yield "json", json.dumps(spelling)[1:-1].encode()
        yield "json", json.dumps(spelling)[1:-1].replace("/", "\\/").encode()
        yield "percent", urllib.parse.quote(bare, safe="").encode()
        yield "hex", bare.hex().encode()


def _base64_forms(text: str) -> Iterator[bytes]:
    """The characters that are the same in base64 whatever stands around the text, at the three alignments."""
    for spelling in dict.fromkeys((text, text.lower())):
        for charset in ("utf-8", "utf-16-le"):
            bare = spelling.encode(charset, "surrogatepass")
            for before in range(3):
                coded = base64.b64encode(b"\0" * before + bare)
                whole = coded[(before * 8 + 5) // 6 : (before + len(bare)) * 8 // 6]
                if len(whole) >= _WIDTH:
                    yield whole
                    yield whole.translate(bytes.maketrans(b"+/", b"-_"))


_kept: dict[tuple[int, int], BinaryIO] = {}
"""Databases that were looked through. Closing a handle of one would drop the locks that SQLite has on it in this
process, and another process would overwrite what is being written (sqlite.org, "How To Corrupt", 2.2)."""


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    """A file to be read; of a database the handle is kept for the next time."""
    if ".db" not in path.name:
        with path.open("rb") as file:
            yield file
        return
    found = path.stat()
    key = found.st_dev, found.st_ino
    if key not in _kept:
        _kept[key] = path.open("rb")
    yield _kept[key]


def _parts(path: Path) -> Iterator[bytes]:
    """A file in overlapping parts, then what is packed in it."""
    with _open(path) as file:
        tail, at = b"", 0
        while block := os.pread(file.fileno(), _READ, at):
            yield tail + block
            tail, at = block[-_OVERLAP:], at + len(block)
        start = os.pread(file.fileno(), 4, 0)
    if start.startswith(b"\x1f\x8b"):
        yield from _unpacked_gzip(path)
    elif start == b"PK\x03\x04" and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def _unpacked_gzip(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) as packed:
            yield io.BytesIO(packed.read()).getvalue()
    except (OSError, EOFError, zlib.error):  # not gzip after all, or cut short: its bytes were scanned as they are
        return
