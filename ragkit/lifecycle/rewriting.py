"""Replacing masked values in the texts of a stored document, without its source.

A chunk's body has spans, so both views are replaced exactly. Titles, names, addresses and metadata are stored as a pair
of views without spans: they are laid side by side by what stands between the tokens, which is the same in both. What
stands before a body for the rankers has the index view only: there the surrogates are replaced as words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace as changed

from ragkit.lifecycle.rewriting_texts import (
    Part,
    Token,
    around,
    line_of,
    literal,
    moved,
    parts_of,
    substitute,
    token_of,
    tokens_in,
)
from ragkit.mask.operators import redacted
from ragkit.mask.tokens import TOKEN
from ragkit.mask.views import Replacement
from ragkit.spans import NOTHING
from ragkit.types import Chunk, Masked, MaskedSpan, MaskedText

Replace = Callable[[str, str], Replacement | None]
"""Entity type and token id to what comes in its place; ``None`` leaves the token."""

Pair = tuple[Masked, Masked]
"""Record view and index view of a text that has no spans."""


class DocumentRewriter:
    """Rewrites the texts of one document; used once.

    Args:
        replace: What comes in the place of a token.
        surrogates: What comes in the place of surrogates in contexts, beside those learnt from the document.
        beside: Ids of tokens; only what stands beside one of them, in one table row or paragraph, is replaced.

    Attributes:
        replaced: How many spans of each entity type were replaced in bodies.
        unaligned: Pairs whose views did not fit together; their index view was made anew from the record view.
    """

    def __init__(
        self, replace: Replace, surrogates: Mapping[str, str] | None = None, *, beside: Collection[str] = ()
    ) -> None:
        self._replace = replace
        self._beside = frozenset(beside)
        self._given = dict(surrogates or {})
        self._surrogates: dict[Token, str] = {}
        self._title: Pair = (NOTHING, NOTHING)
        self.replaced: Counter[str] = Counter()
        self.unaligned = 0

    def learn(self, chunks: Iterable[Chunk], title: Pair, others: Iterable[Pair] = ()) -> None:
        """Note which surrogate stands for which token; call it before anything else."""
        self._title = title
        for chunk in chunks:
            for span in chunk.spans:
                if token := token_of(chunk.record[span.record_start : span.record_end]):
                    self._surrogates[token] = chunk.index[span.index_start : span.index_end]
        for record, index in (title, *others):
            parts = list(parts_of(record))
            for part, surrogate in zip(parts, self._aligned(parts, index) or ()):
                if part.token:
                    self._surrogates.setdefault(part.token, surrogate)

    def chunk(self, chunk: Chunk) -> Chunk:
        """Return the chunk with its tokens replaced; the very same one where there are none to replace."""
        record, index, spans = self._body(chunk)
        heading, shown = self.record(chunk.heading), self.record(chunk.context_record)
        headings = tuple((moved(start, chunk.spans, spans), self.record(path)) for start, path in chunk.headings)
        above = (chunk.heading, chunk.context_record, *(path for _, path in chunk.headings))
        new = changed(
            chunk,
            record=record,
            index=index,
            spans=spans,
            heading=heading,
            headings=headings,
            context_record=shown,
            context_index=self._context(chunk.context_index, above),
        )
        return chunk if new == chunk else new

    def pair(self, pair: Pair) -> Pair:
        """Return both views of a text without spans, with its tokens replaced."""
        parts = list(parts_of(pair[0]))
        news = [self._replace(*part.token) if part.token and self._may(pair[0], 0, 0) else None for part in parts]
        if not any(news):
            return pair
        index = self._aligned(parts, pair[1])
        if index is None:  # fail closed: no surrogate of the text stays
            self.unaligned += 1
            index = [redacted(part.token[0]).index if part.token else part.text for part in parts]
        return (
            Masked("".join(new.record if new else part.text for part, new in zip(parts, news))),
            Masked("".join(new.index if new else text for text, new in zip(index, news))),
        )

    def changed(self, pairs: Iterable[Pair]) -> bool:
        """Whether one of these texts becomes another."""
        return any(self.record(record) != record for record, _ in pairs)

    def text(self, pair: Pair) -> MaskedText:
        """The same as a :class:`MaskedText` without spans."""
        return MaskedText(*self.pair(pair))

    def record(self, text: Masked) -> Masked:
        """Return a text of the record view with its tokens replaced."""

        def one(match: re.Match[str]) -> str:
            new = self._replace(match[1], match[2]) if self._may(text, *match.span()) else None
            return new.record if new else match[0]

        return Masked(TOKEN.sub(one, text)) if "[" in text else text

    def _body(self, chunk: Chunk) -> tuple[Masked, Masked, tuple[MaskedSpan, ...]]:
        record, index = [""], [""]
        spans: list[MaskedSpan] = []
        at_record = at_index = new_record = new_index = 0
        for span in chunk.spans:
            old = Replacement(
                chunk.record[span.record_start : span.record_end], chunk.index[span.index_start : span.index_end]
            )
            token = token_of(old.record)
            may = token and self._may(chunk.record, span.record_start, span.record_end)
            new = self._replace(*token) if token and may else None
            if new is not None:
                self.replaced[span.entity_type] += 1
            put = new or old
            between = chunk.record[at_record : span.record_start]
            record += (between, put.record)
            index += (chunk.index[at_index : span.index_start], put.index)
            start_record, start_index = new_record + len(between), new_index + span.index_start - at_index
            new_record, new_index = start_record + len(put.record), start_index + len(put.index)
            at_record, at_index = span.record_end, span.index_end
            spans.append(
                changed(
                    span,
                    record_start=start_record,
                    record_end=new_record,
                    index_start=start_index,
                    index_end=new_index,
                )
            )
        whole_record, whole_index = "".join([*record, chunk.record[at_record:]]), chunk.index[at_index:]
        return Masked(whole_record), Masked("".join([*index, whole_index])), tuple(spans)

    def _may(self, text: str, start: int, end: int) -> bool:
        """Whether what stands there may be replaced."""
        return not self._beside or any(
            token_id in self._beside for _, token_id in tokens_in([around(text, start, end)])
        )

    def _aligned(self, parts: Sequence[Part], index: str) -> list[str] | None:
        """What stands in the index view for each part of the record view; ``None`` when the two do not fit."""
        for known in (self._surrogates, {}):
            pattern = "".join(
                f"({literal(part.text)})"
                if part.token is None
                else (f"({re.escape(known[part.token])})" if part.token in known else "(.+?)")
                for part in parts
            )
            if found := re.fullmatch(pattern, index, re.DOTALL):
                return list(found.groups())
        return None

    def _context(self, text: Masked, above: Sequence[Masked]) -> Masked:
        """Replace what stands before a body: whole titles and headings, else surrogates as words.

        Surrogates of others stay whole though they hold one.
        """
        if not text:
            return text
        news = dict(self._given)
        for token in set(tokens_in((*above, self._title[0]))) & self._surrogates.keys():
            new = None if self._beside else self._replace(*token)
            surrogate = line_of(self._surrogates[token])
            news[surrogate] = new.index if new else surrogate
        title = self.pair(self._title)[1]
        news |= {self._title[1]: title, line_of(self._title[1]): line_of(title)}
        for label in {label for path in above for label in (path, *path.split(" > "))}:
            news[line_of(self._index(label))] = line_of(self._index(label, new=True))
        return Masked(substitute(text, news))

    def _index(self, record: str, *, new: bool = False) -> str:
        """The index view of a text that is stored in the record view only, as it was or will be."""
        pieces = []
        for part in parts_of(record):
            put = self._replace(*part.token) if part.token and new and self._may(record, 0, 0) else None
            known = self._surrogates.get(part.token, part.text) if part.token else part.text
            pieces.append(put.index if put else known)
        return "".join(pieces)
