"""The records of a PPT ([MS-PPT] 2.3): a tree of type, length and data, and the text in it with its paragraphs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

HEADER, CHARS, BYTES, STYLES, OUTLINE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0FA1, 0x0F9E
_FIELDS: Final = frozenset({0x0FD8, 0x0FF7, 0x0FF8, 0x0FF9, 0x0FFA})
_BODIES: Final = frozenset({1, 7, 8})
_MAX_DEPTH: Final = 40
# The fields of paragraph and character properties behind their mask, in order: bits that ask for one, its bytes.
_PARAGRAPH: Final = (
    (0x000F, 2), (0x0080, 2), (0x0010, 2), (0x0040, 2), (0x0020, 4), (0x0800, 2), (0x1000, 2), (0x2000, 2),
    (0x4000, 2), (0x0100, 2), (0x0400, 2), (0x8000, 2), (0x100000, 0), (0x010000, 2), (0x0E0000, 2), (0x200000, 2),
)  # fmt: skip
_TABS: Final = 0x100000
_CHARACTER: Final = (
    (0x3EB7, 2), (0x010000, 2), (0x200000, 2), (0x400000, 2), (0x800000, 2), (0x020000, 2), (0x040000, 4),
    (0x080000, 2),
)  # fmt: skip
_SIZE: Final = 0x020000


class Record(NamedTuple):
    """One record: its type, its instance, and its data without the header."""

    kind: int
    instance: int
    data: bytes
    is_container: bool

    def children(self) -> Iterator[Record]:
        """The records in it."""
        return records(self.data)

    def find(self, kind: int) -> Record | None:
        """The first child of a type."""
        return next((child for child in self.children() if child.kind == kind), None)

    def walk(self, depth: int = 0) -> Iterator[Record]:
        """All records below, in order."""
        for child in self.children():
            yield child
            if child.is_container and depth < _MAX_DEPTH:
                yield from child.walk(depth + 1)


def records(data: bytes, at: int = 0) -> Iterator[Record]:
    """The records one after the other from an offset on; one that is longer than what is there is cut."""
    while at + 8 <= len(data):
        version, kind, length = struct.unpack_from("<HHI", data, at)
        yield Record(kind, version >> 4, data[at + 8 : at + 8 + length], version & 0xF == 0xF)
        at += 8 + length


@dataclass(slots=True)
class Words:
    """The text of a shape: its kind (0 and 6 title, 1 body, 2 notes, 4 other), its characters, their properties."""

    kind: int
    text: str = ""
    styles: bytes = b""
    has_fields: bool = False

    def paragraphs(self) -> tuple[list[tuple[str, bool]], int]:
        """Each paragraph's visible text and whether it has a bullet, and how many hidden runs there were.

        Raises:
            struct.error: The properties are cut off.
        """
        if self.has_fields and self.text.strip() == "*":
            return [], 0  # a slide's number or a date, filled in when it is shown
        length = len(self.text)
        bullets, hidden, count = bytearray([self.kind in _BODIES]) * (length + 1), bytearray(length), 0
        if self.styles:
            at = start = 0
            while start <= length and at < len(self.styles):
                (run,) = struct.unpack_from("<I", self.styles, at)
                has_bullet, at = _bullet(self.styles, at + 6)
                end = min(start + max(run, 1), length + 1)
                if has_bullet is not None:
                    bullets[start:end] = bytes([has_bullet]) * (end - start)
                start = end
            start = 0
            while start < length and at + 8 <= len(self.styles):
                (run,) = struct.unpack_from("<I", self.styles, at)
                size, at = _font_size(self.styles, at + 4)
                end = min(start + max(run, 1), length)
                if size is not None and size <= 1:
                    hidden[start:end] = b"\x01" * (end - start)
                    count += bool(self.text[start:end].strip())
                start = end
        text = self.text
        if count:
            text = "".join("\x00" if gone and c != "\r" else c for c, gone in zip(text, hidden))
        found, start = [], 0
        for line in text.split("\r"):
            found.append((line.replace("\x00", "").replace("\x0b", "\n").strip(), bool(bullets[start])))
            start += len(line) + 1
        return found, count


def _bullet(data: bytes, at: int) -> tuple[bool | None, int]:
    """Whether a paragraph has a bullet (None: as its master has it), and where its properties end."""
    (mask,) = struct.unpack_from("<I", data, at)
    at += 4
    has_bullet = None
    for bits, size in _PARAGRAPH:
        if not mask & bits:
            continue
        if bits == 0x000F and mask & 1:
            has_bullet = bool(struct.unpack_from("<H", data, at)[0] & 1)
        at += 2 + 4 * struct.unpack_from("<H", data, at)[0] if bits == _TABS else size
    return has_bullet, at


def _font_size(data: bytes, at: int) -> tuple[int | None, int]:
    """The size of a run in points (None: as its master has it), and where its properties end."""
    (mask,) = struct.unpack_from("<I", data, at)
    at += 4
    found: int | None = None
    for bits, size in _CHARACTER:
        if mask & bits:
            if bits == _SIZE:
                (found,) = struct.unpack_from("<H", data, at)
            at += size
    return found, at


def words_of(box: Iterator[Record], outline: list[Words]) -> list[Words]:
    """The texts among records: those of a shape, or of a slide's outline. ``outline`` is what a shape may refer to."""
    found: list[Words] = []
    for record in box:
        if record.kind == OUTLINE and len(record.data) >= 4:
            (index,) = struct.unpack_from("<i", record.data)
            found.extend(outline[index : index + 1] if index >= 0 else [])
        elif record.kind == HEADER and len(record.data) >= 4:
            found.append(Words(struct.unpack_from("<i", record.data)[0]))
        elif not found:
            continue
        elif record.kind == CHARS:
            found[-1].text = record.data.decode(
                "utf-16-le", "surrogatepass" if len(record.data) % 2 == 0 else "replace"
            )
        elif record.kind == BYTES:
            found[-1].text = record.data.decode("latin-1")
        elif record.kind == STYLES:
            found[-1].styles = record.data
        elif record.kind in _FIELDS:
            found[-1].has_fields = True
    return found
