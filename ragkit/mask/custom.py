"""The company's own recognizers: patterns with context words and check digits, as the policy writes them.

The context step is Presidio's, as for its own recognizers (:mod:`ragkit.mask.runner`); the search is under a time
limit, since Presidio's skips a pattern that runs out of time, and what it would have found passes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ragkit.errors import MaskingError
from ragkit.mask.runner import BOOST, BOOST_FLOOR, CONTEXT_BEFORE, Context, Lowered
from ragkit.policy import Recognizer
from ragkit.policy_parts import check_digits
from ragkit.types import Span

_SECONDS = 2.0
"""A pattern may take this long on one text; one that takes longer is an error, not a miss."""


class CustomDetector:
    """Finds what a policy's recognizers describe.

    Args:
        recognizers: By key, as in the policy.
    """

    def __init__(self, recognizers: Mapping[str, Recognizer]) -> None:
        self._recognizers = dict(recognizers)
        self._patterns: list[tuple[str, Recognizer, Any]] | None = None
        self._confirm: Mapping[str, Any] = {}
        self._context: Context | None = None

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "custom"

    @property
    def fingerprint(self) -> str:
        """Changes with every setting of every recognizer."""
        content = "|".join(f"{key}={one.model_dump_json()}" for key, one in sorted(self._recognizers.items()))
        return "custom:" + hashlib.sha256(content.encode()).hexdigest()[:12]

    def load(self) -> None:
        """Compile the patterns; Presidio is imported when a context word first stands before a finding."""
        if self._patterns is None:
            import regex  # type: ignore[import-untyped]

            self._patterns = [
                (key, one, regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE))
                for key, one in self._recognizers.items()
                for pattern in one.patterns
            ]

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start.

        Raises:
            MaskingError: A pattern ran out of time.
        """
        self.load()
        return [sorted(self._find(text), key=lambda span: (span.start, span.end)) for text in texts]

    def _find(self, text: str) -> Iterator[Span]:
        lowered = Lowered(text)
        for key, one, pattern in self._patterns or ():
            try:
                for match in pattern.finditer(text, timeout=_SECONDS):
                    group = "value" if "value" in pattern.groupindex and match["value"] else 0
                    start, end = match.span(group)
                    span = self._judge(text, lowered, start, end, key, one) if start < end else None
                    if span is not None:
                        yield span
            except TimeoutError:
                raise MaskingError(
                    f"recognizer {key!r} took over {_SECONDS:g} s on one text",
                    remedy="Rewrite its pattern without nested repetition.",
                ) from None

    def _judge(self, text: str, lowered: Lowered, start: int, end: int, key: str, one: Recognizer) -> Span | None:
        checked = one.validator is not None
        if one.validator is not None and not _has_check_digits(one.validator, text[start:end]):
            return None
        score = 1.0 if checked else one.score
        if one.context and (one.require_context or score < 1.0):
            if self._confirms(text, lowered(), start, key, one):
                score = min(1.0, max(score + BOOST, BOOST_FLOOR))
            elif one.require_context:
                return None
        kind = "checksum" if checked else "pattern"
        return Span(start, end, one.entity_type, round(score, 4), f"custom:{kind}:{key}")

    def _confirms(self, text: str, lowered: str, start: int, key: str, one: Recognizer) -> bool:
        before = lowered[max(0, start - CONTEXT_BEFORE) : start]
        if not any(word in before for word in one.context):
            return False
        if self._context is None:
            self._context, self._confirm = _presidio_context(self._recognizers)
        return self._context.confirms(text, start, self._confirm[key], one.entity_type)

    def __getstate__(self) -> dict[str, Any]:
        return {"recognizers": self._recognizers}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["recognizers"])  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"CustomDetector({len(self._recognizers)} recognizers)"


def _has_check_digits(validator: str, value: str) -> bool:
    """As written, or without what stands between its letters and digits, which not every module takes out."""
    valid = check_digits(validator)
    return valid(value) or valid("".join(filter(str.isalnum, value)))


def _presidio_context(recognizers: Mapping[str, Recognizer]) -> tuple[Context, dict[str, Any]]:
    from ragkit.mask.presidio import without_torch

    with without_torch():
        from presidio_analyzer import Pattern, PatternRecognizer
    made = {
        key: PatternRecognizer(
            supported_entity=one.entity_type,
            name=key,
            patterns=[Pattern(key, pattern, one.score) for pattern in one.patterns],
            context=list(one.context),
        )
        for key, one in recognizers.items()
        if one.context
    }
    return Context(), made
