"""The compressed RTF of Outlook, [MS-OXRTFCP]: LZ77 over a ring of 4,096 bytes that begins with common RTF words."""

from __future__ import annotations

import struct
from typing import Final

from ragkit.parse.archive import MAX_RATIO, SMALL
from ragkit.parse.problems import problem

_RING: Final = 4096
_PRIMED: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_COMPRESSED: Final = 0x75465A4C
_STORED: Final = 0x414C454D


def unpack_rtf(packed: bytes) -> bytes:
    """Return the RTF.

    Raises:
        ItemError: ``malformed``, or ``archive-bomb`` when it claims to grow beyond reason.
    """
    if len(packed) < 16:
        raise problem("malformed")
    _, size, kind, _ = struct.unpack_from("<IIII", packed)
    if kind == _STORED:
        return packed[16 : 16 + size]
    if kind != _COMPRESSED:
        raise problem("malformed")
    if size > max(SMALL, MAX_RATIO * len(packed)):
        raise problem("archive-bomb")
    ring = bytearray(_PRIMED.ljust(_RING, b"\x00"))
    return bytes(_unpack(packed, ring, size))


def _unpack(packed: bytes, ring: bytearray, size: int) -> bytearray:
    made, write, at = bytearray(), len(_PRIMED), 16
    while at < len(packed) and len(made) < size:
        control = packed[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 2 > len(packed):
                    return made
                reference = packed[at] << 8 | packed[at + 1]
                at += 2
                read, count = reference >> 4, (reference & 15) + 2
                if read == write:
                    return made  # the mark of the end
                piece = [ring[(read + step) % _RING] for step in range(count)]
                # A reference may reach into what it writes itself: then the bytes come one after the other.
                if (write - read) % _RING < count:
                    piece = _overlapping(ring, read, write, count)
            elif at < len(packed):
                piece = [packed[at]]
                at += 1
            else:
                return made
            for byte in piece:
                ring[write] = byte
                write = (write + 1) % _RING
            made += bytes(piece)
    return made


def _overlapping(ring: bytearray, read: int, write: int, count: int) -> list[int]:
    piece: list[int] = []
    distance = (write - read) % _RING
    for step in range(count):
        piece.append(ring[(read + step) % _RING] if step < distance else piece[step - distance])
    return piece
