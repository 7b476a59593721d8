"""Where DOC keeps its text, and what it says of characters ([MS-DOC] 2.8 and 2.9).

Positions in the text ("CP") and in the file ("FC") differ; the piece table maps one to the other. Properties are lists
of modifiers ("sprm") in pages of 512 bytes, by FC.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ragkit.parse.problems import problem

FILE_TABLE: Final = 0x9A
_CHPX, _CLX = 12, 33
_PAGE: Final = 512
_MAX_PAGES: Final = 100_000
_SIZES: Final = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_WHITE: Final = 8


class Piece(NamedTuple):
    """A stretch of text: positions in the text, its place in the file, and how many bytes a character takes."""

    start: int
    end: int
    place: int
    width: int

    def text(self, main: bytes) -> str:
        """The characters; always as many as ``end - start``."""
        data = main[self.place : self.place + (self.end - self.start) * self.width]
        if self.width == 1:
            return data.decode("cp1252", "replace").ljust(self.end - self.start)
        text = data.decode("utf-16-le", "surrogatepass")
        if len(text) * 2 != len(data):  # a character beyond the basic plane counts as two; `blocks` joins them
            text = "".join(chr(unit) for (unit,) in struct.iter_unpack("<H", data))
        return text


def slot(main: bytes, table: bytes, index: int) -> bytes:
    """The part of the table stream that the FIB's entry names; empty when it names none."""
    if FILE_TABLE + index * 8 + 8 > len(main):
        return b""
    start, length = struct.unpack_from("<II", main, FILE_TABLE + index * 8)
    return table[start : start + length]


def piece_table(main: bytes, table: bytes) -> list[Piece]:
    """The pieces in the order of the text ([MS-DOC] 2.9.38, 2.9.177)."""
    clx = slot(main, table, _CLX)
    at = 0
    while clx[at] == 1:  # formatting of fast saves, passed over
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at] != 2:
        raise problem("malformed")
    (length,) = struct.unpack_from("<I", clx, at + 1)
    plc = clx[at + 5 : at + 5 + length]
    count = (len(plc) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", plc)
    pieces = []
    for number, (start, end) in enumerate(pairwise(ends)):
        (place,) = struct.unpack_from("<I", plc, (count + 1) * 4 + number * 8 + 2)
        narrow = bool(place & 0x40000000)
        place &= 0x3FFFFFFF
        width = 1 if narrow else 2
        place = place // 2 if narrow else place
        if end < start or place + (end - start) * width > len(main):
            raise problem("malformed")
        pieces.append(Piece(start, end, place, width))
    if sum(piece.end - piece.start for piece in pieces) > 2 * len(main):
        raise problem("archive-bomb")  # pieces that name the same bytes over and over
    return pieces


def modifiers(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the code and operand of each modifier ([MS-DOC] 2.2.5)."""
    at = 0
    while at + 2 <= len(data):
        (code,) = struct.unpack_from("<H", data, at)
        at += 2
        size = _SIZES.get(code >> 13)
        if size is None:
            if code == 0xD608:  # sprmTDefTable counts in two bytes, and one too many
                size = 1 + struct.unpack_from("<H", data, at)[0]
            else:
                size = 1 + (data[at] if at < len(data) else 0)
        yield code, data[at : at + size]
        at += size


def pages(main: bytes, table: bytes, index: int) -> Iterator[bytes]:
    """Yield the pages of properties that the FIB's entry leads to."""
    plc = slot(main, table, index)
    count = min((len(plc) - 4) // 8, _MAX_PAGES)
    for number in range(count):
        (page,) = struct.unpack_from("<I", plc, (count + 1) * 4 + number * 4)
        data = main[(page & 0x3FFFFF) * _PAGE :][:_PAGE]
        if len(data) == _PAGE:
            yield data


class Mark(NamedTuple):
    """What hides characters: for good, or only where nothing darker lies behind them."""

    is_gone: bool = False
    is_white: bool = False


_PLAIN: Final = Mark()


class Marks:
    """The marks of all characters, as stretches of the text."""

    def __init__(self, stretches: list[tuple[int, int, Mark]], end: int) -> None:
        self._stretches = stretches
        self._starts = [start for start, _, _ in stretches]
        self._end = end

    def at(self, position: int) -> tuple[Mark, int]:
        """The mark of a character, and where the stretch with it ends."""
        index = bisect_right(self._starts, position) - 1
        if index >= 0 and self._stretches[index][1] > position:
            return self._stretches[index][2], self._stretches[index][1]
        return _PLAIN, self._starts[index + 1] if index + 1 < len(self._starts) else max(self._end, position + 1)


def character_marks(main: bytes, table: bytes, pieces: Sequence[Piece], end: int) -> Marks:
    """Find the hidden stretches among the character properties ([MS-DOC] 2.9.33)."""
    runs = []
    for page in pages(main, table, _CHPX):
        count = page[511]
        places = struct.unpack_from(f"<{count + 1}I", page)
        for number, (first, last) in enumerate(pairwise(places)):
            at = page[(count + 1) * 4 + number] * 2
            mark = _mark(page[at + 1 : at + 1 + page[at]]) if at else _PLAIN
            if mark != _PLAIN and first < last:
                runs.append((first, last, mark))
    runs.sort()
    starts = [first for first, _, _ in runs]
    stretches = []
    for piece in pieces:
        stop = piece.place + (piece.end - piece.start) * piece.width
        index = max(bisect_right(starts, piece.place) - 1, 0)
        while index < len(runs) and runs[index][0] < stop:
            first, last, mark = runs[index]
            low, high = max(first, piece.place), min(last, stop)
            if low < high:
                begin = piece.start + (low - piece.place) // piece.width
                stretches.append((begin, piece.start + (high - piece.place) // piece.width, mark))
            index += 1
    return Marks(sorted(stretches), end)


def _mark(data: bytes) -> Mark:
    gone = white = lit = False
    for code, operand in modifiers(data):
        value = operand[0] if operand else 0
        if code in {0x083C, 0x0800}:  # hidden, deleted; 0x80 means as the style, 0x81 the opposite of it
            gone = gone or value in {1, 0x81}
        elif code == 0x4A43:  # half-points
            gone = gone or int.from_bytes(operand, "little") <= 2
        elif code == 0x2A42:
            white = value == _WHITE
        elif code == 0x6870:
            white = operand == b"\xff\xff\xff\x00"
        elif code in {0x2A0C, 0x4866, 0xCA71}:  # highlight, shading
            lit = lit or any(operand[1:] if code == 0xCA71 else operand)
    return Mark(gone, white and not lit)
