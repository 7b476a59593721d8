"""What is measured: ragkit under a policy, and Presidio as it comes, each a function from texts to spans.

Presidio's default analyzer wants spaCy's ``en_core_web_lg``, which does not come from a package index and is not on
the machines these figures are from. Here it runs with all its default recognizers on a blank spaCy pipeline with
lower-case lemmas, so that its context words work: its patterns, without names, places, organisations and most dates.
Its published figures with spaCy's large model are printed beside it, as published.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from ragkit.evaluate.finder import Finder
from ragkit.evaluate.labelled import Labelled
from ragkit.evaluate.pii import Find, disjoint
from ragkit.policy import Policy
from ragkit.types import Span

PRESIDIO_THRESHOLD = 0.4
"""Of presidio-research's notebook 4, where the published figure is from."""

KINDS = ("builtin", "rules", "presidio")


@dataclass
class System:
    """One thing to measure, loaded."""

    name: str
    find: Find
    policy: Policy | None = None


@dataclass
class Found:
    """What a system found in a set, and how long it took."""

    spans: list[list[Span]] = field(default_factory=list)
    characters: int = 0
    seconds: float = 0.0

    @property
    def characters_per_second(self) -> float:
        """Per second of processor time, all cores together."""
        return self.characters / self.seconds if self.seconds else 0.0


def systems(kinds: Sequence[str], policies: Sequence[str]) -> list[System]:
    """Load what is to be measured: ragkit under each policy by each detector, and Presidio."""
    made = []
    for kind in kinds:
        if kind == "presidio":
            made.append(System("Presidio, no spaCy model", presidio()))
            continue
        for policy in policies:
            finder = _finder(kind, policy)
            finder.load()
            made.append(System(f"ragkit {policy}, {kind}", finder, finder.policy))
    for system in made:
        system.find(["Warm up: 12 May 2020, Mr John Smith."])
    return made


def available(kinds: Sequence[str]) -> list[str]:
    """Those of the kinds that are there; the shipped detector may not be built yet."""
    return [kind for kind in kinds if kind != "builtin" or find_spec("ragkit.detect.builtin") is not None]


def _finder(kind: str, policy: str) -> Finder:
    chosen = Policy.from_profile(policy).model_copy(update={"detectors": (kind,) if kind == "builtin" else ()})
    return Finder.of_policy(chosen)


def presidio() -> Find:
    """Presidio's default recognizers on a blank pipeline, offline."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # else the first address opens a socket

    class LowerLemmas(SpacyNlpEngine):  # type: ignore[misc]
        """A blank pipeline's lemmas are empty, and Presidio then finds no context word."""

        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

        def process_text(self, text: str, language: str) -> Any:
            tokens = self.nlp[language](text)
            return NlpArtifacts([], tokens, [t.idx for t in tokens], [t.lower_ for t in tokens], self, language)

    engine = AnalyzerEngine(nlp_engine=LowerLemmas(), supported_languages=["en"])

    def find(texts: Sequence[str]) -> list[list[Span]]:
        return [
            disjoint(
                Span(one.start, one.end, one.entity_type, one.score, "presidio")
                for one in engine.analyze(text, language="en", score_threshold=PRESIDIO_THRESHOLD)
            )
            for text in texts
        ]

    return find


def run(system: System, records: Sequence[Labelled], *, batch: int = 64) -> Found:
    """Read all texts of a set in batches."""
    found = Found(characters=sum(len(record.text) for record in records))
    for at in range(0, len(records), batch):
        texts = [record.text for record in records[at : at + batch]]
        started = time.process_time()
        found.spans += system.find(texts)
        found.seconds += time.process_time() - started
    return found


def replay(found: Found) -> Find:
    """What was found, given again in the same order: so that one run serves several measures."""
    waiting = iter(found.spans)
    return lambda texts: [next(waiting) for _ in texts]
