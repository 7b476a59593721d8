"""The words of a question and which of them a text has.

Both sides come in the index view: the record view's tokens carry no words. Tokens are folded, stemmed and freed of
function words by tantivy's analyzers, in the language whose function words the question uses most.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from ragkit.types import Masked

if TYPE_CHECKING:
    from tantivy import TextAnalyzer, TextAnalyzerBuilder

LANGUAGES = (
    "english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish", "danish", "norwegian",
    "finnish", "russian", "hungarian", "turkish",
)  # fmt: skip
"""Languages with a Snowball stemmer and a list of function words; English first, which wins a draw."""

# tantivy's English list is Lucene's 33 words: questions need more of them, and "not" tells "covered" from "not
# covered". It has no Turkish list.
_FUNCTION_WORDS = {
    "english": """
        a about after all also am an and any are as at be because been before being both but by can could did
        do does doing each few for from further get give had has have having he her here hers him his how i if
        in into is it its itself just know let like many may me might more most much must my of off on once
        one only or other our out over own please s same shall she should so some such t tell than that the
        their them then there these they this those through to too under until up us very want was we were
        what when where which while who whom whose why will with would you your
    """,
    "turkish": """
        acaba ama bana bazı ben beni bir biri birkaç biz bu buna bunu bunun çok çünkü da daha de defa diye
        eğer en gibi hangi hangisi hem hep hepsi her hiç için ile ise kaç kez ki kim kime kimi kimin mi mı mu
        mü nasıl ne neden nedir nerede nereye niçin niye o olan olarak oldu olduğu olur ona onlar onu onun sen
        siz şey şu tarafından ve veya ya yani
    """,
}
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_PREFIX = 5  # letters: "rückgabe" then meets "rückgabefrist", and a stem meets a longer derivation


class QuestionTerms:
    """The content words of one question.

    Attributes:
        words: Distinct stems in order of appearance; all words where the question has none but function words.
        language: The language they were stemmed in.
    """

    __slots__ = ("_analyzer", "language", "words")

    def __init__(self, question: Masked) -> None:
        text = _spaced(question)
        self.language = guess_language(text)
        self._analyzer = _analyzer(self.language, True)
        found = self._analyzer.analyze(text) or _analyzer(self.language, False).analyze(text)
        self.words: tuple[str, ...] = tuple(dict.fromkeys(found))

    def __repr__(self) -> str:
        return f"QuestionTerms({len(self.words)} words, {self.language})"

    def matched(self, text: str) -> frozenset[str]:
        """Return those of ``words`` that the text has, as the same stem or as the beginning of a longer word."""
        tokens = set(self._analyzer.analyze(_spaced(text)))
        long_tokens = [token for token in tokens if len(token) >= _PREFIX]
        return frozenset(word for word in self.words if word in tokens or _begins(word, long_tokens))

    def weights(self, matches: Sequence[frozenset[str]]) -> dict[str, float]:
        """Weigh each word by how few of the texts have it: BM25's idf (Robertson and Spärck Jones), never negative."""
        count = len(matches)
        have = {word: sum(word in match for match in matches) for word in self.words}
        return {word: math.log(1 + (count - n + 0.5) / (n + 0.5)) for word, n in have.items()}


def share(words: Iterable[str], weights: Mapping[str, float]) -> float:
    """Return the share in 0..1 of the question's weight that these words carry."""
    total = sum(weights.values())
    return sum(weights[word] for word in words) / total if total else 0.0


def guess_language(text: str) -> str:
    """Return the language of :data:`LANGUAGES` with the most function words in the text; English in doubt."""
    if _CYRILLIC.search(text):
        return "russian"
    return max(LANGUAGES, key=lambda language: _function_words(language, text))


def _function_words(language: str, text: str) -> int:
    tokens = len(_plain().analyze(text))
    return tokens - len(_stopper(language).analyze(text))


def _begins(word: str, tokens: Iterable[str]) -> bool:
    return len(word) >= _PREFIX and any(token.startswith(word) or word.startswith(token) for token in tokens)


def _spaced(text: str) -> str:
    """Cut runs of Chinese, Japanese and Korean, which have no blanks to split at, into overlapping pairs."""
    text = unicodedata.normalize("NFKC", text).replace("İ", "i")  # the lower case of "İ" is two characters
    return (
        text
        if text.isascii()
        else _CJK.sub(lambda run: " ".join(a + b for a, b in zip(run.group(), run.group()[1:])), text)
    )


@lru_cache(maxsize=1)
def _plain() -> TextAnalyzer:
    return _words().build()


@lru_cache(maxsize=len(LANGUAGES))
def _stopper(language: str) -> TextAnalyzer:
    return _without_function_words(_words(), language).build()


@lru_cache(maxsize=2 * len(LANGUAGES))
def _analyzer(language: str, without_function_words: bool) -> TextAnalyzer:
    from tantivy import Filter

    builder = _without_function_words(_words(), language) if without_function_words else _words()
    return builder.filter(Filter.stemmer(language)).filter(Filter.ascii_fold()).build()


def _words() -> TextAnalyzerBuilder:
    from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

    return TextAnalyzerBuilder(Tokenizer.simple()).filter(Filter.lowercase())


def _without_function_words(builder: TextAnalyzerBuilder, language: str) -> TextAnalyzerBuilder:
    from tantivy import Filter

    own = _FUNCTION_WORDS.get(language)
    return builder.filter(Filter.custom_stopword(own.split()) if own else Filter.stopword(language))
