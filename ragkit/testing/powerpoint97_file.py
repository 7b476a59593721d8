"""A writer of small PPT files ([MS-PPT]), for tests."""

from __future__ import annotations

import struct

from ragkit.testing.compound_file import compound_file


def record(kind: int, data: bytes, *, instance: int = 0, container: bool = False) -> bytes:
    """Return one record."""
    return struct.pack("<HHI", instance << 4 | (0xF if container else 0), kind, len(data)) + data


def text(kind: int, words: str, styles: bytes = b"") -> bytes:
    """Return the records of a text, in one byte a character where that does."""
    atom = record(0x0FA8, words.encode("latin-1")) if words.isascii() else record(0x0FA0, words.encode("utf-16-le"))
    return record(0x0F9F, struct.pack("<i", kind)) + atom + (record(0x0FA1, styles) if styles else b"")


def shape(inside: bytes, anchor: tuple[int, int, int, int] = (10, 10, 50, 50), kind: int = 0xF010) -> bytes:
    """Return a shape with a text box; an anchor is top, left, right, bottom, in a group left, top, right, bottom."""
    where = struct.pack("<4h" if kind == 0xF010 else "<4i", *anchor)
    return record(0xF004, record(kind, where) + record(0xF00D, inside, container=True), container=True)


def slide(*shapes: bytes, notes: int = 0, hidden: bool = False, extra: bytes = b"") -> bytes:
    """Return a slide."""
    atom = record(0x03EF, struct.pack("<I8xIIHxx", 0, 0, notes, 0))
    show = record(0x03F9, struct.pack("<iIBBHI", 0, 0, 0, 0, 4 if hidden else 0, 0))
    return record(0x03EE, atom + show + drawing(*shapes) + extra, container=True)


def drawing(*shapes: bytes) -> bytes:
    """Return a drawing of these shapes."""
    return record(
        0x040C, record(0xF002, record(0xF003, b"".join(shapes), container=True), container=True), container=True
    )


def deck(
    slides: list[bytes], *, outline: bytes = b"", notes: bytes = b"", token: int = 0xE391C05F, edit: int = 28
) -> bytes:
    """Return a PPT. Objects: 1 the document, 2 the notes (of identity 99), from 3 on the slides."""
    listed = b""
    for number in range(len(slides)):
        listed += record(0x03F3, struct.pack("<IIIII", 3 + number, 0, 0, 256 + number, 0))
        listed += outline if number == 0 else b""
    lists = record(0x0FF0, listed, container=True)
    lists += record(0x0FF0, record(0x03F3, struct.pack("<IIIII", 2, 0, 0, 99, 0)), instance=2, container=True)
    size = record(0x03E9, struct.pack("<ii", 5760, 4320))
    data, places = b"", []
    for entry in (record(0x03E8, size + lists, container=True), record(0x03F0, notes, container=True), *slides):
        places.append(len(data))
        data += entry
    directory = len(data)
    data += record(0x1772, struct.pack(f"<I{len(places)}I", len(places) << 20 | 1, *places))
    current = len(data)
    data += record(0x0FF5, struct.pack("<IIIII", 0, 0, 0, directory, 1).ljust(edit, b"\x00"))
    user = record(0x0FF6, struct.pack("<III", 20, token, current))
    return compound_file({"PowerPoint Document": data, "Current User": user})
