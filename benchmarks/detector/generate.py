"""Make labelled texts for the training of the built-in detector; the same seed gives the same texts.

To look at some::

    python -m benchmarks.detector.generate --count 20 --seed 1

Labels: PERSON LOCATION ADDRESS ORGANIZATION NRP DATE_TIME AGE TITLE POSTCODE PHONE EMAIL ID URL IP MONEY QUANTITY.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module

from benchmarks.detector import noise
from benchmarks.detector.templates import Cast, assemble, expand, segments
from benchmarks.detector.templates_slots import fill

NOISY = 0.2  # share of the texts that get one kind of noise
JOINED = 0.1  # share that is followed by another text after an empty line
LONGEST = 1500  # characters after which no further text is added
MODULES = ("office", "records", "prose", "clean", "foreign", "more")


@dataclass(frozen=True, slots=True)
class Example:
    """A text, its spans as (start, end, label) in characters, and the kind of text."""

    text: str
    spans: list[tuple[int, int, str]]
    kind: str


@cache
def _grammar() -> tuple[list[tuple[str, list[str]]], list[float], dict[str, list[str]]]:
    groups: list[tuple[str, list[str]]] = []
    weights: list[float] = []
    rules: dict[str, list[str]] = {}
    for name in MODULES:
        module = import_module(f"benchmarks.detector.templates_{name}")
        rules.update(module.RULES)
        for kind, weight, templates in module.TEMPLATES:
            groups.append((kind, templates))
            weights.append(weight)
    return groups, weights, rules


def templates() -> int:
    """How many templates and rule lines there are to compose texts from."""
    groups, _, rules = _grammar()
    return sum(len(lines) for _, lines in groups) + sum(len(lines) for lines in rules.values())


def example(rng: random.Random, held_out: bool = False, noisy: float = NOISY) -> Example:
    """One labelled text."""
    groups, weights, rules = _grammar()
    kind, lines = rng.choices(groups, weights)[0]
    template = expand(rng.choice(lines), rules, rng)
    text, spans = assemble(segments(template, fill, Cast(rng, held_out)))
    while len(text) < LONGEST and rng.random() < JOINED:
        more = example(rng, held_out, 0.0)
        start = len(text) + 2
        text = f"{text}\n\n{more.text}"
        spans = [*spans, *((start + left, start + right, label) for left, right, label in more.spans)]
    if rng.random() < noisy:
        text, spans = noise.add(text, spans, rng)
    return Example(text, spans, kind)


def examples(seed: int, count: int, *, held_out: bool = False, noisy: float = NOISY) -> Iterator[Example]:
    """Labelled texts; with `held_out` all people have names that are never used otherwise."""
    rng = random.Random(f"{seed}/{held_out}")
    for _ in range(count):
        yield example(rng, held_out, noisy)


def main() -> None:
    """Print examples as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="use only the reserved names")
    options = parser.parse_args()
    for item in examples(options.seed, options.count, held_out=options.held_out):
        values = [item.text[start:end] for start, end, _ in item.spans]
        sys.stdout.write(json.dumps({**asdict(item), "values": values}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
