"""Tells what can stand as an answer from what only names what was asked about.

A heading, a bare name, or lines of labels whose values the question already had say nothing, however well their words
match. Masked values are weighed by their surrogates, which question and documents share.
"""

from __future__ import annotations

import re

from ragkit.generate.pieces import Piece, index_text
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Chunk

_LABEL = re.compile(r"\s*[*_]*([^\W\d_][^:\n\[\]]{0,38}):[*_]*\s+")
_WORD = re.compile(r"[^\W_]{4,}|\d")  # shorter ones are titles: Mr, Ms, Dr
_ENDS = re.compile(r".*[.!?…。！？][\s*_\"'”’»)\]]*", re.DOTALL)
_LINE = re.compile(r"[^\n]*\S[^\n]*")
_LETTERHEAD = re.compile(
    r"(?:From|To|Cc|Sent|Date|Subject|Von|An|Gesendet|Datum|Betreff|De|À|Objet|Para|Asunto|Da|Oggetto)$"
)
_WHOLE = ("row", "list", "code")


def says_something(chunk: Chunk, piece: Piece, terms: QuestionTerms) -> bool:
    """Whether a piece of the chunk tells more than the question did. Rows, lists and code always do."""
    if piece.kind in _WHOLE:
        return True
    if piece.kind == "heading" or _is_heading(chunk, piece):
        return False
    lines = _LINE.finditer(chunk.record, piece.start, piece.end)
    if piece.kind == "record":
        return any(_tells(chunk, line.start(), line.end(), terms) for line in lines)
    return _tells(chunk, piece.start, piece.end, terms)


def _is_heading(chunk: Chunk, piece: Piece) -> bool:
    """Whether the piece lies in a line that the chunk's own list has as a heading, such as a question of a FAQ."""
    line = chunk.record.rfind("\n", 0, piece.start) + 1
    ends = chunk.record.find("\n", piece.start)
    return any(line <= start <= piece.start for start, _ in chunk.headings) and (ends < 0 or piece.end <= ends)


def _tells(chunk: Chunk, start: int, end: int, terms: QuestionTerms) -> bool:
    text = chunk.record[start:end]
    label = _LABEL.match(text)
    after = start + (label.end() if label else 0)
    if label and _LETTERHEAD.match(label.group(1)):
        return bool(terms.matched(label.group(1)))
    values = index_text(chunk, after, end)
    if _only_masked(chunk, after, end):
        return label is not None and bool(terms.matched(label.group(1))) and _adds(values, terms)
    return bool(_ENDS.fullmatch(text)) or _adds(values, terms)


def _adds(text: str, terms: QuestionTerms) -> bool:
    """Whether the text has a word of four letters or a figure that the question has not."""
    return any(not terms.matched(word.group()) for word in re.finditer(r"[^\W_]{4,}|\w*\d\w*", text))


def _only_masked(chunk: Chunk, start: int, end: int) -> bool:
    """Whether nothing but masked values, and titles before them, stands in a range of the record view."""
    at, rest, masked = start, "", False
    for span in chunk.spans:
        if at <= span.record_start and span.record_end <= end:
            rest += chunk.record[at : span.record_start]
            at, masked = span.record_end, True
    return masked and not _WORD.search(rest + chunk.record[at:end])
