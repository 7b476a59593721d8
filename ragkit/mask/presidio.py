"""Presidio's pattern recognizers behind the detector contract, many times faster and without a socket.

::

    detector = PresidioDetector(entities=["EMAIL_ADDRESS", "PHONE_NUMBER"])
    detector.load()
    detector.detect(["my phone number is 212-555-0192"])

What differs from ``AnalyzerEngine``, whose findings it otherwise reproduces:

- recognizers run only on the stretches that their gate lets through (:mod:`ragkit.mask.gates`);
- the context step is Presidio's ``LemmaContextAwareEnhancer``, given the few words before a finding and only when a
  context word is among them: over a whole text it is quadratic in entities times tokens (presidio#1461);
- a check digit that one number in ten passes by chance counts only in the written groups or by a context word;
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
from typing import Any

from ragkit.errors import MaskingError
from ragkit.mask.gates import Gate, Stretch
from ragkit.mask.recognizers import Row, rows
from ragkit.mask.runner import Context, Lowered, Runner
from ragkit.types import Span

_GATES_VERSION = 3


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
        self._runners: list[Runner] | None = None

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
        """Import Presidio and build the recognizers; 0.8 s of CPU the first time, nothing after.

        Without it, the first text that gets through a gate does so: most questions never need it. While it runs, no
        other thread may import torch for the first time.
        """
        if self._runners is not None:
            return
        with without_torch():
            import presidio_analyzer.predefined_recognizers as predefined
            from presidio_analyzer import RecognizerResult
        # Presidio logs the text that it fails to validate (IbanRecognizer) or to find among the tokens.
        logging.getLogger("presidio-analyzer").disabled = True
        context = Context()
        self._runners = [
            Runner(row, _build(predefined, row, self.phone_regions), context, self.threshold, RecognizerResult)
            for row in self._rows
        ]

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start. Linear in the length of each text.

        Raises:
            MaskingError: A recognizer failed; the message does not say on what.
        """
        return [self._detect(text) for text in texts]

    def _detect(self, text: str) -> list[Span]:
        lowered = Lowered(text)
        stretches: dict[Gate, list[Stretch]] = {}  # twenty identity numbers share one gate
        spans: list[Span] = []
        for number, row in enumerate(self._rows):
            try:
                if row.gate not in stretches:
                    stretches[row.gate] = list(row.gate(text))
                if stretches[row.gate]:
                    spans += self._runner(number).run(text, lowered, stretches[row.gate])
            except Exception as failed:  # a recognizer's own message may quote the text
                raise MaskingError(
                    f"recognizer {row.class_name} failed with {type(failed).__name__}",
                    remedy="Take its entity type out of the policy, and report the defect with a text of your own.",
                ) from None
        return sorted(spans, key=lambda span: (span.start, span.end))

    def _runner(self, number: int) -> Runner:
        self.load()
        assert self._runners is not None
        return self._runners[number]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_runners": None, "_rows": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._rows = tuple(rows(self.entities, self.countries))

    def __repr__(self) -> str:
        return f"PresidioDetector({len(self._rows)} recognizers)"


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
def without_torch() -> Iterator[None]:
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
