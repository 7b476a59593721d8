"""Measures what masking finds in the user's own labelled text.

::

    finder = Finder(Policy.default())
    finder.load()
    scores = evaluate_pii(finder, read_labelled(Path("labelled.jsonl")))
    scores.measures["fully_covered"].recall.low
    scores.by_type["PERSON"]["fully_covered"].counts

Anything that turns texts into spans can be measured: a :class:`~ragkit.evaluate.finder.Finder`, or the ``detect`` of a
detector. One pass, in batches, in memory that does not grow with the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ragkit.evaluate.counting import ENTITIES, MEASURES, TEXTS, TYPED, Coverage, count
from ragkit.evaluate.labelled import Labelled
from ragkit.evaluate.misses import Miss, Sample
from ragkit.evaluate.resampling import Measure, ResampledSums
from ragkit.metrics import Estimate
from ragkit.types import Span

Find = Callable[[Sequence[str]], list[list[Span]]]
"""From texts to the spans of each."""

BATCH_TEXTS = 64
BATCH_CHARACTERS = 400_000


@dataclass(frozen=True, slots=True)
class PiiScores:
    """What was found and missed, with 95 % intervals.

    Attributes:
        measures: By name, see :mod:`ragkit.evaluate.counting`.
        by_type: For each entity type its ``fully_covered``, ``exact`` and ``overlap``.
        entities: Share of things with an ``entity_id`` of which every mention is fully covered, by identifier type.
        texts: Share of the texts with labelled spans of which every span is fully covered.
        documents: How many texts there were.
        characters: Of all texts.
        seconds: Of processor time, all cores together, spent on detection; loading is not in it.
        misses: A sample, without values.
    """

    measures: Mapping[str, Measure]
    by_type: Mapping[str, Mapping[str, Measure]]
    entities: Mapping[str, Measure]
    texts: Measure
    documents: int
    characters: int
    seconds: float
    misses: tuple[Miss, ...] = field(default=(), repr=False)

    @property
    def characters_per_second(self) -> float:
        """Characters that one core reads in a second; 0 where there was nothing to read."""
        return self.characters / self.seconds if self.seconds else 0.0

    def as_json(self) -> dict[str, Any]:
        """The shape of ``ragkit eval pii --json``."""
        shown: dict[str, Any] = {name: self.measures[name].as_json() for name in MEASURES}
        shown["fully_covered"] |= {
            "texts": _share(self.texts),
            "entities": {kind or "ANY": _share(measure) for kind, measure in self.entities.items()},
            "misses": [{"entity_type": miss.entity_type, "context": miss.context} for miss in self.misses],
        }
        return {
            **shown,
            "by_type": {
                entity_type: {
                    **typed["fully_covered"].as_json(),
                    "exact": typed["exact"].as_json(),
                    "overlap": typed["overlap"].as_json(),
                }
                for entity_type, typed in self.by_type.items()
            },
            "documents": self.documents,
            "characters_per_second": round(self.characters_per_second, 1),
        }


def _share(measure: Measure) -> dict[str, Any]:
    recall: Estimate = measure.recall
    known = measure.counts.gold > 0
    return {
        "all": measure.counts.gold,
        "covered": measure.counts.found,
        "share": round(recall.value, 6) if known else None,
        "low": round(recall.low, 6) if known else None,
        "high": round(recall.high, 6) if known else None,
    }


def evaluate_pii(
    find: Find,
    records: Iterable[Labelled],
    *,
    misses: int = 0,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> PiiScores:
    """Measure over labelled texts, each a document by itself.

    Args:
        find: What is measured.
        records: The texts, read once.
        misses: How many to keep as examples.
        seed: Of resampling and of the choice of misses.
        progress: Told how many texts are done.
    """
    sums, sample = ResampledSums(seed=seed), Sample(misses, seed=seed)
    documents = characters = 0
    seconds = 0.0
    for batch in _batches(records):
        texts = [record.text for record in batch]
        started = time.process_time()
        found = [disjoint(spans) for spans in find(texts)]
        seconds += time.process_time() - started
        sums.add([count(record, spans) for record, spans in zip(batch, found, strict=True)])
        if misses:
            for record, spans in zip(batch, found):
                coverage = Coverage(record.text, spans)
                sample.add(record, spans, [one for one in record.gold if not coverage.holds(one.start, one.end)])
        documents += len(batch)
        characters += sum(map(len, texts))
        if progress is not None:
            progress(documents)
    types = sorted({kind for measure, kind in sums.seen() if measure in TYPED and kind})
    return PiiScores(
        measures={name: sums.measure((name, "")) for name in MEASURES},
        by_type={kind: {name: sums.measure((name, kind)) for name in TYPED} for kind in types},
        entities={key[1]: sums.measure(key) for key in sorted(sums.seen()) if key[0] == ENTITIES},
        texts=sums.measure((TEXTS, "")),
        documents=documents,
        characters=characters,
        seconds=seconds,
        misses=sample.kept(),
    )


def disjoint(spans: Iterable[Span]) -> list[Span]:
    """In order and without overlap: of two that overlap the earlier keeps all, the later what is left of it.

    Changes nothing about what :class:`~ragkit.evaluate.finder.Finder` gives; a bare detector's spans may overlap.
    """
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        end = kept[-1].end if kept else 0
        if span.end > max(end, span.start):
            kept.append(span if span.start >= end else replace(span, start=end))
    return kept


def _batches(records: Iterable[Labelled]) -> Iterator[list[Labelled]]:
    """Batches of at most :data:`BATCH_TEXTS` texts, closed when they reach :data:`BATCH_CHARACTERS`."""
    waiting = iter(records)
    while first := list(islice(waiting, 1)):
        batch, size = first, len(first[0].text)
        while len(batch) < BATCH_TEXTS and size < BATCH_CHARACTERS:
            more = next(waiting, None)
            if more is None:
                break
            batch.append(more)
            size += len(more.text)
        yield batch
