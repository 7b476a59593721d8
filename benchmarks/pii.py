"""How much personal data is found: Presidio's synthetic set and the Text Anonymization Benchmark.

Run ``python benchmarks/pii.py``; ``--split dev`` measures on ``dev/tab_dev`` instead, which is for choosing thresholds;
``--only synth,tab127,tab31``, ``--detector builtin|rules|presidio`` and ``--policy`` for some, ``--limit 5`` for a
trial. ``--json`` prints what is written to ``results/pii.json``.

- *synth v2*: type-blind spans at an intersection over union of .75 as presidio-research counts them
  (:mod:`ragkit.evaluate.runs`), with all 17 labels, and without ORGANIZATION as in Presidio's notebook 4, where the
  published figure is from. Beside it the same by span: no joining, one span for one.
- *TAB* (Pilán et al. 2022), one annotator a document. *Characters*: pooled over all documents, types apart. Where
  mentions that need no mask are labelled, a second reading does not charge for masking them, as OpenMasq's published
  figures do not. *TAB's reading* of covered: all words of a mention but titles and closed-class words; *strict*: every
  letter and digit. An entity is masked when all its mentions that need it are; direct and quasi identifiers apart.
  *Token precision*: of the words masked, those in a mention that needs it.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pii_data import LIGHT, SETS, records, without, words_covered
from pii_systems import KINDS, Found, System, available, replay, run, systems
from reporting import print_table, write_json

from ragkit.evaluate.counting import Coverage, marks
from ragkit.evaluate.labelled import Gold, Labelled
from ragkit.evaluate.pii import PiiScores, evaluate_pii
from ragkit.evaluate.resampling import Counts, Key, Measure, ResampledSums
from ragkit.metrics import Estimate
from ragkit.types import Span

PUBLISHED: Mapping[str, list[tuple[str, str, str]]] = {
    "synth": [
        ("Presidio, en_core_web_lg, 0.4", "P .733 R .646 F2 .661", "presidio-research, notebook 4"),
        ("Presidio, OpenMed-PII 395M, custom rules", "P .908 R .902 F2 .903", "presidio-research, notebook 5"),
    ],
    "tab127": [
        ("Presidio, en_core_web_lg", "character F1 .815", "OpenMasq, packages/redact/README.md; no charge for NO_MASK"),
        ("OpenMasq NER", "character F1 .855", "the same"),
    ],
    "tab31": [
        ("Longformer trained on TAB", "P .836, mention R .919", "as quoted in a RuleChef script; whole TAB test"),
    ],
}  # fmt: skip

_WORD = re.compile(r"\w+")

DIRECT, QUASI = "DIRECT", "QUASI"


# --- what one document counts -------------------------------------------------------------------------------------


def span_by_span(record: Labelled, found: Sequence[Span]) -> Counts:
    """Type-blind pairs at .75, each span for itself. Disjoint predictions can match a labelled span once."""
    hits, right = set(), set()
    for mine, span in enumerate(found):
        for its, one in enumerate(record.gold):
            shared = min(span.end, one.end) - max(span.start, one.start)
            if shared > 0 and shared / (max(span.end, one.end) - min(span.start, one.start)) >= 0.75:
                hits.add(its)
                right.add(mine)
    return Counts(len(found), len(right), len(record.gold), len(hits))


def by_tab(record: Labelled, found: Sequence[Span]) -> dict[Key, Counts]:
    """TAB's measures of one document, each in its own reading and in the strict one."""
    text = record.text
    coverage = Coverage(text, found)
    covered = marks(len(text), ((span.start, span.end) for span in found))
    needed = marks(len(text), ((one.start, one.end) for one in record.gold))
    readings: dict[str, Callable[[Gold], bool]] = {
        "tab": lambda one: words_covered(text, one, covered),
        "strict": lambda one: coverage.holds(one.start, one.end),
    }
    masked = [match for match in _WORD.finditer(text) if all(covered[match.start() : match.end()])]
    right = sum(any(needed[match.start() : match.end()]) for match in masked)
    tokens = [match for match in _WORD.finditer(text) if any(needed[match.start() : match.end()])]
    held = [match for match in tokens if match[0].lower() in LIGHT["en"] or all(covered[match.start() : match.end()])]
    counts: dict[Key, Counts] = {("tokens", ""): Counts(len(masked), right, len(tokens), len(held))}
    counts["lenient characters", ""] = _lenient(record, covered)
    for reading, holds in readings.items():
        masks = [holds(one) for one in record.gold]
        counts["mentions", reading] = Counts(gold=len(masks), found=sum(masks))
        for label in {one.entity_type for one in record.gold}:
            its = [mask for one, mask in zip(record.gold, masks) if one.entity_type == label]
            counts[f"mentions {label}", reading] = Counts(gold=len(its), found=sum(its))
        whole, kinds, people = _entities(record.gold, masks)
        for kind in (DIRECT, QUASI):
            mine = [whole[entity] for entity in whole if kinds[entity] == kind]
            counts[f"entities {kind}", reading] = Counts(gold=len(mine), found=sum(mine))
            if mine:
                counts[f"documents {kind}", reading] = Counts(gold=1, found=int(not all(mine)))
        left = [not whole[entity] for entity in people]
        counts["people left", reading] = Counts(gold=len(left), found=sum(left))
    return counts


def _entities(gold: Sequence[Gold], masks: Sequence[bool]) -> tuple[dict[str, bool], dict[str, str], set[str]]:
    """Whether all mentions of each entity are masked, how directly it identifies, and which are people."""
    whole: dict[str, bool] = {}
    kinds: dict[str, str] = {}
    for one, mask in zip(gold, masks):
        if one.entity:
            whole[one.entity] = whole.get(one.entity, True) and mask
            kinds[one.entity] = min(kinds.get(one.entity, one.identifier), one.identifier)
    return whole, kinds, {one.entity for one in gold if one.entity and one.entity_type == "PERSON"}


def _lenient(record: Labelled, covered: bytearray) -> Counts:
    """Characters, as OpenMasq counts: masking a mention that needs no mask is right, not finding it no miss."""
    length = len(record.text)
    masked = int.from_bytes(covered, "little")
    gold = int.from_bytes(marks(length, ((one.start, one.end) for one in record.gold)), "little")
    annotated = gold | int.from_bytes(marks(length, record.kept), "little")
    return Counts(
        masked.bit_count(), (masked & annotated).bit_count(), gold.bit_count(), (masked & gold).bit_count()
    )  # fmt: skip


# --- tables -------------------------------------------------------------------------------------------------------


def shown(one: Estimate) -> str:
    """A value with its interval; empty where it is undefined."""
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def summed(found: Found, gold: Sequence[Labelled], count: Callable[..., Mapping[Key, Counts]]) -> ResampledSums:
    """Sum what every document counts."""
    sums = ResampledSums()
    sums.add([count(record, spans) for record, spans in zip(gold, found.spans)])
    return sums


def synth(made: Sequence[System], limit: int) -> dict[str, Any]:
    """Measure on Presidio's synthetic set."""
    gold = records("synth_v2", limit=limit)
    narrowed = [without(record, "ORGANIZATION") for record in gold]
    figures: dict[str, Any] = {}
    rows, types = [], []
    for system in made:
        found = run(system, gold)
        scores = evaluate_pii(replay(found), gold)
        fewer = Found([[span for span in spans if span.entity_type != "ORGANIZATION"] for spans in found.spans])
        as_published = evaluate_pii(replay(fewer), narrowed).measures["type_blind_iou75"]
        plain = summed(found, gold, lambda record, spans: {("plain", ""): span_by_span(record, spans)})
        measures = {
            "all labels": scores.measures["type_blind_iou75"],
            "without ORGANIZATION": as_published,
            "by span": plain.measure(("plain", "")),
            "fully covered": scores.measures["fully_covered"],
            "exact with type": scores.measures["exact"],
            "overlap with type": scores.measures["overlap"],
        }
        for name, one in measures.items():
            rows.append((system.name, name, shown(one.precision), shown(one.recall), shown(one.f2)))
        types += _type_rows(system.name, scores)
        figures[system.name] = {
            "measures": {name: one.as_json() for name, one in measures.items()},
            "by_type": {kind: {m: one.as_json() for m, one in typed.items()} for kind, typed in scores.by_type.items()},
            "characters_per_second": found.characters_per_second,
        }
    print_table(f"Presidio synth v2, {len(gold):,} texts", ("system", "measure", "precision", "recall", "F2"), rows)
    _print_types("synth v2, by type", types)
    _published("synth")
    return figures


def tab(name: str, made: Sequence[System], limit: int, published: str) -> dict[str, Any]:
    """Measure on one split of TAB."""
    gold = records(name, limit=limit)
    named = any(one.entity for record in gold for one in record.gold)
    figures: dict[str, Any] = {}
    characters, entities, labels = [], [], []
    for system in made:
        found = run(system, gold)
        scores, sums = evaluate_pii(replay(found), gold), summed(found, gold, by_tab)
        pooled, lenient, tokens = (
            scores.measures["characters"], sums.measure(("lenient characters", "")), sums.measure(("tokens", "")),
        )  # fmt: skip
        characters.append((
            system.name, shown(pooled.precision), shown(pooled.recall), shown(pooled.f1),
            shown(lenient.f1) if any(record.kept for record in gold) else "not labelled", shown(tokens.precision),
            shown(tokens.recall), f"{found.characters_per_second:,.0f}",
        ))  # fmt: skip
        for reading in ("tab", "strict"):
            cells = [sums.measure((key, reading)).recall for key in _TAB_ROWS]
            entities.append((system.name, reading, *map(shown, cells if named else cells[:1])))
        labels += [
            (system.name, label, sums.measure((f"mentions {label}", "tab")).counts.gold,
             shown(sums.measure((f"mentions {label}", "tab")).recall),
             shown(sums.measure((f"mentions {label}", "strict")).recall))
            for label in sorted({key[0].partition(" ")[2] for key in sums.seen() if key[0].startswith("mentions ")})
        ]  # fmt: skip
        figures[system.name] = {
            "characters": pooled.as_json(),
            "characters, no charge for NO_MASK": lenient.as_json(),
            **{f"{key}, {reading}".strip(", "): sums.measure((key, reading)).as_json() for key, reading in sums.seen()},
            "characters_per_second": found.characters_per_second,
        }
    note = f"; {SETS[name].note}" if SETS[name].note else ""
    title = f"TAB {name}, {len(gold)} documents{note}"
    columns: tuple[str, ...] = (
        "system", "character precision", "recall", "F1", "F1, no charge for NO_MASK", "token precision",
        "token recall", "characters/s",
    )  # fmt: skip
    print_table(title, columns, characters)
    columns = ("system", "covered", "mentions masked")
    if named:
        columns += (
            "direct entities",
            "quasi entities",
            "documents with a direct left",
            "with a quasi left",
            "people left",
        )
    print_table(f"TAB {name}: mentions and entities", columns, entities)
    print_table(
        f"TAB {name}: mentions masked by type", ("system", "type", "mentions", "TAB's reading", "strict"), labels
    )
    _published(published)
    return figures


_TAB_ROWS = (
    "mentions", f"entities {DIRECT}", f"entities {QUASI}", f"documents {DIRECT}", f"documents {QUASI}", "people left",
)  # fmt: skip


def _type_rows(name: str, scores: PiiScores) -> list[tuple[object, ...]]:
    def cells(one: Measure) -> tuple[str, str]:
        return shown(one.recall), shown(one.precision)

    return [
        (name, kind, typed["exact"].counts.gold, *cells(typed["fully_covered"]), *cells(typed["exact"]))
        for kind, typed in scores.by_type.items()
    ]


def _print_types(title: str, rows: Sequence[Sequence[object]]) -> None:
    columns = ("system", "type", "labelled", "fully covered", "touches a label", "exact recall", "exact precision")
    print_table(title, columns, rows)


def _published(part: str) -> None:
    print_table("As published, not run here", ("system", "figures", "source"), PUBLISHED[part])


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("benchmark", "dev"), default="benchmark")
    parser.add_argument("--only", default="synth,tab127,tab31")
    parser.add_argument("--detector", action="append", choices=KINDS, help="default: all there are")
    parser.add_argument("--policy", default="strict,default")
    parser.add_argument("--limit", type=int, default=0, help="texts a set, for a trial")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    options = parser.parse_args()
    made = systems(available(options.detector or KINDS), options.policy.split(","))
    only = set(options.only.split(","))
    figures: dict[str, Any] = {}
    if options.split == "dev":
        figures["tab_dev"] = tab("tab_dev", made, options.limit, "tab31")
    else:
        if "synth" in only:
            figures["synth_v2"] = synth(made, options.limit)
        if "tab127" in only:
            figures["tab_test127"] = tab("tab_test127", made, options.limit, "tab127")
        if "tab31" in only:
            figures["tab_test31"] = tab("tab_test31", made, options.limit, "tab31")
    published = {part: [list(row) for row in rows] for part, rows in PUBLISHED.items()}
    name = "pii" if options.split == "benchmark" else "pii_dev"
    if options.json:
        print(json.dumps(figures, indent=1))
    write_json(name, {"figures": figures, "published": published}, trial=bool(options.limit))


if __name__ == "__main__":
    main()
