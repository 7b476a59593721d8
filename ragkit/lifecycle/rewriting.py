"""Replacing masked values in the texts of a stored document, without its source.

A chunk's body has spans, so both views are replaced exactly. Titles, names, addresses and metadata are stored as a pair
of views without spans: they are laid side by side by what stands between the tokens, which is the same in both. What
stands before a body for the rankers has the index view only: there the surrogates are replaced as words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace as changed
from typing import NamedTuple

from ragkit.mask.operators import redacted
from ragkit.mask.tokens import TOKEN
from ragkit.mask.views import Replacement
from ragkit.spans import NOTHING
from ragkit.types import Chunk, Masked, MaskedSpan, MaskedText

Replace = Callable[[str, str], Replacement | None]
"""Entity type and token id to what comes in its place; ``None`` leaves the token."""

Token = tuple[str, str]
"""Entity type and token id."""

Pair = tuple[Masked, Masked]
"""Record view and index view of a text that has no spans."""

_FIXED = re.compile(r"\[([A-Z][A-Z0-9_]{1,39})(?:~([^\]\n]*))?\]")
"""What redaction and generalisation leave in the record view; see :mod:`ragkit.mask.operators`."""
_LEAST_UNBOUND = 5


class _Part(NamedTuple):
    """A literal stretch of a record view, or a token in it."""

    text: str
    token: Token | None = None


class DocumentRewriter:
    """Rewrites the texts of one document; used once.

    Args:
        replace: What comes in the place of a token.
        surrogates: What comes in the place of surrogates in contexts, beside those learnt from the document.

    Attributes:
        replaced: How many spans of each entity type were replaced in bodies.
        unaligned: Pairs whose views did not fit together; their index view was made anew from the record view.
    """

    def __init__(self, replace: Replace, surrogates: Mapping[str, str] | None = None) -> None:
        self._replace = replace
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
            parts = list(_parts(record))
            for part, surrogate in zip(parts, self._aligned(parts, index) or ()):
                if part.token:
                    self._surrogates.setdefault(part.token, surrogate)

    def chunk(self, chunk: Chunk) -> Chunk:
        """Return the chunk with its tokens replaced; the very same one where there are none to replace."""
        record, index, spans = self._body(chunk)
        heading, shown = self.record(chunk.heading), self.record(chunk.context_record)
        headings = tuple((_moved(start, chunk.spans, spans), self.record(path)) for start, path in chunk.headings)
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
        parts = list(_parts(pair[0]))
        news = [self._replace(*part.token) if part.token else None for part in parts]
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

    def text(self, pair: Pair) -> MaskedText:
        """The same as a :class:`MaskedText` without spans."""
        return MaskedText(*self.pair(pair))

    def record(self, text: Masked) -> Masked:
        """Return a text of the record view with its tokens replaced."""

        def one(match: re.Match[str]) -> str:
            new = self._replace(match[1], match[2])
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
            new = self._replace(*token) if token else None
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

    def _aligned(self, parts: Sequence[_Part], index: str) -> list[str] | None:
        """What stands in the index view for each part of the record view; ``None`` when the two do not fit."""
        for known in (self._surrogates, {}):
            pattern = "".join(
                f"({_literal(part.text)})"
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
            new = self._replace(*token)
            surrogate = _line(self._surrogates[token])
            news[surrogate] = new.index if new else surrogate
        title = self.pair(self._title)[1]
        news |= {self._title[1]: title, _line(self._title[1]): _line(title)}
        for label in {label for path in above for label in (path, *path.split(" > "))}:
            news[_line(self._index(label))] = _line(self._index(label, new=True))
        return Masked(_substitute(text, news))

    def _index(self, record: str, *, new: bool = False) -> str:
        """The index view of a text that is stored in the record view only, as it was or will be."""
        pieces = []
        for part in _parts(record):
            put = self._replace(*part.token) if part.token and new else None
            known = self._surrogates.get(part.token, part.text) if part.token else part.text
            pieces.append(put.index if put else known)
        return "".join(pieces)


def token_of(text: str) -> Token | None:
    """The entity type and id of a token that is the whole text."""
    match = TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def _line(text: str) -> str:
    """A text as it stands among the labels before a body."""
    return " ".join(text.lstrip("# ").split())


def tokens_in(texts: Iterable[str]) -> Iterator[Token]:
    """The tokens in texts of the record view."""
    for text in texts:
        for match in TOKEN.finditer(text):
            yield match[1], match[2]


def _parts(record: str) -> Iterator[_Part]:
    position = 0
    for match in TOKEN.finditer(record):
        yield _Part(record[position : match.start()])
        yield _Part(match[0], (match[1], match[2]))
        position = match.end()
    yield _Part(record[position:])


def _literal(text: str) -> str:
    """A pattern for the index view of a stretch without tokens; redacted values stand there as words."""
    pattern, position = [], 0
    for match in _FIXED.finditer(text):
        left = match[2] or redacted(match[1]).index
        pattern += (re.escape(text[position : match.start()]), f"(?:{re.escape(match[0])}|{re.escape(left)})")
        position = match.end()
    return "".join([*pattern, re.escape(text[position:])])


def _moved(position: int, old: Sequence[MaskedSpan], new: Sequence[MaskedSpan]) -> int:
    """Where a position of the old record view, not inside a span, is in the new one."""
    shift = 0
    for before, after in zip(old, new):
        if before.record_start >= position:
            break
        shift = after.record_end - before.record_end
    return position + shift


def _substitute(text: str, news: Mapping[str, str]) -> str:
    """Put new words for whole old ones, longest first; then also inside words, where that can be no accident."""
    olds = sorted((old for old in news if old), key=len, reverse=True)
    if not olds:
        return text
    bound = "|".join(map(_bounded, olds))
    text = re.sub(bound, lambda match: news[match[0]], text)
    left = [old for old in olds if news[old] != old and len(old) >= _LEAST_UNBOUND and old in text]
    for old in left:
        if not any(old in new for new in news.values()):
            text = text.replace(old, news[old])
    return text


def _bounded(word: str) -> str:
    before = r"(?<![^\W_])" if word[0].isalnum() else ""
    return f"{before}{re.escape(word)}" + (r"(?![^\W_])" if word[-1].isalnum() else "")
