"""Records - nested fields and lists, from JSON or XML - as tables, ``key: value`` lines and headings.

A list of records with short values is a table whose header names their paths (``address.city``), so that a row never
loses its columns; one of long values is a paragraph a record. Within a record the plain values come first, then each
larger part under a heading with its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Union

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.problems import problem
from ragkit.types import BlockKind

Value = Union[str, bool, None, "list[Value]", "Fields"]

MAX_DEPTH = 100
_MAX_COLUMNS = 24
_MAX_CELL = 240
_MAX_LINE = 400
_SMALL_RECORD = 40
_SMALL_DEPTH = 6
# Files within strings (base64), which no one reads.
_BLOB = re.compile(r"(?:data:[\w/+.-]+;base64,)?[A-Za-z0-9+/_=-]{1000,}")


class Fields:
    """The fields of a record in order; a key may be there twice."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: Iterable[tuple[str, Value]] = ()) -> None:
        self.pairs = list(pairs)

    def __repr__(self) -> str:
        return f"Fields({len(self.pairs)})"

    def first(self, *keys: str) -> str:
        """The text under the first of the keys that has one, empty when none has."""
        found = dict(reversed(self.pairs))
        return next((text for key in keys if isinstance(text := found.get(key), str) and text.strip()), "")


def write_value(value: Value, out: BlockWriter, *, level: int = 1) -> None:
    """Write a value of any shape, its headings from ``level`` on.

    Raises:
        ItemError: ``too-nested``, from 100 levels on.
    """
    _Layout(out).write(value, "", level)


class _Layout:
    def __init__(self, out: BlockWriter) -> None:
        self._out = out

    def write(self, value: Value, key: str, level: int) -> None:
        if level > MAX_DEPTH:
            raise problem("too-nested")
        if isinstance(value, Fields):
            self._record(value, level)
        elif isinstance(value, list):
            self._list(value, key, level)
        else:
            self._out.add(BlockKind.PARAGRAPH, self._plain(value))

    def _record(self, fields: Fields, level: int) -> None:
        lines: list[str] = []
        parts: list[tuple[str, Value]] = []
        for key, value in fields.pairs:
            leaves = _leaves(value, key)
            if leaves is None:
                parts.append((key, value))
            else:
                lines.extend(self._lines(leaves))
        self._out.add(BlockKind.PARAGRAPH, "\n".join(lines))
        for key, value in parts:
            self._out.add(BlockKind.HEADING, key, level=level)
            self.write(value, key, level + 1)

    def _list(self, values: list[Value], key: str, level: int) -> None:
        flat = [_leaves(value, "") for value in values]
        if all(isinstance(value, Fields) for value in values) and self._table(flat):
            return
        if len(values) > 1 and (rows := _matrix(values)) is not None:
            self._out.table(rows, header_rows=0)
            return
        for number, (value, leaves) in enumerate(zip(values, flat), start=1):
            if isinstance(value, Fields) and leaves is not None:
                self._out.add(BlockKind.PARAGRAPH, "\n".join(self._lines(leaves)))
            elif leaves is not None:
                self._item(leaves[0][1] if leaves else "")
            else:
                self._out.add(BlockKind.HEADING, _name(value, f"{key} {number}".strip()), level=level)
                self.write(value, key, level + 1)

    def _item(self, text: str) -> None:
        if (text := self._plain(text)).strip():
            self._out.add(BlockKind.LIST_ITEM, f"- {text}")

    def _table(self, flat: Sequence[list[tuple[str, str]] | None]) -> bool:
        """Write records as a table when they share their fields and have short values."""
        columns: dict[str, int] = {}
        filled = 0
        for leaves in flat:
            if leaves is None or len(flat) < 2:
                return False
            keys = [key for key, _ in leaves]
            if len(set(keys)) < len(keys) or any(len(text) > _MAX_CELL for _, text in leaves):
                return False
            filled += len(keys)
            for key in keys:
                columns.setdefault(key, len(columns))
            if len(columns) > _MAX_COLUMNS:
                return False
        if filled * 2 < len(columns) * len(flat):
            return False
        rows = [list(columns)]
        for leaves in flat:
            row = [""] * len(columns)
            for key, text in leaves or ():
                row[columns[key]] = text
            rows.append(row)
        self._out.table(rows, header_rows=1)
        return True

    def _lines(self, leaves: Sequence[tuple[str, str]]) -> Iterator[str]:
        for key, text in leaves:
            text = self._plain(text)
            if text.strip():
                yield f"{key}: {text}" if key else text

    def _plain(self, value: Value) -> str:
        text = _text(value)
        if len(text) >= 1000 and _BLOB.fullmatch(text) and not text.isdecimal():
            self._out.notice("part-skipped")
            return ""
        return text


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else ""


def _leaves(value: Value, path: str) -> list[tuple[str, str]] | None:
    """The paths and texts of a small record or list, ``None`` for one that needs room of its own."""
    found: list[tuple[str, str]] = []
    return found if _gather(value, path, found, 0) else None


def _gather(value: Value, path: str, found: list[tuple[str, str]], depth: int) -> bool:
    if depth > _SMALL_DEPTH:
        return False
    if isinstance(value, Fields):
        for key, inner in value.pairs:
            name = f"{path}.{key}" if path else key
            if isinstance(inner, str):
                found.append((name, inner))
            elif not _gather(inner, name, found, depth + 1):
                return False
        return len(found) <= _SMALL_RECORD
    if isinstance(value, list):
        line = _line(value)
        found.append((path, line or ""))
        return line is not None
    found.append((path, _text(value)))
    return True


def _line(values: list[Value]) -> str | None:
    """A short list of plain values, or of a few such lists (a polygon), in one line."""
    inner: list[str] = []
    for value in values:
        if isinstance(value, Fields) or (isinstance(value, list) and any(isinstance(x, list | Fields) for x in value)):
            return None
        inner.append(", ".join(map(_text, value)) if isinstance(value, list) else _text(value))
    line = ("; " if any(isinstance(value, list) for value in values) else ", ").join(filter(None, inner))
    return line if len(line) <= _MAX_LINE else None


def _matrix(values: list[Value]) -> list[list[str]] | None:
    """Rows of plain values, such as coordinates."""
    rows = []
    for value in values:
        if not isinstance(value, list) or any(isinstance(cell, list | Fields) for cell in value):
            return None
        rows.append([_text(cell) for cell in value])
    return rows


def _name(value: Value, otherwise: str) -> str:
    """What a record calls itself."""
    name = value.first("title", "name", "label", "id") if isinstance(value, Fields) else ""
    return name if 0 < len(name) <= _MAX_CELL else otherwise
