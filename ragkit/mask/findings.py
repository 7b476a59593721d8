"""Counts how personal data was found: by which recognizer, at which score, and what was found and let stand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from ragkit.types import Findings, Span

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,40}")
_MOST_WORDS = 100
_MOST_PARTS, _MOST_CHARACTERS = 6, 48


def findings_of(masked: Iterable[Span], kept: Mapping[str, int]) -> Findings:
    """Count what was masked, by what found it; ``kept`` counts what was not."""
    by: Counter[str] = Counter()
    lowest = 1.0
    for span in masked:
        by[recognizer_word(span.recognizer)] += 1
        lowest = min(lowest, span.score)
    return Findings(dict(by.most_common(_MOST_WORDS)), dict(kept), lowest if by else 0.0)


def let_stand(found: Iterable[Span], masked: Sequence[Span]) -> Counter[str]:
    """Count, by entity type, the stretches that were found and of which nothing was masked.

    Args:
        found: What the detectors found, in any order.
        masked: Disjoint spans in order.
    """
    ends = [span.end for span in masked]
    kept: set[tuple[str, int, int]] = set()
    for span in found:
        at = bisect_left(ends, span.start + 1)
        if at == len(masked) or masked[at].start >= span.end:
            kept.add((span.entity_type, span.start, span.end))
    return Counter(kind if _TYPE.fullmatch(kind) else "OTHER" for kind, _, _ in kept)


@cache
def recognizer_word(name: str) -> str:
    """Return a recognizer's name as events may hold it: ``presidio:pattern:IpRecognizer`` with dots, in lower case."""
    parts = re.findall(r"[a-z0-9]+", name.lower())
    if not parts or not parts[0][0].isalpha():
        parts = ["other", *parts]
    return ".".join(parts[:_MOST_PARTS])[:_MOST_CHARACTERS].rstrip(".")
