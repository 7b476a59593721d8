"""A company's own terms and patterns: project names, internal codes, price forms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ragkit.errors import MaskingError
from ragkit.mask.phrases import PhraseIndex
from ragkit.policy import Dictionary
from ragkit.types import Span

_SECONDS = 2.0
"""A pattern may take this long on one text; one that takes longer is refused, not skipped."""


class DictionaryDetector:
    """Finds the terms and patterns of a policy's dictionaries, whole words only.

    Terms are looked up word by word, so that the cost does not grow with their number.

    Args:
        dictionaries: By name, as in the policy.
    """

    def __init__(self, dictionaries: Mapping[str, Dictionary]) -> None:
        self._dictionaries = dict(dictionaries)
        self._phrases: list[tuple[str, PhraseIndex]] = []
        self._patterns: list[tuple[str, str, Any]] = []
        self._loaded = False

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "dictionary"

    @property
    def fingerprint(self) -> str:
        """Changes with every term, pattern and rule."""
        content = "|".join(f"{name}={entry.model_dump_json()}" for name, entry in sorted(self._dictionaries.items()))
        return "dictionary:" + hashlib.sha256(content.encode()).hexdigest()[:12]

    def load(self) -> None:
        """Compile patterns with the ``regex`` package, which can stop a runaway search; index the terms."""
        if self._loaded:
            return
        import regex  # type: ignore[import-untyped]

        for entry in self._dictionaries.values():
            index = PhraseIndex()
            for term in entry.terms:
                exact = entry.case == "exact" or (entry.case == "smart" and term != term.lower())
                index.add(term, exact=exact)
            if entry.terms:
                self._phrases.append((entry.entity_type, index))
            flags = regex.IGNORECASE if entry.case == "ignore" else 0
            self._patterns += [(entry.entity_type, p, regex.compile(p, flags)) for p in entry.patterns]
        self._loaded = True

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start.

        Raises:
            MaskingError: A pattern ran out of time.
        """
        self.load()
        return [sorted(self._find(text), key=lambda span: (span.start, span.end)) for text in texts]

    def _find(self, text: str) -> Iterator[Span]:
        for entity_type, index in self._phrases:
            for start, end in index.find(text):
                yield Span(start, end, entity_type, 1.0, "dictionary:term")
        for number, (entity_type, _, pattern) in enumerate(self._patterns, 1):
            try:
                for match in pattern.finditer(text, timeout=_SECONDS):
                    if match.start() < match.end():
                        yield Span(match.start(), match.end(), entity_type, 1.0, "dictionary:pattern")
            except TimeoutError:
                raise MaskingError(
                    f"dictionary pattern {number} for {entity_type} took over {_SECONDS:g} s on one text",
                    remedy="Rewrite the pattern without nested repetition.",
                ) from None

    def __getstate__(self) -> dict[str, Any]:
        return {"dictionaries": self._dictionaries}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["dictionaries"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"DictionaryDetector({len(self._dictionaries)} dictionaries)"
