"""From overlapping findings to disjoint spans: one place that decides who wins.

Thresholds by type come first, and findings of one type that overlap are united. Then rank, by how a finding was made
(:data:`RANKS`); among equals the longer, then the surer. A loser keeps what the winner does not cover, so that nothing
found stays in clear. Last, spans grow to whole words: masking half a word tells the other half.

Checksums stand above a learned detector and weak patterns below it, because a model with regular expressions in front
of it loses quality and with them behind it gains coverage (measured by pii-proxy; ``benchmarks`` hold ours).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from ragkit.policy import Policy
from ragkit.types import Span

RANKS: tuple[tuple[str, int], ...] = (
    ("literal:", 70),  # text that looks like one of our own tokens
    ("secrets:", 60),
    ("dictionary:", 50),  # the company said so
    ("presidio:checksum:", 40),  # cards, IBANs, addresses of wallets, identity numbers with check digits
    ("custom:checksum:", 40),
    ("custom:", 35),  # the company's own recognizers
    ("identifiers:checksum", 40),
    ("learned:", 30),  # any detector whose recognizer names begin so
    ("rules:", 20),
    ("identifiers:", 20),  # by label, column or form
    ("presidio:pattern:", 10),
)
"""Rank by prefix of ``Span.recognizer``; anything else has rank 0."""

_SOME_CODE = 5
_MAX_GROWTH = 64
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}$")
_LAST_SPACED_SCRIPT = "\u058f"  # Latin, Greek, Cyrillic, Armenian; scripts without spaces between words come later


def rank(span: Span) -> int:
    """How much the way in which a span was found is trusted; higher wins.

    A model's UNIQUE_ID is "some code": whatever knows which code it is, a pattern for IP addresses say, knows better.
    """
    if span.entity_type == "UNIQUE_ID" and span.recognizer.startswith("learned:"):
        return _SOME_CODE
    return next((value for prefix, value in RANKS if span.recognizer.startswith(prefix)), 0)


def resolve(text: str, spans: Iterable[Span], policy: Policy, *, always: frozenset[str] = frozenset()) -> list[Span]:
    """Disjoint spans in order, each of a type that the policy wants.

    Args:
        text: The text.
        spans: Findings on it, in any order.
        policy: Which types count, from which score on.
        always: Types taken whatever the policy says (secrets when they are masked, literal tokens).
    """
    wanted = [span for span in spans if span.entity_type in always or _wanted(span, policy)]
    if not wanted:
        return []
    grown = [_grow(text, _trim(text, span)) for span in wanted]
    merged = _merge_same_type([span for span in grown if span.start < span.end])
    return sorted(_place(text, merged), key=lambda span: span.start)


def _wanted(span: Span, policy: Policy) -> bool:
    return policy.wants(span.entity_type) and span.score >= policy.threshold(span.entity_type)


def _trim(text: str, span: Span) -> Span:
    """Without white space at the edges."""
    start, end = max(0, span.start), min(len(text), span.end)
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _grow(text: str, span: Span) -> Span:
    """To whole words, by at most 64 characters a side."""
    start, end = span.start, span.end
    if start >= end:
        return span
    if _in_word(text[start]):
        limit = max(0, start - _MAX_GROWTH)
        while start > limit and _in_word(text[start - 1]) and not _ESCAPE.match(text, max(0, start - 3), start):
            start -= 1
    if _in_word(text[end - 1]):
        limit = min(len(text), end + _MAX_GROWTH)
        while end < limit and _in_word(text[end]):
            end += 1
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _in_word(char: str) -> bool:
    return char.isalnum() and char <= _LAST_SPACED_SCRIPT


def _order(span: Span) -> tuple[int, int, float, int]:
    return (-rank(span), span.start - span.end, -span.score, span.start)


def _merge_same_type(spans: list[Span]) -> list[Span]:
    """Unite overlapping spans of one type. The best ranked, among those the longest, names the recognizer."""
    groups: dict[str, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.entity_type, []).append(span)
    merged: list[Span] = []
    for group in groups.values():
        group.sort(key=lambda span: (span.start, -span.end))
        current = group[0]
        for span in group[1:]:
            if span.start < current.end:
                better = max(current, span, key=lambda one: (rank(one), one.end - one.start))
                score = max(current.score, span.score)
                current = replace(better, start=current.start, end=max(current.end, span.end), score=score)
            else:
                merged.append(current)
                current = span
        merged.append(current)
    return merged


def _place(text: str, spans: list[Span]) -> list[Span]:
    """Best first; what overlaps a span already placed keeps its uncovered pieces."""
    starts: list[int] = []
    placed: list[Span] = []
    for span in sorted(spans, key=_order):
        for start, end in _uncovered(span, starts, placed):
            piece = _trim(text, replace(span, start=start, end=end))
            whole = (piece.start, piece.end) == (span.start, span.end)
            if piece.start >= piece.end or not (whole or _has_word(text, piece)):
                continue
            at = bisect_right(starts, piece.start)
            starts.insert(at, piece.start)
            placed.insert(at, piece)
    return placed


def _uncovered(span: Span, starts: list[int], placed: list[Span]) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    position = span.start
    at = max(0, bisect_right(starts, span.start) - 1)
    while at < len(placed) and placed[at].start < span.end:
        if placed[at].end > position:
            if placed[at].start > position:
                pieces.append((position, placed[at].start))
            position = placed[at].end
        at += 1
    if position < span.end:
        pieces.append((position, span.end))
    return pieces


def _has_word(text: str, span: Span) -> bool:
    return any(char.isalnum() for char in text[span.start : span.end])
