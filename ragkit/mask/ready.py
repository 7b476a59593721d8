"""A document between examination and rendering: which values stand together, and what was ruled on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ragkit.mask.examination import Examiner, Resolved
from ragkit.mask.linking import people_in
from ragkit.mask.rows import Item
from ragkit.mask.ruled_spans import RULED, Judged, Watched
from ragkit.mask.rulings import Rulings

if TYPE_CHECKING:
    from ragkit.mask.vault import Vault


@dataclass(frozen=True, slots=True, repr=False)
class Ready:
    """A document ready to be rendered.

    Attributes:
        resolved: Its fields with disjoint spans.
        judged: The same after the rulings.
        people: Values that stand together as one person's, as they are written.
    """

    resolved: Resolved
    judged: Judged
    people: tuple[frozenset[Item], ...] = ()

    def items(self, examiner: Examiner) -> list[Item]:
        """What the vault has to give tokens and surrogates for."""
        return [
            self.judged.item(part.text, span)
            for part, span in self.resolved.values()
            if examiner.operator(span) in {"token", "shift"} and span.recognizer != RULED
        ]

    def mentioned(self) -> list[Item]:
        """Every mention of a value in order, whatever happens to it, but what is redacted as erased."""
        return [self.judged.item(part.text, span) for part, span in self.resolved.values() if span.recognizer != RULED]

    def linked(self, vault: Vault, known: set[Item]) -> tuple[frozenset[int], ...]:
        """The people by the numbers of their values, as far as these are known, without what is redacted."""
        groups = []
        for group in self.people:
            items = [(item[0], self.judged.becomes.get(item, item[1])) for item in group - self.judged.ruled]
            held = [item for item in items if item in known]
            if len(held) > 1:
                groups.append(vault.value_numbers(held))
        return tuple(dict.fromkeys(groups))


def make_ready(resolved: Resolved, rulings: Rulings | None) -> Ready:
    """Redact what was erased and correct what was corrected, by what stands beside it."""
    watched = rulings.watch(resolved.parts) if rulings is not None else Watched(resolved.parts)
    people = _people(replace(resolved, parts=tuple(watched.parts)))
    judged = rulings.judge(watched, people) if rulings is not None else Judged(watched.parts)
    return Ready(replace(resolved, parts=tuple(judged.parts)), judged, people)


def _people(resolved: Resolved) -> tuple[frozenset[Item], ...]:
    return tuple(people_in(resolved))
