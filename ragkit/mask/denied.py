"""Finds what the policy's deny lists hold, such as every name in the customer table.

A hundred thousand names cost nothing a name: they are looked up word by word. A person is found in both orders of the
name ("Kovač, Ana", "Ana Kovač"), without the honorific the list may have, and in any case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from re import findall
from typing import Any

from ragkit.folding import fold
from ragkit.mask.lists import Terms, terms_of
from ragkit.mask.normalise import HONORIFICS
from ragkit.mask.phrases import PhraseIndex, Words
from ragkit.policy import DenyList
from ragkit.types import Span
from ragkit.wordlists import everyday

_MOST_ORDERED = 4
"""Words; longer names are looked for as written only."""


class ListDetector:
    """Finds the terms of deny lists, whole words only.

    Args:
        lists: By key, as in the policy.
        folder: What relative paths count from.

    Pickled, it carries where the lists are and not what they hold.
    """

    def __init__(self, lists: Mapping[str, DenyList], folder: Path = Path()) -> None:
        self._lists = dict(lists)
        self._folder = folder
        self._terms: Mapping[str, Terms] = terms_of("deny", self._lists, folder)
        self._phrases: list[tuple[str, PhraseIndex]] | None = None

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "dictionary"

    @property
    def fingerprint(self) -> str:
        """Changes with the settings and the terms of the lists; reads them."""
        parts = "|".join(terms.fingerprint for _, terms in sorted(self._terms.items()))
        return "deny:" + hashlib.sha256(parts.encode()).hexdigest()[:12]

    def load(self) -> None:
        """Read and index the lists: 2 s for 100,000 names.

        Raises:
            ConfigError: A list cannot be read.
        """
        if self._phrases is None:
            phrases: dict[str, PhraseIndex] = {}
            for key, one in self._lists.items():
                index = phrases.setdefault(one.entity_type, PhraseIndex())
                for term in self._terms[key]:
                    _add(index, term, one)
            self._phrases = list(phrases.items())

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start."""
        self.load()
        return [sorted(self._find(text), key=lambda span: (span.start, span.end)) for text in texts]

    def _find(self, text: str) -> Iterator[Span]:
        for entity_type, index in self._phrases or ():
            for start, end in index.find(text):
                yield Span(start, end, entity_type, 1.0, "dictionary:list")

    def __getstate__(self) -> dict[str, Any]:
        return {"lists": self._lists, "folder": self._folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["lists"], state["folder"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"ListDetector({len(self._lists)} lists)"


def _add(index: PhraseIndex, term: str, settings: DenyList) -> None:
    for words in _orders(term) if settings.entity_type == "PERSON" else [_words(term)]:
        if not words:
            continue
        if settings.case == "ignore" or (settings.case == "smart" and not _is_everyday(words)):
            index.add_words(words)
            continue
        index.add_words(words, exact=True)
        if settings.case == "smart":
            index.add_words(tuple(word.capitalize() for word in words), exact=True)
            index.add_words(tuple(word.upper() for word in words), exact=True)


def _words(term: str) -> Words:
    return tuple(findall(r"\w+", term))


def _is_everyday(words: Words) -> bool:
    """Whether these words also stand in a row in text about nothing personal: ``may``, ``will young``."""
    return all(fold(word) in everyday() for word in words)


def _orders(name: str) -> Iterator[Words]:
    """The orders in which a name is written. Between words a comma may stand: that is the phrase index's affair."""
    family, comma, given = name.partition(",")
    words = _without_honorifics(_words(f"{given} {family}" if comma else name))
    yield words
    if 1 < len(words) <= _MOST_ORDERED:
        yield (words[-1], *words[:-1])
        if len(words) > 2:  # two family names, as in Spain
            yield (*words[-2:], *words[:-2])
            if len(words) == 3:  # the list may have the family name first
                yield (*words[1:], words[0])


def _without_honorifics(words: Words) -> Words:
    first = 0
    while first < len(words) - 1 and fold(words[first]) in HONORIFICS:
        first += 1
    return words[first:]
