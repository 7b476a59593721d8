"""Puts quoted pieces together for a reader: prose in one flow, rows under their header, items under their opening line.

The answer is a sequence of statements, so that it can be shown as it grows; joined they are the answer's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from ragkit.generate.pieces import Piece, cells
from ragkit.generate.ranking import RankedPiece
from ragkit.generate.wording import show, show_row
from ragkit.types import Masked

_REPLY = re.compile(
    r"[\s*_\"“«]*(?:yes|no|ja|nein|oui|non|sí|sì|sim|não|nee|nej|да|нет|evet|hayır)\b[.,!:;–-]", re.IGNORECASE
)


def replies(one: RankedPiece) -> bool:
    """Whether the piece itself says yes or no at its beginning."""
    return bool(_REPLY.match(one.quote))


def with_openings(ordered: Sequence[RankedPiece]) -> list[RankedPiece]:
    """Put before the first item of a list the line that opens it, as a statement with a citation of its own."""
    statements: list[RankedPiece] = []
    said: set[tuple[int, int, int]] = {(one.hit.chunk_id, one.piece.start, one.piece.end) for one in ordered}
    for one in ordered:
        start, end = one.piece.lead
        place = (one.hit.chunk_id, start, end)
        opens = one.hit.chunk.record[start:end].rstrip("*_ ").endswith(":")
        if one.piece.kind == "item" and opens and place not in said:
            said.add(place)
            statements.append(replace(one, piece=Piece(start, end, "line"), matched=frozenset()))
        statements.append(one)
    return statements


def compose(statements: Sequence[RankedPiece], front: str | None = None) -> Iterator[Masked]:
    """Yield the statements with their markers, in the order given; joined they are the text.

    Args:
        statements: At least one.
        front: A value to put before the first, already shown as a reader sees it.
    """
    between = " " if all(one.piece.kind == "sentence" for one in statements) else "\n"
    before = f"{front}. " if front else ""
    marker = 0
    for table, group in groupby(enumerate(statements), key=lambda pair: _table(*pair)):
        run = [one for _, one in group]
        joined = table[0] == "table" and len(run) > 1
        if joined:
            before += show_row(run[0].piece.header) + "\n"
        for one in run:
            marker += 1
            text = show_row(cells(one.quote)) if joined else _shown(one)
            yield Masked(f"{before}{text} [{marker}]")
            before = between


def _table(place: int, one: RankedPiece) -> tuple[object, ...]:
    """What rows of one table share; every other statement stands by itself."""
    if one.piece.kind == "row" and len(cells(one.quote)) == len(one.piece.header):
        return "table", one.hit.doc_id, one.piece.header
    return "alone", place


def _shown(one: RankedPiece) -> str:
    text = show(one.quote, one.piece)
    return f"- {text}" if one.piece.kind == "item" and one.piece.lead != (0, 0) and _opened(one) else text


def _opened(one: RankedPiece) -> bool:
    return one.hit.chunk.record[slice(*one.piece.lead)].rstrip("*_ ").endswith(":")
