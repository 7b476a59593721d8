"""Pack the units of one document into chunks within the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ragkit.index.chunk_splitter import StretchSplitter
from ragkit.index.chunk_tables import TableSplitter
from ragkit.index.chunk_units import Body, Label, Unit, Views, read_units, runs_across
from ragkit.types import BlockKind, Chunk, Masked, MaskedDocument

_SPECIAL = 2  # [CLS] and [SEP]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the chunker was told, in word pieces. ``max_characters`` bounds runs that WordPiece reads as one piece."""

    max_tokens: int
    overlap: int
    context_tokens: int
    section_tokens: int
    max_characters: int


@dataclass(frozen=True, slots=True)
class _Context:
    """What stands before a body: index text, its word pieces, and the table header repeated in it."""

    index: str
    pieces: int
    header: Label | None


class ChunkPacker:
    """Cuts one document; used once.

    Args:
        document: What to cut.
        splitter: Splits what is longer than a chunk, and counts.
        sizes: Limits.
    """

    def __init__(self, document: MaskedDocument, *, splitter: StretchSplitter, sizes: Sizes) -> None:
        self._document = document
        self._splitter = splitter
        self._sizes = sizes
        self._views = Views(document.text)
        self._tables = TableSplitter(self._views, splitter, longest=sizes.max_characters)
        self._contexts: dict[tuple[int, int, int], _Context] = {}
        title = Views(document.title).trim(0, len(document.title.index))
        self._title = self._label(title, 0, splitter.count([title.index])[0])

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order, blank ones left out."""
        previous, ordinal = 0, 0
        for group in self._groups():
            context = self._context(group[0])
            body = self._views.trim(group[0].start, group[-1].end)
            if body.record.strip():
                body = self._reach_back(body, previous, group[0], context)
                yield self._make_chunk(ordinal, body, group, context)
                previous, ordinal = body.start, ordinal + 1

    def _groups(self) -> Iterator[list[Unit]]:
        """Neighbouring units, each group within the window together with its context."""
        group: list[Unit] = []
        for whole in read_units(self._views, self._document.blocks, count=self._splitter.count, label=self._label):
            if whole.label and group and not group[-1].introduces and self._size(group) >= self._sizes.section_tokens:
                yield group
                group = []
            for unit in self._fitting(whole, _introductions(group)):
                if group and not self._fits([*group, unit]):
                    carried = _introductions(group) if len(_introductions(group)) < len(group) else []
                    yield group[: len(group) - len(carried)]
                    group = carried
                    if group and not self._fits([*group, unit]):
                        yield group
                        group = []
                group.append(unit)
        if group:
            yield group

    def _fitting(self, unit: Unit, introductions: Sequence[Unit]) -> list[Unit]:
        """The unit, or parts of it where it is longer than a chunk takes together with the headings before it."""
        if unit.introduces:
            introductions = []
        taken = self._size(introductions)
        if taken > self._sizes.max_tokens // 4:
            introductions, taken = [], 0
        budget = self._budget((introductions or [unit])[0]) - taken
        # The borders may share a word, which is counted exactly when the group is packed.
        if unit.pieces <= budget and unit.end - unit.start <= self._sizes.max_characters * 3 // 4:
            return [unit]
        if unit.kind is BlockKind.TABLE:
            return self._tables.split(unit, budget)
        by_lines = unit.kind is BlockKind.CODE
        pieces = self._splitter.split(self._views, unit.start, unit.end, budget=budget, by_lines=by_lines)
        return [self._part(unit, start, end, count, label=None, introduces=False) for start, end, count in pieces]

    def _part(self, unit: Unit, start: int, end: int, pieces: int, **changes: Any) -> Unit:
        fused = runs_across(self._views.text.index, start)
        return replace(unit, start=start, end=end, pieces=pieces, fused=fused, **changes)

    def _fits(self, group: Sequence[Unit]) -> bool:
        if len(group) > 1 and (group[-1].alone or group[-2].alone):
            return False
        characters = group[-1].end - group[0].start
        return characters <= self._sizes.max_characters and self._size(group) <= self._budget(group[0])

    def _size(self, group: Sequence[Unit]) -> int:
        """Word pieces of neighbouring units together: the sum, unless a word runs across a border."""
        if any(unit.fused for unit in group[1:]):
            return self._splitter.count([self._views.text.index[group[0].start : group[-1].end]])[0]
        return sum([unit.pieces for unit in group])

    def _budget(self, first: Unit) -> int:
        """Word pieces that the body of a chunk beginning with this unit may have."""
        return self._sizes.max_tokens - _SPECIAL - self._sizes.overlap - self._context(first).pieces

    def _context(self, first: Unit) -> _Context:
        """Title and headings above a chunk that begins with this unit, outermost first, and a table header to repeat.

        When they are too many, the title and the innermost headings stay.
        """
        key = (id(first.above), id(first.label), id(first.table_header))
        if key not in self._contexts:
            self._contexts[key] = self._build_context(first)
        return self._contexts[key]

    def _build_context(self, first: Unit) -> _Context:
        room = self._sizes.context_tokens
        said = {_plain(first.label)} if first.label else set()
        kept: list[Label] = []
        for label in (self._title, *reversed(first.above)):
            if 0 < label.pieces <= room and _plain(label) not in said:
                kept.append(label)
                said.add(_plain(label))
                room -= label.pieces
        kept.sort(key=lambda label: label.level)
        parts = [*kept, first.table_header] if first.table_header else kept
        return _Context(
            "\n".join(one.index for one in parts if one.index), sum(one.pieces for one in parts), first.table_header
        )

    def _label(self, body: Body, level: int, pieces: int) -> Label:
        """A title or heading, shortened at a word to what the context may hold: a title all of it, a heading half."""
        limit = max(self._sizes.context_tokens if level == 0 else self._sizes.context_tokens // 2, 16)
        longest = self._sizes.max_characters // 4
        whole = body.index
        if pieces > limit or body.end - body.start > longest:
            cut = min(len(whole), longest)
            while cut > 0 and self._splitter.count([whole[:cut]])[0] > limit:
                cut = whole.rfind(" ", 0, cut - 1) + 1
            body = body.views.trim(body.start, body.views.uncut(body.start + cut))
        index, record = (Masked(" ".join(text.lstrip("# ").split())) for text in (body.index, body.record))
        if index != whole:
            pieces = self._splitter.count([index])[0]
        return Label(index, record, pieces, level)

    def _reach_back(self, body: Body, previous: int, first: Unit, context: _Context) -> Body:
        """Begin the body up to ``overlap`` word pieces earlier, at a word, after the start of the chunk before."""
        if not self._sizes.overlap or first.introduces or first.table_header or not body.start:
            return body
        text = self._views.text.index
        floor = max(previous, body.start - self._sizes.overlap * 8)
        at = floor + self._splitter.tail(text[floor : body.start], self._sizes.overlap)
        while at < body.start and (text[at].isspace() or runs_across(text, at)):
            at += 1
        if at >= body.start or self._views.uncut(at) != at:
            return body
        longer = self._views.trim(at, body.end)
        room = self._sizes.max_tokens - _SPECIAL - context.pieces
        return longer if self._splitter.count([longer.index])[0] <= room else body

    def _make_chunk(self, ordinal: int, body: Body, group: Sequence[Unit], context: _Context) -> Chunk:
        first = next((unit for unit in group if not unit.label), group[-1])
        path = [*first.above, *([first.label] if first.label else [])]
        source_start, source_end = body.source
        return Chunk(
            ordinal=ordinal,
            record=body.record,
            index=body.index,
            source_start=source_start,
            source_end=source_end,
            context_index=Masked(context.index),
            context_record=context.header.record if context.header else Masked(""),
            heading=_path(path),
            headings=self._headings(body, group),
            page=group[0].page,
            spans=body.spans(),
        )

    def _headings(self, body: Body, group: Sequence[Unit]) -> tuple[tuple[int, Masked], ...]:
        """Where each heading of the group begins in the body's record view, and the path that ends with it."""
        starts = ((self._views.trim(unit.start, unit.end).record_start, unit) for unit in group if unit.label)
        return tuple(
            (start - body.record_start, _path([*unit.above, unit.label])) for start, unit in starts if unit.label
        )


def _path(labels: Sequence[Label]) -> Masked:
    return Masked(" > ".join(label.record for label in labels if label.record))


def _introductions(group: Sequence[Unit]) -> list[Unit]:
    """The headings at the end of a group: they belong to what follows."""
    keep = len(group)
    while keep and group[keep - 1].introduces:
        keep -= 1
    return list(group[keep:])


def _plain(label: Label) -> str:
    return label.index.casefold()
