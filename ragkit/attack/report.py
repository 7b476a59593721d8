"""What an attack came to, in plain words: shares of a hundred people, beside chance and beside no masking at all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.attack.prompts import Linking
from ragkit.attack.truth import Outcome
from ragkit.metrics import Estimate

ABOUT = {
    "vectors": "compares each name with the vectors",
    "words": "looks names, addresses and numbers up in the index's terms",
    "linkage": "looks up what is known besides the name: places, roles, dates, organisations",
    "frequency": "takes frequent stand-ins for frequent names",
    "cooccurrence": "learns stand-ins from the company they keep, from linkage and a few people it knows",
    "sizes": "compares the lengths of what is sealed in the vault",
    "numbers": "learns the vault's numbers from the company they keep and their lengths",
    "together": "does all of this at once",
}
_DISCRETE = frozenset({"words", "linkage", "sizes"})
"""Where one document fits better than any other, it stands out; elsewhere one always does by a hair."""
_VIEWS = {
    "question": "the question",
    "prompt": "question and hits",
    "question-aliases": "the question, aliases of its own a conversation",
    "prompt-aliases": "question and hits, aliases of its own a conversation",
}


@dataclass(frozen=True, slots=True)
class AttackReport:
    """The outcomes of one run.

    Attributes:
        policy: Profile of the policy, or its name.
        people: On the list.
        known: How many of them the thief knew beforehand, with a document of theirs.
        masked: Outcomes on the workspace as it is, by attack.
        unmasked: Outcomes on the same documents in clear; empty where that was left out.
        provider: Linking of conversations, by view and method.
    """

    collection: str
    policy: str
    people: int
    documents: int
    known: int
    seed: int
    masked: Mapping[str, Outcome] = field(default_factory=dict)
    unmasked: Mapping[str, Outcome] = field(default_factory=dict)
    provider: Mapping[str, Sequence[Linking]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "collection": self.collection,
            "policy": self.policy,
            "people": self.people,
            "documents": self.documents,
            "known": self.known,
            "seed": self.seed,
            "masked": {name: one.as_json() for name, one in self.masked.items()},
            "unmasked": {name: one.as_json() for name, one in self.unmasked.items()},
            "provider": {view: [one.as_json() for one in found] for view, found in self.provider.items()},
        }

    def worst(self) -> Outcome | None:
        """The attack that finds most."""
        return max(self.masked.values(), key=lambda one: _number(one.first.value), default=None)

    def lines(self) -> Iterator[str]:
        """The report."""
        worst = self.worst()
        if worst is None or not worst.targets:
            yield "Nobody on the list has a document of their own here, so there is nobody to look for."
            return
        yield (
            f"An attacker with the disk, without keys, and with a list of {self.people:,} people finds the right file "
            f"for {of_hundred(worst.first)} at best ({worst.attack}); by chance {worst.first_chance * 100:.2g}"
            f"{self._bare()}."
        )
        yield (
            f"Looked for were {worst.targets:,} who have a file of their own among {self.documents:,} documents. "
            f"{self._knows()} Attack by attack:"
        )
        for name, one in self.masked.items():
            yield f"- {name} {ABOUT[name]}: finds the right file first for {self._beside(name, one)}"
        yield from self._provider()
        yield from self.advice()

    def _knows(self) -> str:
        return f"The files of {self.known} others it knows already." if self.known else "It knows no file beforehand."

    def _bare(self) -> str:
        clear = [one.first.value for one in self.unmasked.values() if one.targets]
        return f"; without masking {max(clear) * 100:.0f}" if clear else ""

    def _beside(self, name: str, one: Outcome) -> str:
        said = f"{of_hundred(one.first)}; by chance {one.first_chance * 100:.2g}"
        clear = self.unmasked.get(name)
        if clear is not None and clear.targets:
            said += f"; without masking {clear.first.value * 100:.0f}"
        if name in _DISCRETE and one.named.value > 0 and not math.isnan(one.precision.value):
            said += f". It would name {one.named.value * 100:.0f} of 100"
            said += f", and be right for {one.precision.value * 100:.0f} % of those"
        if name == "vectors" and one.membership is not None:
            said += (
                f". Telling who is in the documents from who is not: {one.membership:.2f} (0.5 is a coin, 1 is certain)"
            )
        return f"{said}."

    def _provider(self) -> Iterator[str]:
        for view, found in self.provider.items():
            shown = ", ".join(f"by {one.method} {of_hundred(one.linked)}" for one in found)
            chance = found[0].chance * 100 if found else 0.0
            yield (
                f"- a provider who is sent {_VIEWS.get(view, view)} links a conversation with another about the same "
                f"person: {shown}; by chance {chance:.2g}."
            )

    def advice(self) -> Iterator[str]:
        """What to do, by what was found."""
        worst = self.worst()
        if worst is None or worst.first.low <= 2 * worst.first_chance:
            yield "No attack does clearly better than twice chance. Keep the root key away from the index."
            return
        told = {name: one.first for name, one in self.masked.items()}
        if _worth(told.get("linkage"), worst):
            yield (
                "What to do: places, roles, dates and organisations stand in clear and give people away. Use the "
                "policy profile `strict`, or add LOCATION, TITLE, ORGANIZATION and DATE_TIME to your own; "
                "run `ragkit remask`."
            )
        if _worth(told.get("words"), worst):
            yield (
                "What to do: names stand in clear that no detector found. Add your lists of people as `deny`; run "
                "`ragkit remask`."
            )
        linked = told.get("linkage")
        beyond = max(2 * worst.first_chance, linked.high if linked is not None else 0.0)
        if any(name in told and told[name].low > beyond for name in ("sizes", "numbers", "cooccurrence", "frequency")):
            yield (
                "What to do: the data directory itself tells people apart. Keep it on an encrypted disk, and the root "
                "key elsewhere (`[keys]` source `command` or `env`)."
            )


def of_hundred(share: Estimate) -> str:
    """``3 of 100 (2 to 5)``; with a decimal below one."""
    if math.isnan(share.value):
        return "nobody"
    low, value, high = (_short(100 * one) for one in (share.low, share.value, share.high))
    return f"{value} of 100 ({low} to {high})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1 or value == 0 else f"{value:.1f}"


def _number(value: float) -> float:
    return -1.0 if math.isnan(value) else value


def _worth(share: Estimate | None, worst: Outcome) -> bool:
    return share is not None and share.low > 2 * worst.first_chance
