"""Looks for what should be gone in every byte of a folder. Shares no code with ragkit, so that neither hides a fault.

::

    marks = Marks(texts={"name": "Anna Berger"}, raw={"sealed value": row}, vectors=[vector])
    for found in search(workspace / ".ragkit", marks): print(found)

Texts are searched as UTF-8, UTF-16 in both orders, without accents, JSON-escaped, percent-encoded, in hexadecimal and
as base64 at its three alignments; raw bytes as they are, in hexadecimal and as base64; vectors as float32 to within
1e-4, at any alignment, by three windows of eight numbers, since an index may have normalised them again. All of it in
the bytes of each file (of a database its free pages, journal and write-ahead log included), in what gzip, zip or zlib
streams inside a file unpack to, across the pages that SQLite chains when a row is larger than one, and in file names.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import unicodedata
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_WINDOW = 8
_NEAR = 1e-4
_UNPACKED = 64 * 1024 * 1024
_SPLIT = 5  # bytes of a text that must stand on either side of a page's edge


@dataclass(frozen=True, slots=True)
class Marks:
    """What should be gone, each under a label that tells nothing."""

    texts: Mapping[str, str] = field(default_factory=dict)
    raw: Mapping[str, bytes] = field(default_factory=dict)
    vectors: Sequence[NDArray[np.float32]] = ()

    def __repr__(self) -> str:
        return f"Marks({len(self.texts)} texts, {len(self.raw)} byte strings, {len(self.vectors)} vectors)"


@dataclass(frozen=True, slots=True)
class Found:
    """A mark that is still there: which, how it was written, in which file, how often."""

    label: str
    how: str
    file: str
    times: int = 1


def search(folder: Path, marks: Marks) -> list[Found]:
    """Return every mark that any file below ``folder``, or any name there, still holds."""
    loose, exact = _patterns(marks)
    found: list[Found] = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found += _in_bytes(os.fsencode(name), loose, exact, f"name of {name}")
        if not path.is_file() or path.is_symlink():
            continue
        try:
            data = path.read_bytes()
        except FileNotFoundError:  # a journal that went
            continue
        found += _in_bytes(data, loose, exact, name)
        for packed in unpacked(data):
            found += _in_bytes(packed, loose, exact, f"{name}, packed")
        if data.startswith(b"SQLite format 3\0"):
            found += _across_pages(data, marks.texts, name)
        found += _vectors_in(data, marks.vectors, name)
    return found


def unpacked(data: bytes) -> Iterator[bytes]:
    """What is packed in these bytes: a gzip or zip file, and zlib streams at any place."""
    if data.startswith(b"\x1f\x8b"):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(data)
    if data.startswith(b"PK\x03\x04"):
        with contextlib.suppress(zipfile.BadZipFile, NotImplementedError, zlib.error):
            archive = zipfile.ZipFile(io.BytesIO(data))
            yield from (archive.read(name) for name in archive.namelist())
    for head in _ZLIB:
        at = data.find(head)
        while at >= 0:
            try:
                whole = zlib.decompressobj().decompress(data[at : at + _UNPACKED], _UNPACKED)
            except zlib.error:
                whole = b""
            if len(whole) > 16:
                yield whole
            at = data.find(head, at + 1)


def _patterns(marks: Marks) -> tuple[list[tuple[str, str, bytes]], list[tuple[str, str, bytes]]]:
    """Patterns to be found without regard to case, and those whose case counts: (label, how, bytes)."""
    loose: dict[tuple[str, bytes], str] = {}
    exact: dict[tuple[str, bytes], str] = {}
    for label, text in marks.texts.items():
        plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
        for spelled in dict.fromkeys((text, plain, text.lower(), text.upper())):
            raw = spelled.encode()
            ways = {
                "utf-8": raw,
                "utf-16-le": spelled.encode("utf-16-le"),
                "utf-16-be": spelled.encode("utf-16-be"),
                "json": json.dumps(spelled)[1:-1].encode(),
                "json /": json.dumps(spelled)[1:-1].replace("/", "\\/").encode(),
                "percent": urllib.parse.quote(spelled).encode(),
                "plus": urllib.parse.quote_plus(spelled).encode(),
                "hex": raw.hex().encode(),
            }
            for how, data in ways.items():
                loose.setdefault((label, data.lower()), how)
            for how, data in (("base64", raw), ("base64 of utf-16", spelled.encode("utf-16-le"))):
                for part in _base64(data):
                    exact.setdefault((label, part), how)
    for label, raw in marks.raw.items():
        exact.setdefault((label, raw), "bytes")
        loose.setdefault((label, raw.hex().encode()), "hex")
        for part in _base64(raw):
            exact.setdefault((label, part), "base64")
    return [(label, how, data) for (label, data), how in loose.items()], [
        (label, how, data) for (label, data), how in exact.items()
    ]


def _base64(raw: bytes) -> Iterator[bytes]:
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        part = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        if len(part) >= 8:
            yield part
            yield part.translate(bytes.maketrans(b"+/", b"-_"))


def _in_bytes(
    data: bytes, loose: list[tuple[str, str, bytes]], exact: list[tuple[str, str, bytes]], where: str
) -> Iterator[Found]:
    lower = data.lower()
    for held, patterns in ((lower, loose), (data, exact)):
        for label, how, pattern in patterns:
            if times := held.count(pattern):
                yield Found(label, how, where, times)


def _across_pages(data: bytes, texts: Mapping[str, str], where: str) -> Iterator[Found]:
    """A text cut in two by the end of one page of SQLite and the beginning of an overflow page, wherever that is."""
    size = int.from_bytes(data[16:18], "big") or 1
    size = 65_536 if size == 1 else size
    starts = [data[at + 4 : at + 4 + 256] for at in range(0, len(data), size)]  # an overflow page begins with a pointer
    for label, text in texts.items():
        raw = text.encode()
        for cut in range(_SPLIT, len(raw) - _SPLIT + 1):
            if any(start.startswith(raw[cut:]) for start in starts) and raw[:cut] in data:
                yield Found(label, "across pages", where)
                break


def _vectors_in(data: bytes, vectors: Sequence[NDArray[np.float32]], where: str) -> Iterator[Found]:
    if not vectors or len(data) < _WINDOW * 4:
        return
    for shift in range(4):
        numbers = np.frombuffer(data, dtype="<f4", offset=shift, count=(len(data) - shift) // 4)
        # One pass over the file an offset: the places where any wanted number may stand, by its leading bits.
        order = _Places(numbers)
        for number, vector in enumerate(vectors):
            starts = (0, len(vector) // 2, len(vector) - _WINDOW)
            if any(order.holds(vector[start : start + _WINDOW]) for start in starts):
                yield Found(f"vector {number}", f"float32 +{shift}", where)


class _Places:
    """The numbers of one file at one alignment, and where those lie that a vector may have."""

    def __init__(self, numbers: NDArray[np.float32]) -> None:
        # No number of a unit vector is above one; nothing else is looked at.
        self._numbers = numbers
        with np.errstate(invalid="ignore"):
            self._where: NDArray[Any] = np.flatnonzero((np.abs(numbers) <= 1) & (np.abs(numbers) > 1e-7))
        self._values = numbers[self._where]
        rank = np.argsort(self._values, kind="stable")
        self._where, self._values = self._where[rank], self._values[rank]

    def holds(self, window: NDArray[np.float32]) -> bool:
        key = int(np.argmax(np.abs(window)))  # the largest number is the rarest
        low = np.searchsorted(self._values, window[key] - _NEAR)
        high = np.searchsorted(self._values, window[key] + _NEAR)
        places = self._where[low:high] - key
        places = places[(places >= 0) & (places + len(window) <= len(self._numbers))]
        for step, wanted in enumerate(window):
            if not len(places):
                return False
            with np.errstate(invalid="ignore"):
                places = places[np.abs(self._numbers[places + step] - wanted) <= _NEAR]
        return bool(len(places))
