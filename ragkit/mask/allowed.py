"""What is never personal here: the policy's ``keep_terms`` and its allow lists."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from ragkit.mask.lists import Terms, terms_of
from ragkit.mask.phrases import PhraseIndex
from ragkit.policy import Policy
from ragkit.types import Span

_NEVER_ALLOWED = ("secrets:", "literal:", "dictionary:term", "dictionary:pattern", "dictionary:list")
"""Credentials, our own tokens, and what the company itself says is personal: deny outweighs allow."""

_CHECKED = ":checksum"
"""Check digits outweigh a list for all types, and yield to one that names the type."""


class Allowed:
    """Takes findings away that the policy says are not personal.

    Args:
        policy: Its ``keep_terms`` and ``allow``.
        folder: What relative paths of lists count from.
    """

    def __init__(self, policy: Policy, folder: Path = Path()) -> None:
        self._kept = frozenset(term.casefold() for term in policy.keep_terms)
        self._types = {key: frozenset(one.entity_types) for key, one in policy.allow.items()}
        self._terms: Mapping[str, Terms] = terms_of("allow", policy.allow, folder)
        self._phrases: list[tuple[frozenset[str], PhraseIndex]] | None = None

    @property
    def fingerprints(self) -> list[str]:
        """One a list; reads them."""
        return [f"allow:{terms.fingerprint}" for _, terms in sorted(self._terms.items())]

    def load(self) -> None:
        """Read and index the lists.

        Raises:
            ConfigError: A list cannot be read.
        """
        if self._phrases is None:
            self._phrases = [(self._types[key], _indexed(terms)) for key, terms in self._terms.items()]

    def without(self, text: str, spans: Sequence[Span]) -> list[Span]:
        """The spans that stay: not exactly a kept term, and not inside an allowed one."""
        left = list(spans)
        if self._kept:
            left = [span for span in left if text[span.start : span.end].casefold() not in self._kept]
        if self._terms and left:
            self.load()
            for types, phrases in self._phrases or ():
                left = _outside(left, list(phrases.find(text)), types)
        return left

    def __repr__(self) -> str:
        return f"Allowed({len(self._kept)} terms, {len(self._terms)} lists)"


def _indexed(terms: Terms) -> PhraseIndex:
    phrases = PhraseIndex()
    for term in terms:
        phrases.add(term)
    return phrases


def _outside(spans: list[Span], places: list[tuple[int, int]], types: frozenset[str]) -> list[Span]:
    if not places:
        return spans
    starts = [start for start, _ in places]

    def allowed(span: Span) -> bool:
        if span.recognizer.startswith(_NEVER_ALLOWED):
            return False
        if span.entity_type not in types if types else _CHECKED in span.recognizer:
            return False
        nearest = bisect_right(starts, span.start) - 1
        return nearest >= 0 and span.end <= places[nearest][1]

    return [span for span in spans if not allowed(span)]
