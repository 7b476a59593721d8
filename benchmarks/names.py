"""How many names of people are found whole, in English web text and comments, and in German, French and Spanish.

Run ``python benchmarks/names.py``; ``--only uner,wnut17,foreign``, ``--detector builtin|rules|presidio`` and
``--policy`` for some, ``--limit 50`` for a trial. ``--json`` prints what is written to ``results/names.json``. All sets
are dev sets: thresholds may be chosen on them (``ler_de_dev`` is in the training data).

A name is *covered* when every letter and digit of it is masked, as whatever type. Precision is of the spans masked as
PERSON: those that share a character with a labelled person, and those that are exactly one. Web text is read line by
line, as the published figures are, and as whole documents, where a name found once is found again. In the other
languages labels often take in a title, an article or a unit ("M. Maxwell", "le 12 juillet", "53 años"): a second column
asks only for the other words.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from pii_data import SETS, records, words_covered
from pii_systems import KINDS, System, available, replay, run, systems
from reporting import print_table, write_json

from ragkit.evaluate.counting import Coverage, marks
from ragkit.evaluate.labelled import Labelled
from ragkit.evaluate.pii import evaluate_pii
from ragkit.evaluate.resampling import Counts, Key, ResampledSums
from ragkit.metrics import Estimate
from ragkit.types import Span

TARGETS = {"uner_en_ewt_dev": (0.94, 0.75), "wnut17_dev": (0.82, 0.55)}
"""Least share of names covered, at least precision, line by line."""

FOREIGN = ("ler_de_dev", "echr_fr_manual", "echr_es_manual", "meddocan_es_dev")


def people(record: Labelled, found: Sequence[Span]) -> dict[Key, Counts]:
    """What one text counts for names of people."""
    gold = [one for one in record.gold if one.entity_type == "PERSON"]
    named = [span for span in found if span.entity_type == "PERSON"]
    everything, by_name = Coverage(record.text, found), Coverage(record.text, named)
    places = {(one.start, one.end) for one in gold}
    touching = sum(any(span.start < one.end and one.start < span.end for one in gold) for span in named)
    exact = sum((span.start, span.end) in places for span in named)
    overlapped = sum(any(span.start < one.end and one.start < span.end for span in named) for one in gold)
    exactly = {(span.start, span.end) for span in named} & places
    return {
        ("covered", ""): Counts(len(named), touching, len(gold), sum(everything.holds(o.start, o.end) for o in gold)),
        ("covered as PERSON", ""): Counts(
            len(named), touching, len(gold), sum(by_name.holds(o.start, o.end) for o in gold)
        ),
        ("overlap", ""): Counts(len(named), touching, len(gold), overlapped),
        ("exact", ""): Counts(len(named), exact, len(gold), len(exactly)),
    }


def shown(one: Estimate) -> str:
    """A value with its interval; empty where it is undefined."""
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def english(name: str, made: Sequence[System], limit: int) -> dict[str, Any]:
    """Names of people in one English set."""
    readings = {"lines": records(name, limit=limit)}
    if name == "uner_en_ewt_dev":
        readings["documents"] = records(name, limit=limit, joined=True)
    figures: dict[str, Any] = {}
    rows = []
    for reading, gold in readings.items():
        for system in made:
            found = run(system, gold)
            sums = ResampledSums()
            sums.add([people(record, spans) for record, spans in zip(gold, found.spans)])
            measures = {key[0]: sums.measure(key) for key in sums.seen()}
            covered, exact = measures["covered"], measures["exact"]
            least = TARGETS[name]
            met = covered.recall.value >= least[0] and covered.precision.value >= least[1]
            rows.append((
                system.name, reading, covered.counts.gold, shown(covered.recall),
                shown(measures["covered as PERSON"].recall), shown(measures["overlap"].recall),
                shown(covered.precision), shown(exact.precision), shown(exact.f1),
                f"{found.characters_per_second:,.0f}",
                "" if reading != "lines" else "trial" if limit else "yes" if met else "NO",
            ))  # fmt: skip
            figures[f"{system.name}, {reading}"] = {
                **{key: one.as_json() for key, one in measures.items()},
                "characters_per_second": found.characters_per_second,
            }
    columns = (
        "system", "read as", "names", "covered", "covered as PERSON", "touched", "precision", "exact precision",
        "exact F1", "characters/s", "target met",
    )  # fmt: skip
    wanted, precise = TARGETS[name]
    print_table(f"{name}: names of people; target {wanted} covered at precision {precise}", columns, rows)
    return figures


def foreign(made: Sequence[System], limit: int) -> dict[str, Any]:
    """German, French and Spanish by type, as they are."""
    figures: dict[str, Any] = {}
    for name in FOREIGN:
        chosen, gold = SETS[name], records(name, limit=limit)
        figures[name] = {}
        rows = []
        for system in made:
            found = run(system, gold)
            scores = evaluate_pii(replay(found), gold)
            words = ResampledSums()
            words.add([_but_light(*pair, chosen.language) for pair in zip(gold, found.spans)])
            figures[name][system.name] = {}
            for kind, typed in scores.by_type.items():
                measures = {**typed, "words covered": words.measure(("words", kind))}
                figures[name][system.name][kind] = {key: one.as_json() for key, one in measures.items()}
                if typed["exact"].counts.gold:
                    columns = (measures[key].recall for key in ("fully_covered", "words covered", "overlap"))
                    precision = typed["overlap"].precision
                    rows.append((system.name, kind, typed["exact"].counts.gold, *map(shown, columns), shown(precision)))
        note = f"; {chosen.note}" if chosen.note else ""
        print_table(
            f"{name} ({chosen.language}), {len(gold):,} texts{note}",
            (
                "system",
                "type",
                "labelled",
                "covered",
                "covered but titles, articles, units",
                "touched as the type",
                "precision as the type",
            ),
            rows,
        )
    return figures


def _but_light(record: Labelled, found: Sequence[Span], language: str) -> dict[Key, Counts]:
    covered = marks(len(record.text), ((span.start, span.end) for span in found))
    counts: dict[Key, Counts] = {}
    for one in record.gold:
        key = ("words", one.entity_type)
        held = words_covered(record.text, one, covered, language)
        counts[key] = counts.get(key, Counts()).plus(Counts(gold=1, found=int(held)))
    return counts


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="uner,wnut17,foreign")
    parser.add_argument("--detector", action="append", choices=KINDS, help="default: all there are")
    parser.add_argument("--policy", default="default,strict")
    parser.add_argument("--limit", type=int, default=0, help="lines a set, for a trial")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    options = parser.parse_args()
    made = systems(available(options.detector or KINDS), options.policy.split(","))
    only = set(options.only.split(","))
    figures: dict[str, Any] = {}
    for part, name in (("uner", "uner_en_ewt_dev"), ("wnut17", "wnut17_dev")):
        if part in only:
            figures[name] = english(name, made, options.limit)
    if "foreign" in only:
        figures |= foreign(made, options.limit)
    if options.json:
        print(json.dumps(figures, indent=1))
    write_json("names", {"targets": TARGETS, "figures": figures}, trial=bool(options.limit))


if __name__ == "__main__":
    main()
