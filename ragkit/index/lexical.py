"""The lexical ranker: BM25 over the index view, by tantivy.

::

    index = LexicalIndex.create(folder, language="en")
    index.add([(chunk_id, access_class, text), …])
    ranked = search_lexical([index, delta], "What does returning a lamp cost?", 10, classes)

Nothing of a chunk is stored but its number and access class; terms are indexed without positions. A question is
never query syntax: it is cut into terms by the same analyzer as the chunks, and the query is built term by term.

BM25: Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3; k1 = 1.2 and b = 0.75 are
tantivy's. Several indexes (a generation and its delta) are searched with one inverse document frequency, taken over
all of them, so that their scores can be compared.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragkit.errors import ConfigError, IndexUnhealthy
from ragkit.index.ranking import merge

_K1 = 1.2
_MAX_TERMS = 64
"""A question longer than this many distinct terms is searched by its rarest ones."""

_HEAP_BYTES, _HEAP_BYTES_IN_MEMORY = 64_000_000, 16_000_000

LANGUAGES: Mapping[str, str] = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
    "el": "greek", "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Languages with a Snowball stemmer; ``none`` indexes words as they are."""

_IDEOGRAPHS = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")


def normalize(text: str) -> str:
    """Compose accents and widths (NFKC), set CJK characters apart, and undo the dotted capital I of Turkish.

    Tantivy splits at what is not alphanumeric: a decomposed accent would cut its word, a line of Chinese would be
    one term, and the lower case of ``İ`` is two characters.
    """
    composed = unicodedata.normalize("NFKC", text).replace("İ", "i")
    return composed if composed.isascii() else _IDEOGRAPHS.sub(r" \1 ", composed)


def _analyzer(language: str) -> Any:
    import tantivy

    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(60)).filter(tantivy.Filter.lowercase())
    if language in {"en", "none"}:
        builder = builder.filter(tantivy.Filter.ascii_fold())
    if language != "none":  # the other stemmers need their accents, so these are folded after
        builder = builder.filter(tantivy.Filter.stemmer(LANGUAGES[language])).filter(tantivy.Filter.ascii_fold())
    return builder.build()


def check_language(language: str) -> None:
    """Refuse a language without a stemmer.

    Raises:
        ConfigError: With the languages there are.
    """
    if language != "none" and language not in LANGUAGES:
        raise ConfigError(
            f"no stemmer for language {language!r}",
            remedy=f"Set `language` to one of: none, {', '.join(sorted(LANGUAGES))}.",
        )


@dataclass(frozen=True, slots=True)
class TermStatistics:
    """What a set of indexes knows of a question's terms.

    Attributes:
        counts: How often each term occurs in the question.
        idf: Inverse document frequency of each term over all the indexes; a term that occurs nowhere has the highest.
        found: The terms that occur in some chunk.
    """

    counts: Mapping[str, int]
    idf: Mapping[str, float]
    found: frozenset[str]

    @property
    def bound(self) -> float:
        """The BM25 score that no chunk can exceed."""
        return sum(self.counts[term] * self.idf[term] for term in self.counts) * (_K1 + 1)

    @property
    def known(self) -> float:
        """Share of the question's weight (by idf) that the indexes know at all, 0..1."""
        weight = sum(self.idf[term] for term in self.counts)
        return sum(self.idf[term] for term in self.found) / weight if weight else 0.0


def _idf(documents: int, containing: int) -> float:
    return math.log(1 + (documents - containing + 0.5) / (containing + 0.5))


class LexicalIndex:
    """One tantivy index, on disk or in memory. Reading is thread-safe; one thread writes.

    Raises:
        ConfigError: There is no stemmer for the language.
        IndexUnhealthy: The files cannot be opened (from :meth:`open`).
    """

    def __init__(self, index: Any, language: str, classes: Collection[str] = (), heap: int = _HEAP_BYTES) -> None:
        self._index = index
        self._heap = heap
        self._classes = set(classes)
        self._analyzer = _analyzer(language)
        index.register_tokenizer("ragkit", self._analyzer)

    @classmethod
    def create(cls, folder: Path | None, *, language: str) -> LexicalIndex:
        """Make an empty index in ``folder``, which must exist, or in memory when it is ``None``."""
        import tantivy

        check_language(language)
        builder = tantivy.SchemaBuilder()
        builder.add_unsigned_field("chunk", fast=True, indexed=True)
        builder.add_text_field("access", tokenizer_name="raw", index_option="basic")
        builder.add_text_field("text", tokenizer_name="ragkit", index_option="freq")
        schema = builder.build()
        if folder is None:
            return cls(tantivy.Index(schema), language, heap=_HEAP_BYTES_IN_MEMORY)
        return cls(tantivy.Index(schema, path=str(folder)), language)

    @classmethod
    def open(cls, folder: Path, *, language: str, classes: Collection[str]) -> LexicalIndex:
        """Open what :meth:`create` made; ``classes`` are the access classes in it."""
        import tantivy

        check_language(language)
        try:
            return cls(tantivy.Index.open(str(folder)), language, classes)
        except (ValueError, OSError) as bad:
            raise IndexUnhealthy("the lexical index cannot be opened", remedy="Run `ragkit rebuild`.") from bad

    def add(self, rows: Iterable[tuple[int, str, str]]) -> int:
        """Add ``(chunk_id, access_class, text)`` rows and commit; return how many there were."""
        import tantivy

        added = 0
        writer = self._index.writer(heap_size=self._heap, num_threads=1)
        for chunk_id, access_class, text in rows:
            document = tantivy.Document()
            document.add_unsigned("chunk", chunk_id)
            document.add_text("access", access_class)
            self._classes.add(access_class)
            document.add_text("text", normalize(text))
            writer.add_document(document)
            added += 1
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        return added

    def remove(self, chunk_ids: Iterable[int]) -> None:
        """Drop chunks and commit."""
        from tantivy import Query

        writer = self._index.writer(heap_size=self._heap, num_threads=1)
        for chunk_id in chunk_ids:
            writer.delete_documents_by_query(Query.term_query(self._index.schema, "chunk", chunk_id))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def __len__(self) -> int:
        return int(self._index.searcher().num_docs)

    def terms(self, text: str) -> Counter[str]:
        """Cut a text into terms as the chunks were cut, with counts."""
        return Counter(self._analyzer.analyze(normalize(text)))

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """Say how many chunks contain each term."""
        searcher = self._index.searcher()
        return {term: searcher.doc_freq("text", term) for term in terms}

    def search(
        self,
        weights: Mapping[str, float],
        k: int,
        classes: Collection[str] | None = None,
        *,
        only: Collection[int] | None = None,
    ) -> list[tuple[int, float]]:
        """Rank by the sum of ``weights[term]`` times the term's BM25 saturation, best first.

        ``weights`` are idf times the count in the question. ``classes`` and ``only`` do not filter when ``None``.
        """
        from tantivy import Occur, Query

        schema, searcher = self._index.schema, self._index.searcher()
        documents = searcher.num_docs
        clauses = []
        for term, weight in weights.items():
            containing = searcher.doc_freq("text", term)
            if containing:
                query = Query.term_query(schema, "text", term, index_option="freq")
                clauses.append((Occur.Should, Query.boost_query(query, weight / _idf(documents, containing))))
        if not clauses:
            return []
        conditions = [Query.boolean_query(clauses)]
        if classes is not None and not self._classes.issubset(classes):  # no filter where it would let all pass
            conditions.append(Query.term_set_query(schema, "access", sorted(classes)))
        if only is not None:
            conditions.append(Query.term_set_query(schema, "chunk", sorted(only)))
        unscored = [Query.const_score_query(condition, 0.0) for condition in conditions[1:]]
        query = Query.boolean_query([(Occur.Must, part) for part in (conditions[0], *unscored)])
        hits = searcher.search(query, limit=k, count=False).hits
        numbers = searcher.fast_field_values("chunk", [address for _, address in hits])
        return [(int(number), float(score)) for number, (score, _) in zip(numbers, hits)]


def gather_statistics(indexes: Sequence[LexicalIndex], text: str) -> TermStatistics:
    """Take a question's terms and their idf over all ``indexes``, which share a language."""
    counts = indexes[0].terms(text)
    frequencies: Counter[str] = Counter()
    for index in indexes:
        frequencies.update(index.frequencies(counts))
    documents = sum(len(index) for index in indexes)
    idf = {term: _idf(documents, min(frequencies[term], documents)) for term in counts}
    if len(idf) > _MAX_TERMS:
        rare = sorted(idf, key=lambda term: (not frequencies[term], -idf[term]))[:_MAX_TERMS]
        counts, idf = Counter({term: counts[term] for term in rare}), {term: idf[term] for term in rare}
    return TermStatistics(counts, idf, frozenset(term for term in counts if frequencies[term]))


def search_lexical(
    indexes: Sequence[LexicalIndex],
    text: str,
    k: int,
    classes: Collection[str] | None = None,
    *,
    only: Collection[int] | None = None,
) -> list[tuple[int, float]]:
    """Search several indexes as one: ``(chunk_id, BM25)``, best first, ties by chunk id."""
    statistics = gather_statistics(indexes, text)
    weights = {term: statistics.counts[term] * statistics.idf[term] for term in statistics.found}
    return merge([index.search(weights, k, classes, only=only) for index in indexes], k)
