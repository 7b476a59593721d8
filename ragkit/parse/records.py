"""JSON (RFC 8259) and lines of JSON, one value a line, laid out by :mod:`.record_layout`.

Numbers stay as they are written, and a key that is there twice keeps both values. What is no JSON after all - cut off,
with comments - is read as plain text with the notice ``read-as-text``; of lines, the bad ones are skipped.
"""

from __future__ import annotations

import json

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.parse.record_layout import Fields, Value, write_value
from ragkit.parse.text import decode, write_paragraphs

_MAX_PLACES = 100
_DECODER = json.JSONDecoder(object_pairs_hook=Fields, parse_int=str, parse_float=str, parse_constant=str)


def parse(part: Part, out: BlockWriter) -> None:
    """Read JSON, or lines of it."""
    text = decode(part, out)
    try:
        values = _values(text, out)
    except RecursionError:
        raise problem("too-nested") from None
    if values is None:
        out.notice("read-as-text")
        write_paragraphs(text.replace("\r\n", "\n"), out)
        return
    value = values[0] if len(values) == 1 else values
    if not out.title and isinstance(value, Fields):
        out.title = value.first("title", "name", "subject")
    write_value(value, out)


def _values(text: str, out: BlockWriter) -> list[Value] | None:
    """The one value of the text, or those of its lines; ``None`` when neither reads."""
    try:
        return [_read(text)]
    except json.JSONDecodeError as error:
        if error.msg != "Extra data" and not _is_json(text.lstrip().partition("\n")[0]):
            return None
    values, bad = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if line := line.strip(" \t\r\x1e"):  # RFC 7464 begins a line with a record separator
            try:
                values.append(_read(line))
            except json.JSONDecodeError:
                bad.append(number)
    if len(bad) > len(values):
        return None
    if bad:
        out.notice("part-skipped", count=len(bad), where=bad[:_MAX_PLACES])
    return values


def _is_json(line: str) -> bool:
    try:
        return isinstance(_read(line), Fields | list)
    except json.JSONDecodeError:
        return False


def _read(text: str) -> Value:
    value: Value = _DECODER.decode(text)
    return value
