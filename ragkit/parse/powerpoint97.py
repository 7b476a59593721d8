"""PPT (PowerPoint 97 to 2003) by olefile and [MS-PPT]: titles, text, tables and notes, slide by slide.

A slide is a page. Hidden slides, shapes beside the slide, one-point type and comments are removed and counted; the
colour of type is not looked at, and a numbered list is read as one of bullets. No well-kept library of an acceptable
licence reads PPT.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from ragkit.parse.blocks import BlockWriter, looks_like_header
from ragkit.parse.formats import Part
from ragkit.parse.ole import Container
from ragkit.parse.powerpoint97_records import Record, Words, records, words_of
from ragkit.parse.problems import problem
from ragkit.types import BlockKind

_USER_EDIT, _DIRECTORY, _SIZES, _LIST, _PERSIST = 0x0FF5, 0x1772, 0x03E9, 0x0FF0, 0x03F3
_SLIDE, _SLIDE_ATOM, _SHOW, _DRAWING, _COMMENT = 0x03EE, 0x03EF, 0x03F9, 0x040C, 0x2EE0
_GROUP, _SHAPE, _TEXT, _ANCHOR, _CHILD_ANCHOR, _TABLE = 0xF003, 0xF004, 0xF00D, 0xF010, 0xF00F, 0xF122
_TAGS: Final = frozenset({0x1388, 0x138A, 0x138B})
_TABLE_PROPERTY: Final = 0x039F
_ENCRYPTED: Final = 0xF3D1C4DF
_HIDDEN: Final = 0x0004
_TITLES: Final = frozenset({0, 6})
_NOTES: Final = 2
_MAX_EDITS: Final = 10_000
_MAX_DEPTH: Final = 40
_MAX_CELLS: Final = 20_000


def parse(part: Part, out: BlockWriter) -> None:
    """Read a PPT."""
    container = Container(part.content)
    try:
        _Deck(container, out).write()
    except (struct.error, IndexError, UnicodeDecodeError):
        raise problem("malformed") from None
    out.title = out.title or container.title


class _Deck:
    def __init__(self, container: Container, out: BlockWriter) -> None:
        self._data = container.stream("PowerPoint Document")
        self._out = out
        self._places: dict[int, int] = {}
        self._document = self._at(self._places[self._read_edits(container.stream("Current User"))])
        sizes = self._document.find(_SIZES)
        self._size = struct.unpack_from("<ii", sizes.data) if sizes is not None else (0x7FFF, 0x7FFF)

    def _at(self, place: int) -> Record:
        return next(records(self._data, place), Record(0, 0, b"", is_container=False))

    def _read_edits(self, user: bytes) -> int:
        """Learn where each object stands, from the last saving back to the first; return the document's number."""
        token, place = struct.unpack_from("<II", user, 12)
        if token == _ENCRYPTED:
            raise problem("encrypted")
        document: int | None = None
        seen: set[int] = set()
        while place not in seen and len(seen) < _MAX_EDITS:
            seen.add(place)
            edit = self._at(place)
            if edit.kind != _USER_EDIT:
                break
            previous, directory, number = struct.unpack_from("<III", edit.data, 8)
            if len(edit.data) >= 32 and document is None:
                raise problem("encrypted")
            document = number if document is None else document
            self._read_directory(self._at(directory))
            if not previous:
                break
            place = previous
        if document is None or document not in self._places:
            raise problem("malformed")
        return document

    def _read_directory(self, directory: Record) -> None:
        at = 0
        while directory.kind == _DIRECTORY and at + 4 <= len(directory.data):
            (head,) = struct.unpack_from("<I", directory.data, at)
            first, count = head & 0xFFFFF, head >> 20
            for number, place in enumerate(struct.unpack_from(f"<{count}I", directory.data, at + 4)):
                self._places.setdefault(first + number, place)
            at += 4 + 4 * count

    def write(self) -> None:
        """Write the slides in order, each with its notes."""
        lists = {entry.instance: entry for entry in self._document.children() if entry.kind == _LIST}
        notes = {identity: place for place, identity, _ in self._entries(lists.get(2))}
        seen: set[int] = set()
        for page, (place, _, outline) in enumerate(self._entries(lists.get(0)), start=1):
            slide = self._at(self._places.get(place, len(self._data)))
            if slide.kind != _SLIDE or place in seen:
                self._out.notice("part-skipped", where=(page,))
                continue
            seen.add(place)
            show = slide.find(_SHOW)
            if show is not None and len(show.data) >= 12 and struct.unpack_from("<H", show.data, 10)[0] & _HIDDEN:
                self._out.notice("part-skipped", where=(page,))
                self._out.hidden += 1
                continue
            self._slide(slide, words_of(outline, []), page)
            atom = slide.find(_SLIDE_ATOM)
            identity = struct.unpack_from("<I", atom.data, 16)[0] if atom is not None else 0
            if identity in notes:
                for record in self._at(self._places.get(notes[identity], len(self._data))).walk():
                    if record.kind == _TEXT:
                        self._write([words for words in words_of(record.children(), []) if words.kind == _NOTES], page)

    def _entries(self, listed: Record | None) -> Iterator[tuple[int, int, Iterator[Record]]]:
        """Yield number, identity and outline of the slides (or notes) of a list."""
        children = list(listed.children()) if listed is not None else []
        starts = [index for index, child in enumerate(children) if child.kind == _PERSIST]
        for start, end in zip(starts, [*starts[1:], len(children)]):
            place, _, _, identity = struct.unpack_from("<IIII", children[start].data)
            yield place, identity, iter(children[start + 1 : end])

    def _slide(self, slide: Record, outline: list[Words], page: int) -> None:
        self._out.hidden += _comments(slide)
        drawing = slide.find(_DRAWING)
        shapes = [] if drawing is None else list(self._shapes(drawing, 0))
        found: list[tuple[bool, list[Words] | Record]] = []
        for shape in shapes:
            if shape.kind == _GROUP:
                found.append((False, shape))
                continue
            box = shape.find(_TEXT)
            words = words_of(box.children(), outline) if box is not None else []
            if words and self._is_outside(shape):
                self._out.hidden += any(entry.text.strip() for entry in words)
            else:
                found.append((any(entry.kind in _TITLES for entry in words), words))
        for _, content in sorted(found, key=lambda entry: not entry[0]):
            if isinstance(content, Record):
                self._table(content, page)
            else:
                self._write(content, page)

    def _shapes(self, parent: Record, depth: int) -> Iterator[Record]:
        """Yield shapes in drawing order; groups that are tables whole, of others what is in them."""
        for child in parent.children():
            if child.kind == _SHAPE or (child.kind == _GROUP and _is_table(child)):
                yield child
            elif child.is_container and depth < _MAX_DEPTH:
                yield from self._shapes(child, depth + 1)

    def _is_outside(self, shape: Record) -> bool:
        anchor = shape.find(_ANCHOR)
        if anchor is None or len(anchor.data) not in {8, 16}:
            return False
        top, left, right, bottom = struct.unpack("<4h" if len(anchor.data) == 8 else "<4i", anchor.data)
        return bool(right <= 0 or bottom <= 0 or left >= self._size[0] or top >= self._size[1])

    def _write(self, texts: list[Words], page: int) -> None:
        for words in texts:
            paragraphs, hidden = words.paragraphs()
            self._out.hidden += hidden
            if words.kind in _TITLES:
                title = " ".join(" ".join(text for text, _ in paragraphs).split())
                self._out.title = self._out.title or title
                self._out.add(BlockKind.HEADING, title, level=1 if words.kind == 6 else 2, page=page)
                continue
            for text, has_bullet in paragraphs:
                if has_bullet and text and words.kind != _NOTES:
                    self._out.add(BlockKind.LIST_ITEM, f"- {text}", page=page)
                else:
                    self._out.add(BlockKind.PARAGRAPH, text, page=page)

    def _table(self, group: Record, page: int) -> None:
        """Write a table by where its cells stand; one merged downwards keeps its text in every row."""
        cells: list[tuple[int, int, int, int, str]] = []
        for shape in group.children():
            anchor, box = shape.find(_CHILD_ANCHOR), shape.find(_TEXT)
            if anchor is not None and box is not None and len(anchor.data) == 16:
                texts = []
                for words in words_of(box.children(), []):
                    paragraphs, hidden = words.paragraphs()
                    self._out.hidden += hidden
                    texts += [text for text, _ in paragraphs]
                cells.append((*struct.unpack("<4i", anchor.data), " ".join(filter(None, texts))))
        lefts = sorted({left for left, _, _, _, _ in cells})
        tops = sorted({top for _, top, _, _, _ in cells})
        if len(tops) * len(lefts) > _MAX_CELLS:
            raise problem("malformed")
        places = {left: column for column, left in enumerate(lefts)}
        rows = []
        for place in tops:
            row = [""] * len(lefts)
            for left, top, right, bottom, text in cells:
                if top <= place < max(bottom, top + 1):
                    row[places[left]] = text
                    for column in range(places[left] + 1, len(lefts) if place == tops[0] else 0):
                        if lefts[column] < right:
                            row[column] = text  # every column keeps the title that spans it
            rows.append(row)
        self._out.table(rows, header_rows=int(looks_like_header(rows)), page=page)


def _is_table(group: Record) -> bool:
    shape = group.find(_SHAPE)
    options = shape.find(_TABLE) if shape is not None else None
    if options is None:
        return False
    count = min(options.instance, len(options.data) // 6)
    found = (struct.unpack_from("<H", options.data, number * 6)[0] & 0x3FFF for number in range(count))
    return _TABLE_PROPERTY in found


def _comments(parent: Record, depth: int = 0) -> int:
    """How many comments hang on a slide, in its programmable tags."""
    count = 0
    for child in parent.children():
        if child.kind == _COMMENT:
            count += 1
        elif child.kind in _TAGS and depth < 5:
            count += _comments(child, depth + 1)
    return count
