"""Presidio's pattern recognizers behind the detector contract, many times faster and without a socket.

::

    detector = PresidioDetector(entities=["EMAIL_ADDRESS", "PHONE_NUMBER"])
    detector.load()
    detector.detect(["my phone number is 212-555-0192"])

What differs from ``AnalyzerEngine``, whose findings it otherwise reproduces:

- recognizers run only on the stretches that their gate lets through (:mod:`ragkit.mask.gates`);
- the context step is Presidio's ``LemmaContextAwareEnhancer``, given the few words before a finding and only when a
  context word is among them: over a whole text it is quadratic in entities times tokens (presidio#1461);
- tokens get ``lemma = lower case``: a blank spaCy pipeline has empty lemmas, and context words then never match;
- e-mail domains are checked against the suffix list inside ``tldextract``: by default the first address
  opens a connection to publicsuffix.org (presidio#1205);
- what cannot be personal is dropped (:mod:`ragkit.mask.plausible`): dates as phone numbers, 0.0.0.0.
"""

from __future__ import annotations

import hashlib
import logging
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from ragkit.errors import MaskingError
from ragkit.mask.gates import Gate, Stretch
from ragkit.mask.normalise import lower_same_length
from ragkit.mask.plausible import is_plausible
from ragkit.mask.recognizers import Row, rows
from ragkit.types import Span

_CONTEXT_BEFORE = 320
"""Characters before a finding that are tokenised: room for Presidio's five context words and the stop words between."""
_BOOST = 0.35
_BOOST_FLOOR = 0.4
_GATES_VERSION = 1


class PresidioDetector:
    """Finds numbers, addresses and identifiers by pattern, checksum and context word.

    Args:
        entities: Entity types to look for; ``None`` for all that the table knows.
        phone_regions: Regions whose national notation is read.
        countries: Countries whose identity numbers are looked for, lower case.
        threshold: Findings below this score, in 0..1, are dropped.

    Plain values only, so that a detector can be pickled to a child process before ``load``.
    """

    def __init__(
        self,
        entities: Collection[str] | None = None,
        *,
        phone_regions: Sequence[str] = ("US", "GB", "DE", "FR", "ES", "IT", "NL"),
        countries: Sequence[str] = ("us",),
        threshold: float = 0.35,
    ) -> None:
        self.entities = None if entities is None else tuple(sorted(entities))
        self.phone_regions = tuple(phone_regions)
        self.countries = tuple(countries)
        self.threshold = threshold
        self._rows = tuple(rows(self.entities, self.countries))
        self._runners: list[_Runner] | None = None

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "presidio"

    @property
    def fingerprint(self) -> str:
        """Changes with Presidio's and phonenumbers' versions, the recognizers and the settings."""
        parts = [f"gates{_GATES_VERSION}", version("presidio-analyzer"), version("phonenumbers"), version("tldextract")]
        parts += [row.class_name for row in self._rows]
        parts += [*self.phone_regions, str(self.threshold)]
        return "presidio:" + hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    def load(self) -> None:
        """Import Presidio and build the recognizers; 0.8 s of CPU the first time, nothing after."""
        if self._runners is not None:
            return
        with _without_torch():
            import presidio_analyzer.predefined_recognizers as predefined
            from presidio_analyzer import RecognizerResult
        # Presidio logs the text that it fails to validate (IbanRecognizer) or to find among the tokens.
        logging.getLogger("presidio-analyzer").disabled = True
        context = _Context()
        self._runners = [
            _Runner(row, _build(predefined, row, self.phone_regions), context, self.threshold, RecognizerResult)
            for row in self._rows
        ]

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start. Linear in the length of each text.

        Raises:
            MaskingError: A recognizer failed; the message does not say on what.
        """
        self.load()
        return [self._detect(text) for text in texts]

    def _detect(self, text: str) -> list[Span]:
        lowered = _Lazy(text)
        stretches: dict[Gate, list[Stretch]] = {}  # twenty identity numbers share one gate
        spans: list[Span] = []
        for runner in self._runners or ():
            gate = runner.row.gate
            try:
                if gate not in stretches:
                    stretches[gate] = list(gate(text))
                if stretches[gate]:
                    spans += runner.run(text, lowered, stretches[gate])
            except Exception as failed:  # a recognizer's own message may quote the text
                raise MaskingError(
                    f"recognizer {runner.row.class_name} failed with {type(failed).__name__}",
                    remedy="Take its entity type out of the policy, and report the defect with a text of your own.",
                ) from None
        return sorted(spans, key=lambda span: (span.start, span.end))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_runners": None, "_rows": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rows = tuple(rows(self.entities, self.countries))

    def __repr__(self) -> str:
        return f"PresidioDetector({len(self._rows)} recognizers)"


class _Lazy:
    """A text's lower case, made at the first use."""

    __slots__ = ("_lowered", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._lowered: str | None = None

    def __call__(self) -> str:
        if self._lowered is None:
            self._lowered = lower_same_length(self._text)
        return self._lowered


class _Runner:
    """One recognizer with its gate, threshold and context words."""

    def __init__(self, row: Row, recognizer: Any, context: _Context, threshold: float, result_type: Any) -> None:
        self.row = row
        self._recognizer = recognizer
        self._context = context
        self._threshold = threshold
        self._result = result_type
        self._words = tuple({word.lower() for word in recognizer.context if word and " " not in word})
        self._seen: dict[str, list[tuple[int, int]]] | None = {} if row.entity_type == "PHONE_NUMBER" else None

    def run(self, text: str, lowered: _Lazy, stretches: Sequence[Stretch]) -> Iterator[Span]:
        if self.row.confirmed and not any(word in lowered() for word in self._words):
            return
        for start, end in stretches:
            if self.row.confirmed and not self._context_word_in(lowered(), start, end):
                continue
            for result in self._analyze(text, start, end):
                span = self._judge(text, lowered, result, start)
                if span is not None and self._is_plausible(text, span):
                    yield span

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

    def _judge(self, text: str, lowered: _Lazy, result: Any, offset: int) -> Span | None:
        """Boost by context, compare with the threshold, and turn into a span."""
        start, end = offset + result.start, offset + result.end
        score = float(result.score)
        boosted = score < 1.0 and self._context_word_in(lowered(), start, end) and self._confirms(text, start, result)
        if boosted:
            score = min(1.0, max(score + _BOOST, _BOOST_FLOOR))
        if score < self._threshold or (self.row.confirmed and not boosted and score < 1.0):
            return None
        kind = "checksum" if result.score >= 1.0 else "pattern"
        return Span(start, end, self.row.entity_type, round(score, 4), f"presidio:{kind}:{self.row.class_name}")

    def _is_plausible(self, text: str, span: Span) -> bool:
        return is_plausible(span.entity_type, text, span.start, span.end, confirmed=self.row.confirmed)

    def _context_word_in(self, lowered: str, start: int, end: int) -> bool:
        before = lowered[max(0, start - _CONTEXT_BEFORE) : end]
        return any(word in before for word in self._words)

    def _confirms(self, text: str, start: int, result: Any) -> bool:
        return self._context.confirms(text, start, self._recognizer, result.entity_type)


class _Context:
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
    first = max(0, start - _CONTEXT_BEFORE)
    if first > 0:
        while first < start and not text[first - 1].isspace():
            first += 1
    last = start + 1
    limit = min(len(text), start + 200)
    while last < limit and not text[last].isspace():
        last += 1
    return first, last


def _build(predefined: Any, row: Row, phone_regions: Sequence[str]) -> Any:
    recognizer_type = getattr(predefined, row.class_name)
    if row.entity_type == "PHONE_NUMBER":
        return recognizer_type(supported_regions=tuple(phone_regions))
    if row.entity_type == "EMAIL_ADDRESS":
        return _offline_email(recognizer_type)
    return recognizer_type()


def _offline_email(email_recognizer: Any) -> Any:
    import tldextract

    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)

    def validate_result(self: Any, pattern_text: str) -> bool:  # noqa: ARG001
        return bool(suffixes(pattern_text).fqdn)

    return type("EmailRecognizer", (email_recognizer,), {"validate_result": validate_result})()


@contextmanager
def _without_torch() -> Iterator[None]:
    """Hide torch and transformers while Presidio is imported.

    ``presidio_analyzer/nlp_engine/__init__.py`` imports its device detector eagerly, which imports torch, and
    ``huggingface_token_pipe.py`` imports transformers: 3.4 s of CPU and 400 MiB for parts that ragkit never uses,
    0.75 s without. Both are optional there (``except ImportError``). A module set to ``None`` in ``sys.modules`` raises
    ``ModuleNotFoundError`` on import (Python reference, section 5.3.1); those already imported are left alone.
    """
    hidden = [name for name in ("torch", "transformers") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden, None))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]
