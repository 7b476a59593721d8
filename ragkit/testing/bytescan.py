"""Looks for planted values in bytes, whatever they were encoded in.

::

    scanner = ByteScanner(canaries)
    findings = scanner.scan_tree(workspace)      # every file, names and paths included
    findings += scanner.scan_bytes(stderr, where="stderr")

Each needle is searched as UTF-8, UTF-16 in both orders, with accents removed, JSON-escaped, percent-encoded, in
hexadecimal and as base64 at its three alignments; all but base64 without regard to case. Gzip and zip content is
unpacked. Cost grows with the bytes, hardly with the number of needles: the first eight bytes of every pattern are
looked up at every position by numpy, and only what matches is compared in full (Rabin and Karp, 1987).
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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragkit.testing.canaries import MIN_NEEDLE, Canary

_WIDTH = 8  # bytes looked up at once, one 64-bit word
_TABLE_BITS = 24
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, TAOCP 3, section 6.4)
_READ = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """A needle that was found. ``canary`` is its position in the list; ``where`` a path or label."""

    canary: int
    entity_type: str
    encoding: str
    where: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Pattern:
    data: bytes
    encoding: str
    canary: int


class ByteScanner:
    """Searches for the needles of many canaries at once.

    Args:
        canaries: What was planted.

    Raises:
        ValueError: A needle is shorter than :data:`~ragkit.testing.canaries.MIN_NEEDLE` characters.
    """

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._types = [canary.entity_type for canary in canaries]
        folded: list[_Pattern] = []
        exact: list[_Pattern] = []
        for number, canary in enumerate(canaries):
            for needle in canary.needles:
                if len(needle) < MIN_NEEDLE:
                    raise ValueError(f"a needle of canary {number} has under {MIN_NEEDLE} characters")
                folded += [_Pattern(data.lower(), name, number) for name, data in _spellings(needle)]
                exact += [_Pattern(data, "base64", number) for data in _base64_forms(needle)]
        self._folded, self._exact = _Table(folded), _Table(exact)

    def scan_bytes(self, data: bytes, *, where: str) -> list[Finding]:
        """Return what ``data`` holds, one finding a place and encoding."""
        found = [*self._folded.search(data.lower()), *self._exact.search(data)]
        return [Finding(one.canary, self._types[one.canary], one.encoding, where, at) for at, one in found]

    def scan_file(self, path: Path) -> list[Finding]:
        """Return what a file holds, packed or not. A file that vanished meanwhile holds nothing."""
        findings: dict[tuple[int, str], Finding] = {}
        try:
            for part in _parts(path):
                for finding in self.scan_bytes(part, where=str(path)):
                    findings.setdefault((finding.canary, finding.encoding), finding)
        except FileNotFoundError:
            return []
        return list(findings.values())

    def scan_tree(self, folder: Path) -> list[Finding]:
        """Return what any file under ``folder`` holds, and any path below it spells."""
        findings: list[Finding] = []
        for path in sorted(folder.rglob("*")):
            findings += self.scan_bytes(os.fsencode(path.relative_to(folder)), where=f"name of {path}")
            if path.is_file() and not path.is_symlink():
                findings += self.scan_file(path)
        return findings


class _Table:
    """Patterns by their first eight bytes, with a bitmap that turns away nearly every other position."""

    def __init__(self, patterns: Iterable[_Pattern]) -> None:
        self._by_start: dict[int, list[_Pattern]] = {}
        unique: dict[tuple[bytes, int], _Pattern] = {}
        for pattern in patterns:
            unique.setdefault((pattern.data, pattern.canary), pattern)
        for pattern in unique.values():
            self._by_start.setdefault(int.from_bytes(pattern.data[:_WIDTH], "little"), []).append(pattern)
        self._seen = np.zeros(1 << _TABLE_BITS, dtype=np.bool_)
        self._seen[_slot(np.fromiter(self._by_start, dtype=np.uint64, count=len(self._by_start)))] = True

    def search(self, data: bytes) -> Iterator[tuple[int, _Pattern]]:
        for shift in range(min(_WIDTH, len(data) - _WIDTH + 1)):
            words = np.frombuffer(data, dtype="<u8", offset=shift, count=(len(data) - shift) // _WIDTH)
            for place in np.flatnonzero(self._seen[_slot(words)]):
                at = shift + int(place) * _WIDTH
                for pattern in self._by_start.get(int(words[place]), ()):
                    if data.startswith(pattern.data, at):
                        yield at, pattern


def _slot(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (words * _MIX) >> np.uint64(64 - _TABLE_BITS)


def _spellings(needle: str) -> Iterator[tuple[str, bytes]]:
    """Every way to write a needle as bytes, but base64."""
    folded = "".join(letter for letter in unicodedata.normalize("NFKD", needle) if not unicodedata.combining(letter))
    for spelling in dict.fromkeys(
        (needle, needle.lower(), needle.upper(), folded.replace("ı", "i").replace("ß", "ss"))
    ):
        raw = spelling.encode()
        yield "utf-8", raw
        yield "utf-16-le", spelling.encode("utf-16-le")
        yield "utf-16-be", spelling.encode("utf-16-be")
        yield "json", json.dumps(spelling)[1:-1].encode()
        yield "json", json.dumps(spelling)[1:-1].replace("/", "\\/").encode()
        yield "percent", urllib.parse.quote(spelling, safe="").encode()
        yield "hex", raw.hex().encode()


def _base64_forms(needle: str) -> Iterator[bytes]:
    """The characters that are the same in base64 whatever stands around the needle, at the three alignments."""
    for spelling in dict.fromkeys((needle, needle.lower())):
        for charset in ("utf-8", "utf-16-le"):
            raw = spelling.encode(charset)
            for before in range(3):
                coded = base64.b64encode(b"\0" * before + raw)
                whole = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
                yield whole
                yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def _parts(path: Path) -> Iterator[bytes]:
    """A file in overlapping parts, then what is packed in it."""
    overlap = 4096
    with path.open("rb") as file:
        tail = b""
        while block := file.read(_READ):
            yield tail + block
            tail = block[-overlap:]
        file.seek(0)
        start = file.read(4)
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
