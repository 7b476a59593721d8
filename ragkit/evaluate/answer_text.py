"""What of an answer's text can be judged without a judge: facts, words in common, numbers and words without a source.

Text is compared as in SQuAD (Rajpurkar et al. 2016) and ALCE (Gao et al. 2023): lower case, no punctuation, no English
articles, single spaces. Unlike ALCE's plain substring a fact must begin and end with a word: 1 is not found in 2019.
Both sides may be masked; a token then counts as a word.
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_MARKER = re.compile(r"\[\d{1,4}\]")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_CELL_RULE = re.compile(r"^[\s|:-]+$")
_NUMBERED = re.compile(
    r"\[[A-Z][A-Z_]*:[0-9A-Z-]+\]"  # a token of the record view, as a whole
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\w*\d\w*(?:[.,:/'’-]\w*\d\w*)*"
)
_THOUSANDS = re.compile(r"(?<=\d)[,'’](?=\d{3}(?!\d))")
_PLAIN = re.compile(r"\d{1,30}(?:\.\d{1,30})?")


class _Punctuation(dict[int, int | None]):
    """ASCII punctuation and symbols as in SQuAD, and the punctuation of all other scripts; looked up once each."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        gone = character in string.punctuation or unicodedata.category(character).startswith("P")
        self[code] = None if gone else code
        return self[code]


_GONE = _Punctuation()


def without_markers(text: str) -> str:
    """The text without citation markers such as ``[1]``."""
    return _MARKER.sub(" ", text)


@lru_cache(4096)
def normal(text: str) -> str:
    """Lower case, without punctuation and articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_GONE)).split())


def says(text: str, accepted: Iterable[str]) -> bool:
    """Whether one of the accepted strings stands in a text, word by word. An empty string never does."""
    within = f" {normal(text)} "
    return any(f" {fact} " in within for fact in map(normal, accepted) if fact)


def fact_share(text: str, facts: Sequence[Sequence[str]]) -> float:
    """Share in 0..1 of the facts that a text says; each fact is a list of accepted strings. NaN without facts."""
    return sum(says(text, accepted) for accepted in facts) / len(facts) if facts else math.nan


def token_f1(text: str, references: Iterable[str]) -> float:
    """Best ``2·|common| / (|text| + |reference|)`` over the references, words counted with their repeats (SQuAD)."""
    words = Counter(normal(text).split())
    best = 0.0
    for reference in references:
        others = Counter(normal(reference).split())
        both = words.total() + others.total()
        best = max(best, 2 * (words & others).total() / both if both else 0.0)
    return best


def exact(text: str, references: Iterable[str]) -> bool:
    """Whether a text is one of the references (SQuAD)."""
    return normal(text) in map(normal, references)


def numbers(text: str) -> set[str]:
    """Numbers, dates, addresses of e-mail and other words with a digit in a text, each in one spelling.

    ``1,024.50`` and ``1024.5`` are the same; ``$`` and ``%`` do not count.
    """
    return {_spelled(found.group()) for found in _NUMBERED.finditer(text)}


def _spelled(word: str) -> str:
    plain = _THOUSANDS.sub("", word)
    if _PLAIN.fullmatch(plain):
        return format(Decimal(plain).normalize(), "f")
    return plain.casefold()


def sentences(text: str) -> list[str]:
    """Sentences and lines with a word in them."""
    return [part for part in _SENTENCE.split(text) if part.strip() and not _CELL_RULE.match(part)]


def lexical_support(text: str, sources: Iterable[str]) -> float:
    """Mean over the statements of a text of the best share of their words that one sentence of a source has.

    Words weigh by their inverse frequency among the sentences of the sources. NaN where the text says nothing.
    """
    pool = [frozenset(normal(one).split()) for source in sources for one in sentences(source)]
    counted = Counter(word for one in pool for word in one)
    said = [words for one in sentences(without_markers(text)) if (words := frozenset(normal(one).split()))]
    if not said:
        return math.nan

    def weight(words: Iterable[str]) -> float:
        return sum(math.log((len(pool) + 1) / (counted[word] + 1)) + 1 for word in words)

    return sum(max((weight(words & one) for one in pool), default=0.0) / weight(words) for words in said) / len(said)
