"""Judges each sentence of an answer: do the sources that it cites say it?

By words: the share of the sentence's words, rare ones counting more, that one sentence of a cited source has, or two
that follow each other. By figures and persons: each number, identifier, address and token of the sentence has to stand
in a cited source or in the question. By meaning, where the user has an entailment model. A sentence that cites nothing
is judged by all sources.

Words cannot tell "is covered" from "is not covered": a sentence that passes is not proven, one that fails is doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from ragkit.generate.aliases import TOKEN, tokens_in
from ragkit.generate.citing import cited, without_marks
from ragkit.generate.figures import figures, readings
from ragkit.generate.overlap import Vocabulary, Weights, cover, language_of, terms
from ragkit.generate.packing import Source
from ragkit.generate.passages import Passage, passages

MIN_COVER = 0.4
"""Share of a sentence's words that its source must have, set by ``benchmarks/fit_checking.py``.

All of 324 gold sentences (clapnq, the half to fit on) pass with their own passage and 4 % with the most similar other
one. Where experts put it in words of their own (scifact) it tells little: 46 % against 14 %.
"""

MIN_ENTAILED = 0.5
"""Probability of entailment from which a sentence counts as said."""

_SURE_COVER = 0.9  # words alone suffice, whatever the entailment model makes of them
_ECHO = 0.3  # weight of a word that the question has: an answer repeats it, and the source need not
_PREMISES = 4  # passages that the entailment model reads for a sentence

_NO_STATEMENT = re.compile(r"\s*(?:#{1,6}\s.*|\|?[\s:|\-]*|```.*|.*[:：]|.*[?？])[\s*_]*", re.DOTALL)


class Entailment(Protocol):
    """What the checker needs of :class:`ragkit.generate.nli.NliModel`."""

    def load(self) -> None: ...

    def entails(self, premises: Sequence[str], hypothesis: str) -> float: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one sentence.

    Attributes:
        judged: Whether it states anything; a heading or a question does not, and counts as supported.
        score: Share in 0..1 of its words that its sources have.
    """

    supported: bool
    judged: bool = True
    score: float = 1.0


class SupportChecker:
    """Judges the sentences of one answer and remembers what in the sources speaks for them.

    Args:
        sources: As they were packed.
        question: Record view.
        history: Earlier turns, record view; figures and persons may come from there.
        entailment: A model of meaning, if there is one.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        question: str,
        history: Sequence[str] = (),
        entailment: Entailment | None = None,
    ) -> None:
        self._sources = sources
        self._question = question
        self._asked = "\n".join([question, *history])
        self._entailment = entailment
        self._stated: dict[int, list[Passage]] = {}

    def __repr__(self) -> str:
        return f"SupportChecker({len(self._sources)} sources)"

    def judge(self, sentence: str) -> Verdict:
        """Judge a sentence, record view, its citations as marks."""
        numbers = cited(sentence)
        text = without_marks(sentence).strip()
        within = [one for one in self._passages if not numbers or one.source in numbers]
        weights = self._weights(text)
        scores = [cover(weights, one.words) for one in within]
        self._remember(within, scores, numbers)
        if _NO_STATEMENT.fullmatch(text) or not _states(weights):
            return Verdict(supported=True, judged=False)
        score = max([*scores, *self._in_pairs(within, weights)], default=0.0)
        if not self._has_figures(text, numbers) or not self._has_persons(text, numbers):
            return Verdict(supported=False, score=score)
        return Verdict(supported=self._said(text, score, within, scores, numbers), score=score)

    def unsupported_figures(self, text: str) -> int:
        """Count the figures of a text that no source has, and neither the question nor an earlier turn."""
        known = self._known_figures([one.number for one in self._sources])
        return sum(not read & known for read in figures(without_marks(text)).values())

    def stated_in(self, source: int) -> list[Passage]:
        """Return the passages of a source that say best what was cited from it; its first where nothing was."""
        first = [one for one in self._passages if one.source == source and one.hit is not None][:1]
        return self._stated.get(source) or first

    # --- words -------------------------------------------------------------------------------------------------

    @cached_property
    def _passages(self) -> list[Passage]:
        return [one for source in self._sources for one in passages(source, self._language)]

    @cached_property
    def _language(self) -> str:
        return language_of(one.text[:1000] for one in self._sources)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary([one.words for one in self._passages])

    @cached_property
    def _asked_terms(self) -> frozenset[str]:
        return terms(self._question, self._language)

    def _weights(self, sentence: str) -> Weights:
        weights = self._vocabulary.weigh(sentence, self._language)
        asked = self._asked_terms
        return {
            term: (weight * (_ECHO if term in asked or alike & asked else 1.0), alike)
            for term, (weight, alike) in weights.items()
        }

    def _in_pairs(self, within: Sequence[Passage], weights: Weights) -> list[float]:
        pairs = pairwise(within)
        return [cover(weights, one.words | other.words) for one, other in pairs if one.source == other.source]

    def _remember(self, within: Sequence[Passage], scores: Sequence[float], numbers: Sequence[int]) -> None:
        for number in numbers:
            own = [(score, -place) for place, score in enumerate(scores) if within[place].source == number]
            told = [(score, place) for score, place in own if within[-place].hit is not None]
            if told and max(told)[0] > 0:
                best = within[-max(told)[1]]
                known = self._stated.setdefault(number, [])
                if best not in known:
                    known.append(best)

    # --- figures, persons, meaning -----------------------------------------------------------------------------

    def _has_figures(self, text: str, numbers: Sequence[int]) -> bool:
        known = self._known_figures(numbers or [one.number for one in self._sources])
        return all(read & known for read in figures(text).values())

    def _known_figures(self, numbers: Sequence[int]) -> frozenset[str]:
        return self._asked_figures.union(*(self._figures[number] for number in numbers))

    @cached_property
    def _asked_figures(self) -> frozenset[str]:
        return readings(self._asked)

    @cached_property
    def _figures(self) -> dict[int, frozenset[str]]:
        return {one.number: readings(f"{one.title}\n{one.heading}\n{one.text}") for one in self._sources}

    def _has_persons(self, text: str, numbers: Sequence[int]) -> bool:
        sources = [one for one in self._sources if not numbers or one.number in numbers]
        known = tokens_in(self._asked).union(*(tokens_in(f"{one.title} {one.heading} {one.text}") for one in sources))
        return tokens_in(text) <= known

    def _said(
        self, text: str, score: float, within: Sequence[Passage], scores: Sequence[float], numbers: Sequence[int]
    ) -> bool:
        if self._entailment is not None and score < _SURE_COVER:
            best = sorted(range(len(within)), key=lambda place: -scores[place])[:_PREMISES]
            premises = [_readable(within[place].around) for place in best]
            return self._entailment.entails(premises, _readable(text)) >= MIN_ENTAILED
        if score >= MIN_COVER:
            return True
        # Words of another language prove nothing either way: a citation, and no wrong figure, has to do.
        return bool(numbers) and language_of([self._question, text]) != self._language


def _states(weights: Weights) -> bool:
    """Whether a sentence says enough to be judged: two words, a figure or a token."""
    return len(weights) > 1 or any(term.startswith("#") or ":" in term for term in weights)


def _readable(text: str) -> str:
    """A text in which a token reads like a name."""
    return TOKEN.sub(lambda token: f"{token[1].replace('_', ' ').title()} {token[2][:4]}", text)
