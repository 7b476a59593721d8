"""Which part of a sentence's words a text has, rare words counting more.

It is what can be told of "is this said there" without a model of meaning (the metric ``lexical_support``).
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ragkit.generate.aliases import tokens_in, without_tokens
from ragkit.generate.figures import figures, readings
from ragkit.generate.terms import guess_language

if TYPE_CHECKING:
    from tantivy import TextAnalyzer

_PREFIX = 5  # letters, as in terms.py: "rückgabe" meets "rückgabefrist"
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_DIGITS = re.compile(r"\d")


def stems(text: str, language: str) -> frozenset[str]:
    """Return the content words of a text, stemmed in a language; figures and tokens are left to others."""
    spaced = _CJK.sub(lambda run: " ".join(a + b for a, b in zip(run[0], run[0][1:])), without_tokens(text))
    return frozenset(stem for stem in _analyzer(language).analyze(spaced) if not _DIGITS.search(stem))


def terms(text: str, language: str) -> frozenset[str]:
    """Return all of a text that a sentence can share with it: words, figures as they could be read, tokens."""
    return stems(text, language) | {f"#{one}" for one in readings(text)} | tokens_in(text)


def language_of(texts: Iterable[str], *, limit: int = 4000) -> str:
    """Guess the language that texts are mostly in, from their beginning."""
    return guess_language(without_tokens(" ".join(texts)[:limit]))


Weights = Mapping[str, tuple[float, frozenset[str]]]
"""The terms of a sentence: how much each counts, and the terms of the texts that stand for it."""


class Vocabulary:
    """The words of some texts and how rare each is among them: BM25's idf (Robertson and Spärck Jones)."""

    def __init__(self, texts: Sequence[frozenset[str]]) -> None:
        self._count = len(texts)
        self._have = Counter(word for text in texts for word in text)
        self._sorted = sorted(word for word in self._have if len(word) >= _PREFIX and word[0] != "#")

    def weigh(self, sentence: str, language: str) -> Weights:
        """Return the terms of a sentence with their weight, and what stands for each in the texts; none for a new one.

        A figure stands for all that it could be read as.
        """
        alike = {word: self._alike(word) for word in stems(sentence, language)}
        for figure, read in figures(sentence).items():
            alike[f"#{figure}"] = frozenset(f"#{one}" for one in read) & self._have.keys()
        for token in tokens_in(sentence):
            alike[token] = frozenset({token}) & self._have.keys()
        return {term: (self._weight(ones), ones) for term, ones in alike.items()}

    def _weight(self, alike: frozenset[str]) -> float:
        have = max((self._have[one] for one in alike), default=0)
        return math.log(1 + (self._count - have + 0.5) / (have + 0.5))

    def _alike(self, word: str) -> frozenset[str]:
        """The word itself, those that it begins and those that begin it."""
        alike = {word} if word in self._have else set()
        if len(word) >= _PREFIX:
            at = bisect_left(self._sorted, word)
            while at < len(self._sorted) and self._sorted[at].startswith(word):
                alike.add(self._sorted[at])
                at += 1
            alike |= {word[:end] for end in range(_PREFIX, len(word)) if word[:end] in self._have}
        return frozenset(alike)


def cover(weights: Weights, text: frozenset[str]) -> float:
    """Return the share in 0..1 of a sentence's weight that a text has."""
    total = sum(weight for weight, _ in weights.values())
    return sum(weight for weight, alike in weights.values() if alike & text) / total if total else 0.0


@lru_cache(maxsize=16)
def _analyzer(language: str) -> TextAnalyzer:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    builder = TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())
    if language != "turkish":  # tantivy has no list of its function words
        builder = builder.filter(Filter.stopword(language))
    return builder.filter(Filter.stemmer(language)).filter(Filter.ascii_fold()).build()
