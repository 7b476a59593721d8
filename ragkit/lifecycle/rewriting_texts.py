"""Texts of the record view taken apart at their tokens, for :mod:`ragkit.lifecycle.rewriting`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ragkit.mask.operators import redacted
from ragkit.mask.tokens import TOKEN
from ragkit.types import MaskedSpan

Token = tuple[str, str]
"""Entity type and token id."""

_FIXED = re.compile(r"\[([A-Z][A-Z0-9_]{1,39})(?:~([^\]\n]*))?\]")
"""What redaction and generalisation leave in the record view; see :mod:`ragkit.mask.operators`."""
_LEAST_UNBOUND = 5


class Part(NamedTuple):
    """A literal stretch of a record view, or a token in it."""

    text: str
    token: Token | None = None


def token_of(text: str) -> Token | None:
    """The entity type and id of a token that is the whole text."""
    match = TOKEN.fullmatch(text)
    return (match[1], match[2]) if match else None


def line_of(text: str) -> str:
    """A text as it stands among the labels before a body."""
    return " ".join(text.lstrip("# ").split())


def tokens_in(texts: Iterable[str]) -> Iterator[Token]:
    """The tokens in texts of the record view."""
    for text in texts:
        for match in TOKEN.finditer(text):
            yield match[1], match[2]


def around(text: str, start: int, end: int) -> str:
    """The table row or paragraph that holds a stretch of a text."""
    line = text.rfind("\n", 0, start) + 1
    edge = "\n" if text.startswith("|", line) else "\n\n"
    last = text.find(edge, end)
    return text[text.rfind(edge, 0, start) + 1 : last if last >= 0 else None]


def parts_of(record: str) -> Iterator[Part]:
    """A text as stretches and tokens in turn; a stretch first and last."""
    position = 0
    for match in TOKEN.finditer(record):
        yield Part(record[position : match.start()])
        yield Part(match[0], (match[1], match[2]))
        position = match.end()
    yield Part(record[position:])


def literal(text: str) -> str:
    """A pattern for the index view of a stretch without tokens; redacted values stand there as words."""
    pattern: list[str] = []
    position = 0
    for match in _FIXED.finditer(text):
        left = match[2] or redacted(match[1]).index
        pattern += (re.escape(text[position : match.start()]), f"(?:{re.escape(match[0])}|{re.escape(left)})")
        position = match.end()
    return "".join([*pattern, re.escape(text[position:])])


def moved(position: int, old: Sequence[MaskedSpan], new: Sequence[MaskedSpan]) -> int:
    """Where a position of the old record view, not inside a span, is in the new one."""
    shift = 0
    for before, after in zip(old, new):
        if before.record_start >= position:
            break
        shift = after.record_end - before.record_end
    return position + shift


def substitute(text: str, news: Mapping[str, str]) -> str:
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
