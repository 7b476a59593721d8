"""A provider's view: what a model off the machine would be sent, and who in one conversation is who in another.

::

    linked = link_conversations(prompts, method="tokens")
    linked["c1"]          # the other conversation most likely about the same person, or None

Prompts are taken as they are, so that any view can be measured: the record view, whose tokens are the same in every
conversation; or one with aliases of its own for each conversation (:func:`with_aliases`).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.metrics import Estimate, wilson

if TYPE_CHECKING:
    from ragkit.attack.attacks import Encoder

METHODS = ("tokens", "words", "vectors")

_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*[:~_][^\]\s]{1,40}\]")
_WORD = re.compile(r"\w{2,}")
_LONGEST = 400  # characters; more would not fit the encoder's window


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a provider gets in one conversation: its number there, and the whole text."""

    conversation: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Linking:
    """How often a provider links a conversation with another one about the same person.

    Attributes:
        method: ``tokens`` (equal tokens), ``words`` (rare words) or ``vectors`` (an encoder's).
        linked: Share of the conversations that have another about the same person, linked with such a one first.
        chance: What linking by lot would come to.
    """

    method: str
    conversations: int
    linked: Estimate
    chance: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        share = {"value": self.linked.value, "low": self.linked.low, "high": self.linked.high}
        return {"method": self.method, "conversations": self.conversations, "linked": share, "chance": self.chance}


def link_conversations(
    prompts: Sequence[Prompt], *, method: str = "tokens", encoder: Encoder | None = None
) -> dict[str, str | None]:
    """For each conversation, the other one that fits best, or ``None`` where nothing fits.

    Args:
        prompts: All that the provider got, of any number of conversations.
        method: One of :data:`METHODS`.
        encoder: For ``vectors``.

    Raises:
        ValueError: There is no such method, or it wants an encoder.
    """
    if method not in METHODS or (method == "vectors" and encoder is None):
        raise ValueError(f"no such way of linking, or no encoder for it: {method}")
    texts: dict[str, str] = {}
    for prompt in prompts:
        texts[prompt.conversation] = f"{texts.get(prompt.conversation, '')}\n{prompt.text}"
    if encoder is not None and method == "vectors":
        return _nearest_vector(texts, encoder)
    cut: Callable[[str], set[str]] = _tokens if method == "tokens" else _words
    return _nearest_overlap({name: cut(text) for name, text in texts.items()})


def measure_linking(
    prompts: Sequence[Prompt], people: Mapping[str, str], *, method: str = "tokens", encoder: Encoder | None = None
) -> Linking:
    """Judge :func:`link_conversations`.

    Args:
        prompts: As there.
        people: Who each conversation is about.
        method: As there.
        encoder: As there.
    """
    linked = link_conversations(prompts, method=method, encoder=encoder)
    about = {name: people[name] for name in linked}
    alike = Counter(about.values())
    judged = [name for name in linked if alike[about[name]] > 1]
    right = 0
    for name in judged:
        other = linked[name]
        right += other is not None and about[other] == about[name]
    others = max(1, len(linked) - 1)
    chance = sum((alike[about[name]] - 1) / others for name in judged) / len(judged) if judged else math.nan
    return Linking(method, len(judged), wilson(right, len(judged)), chance)


def with_aliases(prompts: Sequence[Prompt]) -> list[Prompt]:
    """The same prompts, each token replaced by a number of its own in its conversation: ``[PERSON_1]``.

    What a prompt view does that gives every conversation its own aliases; its texts stay alike in all else.
    """
    numbers: dict[str, dict[str, str]] = {}
    made = []
    for prompt in prompts:
        own = numbers.setdefault(prompt.conversation, {})

        def alias(found: re.Match[str], own: dict[str, str] = own) -> str:
            kind = re.split(r"[:~_]", found[0][1:-1])[0]
            return own.setdefault(found[0], f"[{kind}_{len(own) + 1}]")

        made.append(Prompt(prompt.conversation, _TOKEN.sub(alias, prompt.text)))
    return made


def _tokens(text: str) -> set[str]:
    return set(_TOKEN.findall(text))


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(_TOKEN.sub(" ", text))}


def _nearest_overlap(features: Mapping[str, set[str]]) -> dict[str, str | None]:
    """By the weight of what two have in common, rare things weighing more, over the weight of what they have."""
    holding: dict[str, list[str]] = {}
    for name, own in features.items():
        for one in own:
            holding.setdefault(one, []).append(name)
    weight = {one: math.log(len(features) / len(names)) ** 2 for one, names in holding.items()}
    size = {name: math.sqrt(sum(weight[one] for one in own)) for name, own in features.items()}
    linked: dict[str, str | None] = {}
    for name, own in features.items():
        common: Counter[str] = Counter()
        for one in own:
            for other in holding[one]:
                if other != name and weight[one]:
                    common[other] += weight[one]  # type: ignore[assignment]
        ranked = sorted(common, key=lambda other: (-common[other] / (size[other] or 1.0), other))
        linked[name] = ranked[0] if ranked else None
    return linked


def _nearest_vector(texts: Mapping[str, str], encoder: Encoder) -> dict[str, str | None]:
    import numpy as np

    names = list(texts)
    if len(names) < 2:
        return dict.fromkeys(names)
    vectors = np.asarray(encoder.embed([texts[name].strip()[:_LONGEST] for name in names]), dtype=np.float32)
    near = vectors @ vectors.T
    np.fill_diagonal(near, -2.0)
    return {name: names[int(place)] for name, place in zip(names, near.argmax(axis=1))}
