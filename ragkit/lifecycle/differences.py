"""What masking a document again changes: compared with the version that it replaces, in counts."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ragkit.types import Chunk, Masked, MaskedDocument, MaskedText

if TYPE_CHECKING:
    from ragkit.connect.actions import Entry
    from ragkit.store.stored import StoredVersion

_SAMPLE = 32


class Differences:
    """Compares every document with the version it replaces. Implements :class:`ragkit.ingest.settings.Watch`.

    Args:
        encoder: Fingerprint of what makes the vectors now.
    """

    def __init__(self, *, encoder: str) -> None:
        self._encoder = encoder
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()
        self.sample: list[Masked] = []
        self._masked: set[tuple[str, str]] = set()
        self._unmasked: set[tuple[str, str]] = set()

    def masked(
        self, entry: Entry, document: MaskedDocument, chunks: Sequence[Chunk], stored: StoredVersion | None
    ) -> None:
        """Count a document that will answer."""
        self.counts["documents"] += 1
        self.after.update(document.counts)
        held = {chunk.embedded for chunk in stored.chunks} if stored and stored.encoder == self._encoder else set()
        wanted = [chunk.embedded for chunk in chunks if chunk.embedded not in held]
        self.counts["chunks"] += len(wanted)
        self.counts["embedded"] += bool(wanted)
        self.sample += wanted[: max(0, _SAMPLE - len(self.sample))]
        if stored is None:
            self.counts["changed"] += 1
            return
        self.before.update(stored.counts)
        self.counts["changed"] += _views(chunks) != _views(stored.chunks) or _header(document) != (
            stored.header.title,
            stored.header.name,
            stored.header.uri,
            stored.header.metadata,
        )
        if not entry.same_content:
            return  # the source changed too, and places cannot be compared
        new, old = _spans(chunks), _spans(stored.chunks)
        self._masked |= _uncovered(new, old)
        self._unmasked |= _uncovered(old, new)

    def refused(self, entry: Entry, code: str, stored: StoredVersion | None) -> None:
        """Count a document that is set aside."""
        del entry
        self.refusals[code] += 1
        if stored is not None:
            self.before.update(stored.counts)

    def numbers(self) -> dict[str, Any]:
        """What was counted, under the names of the report."""
        return {
            **{name: self.counts[name] for name in ("documents", "changed", "embedded", "chunks")},
            "refused": dict(self.refusals),
            "before": dict(self.before),
            "after": dict(self.after),
            "newly_masked": dict(Counter(kind for kind, _ in self._masked)),
            "newly_unmasked": dict(Counter(kind for kind, _ in self._unmasked)),
        }


def _views(chunks: Sequence[Chunk]) -> list[tuple[str, str]]:
    return [(chunk.record, chunk.embedded) for chunk in chunks]


def _header(document: MaskedDocument) -> tuple[Any, ...]:
    return (
        _pair(document.title),
        _pair(document.name),
        _pair(document.uri) if document.uri else None,
        {key: _pair(value) for key, value in document.metadata.items()},
    )


def _pair(text: MaskedText) -> tuple[str, str]:
    return text.record, text.index


_Places = dict[tuple[int, int], tuple[str, str]]
"""Spans of a document's chunks by their place in the source text: type and what stands in the record view."""


def _spans(chunks: Iterable[Chunk]) -> _Places:
    return {
        (chunk.source_start + span.source_start, chunk.source_start + span.source_end): (
            span.entity_type,
            chunk.record[span.record_start : span.record_end],
        )
        for chunk in chunks
        for span in chunk.spans
    }


def _uncovered(some: _Places, others: _Places) -> set[tuple[str, str]]:
    """Of some spans, type and token of those of which a character lies in none of the others."""
    taken: list[tuple[int, int]] = []
    for start, end in sorted(others):
        if taken and start <= taken[-1][1]:
            taken[-1] = (taken[-1][0], max(taken[-1][1], end))
        else:
            taken.append((start, end))
    starts = [start for start, _ in taken]
    found = set()
    for (start, end), told in some.items():
        nearest = bisect_right(starts, start) - 1
        if nearest < 0 or taken[nearest][1] < end:
            found.add(told)
    return found
