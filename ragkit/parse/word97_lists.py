"""The labels of lists in DOC ([MS-DOC] 2.9.131, 2.9.147, 2.9.150)."""

from __future__ import annotations

import struct
from typing import Final

from ragkit.parse.word97_paragraphs import Form
from ragkit.parse.word97_properties import FILE_TABLE, slot

_LST, _LFO = 73, 74
_BULLET: Final = 23
_NO_NUMBER: Final = 255
_DEPTHS: Final = 9
_NOT_NUMBERED: Final = 0xF801


class Lists:
    """Counts the items of one document's lists."""

    def __init__(self, main: bytes, table: bytes) -> None:
        self._levels: dict[int, list[tuple[int, int]]] = {}
        self._counters: dict[tuple[int, int], int] = {}
        try:
            formats = self._formats(main, table)
            overrides = slot(main, table, _LFO)
            count = struct.unpack_from("<I", overrides)[0] if overrides else 0
            for number in range(min(count, len(overrides) // 16)):
                (identity,) = struct.unpack_from("<i", overrides, 4 + number * 16)
                self._levels[number + 1] = formats.get(identity, [])
        except (struct.error, IndexError):
            return  # lists without labels are lists of bullets

    @staticmethod
    def _formats(main: bytes, table: bytes) -> dict[int, list[tuple[int, int]]]:
        """Map a list's identity to number format and start of each depth; the levels stand behind the lists."""
        data = slot(main, table, _LST)
        if not data:
            return {}
        (count,) = struct.unpack_from("<H", data)
        (start,) = struct.unpack_from("<I", main, FILE_TABLE + _LST * 8)
        at = start + 2 + count * 28
        formats: dict[int, list[tuple[int, int]]] = {}
        for number in range(count):
            (identity,) = struct.unpack_from("<i", data, 2 + number * 28)
            levels = []
            for _ in range(1 if data[2 + number * 28 + 26] & 1 else _DEPTHS):
                begin, form = struct.unpack_from("<iB", table, at)
                characters, paragraphs = table[at + 24], table[at + 25]
                at += 28 + characters + paragraphs
                at += 2 + 2 * struct.unpack_from("<H", table, at)[0]
                levels.append((form, begin))
            formats[identity] = levels
        return formats

    def label(self, form: Form) -> str:
        """``-``, ``3.`` or ``b.``; empty outside a list. Counts on, so call it once for each paragraph with text."""
        if not form.numbering or form.numbering == _NOT_NUMBERED:
            return ""
        levels = self._levels.get(form.numbering, [])
        kind, start = levels[form.depth] if form.depth < len(levels) else (_BULLET, 1)
        if kind in {_BULLET, _NO_NUMBER}:
            return "-" if kind == _BULLET else ""
        key = (form.numbering, form.depth)
        number = self._counters[key] = self._counters.get(key, start - 1) + 1
        for depth in range(form.depth + 1, _DEPTHS):
            self._counters.pop((form.numbering, depth), None)
        if kind in {3, 4} and 1 <= number <= 26:
            return f"{chr((64 if kind == 3 else 96) + number)}."
        return f"{number}."
