"""Cuts a chunk into the pieces an extractive answer is made of: sentences, table rows, list items, lines.

A piece is a range of ``Chunk.record``, so whatever is quoted stands in the document word for word. Masked spans are
atomic: no boundary falls inside one. Cutting is by rule, because the sentence models of the field are downloads, and a
wrong boundary costs a little style here, never truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ragkit.generate.layout import HEADING_MARK, ITEM, TABLE_LINE, Block, read_layout, wrapped_lines
from ragkit.types import Chunk, Masked, MaskedText

Kind = Literal["sentence", "line", "item", "list", "record", "row", "code", "heading"]

WHOLE = 600  # characters: a list or record this short is quoted whole, a longer one line by line

_RULE_LINE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[\"'“‘«(\[¿¡]*[^\W_a-zà-öø-ÿ])|[。！？]+[」』”]*")
_REPLY = re.compile(r"\s*(?:yes|no|ja|nein|oui|non|sí|sì|sim|não|nee|nej|да|нет|evet|hayır)[.!]", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Dr|Mr|Mrs|Ms|Prof|Sr|Jr|St|Mt|Fr|Hr|Hrn|Frl|Sra|Dra|Mme|Mlle|Nr|No|Nos|Art|Abs|Ziff|Fig|Figs|Sec|Vol"
    r"|pp|vs|cf|ca|approx|bzw|usw|inkl|zzgl|evtl|vgl|tel|Tel|Inc|Ltd|Co|Corp|Bros|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Gov|Sen|Rep"
    r"|etc|al|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)|\d{1,2})\.$"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A quotable range ``chunk.record[start:end]``.

    Attributes:
        header: For a table row, the column names (record view); empty elsewhere or where the table has none.
        lead: Range of what introduces the piece in the same chunk (its heading, question or list opening), ``(0, 0)``
            where there is none. It helps to find the piece and is not quoted with it.
    """

    start: int
    end: int
    kind: Kind
    header: tuple[str, ...] = ()
    lead: tuple[int, int] = (0, 0)


def cut(chunk: Chunk) -> list[Piece]:
    """Return the pieces of a chunk in reading order. They do not overlap; blank space and table rules are left out."""
    text = str(chunk.record)
    pieces: list[Piece] = []
    topic = opening = (0, 0)  # the last heading or question; a line that ends in a colon, for the next block only
    for block in read_layout(text, chunk.heading, [start for start, _ in chunk.headings]):
        found = _cut_block(block, chunk, pieces)
        lead, opening = (opening if opening != (0, 0) else topic), (0, 0)
        for piece in found:
            if piece.kind == "heading":
                lead = topic = (piece.start, piece.end)
                pieces.append(piece)
                continue
            pieces.append(replace(piece, lead=lead))
            ending = text[piece.start : piece.end].rstrip("*_ ")[-1:]
            if ending in {"?", "？"}:
                lead = topic = (piece.start, piece.end)
        if pieces and _opens(text, pieces[-1]):
            opening = (pieces[-1].start, pieces[-1].end)
    return pieces


def index_text(chunk: Chunk, start: int, end: int) -> Masked:
    """Return the index view of ``chunk.record[start:end]``; a range that touches a masked span takes all of it."""
    body = MaskedText(chunk.record, chunk.index, chunk.spans)
    first = body.to("index", start, came_from="record")
    last = body.to("index", end, came_from="record", end=True)
    return Masked(chunk.index[first:last])


def cells(line: str) -> list[str]:
    """Split one Markdown table line at its unescaped bars; outer bars and blank space are dropped."""
    inner = line.strip()
    inner = inner.removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip() for cell in _CELL_BORDER.split(inner)]


def row_text(line: str, header: tuple[str, ...]) -> str:
    """Write a table row for a reader: ``Product: Desk; Price: 240 €``, or the filled cells where there is no header."""
    values = cells(line)
    if len(header) != len(values):
        return " | ".join(value for value in values if value)
    pairs = zip(header, values)
    return "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value and value != name)


def sentence_ends(text: str, start: int, end: int, inside: Sequence[tuple[int, int]] = ()) -> Iterator[int]:
    """Yield where the sentences of ``text[start:end]`` end that others follow; never within one of the ranges."""
    first = start
    for stop in _STOP.finditer(text, start, end):
        at = stop.end()
        if any(span_start < at < span_end for span_start, span_end in inside):
            continue
        if _REPLY.fullmatch(text, first, at):  # "Yes." alone says little: it stays with what follows
            continue
        if stop.group() == "." and _ABBREVIATION.search(text[max(start, at - 12) : at]):
            continue
        yield at
        first = at


def _cut_block(block: Block, chunk: Chunk, before: list[Piece]) -> list[Piece]:
    text = str(chunk.record)
    if block.kind == "table":
        return _cut_table(block, text, str(chunk.context_record))
    if block.kind in ("list", "record"):
        return _cut_lines(block, chunk, before)
    if block.kind == "code":
        return [Piece(block.start, block.end, "code")]
    if block.kind == "heading":
        mark = HEADING_MARK.match(text[block.start : block.end])
        return [Piece(block.start + (mark.end() if mark else 0), block.end, "heading")]
    pieces: list[Piece] = []
    for start, end, joined in wrapped_lines(block, text):
        kind: Kind = "sentence" if joined or len(block.lines) == 1 else "line"
        pieces += _sentences(start, end, kind, chunk)
    return pieces


def _cut_table(block: Block, text: str, context: str) -> list[Piece]:
    """Rows of a table. Its header is the line above the rule, here or in the context that a split table repeats."""
    header: tuple[str, ...] = ()
    context_lines = [line for line in context.splitlines() if TABLE_LINE.match(line) and not _RULE_LINE.match(line)]
    if context_lines:
        header = tuple(cells(context_lines[-1]))
    rows: list[Piece] = []
    for start, end in block.lines:
        line = text[start:end]
        if _RULE_LINE.match(line):
            if rows:
                last = rows.pop()
                header = tuple(cells(text[last.start : last.end]))
        elif any(cells(line)):
            rows.append(Piece(start + len(line) - len(line.lstrip()), end, "row", header))
    return [replace(row, header=header) if not row.header else row for row in rows]


def _cut_lines(block: Block, chunk: Chunk, before: list[Piece]) -> list[Piece]:
    """A short list or record goes as one piece with the line that opens it; a longer one item by item."""
    text = str(chunk.record)
    kind: Kind = "record" if block.kind == "record" else "list"
    opening = before[-1] if before and _opens(text, before[-1]) else None
    if opening and block.end - opening.start <= WHOLE:
        before.pop()
        return [Piece(opening.start, block.end, kind)]
    if block.end - block.start <= WHOLE:
        return [Piece(block.start, block.end, kind)]
    items: list[Piece] = []
    for start, end in block.lines:
        mark = ITEM.match(text[start:end])
        if mark or block.kind == "record" or not items:
            items.append(Piece(start + (mark.end() if mark else 0), end, "item" if mark else "line"))
        else:
            items[-1] = replace(items[-1], end=end)
    return [piece for item in items for piece in _split_item(item, chunk)]


def _split_item(item: Piece, chunk: Chunk) -> list[Piece]:
    if item.end - item.start <= WHOLE:
        return [item]
    return list(_sentences(item.start, item.end, item.kind, chunk))


def _sentences(start: int, end: int, kind: Kind, chunk: Chunk) -> Iterator[Piece]:
    """Cut ``record[start:end]`` after full stops that end a sentence."""
    text = str(chunk.record)
    inside = [(span.record_start, span.record_end) for span in chunk.spans]
    first = start
    for at in sentence_ends(text, start, end, inside):
        yield from _trimmed(first, at, kind, text)
        first = at
    yield from _trimmed(first, end, kind, text)


def _trimmed(start: int, end: int, kind: Kind, text: str) -> Iterator[Piece]:
    body = text[start:end]
    start, end = start + len(body) - len(body.lstrip()), end - (len(body) - len(body.rstrip()))
    if start < end:
        yield Piece(start, end, kind)


def _opens(text: str, piece: Piece) -> bool:
    return piece.kind != "heading" and text[piece.start : piece.end].rstrip("*_ ").endswith(":")
