"""What would be masked in a text, found as ingest finds it, without a vault."""

from __future__ import annotations

from collections.abc import Sequence

from ragkit.mask.build import build_detectors
from ragkit.mask.examination import Examiner
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.types import Span


class Finder:
    """Detectors, resolver and propagation under one policy: from texts to the disjoint spans that masking replaces.

    Each text is a document by itself, and secrets are masked, whatever the policy does with documents that hold them.

    Args:
        policy: What is masked.
        learned: Learned detectors, beside those of the policy.
    """

    def __init__(self, policy: Policy, learned: Sequence[Detector] = ()) -> None:
        self.policy = policy
        self._detectors = (*build_detectors(policy), *learned)
        self._examiner = Examiner(policy)

    def load(self) -> None:
        """Load every detector."""
        for detector in self._detectors:
            detector.load()

    def __call__(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        found: list[list[Span]] = [[] for _ in texts]
        for detector in self._detectors:
            for spans, more in zip(found, detector.detect(texts), strict=True):
                spans += more
        return [self._examiner.examine_text(text, spans) for text, spans in zip(texts, found)]
