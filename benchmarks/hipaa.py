"""HIPAA's identifiers in made-up clinical and insurance papers: what is masked, and what is masked by mistake.

Run ``python benchmarks/hipaa.py``; ``--half dev`` while rules are being written, ``--misses`` to see the dev half's.
Positives: a value counts as found when every letter and digit of it is masked, whatever the type. Near-misses: a false
alarm is any masked letter or digit in the marked words. Intervals are Wilson's 95 %; those of no events in n
trials reach to about 3.8/n. Cases drawn from one template are not independent, so the intervals are narrower than
they would be for papers from another hand.

Beside ragkit stands Presidio's default registry on a blank English pipeline with an offline suffix list: what runs
here without a download, so its names, places and dates by a model are not in its figures.
"""

from __future__ import annotations

import argparse
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from hipaa_cases import IDENTIFIERS, Case, cases
from reporting import print_table, write_json

from ragkit.metrics import wilson

Ranges = Sequence[tuple[int, int, str]]
"""Start, end and type of what is masked."""
Finder = Callable[[str], Ranges]

PROFILE = "hipaa_safe_harbor"


def ragkit_finder(*, learned: bool) -> tuple[Finder, str]:
    """The masker as shipped, under the profile for Safe Harbor; and what it is made of."""
    from ragkit.crypto import CollectionKeys
    from ragkit.detect.build import build_learned
    from ragkit.mask.build import build_masker
    from ragkit.policy import Policy
    from ragkit.testing.fakes import MemoryVaultTable

    policy = Policy.from_profile(PROFILE)
    if not learned:
        policy = policy.model_copy(update={"detectors": ()})
    masker = build_masker(
        policy, CollectionKeys(bytes(range(32))), MemoryVaultTable(), "hipaa", learned=build_learned(policy, {})
    )
    masker.load()

    def find(text: str) -> Ranges:
        # A rule such as "only ages over 89" finds more than it changes: what reads as before is not masked.
        masked = masker.mask_text(text)[1]
        return [
            (span.source_start, span.source_end, span.entity_type)
            for span in masked.spans
            if masked.record[span.record_start : span.record_end] != text[span.source_start : span.source_end]
        ]

    return find, ", ".join(detector.name for detector in masker.detectors)


def presidio_finders() -> dict[str, Finder]:
    """``AnalyzerEngine`` with every default recognizer that needs no model, at its default threshold of 0 and at 0.4.

    At 0 nearly every number is a bank account of score 0.05; 0.4 is what its own evaluation uses.
    """
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    logging.getLogger("presidio-analyzer").disabled = True

    class Blank(SpacyNlpEngine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the default opens a connection
    engine = Blank()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(nlp_engine=engine)
    analyzer = AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])

    def at(threshold: float) -> Finder:
        return lambda text: [
            (found.start, found.end, found.entity_type)
            for found in analyzer.analyze(text, language="en", score_threshold=threshold)
        ]

    return {"presidio": at(0.0), "presidio 0.4": at(0.4)}


def judge(case: Case, found: Ranges) -> bool:
    """Whether a positive is found whole, or a near-miss is touched."""
    masked = {position for start, end, _ in found for position in range(start, end)}
    marked = [place for start, end in case.gold for place in range(start, end) if case.text[place].isalnum()]
    return all(place in masked for place in marked) if case.positive else any(place in masked for place in marked)


def tally(drawn: Sequence[Case], find: Finder) -> dict[tuple[str, bool], Counter[bool]]:
    """How often each, by identifier and sign."""
    counts: dict[tuple[str, bool], Counter[bool]] = defaultdict(Counter)
    for case in drawn:
        counts[case.identifier, case.positive][judge(case, find(case.text))] += 1
    return counts


def alarms_by_type(drawn: Sequence[Case], find: Finder) -> dict[str, int]:
    """How many near-misses were touched by a span of each type."""
    counts: Counter[str] = Counter()
    for case in drawn:
        if not case.positive:
            counts.update({kind for start, end, kind in find(case.text) if judge(case, [(start, end, kind)])})
    return dict(counts.most_common())


def figures(counts: dict[tuple[str, bool], Counter[bool]]) -> dict[str, dict[str, Any]]:
    """Recall and false alarms by identifier and over all, with intervals."""
    total: dict[tuple[str, bool], Counter[bool]] = {("all", sign): Counter() for sign in (True, False)}
    for (_, sign), counter in counts.items():
        total["all", sign] += counter
    every = {**counts, **total}
    return {
        name: {
            "positives": every[name, True].total(),
            "recall": _estimate(every[name, True]),
            "near_misses": every[name, False].total(),
            "false_alarms": _estimate(every[name, False]),
        }
        for name in (*IDENTIFIERS, "all")
    }


def _estimate(counter: Counter[bool]) -> dict[str, float]:
    found = wilson(counter[True], counter.total())
    return {"value": found.value, "low": found.low, "high": found.high}


def _shown(one: dict[str, float]) -> str:
    return "{value:.3f} ({low:.3f}-{high:.3f})".format(**one)


def show_misses(drawn: Sequence[Case], find: Finder) -> None:
    """One failing case a template of the dev half; the test half is not to be looked at."""
    seen = set()
    for case in drawn:
        key = (case.identifier, case.positive, case.template)
        if judge(case, find(case.text)) is not case.positive and key not in seen:
            seen.add(key)
            print("missed " if case.positive else "alarmed", case.identifier, repr(case.text))


def main() -> None:
    """Draw, mask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=("dev", "test"), default="test")
    parser.add_argument("--each", type=int, default=60, help="positives and near-misses an identifier, at least")
    parser.add_argument("--json", action="store_true", help="the figures as JSON instead of a table")
    parser.add_argument("--misses", action="store_true", help="print what went wrong on the dev half")
    parser.add_argument("--no-presidio", action="store_true")
    parser.add_argument("--no-learned", action="store_true", help="patterns and rules alone")
    options = parser.parse_args()
    drawn = cases(options.half, options.each)
    ours, made_of = ragkit_finder(learned=not options.no_learned)
    if options.misses and options.half == "dev":
        show_misses(drawn, ours)
    found = {"ragkit": figures(tally(drawn, ours))}
    alarms = alarms_by_type(drawn, ours)
    if not options.no_presidio:
        found |= {name: figures(tally(drawn, find)) for name, find in presidio_finders().items()}
    report(found, alarms, made_of, options)


def report(
    found: dict[str, dict[str, dict[str, Any]]], alarms: dict[str, int], made_of: str, options: argparse.Namespace
) -> None:
    """A table or JSON; a file for the test half in full."""
    result: dict[str, Any] = {"half": options.half, "profile": PROFILE, "detectors": made_of, "by_identifier": found}
    result["false_alarms_by_type"] = alarms
    if options.json:
        import json

        print(json.dumps(result, indent=1))
    else:
        columns = ["", "identifier", "n+"]
        columns += [f"{name} recall" for name in found] + ["n-"] + [f"{name} false alarms" for name in found]
        rows = []
        for key in (*IDENTIFIERS, "all"):
            mine = found["ragkit"][key]
            row = [key, IDENTIFIERS.get(key, ""), mine["positives"]]
            row += [_shown(system[key]["recall"]) for system in found.values()] + [mine["near_misses"]]
            rows.append(row + [_shown(system[key]["false_alarms"]) for system in found.values()])
        print_table(f"HIPAA's identifiers, {options.half} half; ragkit: {PROFILE} by {made_of}", columns, rows)
        print(
            "\nragkit's false alarms by type:", ", ".join(f"{kind} {count}" for kind, count in alarms.items()) or "none"
        )
        print("Q, photographs: not in text; parsers drop images. 95 % intervals by Wilson's score.")
    trial = options.half != "test" or options.each != 60 or options.no_presidio or options.no_learned
    if not (options.json and trial):
        write_json("hipaa", result, trial=trial)


if __name__ == "__main__":
    main()
