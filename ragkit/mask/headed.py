"""Columns of Markdown tables whose head names an identifying number: a column "Member ID" holds one in every row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ragkit.mask.labels import header
from ragkit.types import Span

_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*")
_NOT_HEAD = " \t*_`"
_LONGEST_HEAD = 40
_LONGEST_CELL = 60


def find_headed(text: str, wanted: tuple[str, ...]) -> Iterator[Span]:
    """Cells with digits under heads that name one of the wanted types."""
    position = text.find("|") if "--" in text else -1
    while position >= 0 and (dashes := text.find("--", position)) >= 0:
        start = text.rfind("\n", 0, dashes) + 1
        end = _line_end(text, dashes)
        position = end
        if start == 0 or "|" not in text[start:end] or _DIVIDER.fullmatch(text, start, end) is None:
            continue
        heads = text[text.rfind("\n", 0, start - 1) + 1 : start - 1].strip().strip("|").split("|")
        kinds = [_kind(head.strip(_NOT_HEAD).lower(), wanted) for head in heads]
        if any(kinds):
            position = _table_end(text, end)
            yield from _cells(text, end + 1, position, kinds)


@lru_cache(maxsize=4096)
def _kind(head: str, wanted: tuple[str, ...]) -> str | None:
    if not 2 <= len(head) <= _LONGEST_HEAD:
        return None
    return next((entity_type for pattern, entity_type in header(wanted) if pattern.fullmatch(head)), None)


def _table_end(text: str, position: int) -> int:
    """The end of the last of the lines with bars that follow."""
    while position < len(text):
        end = _line_end(text, position + 1)
        if "|" not in text[position + 1 : end]:
            return position
        position = end
    return position


def _cells(text: str, position: int, table_end: int, kinds: list[str | None]) -> Iterator[Span]:
    """The cells of the rows up to the end of the table; a bar behind a backslash divides nothing."""
    while position < table_end:
        end = _line_end(text, position)
        at = position + (1 if text[position:end].lstrip().startswith("|") else 0) * (
            text.find("|", position) - position + 1
        )
        for kind in kinds:
            stop = text.find("|", at, end)
            while stop > 0 and text[stop - 1] == "\\":
                stop = text.find("|", stop + 1, end)
            stop = end if stop < 0 else stop
            cell = text[at:stop]
            if kind is not None and _fits(cell.strip(_NOT_HEAD)):
                start = at + len(cell) - len(cell.lstrip(_NOT_HEAD))
                yield Span(start, start + len(cell.strip(_NOT_HEAD)), kind, 0.75, "identifiers:column")
            at = stop + 1
            if at > end:
                break
        position = end + 1


def _fits(value: str) -> bool:
    return 4 <= len(value) <= _LONGEST_CELL and sum(char.isdigit() for char in value) >= 2


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end
