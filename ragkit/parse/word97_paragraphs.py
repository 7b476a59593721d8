"""What DOC says of paragraphs, directly and by their styles ([MS-DOC] 2.9): headings, lists, tables."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from ragkit.parse.word97_properties import Piece, modifiers, pages, slot

_STSH, _PAPX = 1, 13
_MAX_BASES: Final = 20
_TITLE: Final = 62


@dataclass(frozen=True, slots=True)
class Form:
    """What matters of a paragraph: heading level, list and depth in it, place in a table."""

    level: int = 0
    numbering: int = 0
    depth: int = 0
    in_table: bool = False
    ends_row: bool = False
    is_header: bool = False
    shaded: bool = False


class Forms:
    """The forms of all paragraphs by position in the text."""

    def __init__(self, pieces: Sequence[Piece], runs: list[tuple[int, int, Form]]) -> None:
        self._pieces = pieces
        self._piece_starts = [piece.start for piece in pieces]
        self._runs = runs
        self._starts = [first for first, _, _ in runs]

    def at(self, position: int) -> Form:
        """The form of the paragraph whose mark stands at this position."""
        index = bisect_right(self._piece_starts, position) - 1
        if index < 0:
            return Form()
        piece = self._pieces[index]
        place = piece.place + (position - piece.start) * piece.width
        index = bisect_right(self._starts, place) - 1
        return self._runs[index][2] if index >= 0 and self._runs[index][1] > place else Form()


def paragraph_forms(main: bytes, table: bytes, pieces: Sequence[Piece]) -> Forms:
    """Read the paragraph properties ([MS-DOC] 2.9.174)."""
    styles = _style_forms(slot(main, table, _STSH))
    runs = []
    for page in pages(main, table, _PAPX):
        count = page[511]
        places = struct.unpack_from(f"<{count + 1}I", page)
        for number, (first, last) in enumerate(pairwise(places)):
            at = page[(count + 1) * 4 + number * 13] * 2
            if not at:
                runs.append((first, last, Form()))
                continue
            size = page[at] * 2 - 1 if page[at] else page[at + 1] * 2
            at += 1 if page[at] else 2
            (style,) = struct.unpack_from("<H", page, at) if size >= 2 else (0,)
            runs.append((first, last, _modified(styles.get(style) or _builtin(style), page[at + 2 : at + size])))
    runs.sort(key=lambda run: run[0])
    return Forms(pieces, runs)


def _style_forms(data: bytes) -> dict[int, Form]:
    """The forms that the paragraph styles give ([MS-DOC] 2.9.271, 2.9.260), each with those it is based on."""
    own: dict[int, tuple[int, int, bytes]] = {}
    try:
        (header,) = struct.unpack_from("<H", data)
        count, fixed = struct.unpack_from("<HH", data, 2)
        at = 2 + header
        for style in range(count):
            (size,) = struct.unpack_from("<H", data, at)
            entry, at = data[at + 2 : at + 2 + size], at + 2 + size
            if size < fixed + 2:
                continue
            identity, kind = struct.unpack_from("<HH", entry)
            if kind & 0xF != 1:
                continue
            place = fixed + 4 + 2 * struct.unpack_from("<H", entry, fixed)[0]  # behind the name and its zero
            place += place % 2
            (length,) = struct.unpack_from("<H", entry, place)
            own[style] = identity & 0xFFF, kind >> 4, entry[place + 4 : place + 2 + length]
    except struct.error:
        pass  # styles cut off: those before are good
    forms: dict[int, Form] = {}
    for style in own:
        chain = [style]
        while (base := own[chain[-1]][1]) in own and len(chain) < _MAX_BASES:
            chain.append(base)
        form = Form()
        for link in reversed(chain):
            identity, _, changes = own[link]
            if builtin := _builtin(link).level:
                form = replace(form, level=builtin)
            elif identity == _TITLE:
                form = replace(form, level=1)
            form = _modified(form, changes)
        forms[style] = form
    return forms


def _builtin(style: int) -> Form:
    """What a style's number alone says: one to nine are kept for the built-in headings."""
    return Form(level=style if 1 <= style <= 9 else 0)


def _modified(form: Form, data: bytes) -> Form:
    for code, operand in modifiers(data):
        value = operand[0] if operand else 0
        if code == 0x2640:
            form = replace(form, level=value + 1 if value < 9 else 0)
        elif code == 0x460B:
            form = replace(form, numbering=int.from_bytes(operand, "little"))
        elif code == 0x260A:
            form = replace(form, depth=min(value, 8))
        elif code == 0x2416:
            form = replace(form, in_table=bool(value))
        elif code == 0x2417:
            form = replace(form, ends_row=bool(value), in_table=form.in_table or bool(value))
        elif code == 0x3404:
            form = replace(form, is_header=bool(value))
        elif code in {0x442D, 0xC64D}:
            form = replace(form, shaded=any(operand[1:] if code == 0xC64D else operand))
    return form
