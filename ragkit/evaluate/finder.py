"""What would be masked in a text, found as ingest finds it, without a vault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from ragkit.config import Config
from ragkit.errors import ConfigError
from ragkit.mask.allowed import Allowed
from ragkit.mask.build import build_detectors
from ragkit.mask.examination import Examiner
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.types import Span


class Finder:
    """Detectors, resolver and propagation under one policy: from texts to the disjoint spans that masking replaces.

    Each text is a document by itself. Secrets are masked, whatever the policy does with documents that hold them. A
    span counts as masked also where its operator leaves a coarser value, such as the year of a date.

    Args:
        policy: What is masked.
        learned: Learned detectors, beside those of the policy.
        folder: What relative paths of the policy's lists count from.
    """

    def __init__(self, policy: Policy, learned: Sequence[Detector] = (), folder: Path = Path()) -> None:
        self.policy = policy
        self._detectors = (*build_detectors(policy, folder), *learned)
        self._allowed = Allowed(policy, folder)
        self._examiner = Examiner(policy, self._allowed)

    @classmethod
    def of_profile(cls, name: str) -> Self:
        """A ready policy with the detector that ragkit ships.

        Raises:
            ConfigError: There is no such profile.
        """
        return cls.of_policy(Policy.from_profile(name))

    @classmethod
    def of_policy(cls, policy: Policy) -> Self:
        """A policy without a workspace, with the learned detectors it names that need no section."""
        from ragkit.detect.build import build_learned

        return cls(policy, build_learned(policy, {}))

    @classmethod
    def of_collection(cls, config: Config, collection: str | None = None) -> Self:
        """The policy and detectors of a collection, by default the only one. Needs neither its key nor its data.

        Raises:
            ConfigError: There is no such collection, or there are several and none was named.
        """
        from ragkit.build import build_detectors as build_learned

        names = list(config.collections)
        chosen = collection or (names[0] if len(names) == 1 else None)
        if chosen not in names:
            what = "there are several collections" if chosen is None else "there is no such collection"
            raise ConfigError(what, remedy=f"Name one of: {', '.join(names)}.")
        policy = config.policy_of(chosen)
        return cls(policy, build_learned(config, policy), config.folder)

    def load(self) -> None:
        """Load every detector and list."""
        self._allowed.load()
        for detector in self._detectors:
            detector.load()

    def __call__(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in order."""
        found: list[list[Span]] = [[] for _ in texts]
        for detector in self._detectors:
            for spans, more in zip(found, detector.detect(texts), strict=True):
                spans += more
        return [self._examiner.examine_text(text, spans) for text, spans in zip(texts, found)]
