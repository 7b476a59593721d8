"""Why an answer is not the same: what became of its passages, and what is another one now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.compliance.replay_changes import config_causes
from ragkit.compliance.replay_passages import fate_causes
from ragkit.compliance.replay_report import Cause, Change, Passage, together
from ragkit.store.denials import Denials

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.compliance.replay_log import Recorded

REMADE: tuple[Cause, ...] = ("policy", "encoder", "chunker")
"""What makes every document of a collection anew when it changes."""


@dataclass(frozen=True, slots=True)
class Why:
    """Names causes.

    Attributes:
        found: What the log tells of the answer.
        part: Its collection.
        software: What stands in events now.
        changed: What is another one now, as far as it can be a cause.
        lost: Whether anything was erased or purged since: the statistics of the index are others then.
    """

    found: Recorded
    part: OpenCollection
    software: Mapping[str, str]
    changed: frozenset[Cause]
    lost: tuple[Cause, ...]

    @classmethod
    def of(
        cls, found: Recorded, part: OpenCollection, changes: Sequence[Change], *, software: Mapping[str, str]
    ) -> Why:
        """Take in what changed."""
        changed = {cause for cause in REMADE if any(one.what == cause for one in changes)} | config_causes(changes)
        return cls(found, part, software, frozenset(changed), tuple(fate_causes(part, since=found.began)))

    def passages(self, passages: Sequence[Passage]) -> list[Cause]:
        """Why chunks are not what they were: what became of them, and what made the collection anew."""
        lost = [one for one in passages if one.rank_then and one.text in ("gone", "differs")]
        causes: list[Cause] = []
        if any(one.fate == "erased" for one in lost):
            causes.append("erased")
        if any(one.fate in ("purged", "unknown") for one in lost):
            remade = [cause for cause in REMADE if cause in self.changed]
            causes += remade or ["documents"]
            causes += ["purged"] if any(one.fate == "purged" for one in lost) else []
        if any(one.fate in ("current", "past") for one in lost):
            denied = Denials(self.part.store.database.key_file, self.part.collection).current()
            causes += ["restricted" if denied else "unknown"]
        return causes or list(self.lost)

    def prompt(self, template: str, passages: Sequence[Passage]) -> tuple[Cause, ...]:
        """Why a prompt is another one.

        Args:
            template: The version of its template now.
            passages: What it holds.
        """
        causes: list[Cause] = []
        told = self.found.prompts[-1] if self.found.prompts else {}
        if template and template != told.get("prompt", template):
            causes.append("prompt")
        if "generator" in self.changed:
            causes.append("generator")
        if any(one.text == "differs" for one in passages):
            causes += self.passages(passages)
        return together(causes) or (self.unexplained(),)

    def unexplained(self) -> Cause:
        """What is left where nothing else is known to have changed."""
        then, now = self.found.software.get("ragkit"), self.software.get("ragkit")
        return "version" if then != now else "unknown"
