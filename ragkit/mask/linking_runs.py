"""Which values of a text stand together: rows of tables, forms, signatures, mail headers, a name and what follows it.

A *run* is a sequence of values with nothing between them but separators, labels and short lines that say no sentence.
``Name: …``, ``E-mail: …`` on lines below each other are one run, and so are ``Galip Yalman <galip@…>``, a signature,
``Galip Yalman (born 1 May 1970, customer number K-17)`` and the row of a table.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ragkit.folding import fold
from ragkit.mask.linking_words import LABELS, SPOKEN
from ragkit.types import Block, BlockKind

_WORD = re.compile(r"[^\W\d_](?:[\w'’.\-/]*\w)?")
_SENTENCE = re.compile(r"[.!?…](?:[\"”’)]*)(?:\s|$)")
_SEPARATORS = re.compile(r"[,;|•·()\[\]<>{}\t\"“”]|\s[-–—/]\s")
_QUOTE = re.compile(r"^[\s>*_#•·\-–—]+")
_LABELLED = re.compile(r"^[^:]{1,48}[:：]\s*\S{0,80}(?: \S+){0,5}$")
_LONGEST_GAP, _LONGEST_SEGMENT = 200, 60
_MOST_LINES = 5
_FREE_WORDS, _LINE_WORDS = 4, 6
_LISTED = re.compile(r"\s*(?:or|oder|ou|o|and|und|et|y|e|/|&|,)\s+")
_CUT = re.compile(r"[,;|\n<>()\[\]{}\t]|\s[-–—]\s")


CLOSING = re.compile(
    r"(?:regards|sincerely|faithfully|wishes|cheers|thanks|thank you|truly|cordially|respectfully|yours|"
    r"gru(?:ss|sse|ssen)|mfg|hochachtungsvoll|cordialement|salutations|saludos|atentamente|cordialmente|saluti|groeten)\W*$"
)
"""How a letter ends, before the name of who wrote it; for folded text."""


@dataclass(frozen=True, slots=True, repr=False)
class Mention:
    """One identifying value where it stands; ``label`` is what introduces it, folded, or its column's header."""

    start: int
    end: int
    entity_type: str
    value: str
    label: str = ""
    line: int = 0


@dataclass(slots=True, repr=False)
class Run:
    """Values that stand together. ``table`` is where its table starts and ``record`` says it is a row or a form."""

    mentions: list[Mention] = field(default_factory=list)
    table: int = -1
    record: bool = False


def runs_in(text: str, mentions: Sequence[Mention], blocks: Sequence[Block]) -> Iterator[Run]:
    """The runs of a text, each with at least one value.

    Args:
        text: The text.
        mentions: Its identifying values in order, not yet labelled.
        blocks: Its structure.
    """
    starts = [mention.start for mention in mentions]
    tables = [block for block in blocks if block.kind is BlockKind.TABLE]
    headings = [block.start for block in blocks if block.kind is BlockKind.HEADING]
    position = 0
    for table in tables:
        first, last = bisect_left(starts, table.start), bisect_left(starts, table.end)
        yield from _free(text, mentions[position:first], headings)
        yield from _in_table(text, mentions[first:last], table)
        position = last
    yield from _free(text, mentions[position:], headings)


def _free(text: str, mentions: Sequence[Mention], headings: Sequence[int]) -> Iterator[Run]:
    run = Run()
    end = -1
    line = 0
    for mention in mentions:
        gap = text[end : mention.start] if end >= 0 else ""
        listed = bool(run.mentions) and run.mentions[-1].entity_type == mention.entity_type and _LISTED.fullmatch(gap)
        if run.mentions and not ((listed or _holds(gap)) and not _between(headings, end, mention.start)):
            yield run
            run = Run()
        line += gap.count("\n")
        run.mentions.append(_labelled(mention, text, max(end, mention.start - _LONGEST_SEGMENT, 0), line))
        end = mention.end
    if run.mentions:
        yield run


def _between(headings: Sequence[int], start: int, end: int) -> bool:
    at = bisect_left(headings, start)
    return at < len(headings) and headings[at] < end


def _labelled(mention: Mention, text: str, start: int, line: int) -> Mention:
    before = text[start : mention.start]
    label = _CUT.split(before)[-1].strip(" \t:：*_.#>\"'“”-=")
    return Mention(mention.start, mention.end, mention.entity_type, mention.value, fold(label), line)


def _holds(gap: str) -> bool:
    """Whether two values with this between them stand together."""
    if len(gap) > _LONGEST_GAP or gap.count("\n") > 2 * _MOST_LINES:
        return False
    if not gap.strip():
        return gap.count("\n") <= 3
    lines = [_QUOTE.sub("", line).strip(" \t*_|") for line in gap.split("\n")]
    filled = [line for line in lines if line]
    if len(filled) > _MOST_LINES or (_SENTENCE.search(gap) and not _abbreviated(gap)):
        return False
    for number, line in enumerate(lines):
        if not line:
            continue
        whole = 0 < number < len(lines) - 1  # a line of its own between the two values
        if whole and CLOSING.search(fold(line)):  # a letter ends here; who signs is not whom it was about
            return False
        if not (_short_line(line) if whole else _segments(line, last=number == len(lines) - 1)):
            return False
    return True


_ABBREVIATED = re.compile(
    r"\b(?:tel|no|nr|geb|born|mob|ext|str|mr|mrs|ms|dr|kd|kdnr|st|apt|ph|e|d\.o\.b|ref)\.\s", re.I
)


def _abbreviated(gap: str) -> bool:
    return _SENTENCE.search(_ABBREVIATED.sub(" ", gap + " ")) is None


def _short_line(line: str) -> bool:
    if line.endswith((".", "!", "?")) and len(line.split()) > 2:
        return False
    return len(line.split()) <= _LINE_WORDS or _LABELLED.match(line) is not None


def _segments(line: str, *, last: bool) -> bool:
    for segment in _SEPARATORS.split(line):
        if len(segment) > _LONGEST_SEGMENT:
            return False
        if last and segment.rstrip().endswith((":", "：", "=")):
            if len(segment.split()) > _LINE_WORDS:
                return False
        elif not _is_label(segment):
            return False
    return True


def _is_label(segment: str) -> bool:
    words = [fold(word) for word in _WORD.findall(segment)]
    if not words:
        return True
    if not SPOKEN.isdisjoint(words):
        return False
    known = sum(word in LABELS for word in words)
    if known == len(words):
        return len(words) <= 6
    labelled = _LABELLED.match(segment.strip()) is not None and ":" in segment
    return labelled or (known > 0 and len(words) - known <= 1 and len(words) <= _FREE_WORDS)


# --- tables ------------------------------------------------------------------------------------------------------


def _in_table(text: str, mentions: Sequence[Mention], table: Block) -> Iterator[Run]:
    if not mentions:
        return
    headers = _headers(text, table)
    rows: list[tuple[int, list[Mention]]] = []
    end = table.start - 1
    for mention in mentions:
        if mention.start >= end:
            start = text.rfind("\n", table.start, mention.start) + 1 or table.start
            end = text.find("\n", mention.start)
            end = table.end if end < 0 else end
            rows.append((start, []))
        if mention.start < table.header_end:
            continue
        start, row = rows[-1]
        column = _column(text, start, mention.start)
        label = headers[column] if column < len(headers) else ""
        row.append(
            Mention(mention.start, mention.end, mention.entity_type, mention.value, label or f"column {column}", column)
        )
    rows = [(start, row) for start, row in rows if row]
    if rows and _is_form(text, rows, table):
        entries = [(start, [mention for mention in row if mention.line == 1]) for start, row in rows]
        yield from _forms(text, [(start, row) for start, row in entries if row])
        return
    for _, row in rows:
        yield Run(row, table=table.start, record=True)


def _headers(text: str, table: Block) -> list[str]:
    if table.header_end <= table.start:
        return []
    first = text[table.start : table.header_end].strip("\n").partition("\n")[0]
    return [fold(cell.strip(" \t*_")).replace("_", " ") for cell in first.strip().strip("|").split("|")]


def _column(text: str, start: int, position: int) -> int:
    row = text[start:position]
    return row.count("|") - row.count("\\|") - (1 if row.lstrip().startswith("|") else 0)


def _is_form(text: str, rows: Sequence[tuple[int, list[Mention]]], table: Block) -> bool:
    """Labels in the first column and values in the second."""
    columns = [mention.line for _, row in rows for mention in row]
    if 4 * columns.count(0) > columns.count(1):  # a label that a detector took for a name does not make it a list
        return False
    line = text[table.start : table.end].partition("\n")[0]
    return line.strip().strip("|").count("|") == 1


def _forms(text: str, rows: Sequence[tuple[int, list[Mention]]]) -> Iterator[Run]:
    """A run a record; a new one begins where a label comes again."""
    run = Run(record=True)
    seen: set[str] = set()
    previous = ""
    for number, (start, row) in enumerate(rows):
        label = fold(text[start : row[0].start].strip(" \t|*_:").partition("|")[0].strip(" \t*_:"))
        if label in seen and label != previous:
            yield run
            run, seen = Run(record=True), set()
        seen.add(label)
        previous = label
        run.mentions += (Mention(m.start, m.end, m.entity_type, m.value, label, number) for m in row)
    yield run
