"""One Presidio recognizer at work: run on the stretches of its gate, boosted by context, judged.

Presidio's ``LemmaContextAwareEnhancer`` is given the few words before a finding only: over a whole text it is
quadratic in entities times tokens (presidio#1461).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from ragkit.mask import phones
from ragkit.mask.gates import Stretch
from ragkit.mask.normalise import lower_same_length
from ragkit.mask.plausible import is_plausible
from ragkit.mask.recognizers import Row
from ragkit.types import Span

CONTEXT_BEFORE = 320
"""Characters before a finding that are tokenised: room for Presidio's five context words and the stop words between."""
BOOST = 0.35
BOOST_FLOOR = 0.4


class Lowered:
    """A text's lower case, made at the first use."""

    __slots__ = ("_lowered", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._lowered: str | None = None

    def __call__(self) -> str:
        if self._lowered is None:
            self._lowered = lower_same_length(self._text)
        return self._lowered


class Runner:
    """One recognizer with its gate, threshold and context words."""

    def __init__(self, row: Row, recognizer: Any, context: Context, threshold: float, result_type: Any) -> None:
        self.row = row
        self._recognizer = recognizer
        self._context = context
        self._threshold = threshold
        self._result = result_type
        self._words = tuple({word.lower() for word in recognizer.context if word and " " not in word})
        self._grouped = re.compile(row.grouped) if row.grouped else None
        self._seen: dict[str, list[tuple[int, int]]] | None = {} if row.entity_type == "PHONE_NUMBER" else None

    def run(self, text: str, lowered: Lowered, stretches: Sequence[Stretch]) -> Iterator[Span]:
        """Findings in these stretches of the text."""
        if self.row.confirmed and not any(word in lowered() for word in self._words):
            return
        for start, end in stretches:
            if self.row.confirmed and not self._context_word_in(lowered(), start, end):
                continue
            for result in self._analyze(text, start, end):
                span = self._judge(text, lowered, result, start)
                if span is not None and self._is_plausible(text, span):
                    yield self._whole(text, span)

    def _analyze(self, text: str, start: int, end: int) -> list[Any]:
        piece = text[start:end]
        if self._seen is None:
            found: list[Any] = self._recognizer.analyze(piece, [self.row.entity_type], None)
            return found
        # The same account numbers and dates come back by the thousand in technical text, and phonenumbers is the
        # slowest recognizer by far: its verdict on a stretch depends on nothing but the stretch.
        spans = self._seen.get(piece)
        if spans is None:
            spans = [(r.start, r.end) for r in self._recognizer.analyze(piece, [self.row.entity_type], None)]
            if len(self._seen) >= 4096:
                self._seen.clear()
            self._seen[piece] = spans
        return [self._result(self.row.entity_type, first, last, self._recognizer.SCORE) for first, last in spans]

    def _judge(self, text: str, lowered: Lowered, result: Any, offset: int) -> Span | None:
        """Boost by context, compare with the threshold, and turn into a span."""
        start, end = offset + result.start, offset + result.end
        score = float(result.score)
        boosted = score < 1.0 and self._context_word_in(lowered(), start, end) and self._confirms(text, start, result)
        if boosted:
            score = min(1.0, max(score + BOOST, BOOST_FLOOR))
        if score < self._threshold or (self.row.confirmed and not boosted and score < 1.0):
            return None
        if self._grouped is not None and not self._stands_alone(text, lowered, start, end, result, boosted=boosted):
            return None
        kind = "checksum" if result.score >= 1.0 else "pattern"
        return Span(start, end, self.row.entity_type, round(score, 4), f"presidio:{kind}:{self.row.class_name}")

    def _stands_alone(self, text: str, lowered: Lowered, start: int, end: int, result: Any, *, boosted: bool) -> bool:
        """A check digit that one number in ten passes by chance tells nothing without grouping or a context word."""
        assert self._grouped is not None
        if boosted or self._grouped.fullmatch(text, start, end):
            return True
        return self._context_word_in(lowered(), start, end) and self._confirms(text, start, result)

    def _is_plausible(self, text: str, span: Span) -> bool:
        return is_plausible(span.entity_type, text, span.start, span.end, confirmed=self.row.confirmed)

    def _whole(self, text: str, span: Span) -> Span:
        if self.row.entity_type != "PHONE_NUMBER":
            return span
        start, end = phones.whole(text, span.start, span.end)
        return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)

    def _context_word_in(self, lowered: str, start: int, end: int) -> bool:
        before = lowered[max(0, start - CONTEXT_BEFORE) : end]
        return any(word in before for word in self._words)

    def _confirms(self, text: str, start: int, result: Any) -> bool:
        return self._context.confirms(text, start, self._recognizer, result.entity_type)


class Context:
    """Presidio's context enhancer over the words just before a finding."""

    def __init__(self) -> None:
        import spacy
        from presidio_analyzer import AnalysisExplanation, LemmaContextAwareEnhancer, RecognizerResult
        from presidio_analyzer.nlp_engine import NlpArtifacts

        self._vocabulary = spacy.blank("en")
        self._enhancer = LemmaContextAwareEnhancer(context_matching_mode="whole_word")
        self._artifacts = NlpArtifacts
        self._result = RecognizerResult
        self._explanation = AnalysisExplanation
        lexemes = self._vocabulary.vocab
        self._engine = SimpleNamespace(
            is_stopword=lambda word, _language: lexemes[word].is_stop,
            is_punct=lambda word, _language: lexemes[word].is_punct,
        )

    def confirms(self, text: str, start: int, recognizer: Any, entity_type: str) -> bool:
        """Whether a context word of the recognizer is among the words before ``start``."""
        first, last = _word_edges(text, start)
        # The enhancer asks tokens for their length only, and each pass over a spaCy document makes its tokens anew.
        tokens = [(token.idx, token.text) for token in self._vocabulary(text[first:last])]
        if not tokens:
            return False
        artifacts = self._artifacts(
            entities=[],
            tokens=[word for _, word in tokens],
            tokens_indices=[index for index, _ in tokens],
            lemmas=[word.lower() for _, word in tokens],
            nlp_engine=self._engine,
            language="en",
        )
        local = start - first
        finding = self._result(entity_type, local, local + 1, 0.1, self._explanation(recognizer.name, 0.1))
        finding.recognition_metadata = {self._result.RECOGNIZER_IDENTIFIER_KEY: recognizer.id}
        enhanced = self._enhancer.enhance_using_context(text[first:last], [finding], artifacts, [recognizer])
        return bool(enhanced[0].score > 0.1)


def _word_edges(text: str, start: int) -> tuple[int, int]:
    """A slice around ``start`` that begins and ends at white space, where spaCy's tokens do too."""
    first = max(0, start - CONTEXT_BEFORE)
    if first > 0:
        while first < start and not text[first - 1].isspace():
            first += 1
    last = start + 1
    limit = min(len(text), start + 200)
    while last < limit and not text[last].isspace():
        last += 1
    return first, last
