"""A writer of small compound files ([MS-CFB] version 3), for tests of what is kept in them: Outlook messages.

Every stream lies in the mini stream, which holds those below 4,096 bytes; the directory is a list, which is a tree of
one side.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Union

Folder = Mapping[str, Union[bytes, "Folder"]]

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def compound_file(root: Folder) -> bytes:
    """Return a compound file with these streams (bytes) and storages (mappings)."""
    entries: list[list[object]] = [["Root Entry", 5, _FREE, _FREE, 0, 0]]
    mini = bytearray()
    mini_fat: list[int] = []

    def add(folder: Folder) -> int:
        """Add the members of a folder and return the first one's number."""
        first, last = _FREE, None
        for name in sorted(folder, key=lambda text: (len(text), text.upper())):
            content, number = folder[name], len(entries)
            entry: list[object] = [name, 1, _FREE, _FREE, _END, 0]
            entries.append(entry)
            if isinstance(content, bytes):
                assert len(content) < _CUTOFF
                entry[1] = 2
                if content:
                    start, count = len(mini_fat), -(-len(content) // _MINI)
                    mini.extend(content.ljust(count * _MINI, b"\x00"))
                    mini_fat.extend([*range(start + 1, start + count), _END])
                    entry[4], entry[5] = start, len(content)
            else:
                entry[3], entry[4] = add(content), 0
            if last is None:
                first = number
            else:
                last[2] = number
            last = entry
        return first

    entries[0][3] = add(root)
    directory = b"".join(_entry(entry) for entry in entries)
    table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    parts = [_padded(directory, b"\x00"), _padded(table, b"\xff"), _padded(bytes(mini), b"\x00")]
    sectors = [len(part) // _SECTOR for part in parts]
    starts = [sum(sectors[:number]) for number in range(3)]
    total = sum(sectors)
    fat_sectors = 1
    while fat_sectors * 128 < total + fat_sectors:
        fat_sectors += 1
    fat: list[int] = []
    for count in sectors:
        fat.extend([*range(len(fat) + 1, len(fat) + count), _END] if count else [])
    fat += [_FAT] * fat_sectors
    fat += [_FREE] * (fat_sectors * 128 - len(fat))
    parts[0] = _padded(_entry(entries[0], start=starts[2], size=len(mini)) + directory[128:], b"\x00")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6,
        0, fat_sectors, starts[0], 0, _CUTOFF, starts[1] if mini_fat else _END, sectors[1], _END, 0, total,
    )  # fmt: skip
    header += struct.pack("<108I", *range(total + 1, total + fat_sectors), *[_FREE] * (109 - fat_sectors))
    return header + b"".join(parts) + struct.pack(f"<{len(fat)}I", *fat)


def _entry(entry: list[object], *, start: int | None = None, size: int | None = None) -> bytes:
    name, kind, right, child, first, length = entry
    encoded = str(name).encode("utf-16-le") + b"\x00\x00"
    return struct.pack(
        "<64sHBBIII36xIQ", encoded, len(encoded), kind, 1, _FREE, right, child,
        first if start is None else start, length if size is None else size,
    )  # fmt: skip


def _padded(content: bytes, filler: bytes) -> bytes:
    return content.ljust(-(-len(content) // _SECTOR) * _SECTOR, filler)
