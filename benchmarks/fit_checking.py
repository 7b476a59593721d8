"""What share of a sentence's words must its source have, so that the sentence counts as supported?

::

    .venv/bin/python benchmarks/fit_checking.py

Supported are sentences of gold answers with the passage they were written from (clapnq, the half that may be fitted on)
and claims with the abstract that supports them (scifact); doubtful are the same sentences with the passage of another
document that has most of their words, which is what retrieval puts beside the right one. Prints how many of each pass
at every threshold of ``ragkit.generate.checking.MIN_COVER``, and the area under the curve.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from data import data_folder, read_lines
from halves import half

from ragkit.generate import checking
from ragkit.generate.checking import SupportChecker
from ragkit.generate.citing import mark
from ragkit.generate.overlap import stems
from ragkit.generate.packing import Source, pack
from ragkit.generate.sentences import sentences
from ragkit.types import Chunk, Hit, Masked

DATA = data_folder()
THRESHOLDS = [0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7]


def corpus(name: str) -> dict[str, dict[str, Any]]:
    """The documents of a set by id."""
    return {str(one["id"]): one for one in read_lines(DATA / name / "corpus.jsonl")}


def gold(name: str) -> dict[str, list[str]]:
    """The ids of the right documents by question."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = (DATA / name / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
    for query, document, relevance in (row.split("\t")[:3] for row in rows):
        if float(relevance) > 0:
            found[query].append(document)
    return found


def cases(name: str) -> Iterator[tuple[str, str, str]]:
    """Question, sentence and id of the document that says it."""
    right = gold(name)
    for question in read_lines(DATA / name / "queries.jsonl"):
        documents = right.get(str(question["id"]), [])
        if not documents:
            continue
        if name == "scifact":
            if question["meta"]["labels"] == ["SUPPORT"]:
                yield "", question["text"], documents[0]
        elif question["answerable"] and half(name, question) == "fit":
            for sentence in sentences(question["answer"]):
                yield question["text"], sentence.strip(), documents[0]


def packed(document: dict[str, Any]) -> list[Source]:
    """A document as the only source of a prompt."""
    text, title = Masked(document["text"]), Masked(document.get("title") or "")
    chunk = Chunk(ordinal=0, record=text, index=text, source_start=0, source_end=len(text))
    hit = Hit(chunk_id=1, doc_id=str(document["id"]), version=1, chunk=chunk, score=1.0, title=title)
    return pack([hit], room=1_000_000, count_tokens=len)


class Rivals:
    """Finds the other document with most of a sentence's words, rare ones counting more."""

    def __init__(self, documents: dict[str, dict[str, Any]]) -> None:
        self._having: dict[str, list[str]] = defaultdict(list)
        for identity, one in documents.items():
            for word in stems(f"{one.get('title') or ''} {one['text']}", "english"):
                self._having[word].append(identity)

    def of(self, sentence: str, own: str) -> str:
        """The id of the rival of a document for a sentence."""
        scores: Counter[str] = Counter()
        for word in stems(sentence, "english"):
            for identity in self._having.get(word, ()):
                scores[identity] += 1000 // len(self._having[word]) + 1
        return next(identity for identity, _ in scores.most_common() if identity != own)


def score(question: str, sentence: str, document: dict[str, Any]) -> tuple[float, bool]:
    """The share of the words, and whether the sentence passes as a whole."""
    verdict = SupportChecker(packed(document), question=question).judge(sentence + mark(1))
    return verdict.score, verdict.supported


def main() -> None:
    """Print the table."""
    for name in ("clapnq", "scifact"):
        documents = corpus(name)
        rivals = Rivals(documents)
        right, wrong = [], []
        for question, sentence, own in cases(name):
            right.append(score(question, sentence, documents[own]))
            wrong.append(score(question, sentence, documents[rivals.of(sentence, own)]))
        above = sum((a > b) + (a == b) / 2 for a, _ in right for b, _ in wrong) / (len(right) * len(wrong))
        print(f"{name}: {len(right)} sentences, AUROC by words {above:.3f}")
        for threshold in THRESHOLDS:
            kept = sum(a >= threshold for a, _ in right) / len(right)
            passed = sum(b >= threshold for b, _ in wrong) / len(wrong)
            both = (kept + 1 - passed) / 2
            print(f"  {threshold:.2f}  supported pass {kept:.3f}  doubtful pass {passed:.3f}  balanced {both:.3f}")
        kept, passed = (sum(ok for _, ok in one) / len(one) for one in (right, wrong))
        print(f"  with figures, at {checking.MIN_COVER}: supported pass {kept:.3f}  doubtful pass {passed:.3f}")


if __name__ == "__main__":
    main()
