"""Identifying numbers that Presidio has no recognizer for: by their label, by their column, by form and check digit.

Medical records, health plans, licences, vehicles, devices, biometric templates, study codes, postcodes, VAT and the
national numbers of further countries (:mod:`ragkit.mask.checksums`). Eight of HIPAA's eighteen identifiers are of this
kind. A number is taken by its label, so what is called nothing is found only where its form and its check digit tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import version

from ragkit.mask import checksums, formats, headed
from ragkit.mask.labels import Label, entity_types, labels, pattern
from ragkit.mask.numbered import NumberedLines, beginning
from ragkit.mask.values import value_end
from ragkit.types import Span

IDENTIFIERS_VERSION = 2
"""Raised whenever a change finds something else."""

ENTITIES = tuple(dict.fromkeys((*entity_types(), *formats.ENTITIES)))
"""What can be found whatever the countries."""


def identifier_types(countries: Sequence[str]) -> tuple[str, ...]:
    """Every type that can be found, the national numbers of these countries with it."""
    foreign = frozenset() if "us" in countries else frozenset({"US_SSN"})
    known = (*ENTITIES, *(number.entity_type for number in checksums.numbers(countries)))
    return tuple(one for one in dict.fromkeys(known) if one not in foreign)


class IdentifierDetector:
    """Finds identifying numbers by label, column, form and check digit.

    Args:
        entities: Entity types to look for; ``None`` for all.
        countries: Countries whose national numbers are looked for, lower case.
    """

    def __init__(self, entities: Collection[str] | None = None, *, countries: Sequence[str] = ()) -> None:
        self.entities = tuple(one for one in identifier_types(countries) if entities is None or one in entities)
        self.countries = tuple(countries)
        self._numbers = tuple(one for one in checksums.numbers(countries) if one.entity_type in self.entities)
        self._labels: dict[str | None, list[Label]] = {}
        for label in (label for entity_type in self.entities for label in labels(entity_type)):
            self._labels.setdefault(beginning(label.stem), []).append(label)

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "identifiers"

    @property
    def fingerprint(self) -> str:
        """Changes with the tables, the entity types, the countries and the library of check digits."""
        parts = [str(IDENTIFIERS_VERSION), version("python-stdnum"), *self.entities, "|", *self.countries]
        return "identifiers:" + hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    def load(self) -> None:
        """Compile the labels (0.2 s the first time)."""
        for label in (label for some in self._labels.values() for label in some):
            pattern(label)

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start."""
        return [sorted(self._find(text), key=lambda span: (span.start, span.end)) for text in texts]

    def _find(self, text: str) -> Iterator[Span]:
        if not text:
            return
        lines = NumberedLines(text)
        if lines.text:
            for known in (None, *(lines.beginnings & self._labels.keys())):
                for label in self._labels.get(known, ()):
                    yield from _labelled(lines, label)
            yield from formats.find_formats(lines, frozenset(self.entities))
            for number in self._numbers:
                yield from checksums.find_numbers(lines, number)
        yield from headed.find_headed(text, self.entities)
        if "URL" in self.entities:
            yield from formats.find_urls(text)

    def __repr__(self) -> str:
        return f"IdentifierDetector({len(self.entities)} entities, {len(self.countries)} countries)"


def _labelled(lines: NumberedLines, label: Label) -> Iterator[Span]:
    reduced = lines.text
    position = reduced.find(label.stem)
    while position >= 0:
        here, position = position, reduced.find(label.stem, position + 1)
        if here and reduced[here - 1].isalnum():
            continue
        match = pattern(label).match(reduced, here)
        if match is None:
            continue
        start, end = lines.source(*match.span("value"))
        if end := value_end(lines.whole, start, end, label, marked=match["marked"] is not None):
            yield Span(start, end, label.entity_type, 0.75, "identifiers:label")
