"""Check ``residual``: does personal data stand in stored passages? A sample is read again by today's own detectors.

What is found by its own form (an address, a number with its check digits) or is a value of the vault is a finding. What
only the learned detectors and the rules about words around see in a passage is a finding where the document was masked
under another policy than today's: nobody looked for it then. Where it was masked under today's, the same detectors read
it with the whole document around and let it stand: a passage alone gives more false alarms, so that is a notice. So
is a name of the vault that is all of a title or metadata value, as the folder ``docs`` once a path made a name of it.

A sample of n passages with k findings says that at most the upper bound of Clopper and Pearson (1934), one-sided at
95 %, of all passages have one that these detectors can see: with none in n about 3/n. What no detector sees it cannot
show; ``benchmarks/pii.py`` measures how much that is.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.build import OpenCollection
from ragkit.compliance.checks import Check, Scope
from ragkit.types import Hit

if TYPE_CHECKING:
    from ragkit.mask.rescan import CollectionScanner

_MOST_DOCUMENTS = 20
_BATCH = 32


@dataclass(slots=True)
class _Tally:
    """What was found in one collection's sample."""

    passages: int = 0
    with_certain: int = 0
    with_likely: int = 0
    certain: Counter[str] = field(default_factory=Counter)
    likely: Counter[str] = field(default_factory=Counter)
    documents: list[str] = field(default_factory=list)


def residual(scope: Scope) -> Iterator[Check]:
    """Read a sample of each collection's passages again."""
    for name, part in scope.handles.known().items():
        reader = _Reader(part)
        drawn = _draw(part, scope.sample, random.Random(scope.seed))
        for start in range(0, len(drawn), _BATCH):
            for hit in part.store.history().hits_at(drawn[start : start + _BATCH], at=scope.now).values():
                reader.read(hit)
            if scope.progress:
                scope.progress(f"residual {name}", min(start + _BATCH, len(drawn)), len(drawn))
        yield from _told(name, reader.tally)


def _draw(part: OpenCollection, wanted: int, dice: random.Random) -> list[int]:
    """Draw passages that answer now, each with the same chance, by their numbers."""
    source = part.store.index_source()
    last = source.last_chunk_id()
    if last <= 4 * wanted or source.count_live() <= wanted:
        there = [row.chunk_id for row in source.rows(with_text=False)] if last else []
        return dice.sample(there, min(wanted, len(there)))
    found: list[int] = []
    seen: set[int] = set()
    while len(found) < wanted and len(seen) < last:
        tried = {dice.randint(1, last) for _ in range(wanted)} - seen
        seen |= tried
        live = sorted(source.live(tried))
        found += dice.sample(live, min(len(live), wanted - len(found)))
    return found


class _Reader:
    """Reads passages of one collection again, each with the header of its document the first time."""

    def __init__(self, part: OpenCollection) -> None:
        self._part = part
        self._whole = _scanner(part)
        self._by_form = _scanner(part)
        self._by_vault = _scanner(part, detectors=False)
        self._policies: dict[str, str] = {}
        self.tally = _Tally()

    def read(self, hit: Hit) -> None:
        """Count what is found in one passage."""
        texts, doc = [hit.chunk.record], hit.doc_id
        if doc not in self._policies:
            stored = self._part.store.stored(doc)
            self._policies[doc] = stored.policy if stored else ""
            texts += [hit.title, *hit.metadata.values()]
        every = _count(self._whole, texts)
        certain = every
        if self._policies[doc] == self._part.masker.policy:
            self._by_form.vouch(texts)  # the masker read these words: what stands by its own form counts all the same
            sure = [texts[0], *(one for one in texts[1:] if not _is_label(one))]
            certain = _count(self._by_form, texts) + _count(self._by_vault, sure)
        likely = every - certain
        self.tally.passages += 1
        self.tally.certain += certain
        self.tally.likely += likely
        self.tally.with_certain += bool(certain)
        self.tally.with_likely += bool(likely)
        if certain and doc not in self.tally.documents:
            self.tally.documents.append(doc)


def _is_label(text: str) -> bool:
    """Whether a field is one word of letters, as a folder is: a name of the vault there is as likely none."""
    return text.isalpha()


def _count(scanner: CollectionScanner, texts: Sequence[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text in texts:
        found.update(scanner.scan(text) if text else {})
    return found


def _scanner(part: OpenCollection, *, detectors: bool = True) -> CollectionScanner:
    from ragkit.mask.rescan import CollectionScanner

    masker = part.masker
    return CollectionScanner(
        masker.rules, masker.detectors if detectors else (), masker.vault, folder=part.config.folder
    )


def _told(name: str, tally: _Tally) -> Iterator[Check]:
    if not tally.passages:
        yield Check(name="residual", level="ok", code="residual", detail="No passage is stored.", collection=name)
        return
    bound = upper_bound(tally.with_certain, tally.passages)
    rate = f"at most {bound:.1%} of all passages (95 %)"
    if tally.with_certain:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in tally.certain.most_common())
        ids = ", ".join(tally.documents[:_MOST_DOCUMENTS])
        yield Check(
            name="residual",
            level="finding",
            code="residual",
            detail=f"Personal data stands in {tally.with_certain:,} of {tally.passages:,} passages drawn, {rate}: "
            f"{kinds}. Documents: {ids}.",
            remedy="Run `ragkit remask`; where the policy lets it stand, change the policy first.",
            collection=name,
            counts=_counts(tally, tally.certain),
        )
    else:
        yield Check(
            name="residual",
            level="ok",
            code="residual",
            detail=f"Nothing certain stands in {tally.passages:,} passages drawn: {rate}.",
            collection=name,
            counts=_counts(tally, tally.certain),
        )
    if tally.with_likely:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in tally.likely.most_common())
        yield Check(
            name="residual",
            level="notice",
            code="likely",
            detail=f"In {tally.with_likely:,} of {tally.passages:,} passages, read alone, a detector sees what it let "
            f"stand in the whole document: {kinds}. Many of these are false alarms.",
            collection=name,
            counts=_counts(tally, tally.likely),
        )


def _counts(tally: _Tally, kinds: Mapping[str, int]) -> dict[str, int]:
    bound = round(1_000_000 * upper_bound(tally.with_certain, tally.passages))
    return {"passages": tally.passages, "with": tally.with_certain, "upper_u": bound, **kinds}


def upper_bound(found: int, drawn: int, *, confidence: float = 0.95) -> float:
    """Return the one-sided upper bound of a proportion (Clopper, Pearson 1934): the p at which so few are unlikely.

    Args:
        found: How many of them had one.
        drawn: How many were drawn; more than 0.
        confidence: Of the bound.
    """
    if found >= drawn:
        return 1.0
    logs = [math.lgamma(drawn + 1) - math.lgamma(k + 1) - math.lgamma(drawn - k + 1) for k in range(found + 1)]
    low, high = found / drawn, 1.0
    for _ in range(60):
        p = (low + high) / 2
        tail = sum(math.exp(log + k * math.log(p) + (drawn - k) * math.log1p(-p)) for k, log in enumerate(logs))
        low, high = (p, high) if tail > 1 - confidence else (low, p)
    return high
