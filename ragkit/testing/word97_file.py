"""A writer of small DOC files ([MS-DOC]), for tests."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ragkit.testing.compound_file import compound_file

Paragraph = tuple[Sequence[tuple[str, bytes]], int, bytes]
"""Runs of text with their modifiers, style, modifiers."""

_FIB, _TEXT, _CHARACTERS, _PARAGRAPHS = 0, 0x400, 0xA00, 0xC00
IN_TABLE, ENDS_ROW = b"\x16\x24\x01", b"\x16\x24\x01\x17\x24\x01"
HIDDEN, DELETED, TINY, WHITE = b"\x3c\x08\x01", b"\x00\x08\x01", b"\x43\x4a\x02\x00", b"\x42\x2a\x08"


def page(entries: list[tuple[int, bytes]], end: int, width: int) -> bytes:
    """Return a page of properties: ``(first byte they hold for, data)``, each data word-aligned at the page's end."""
    out = bytearray(512)
    places = [place for place, _ in entries] + [end]
    out[: 4 * len(places)] = struct.pack(f"<{len(places)}I", *places)
    at = 511
    for number, (_, data) in enumerate(entries):
        if data:
            at = (at - len(data)) // 2 * 2
            out[at : at + len(data)] = data
            out[4 * len(places) + number * width] = at // 2
    out[511] = len(entries)
    return bytes(out)


def document(
    *stories: Sequence[Paragraph], flags: int = 0x0200, version: int = 193, magic: int = 0xA5EC, lists: bool = False
) -> bytes:
    """Return a DOC of up to eight stories; a paragraph is ``(runs, style, modifiers)``, a run ``(text, modifiers)``.

    The first paragraph is kept in Windows-1252, all others in UTF-16.
    """
    data, characters, paragraphs, lengths, pieces = b"", [], [], [], []
    position = 0
    for story in stories:
        begin = position
        for runs, style, modifiers in story:
            width = 1 if not data else 2
            start, first = position, _TEXT + len(data)
            for text, properties in runs:
                characters.append((_TEXT + len(data), bytes([len(properties)]) + properties if properties else b""))
                data += text.encode("cp1252" if width == 1 else "utf-16-le")
                position += len(text.encode("utf-16-le")) // 2
            packed = struct.pack("<H", style) + modifiers
            packed += b"\x00" * (len(packed) % 2)
            paragraphs.append((first, bytes([0, len(packed) // 2]) + packed))
            pieces.append((start, first * 2 | 0x40000000 if width == 1 else first))
        lengths.append(position - begin)
    end = _TEXT + len(data)
    assert end <= _CHARACTERS
    plc = struct.pack(f"<{len(pieces) + 1}I", *(start for start, _ in pieces), position)
    plc += b"".join(struct.pack("<HIH", 0, place, 0) for _, place in pieces)
    slots = {33: b"\x01\x02\x00ab\x02" + struct.pack("<I", len(plc)) + plc}
    slots[12] = struct.pack("<III", _TEXT, end, _CHARACTERS // 512)
    slots[13] = struct.pack("<III", _TEXT, end, _PARAGRAPHS // 512)
    table = b""
    if lists:  # one list of one depth, numbered from 3
        level = struct.pack("<iBB9xB8xBBBB", 3, 0, 0, 0, 0, 0, 0, 0) + struct.pack("<H", 1) + b"\x00\x00"
        table = struct.pack("<Hii18xBx", 1, 77, 0, 1) + level
        slots[74] = struct.pack("<Ii12x", 1, 77)
    main = bytearray(_PARAGRAPHS + 512)
    main[:4] = struct.pack("<HH", magic, version)
    main[0x0A:0x0C] = struct.pack("<H", flags)
    main[0x4C : 0x4C + 4 * len(lengths)] = struct.pack(f"<{len(lengths)}i", *lengths)
    if lists:
        main[0x9A + 73 * 8 : 0x9A + 74 * 8] = struct.pack("<II", 0, 30)
    for index, content in slots.items():
        main[0x9A + index * 8 : 0x9A + index * 8 + 8] = struct.pack("<II", len(table), len(content))
        table += content
    main[_TEXT : _TEXT + len(data)] = data
    main[_CHARACTERS : _CHARACTERS + 512] = page(characters, end, 1)
    main[_PARAGRAPHS : _PARAGRAPHS + 512] = page(paragraphs, end, 13)
    return compound_file({"WordDocument": bytes(main), "1Table": table})


def plain(text: str, style: int = 0, modifiers: bytes = b"") -> Paragraph:
    """Return a paragraph of one run; a mark is added where there is none."""
    return [(text if text[-1:] in "\r\x07\x0c" else text + "\r", b"")], style, modifiers
