"""Measures retrieval on questions whose right documents are known.

::

    scores = evaluate_retrieval(workspace, Path("queries.jsonl"), Path("qrels.tsv"))
    scores.ndcg.value, scores.ndcg.low, scores.ndcg.high

The files are those of BEIR (Thakur et al. 2021): ``queries.jsonl`` with ``id`` (or ``_id``) and ``text`` a line;
``qrels.tsv`` with the header ``query-id``, ``doc-id`` (or ``corpus-id``), ``relevance`` (or ``score``). Documents go by
the source's own ids. A document ranks where its best chunk does.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ragkit.errors import EvaluationError
from ragkit.metrics import Estimate, bootstrap_mean, ndcg, recall, reciprocal_rank
from ragkit.types import Hit, Principal

CHUNKS_PER_DOCUMENT = 5
"""Chunks asked for a document wanted: several chunks of one document may precede the next document."""

_BATCH = 256  # questions searched in one call
_ENOUGH = 5  # questions: with fewer, finding nothing that is judged can be true


class SearchesMany(Protocol):
    """What is evaluated: a workspace."""

    def search_many(
        self,
        questions: Sequence[str],
        *,
        k: int = ...,
        collection: str | None = ...,
        principal: Principal | None = ...,
    ) -> list[list[Hit]]: ...

    def unsafe_native_ids(
        self, doc_ids: Sequence[str], *, collection: str | None = ..., principal: Principal | None = ...
    ) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class QueryScore:
    """One question: its measures at k and the native ids found, best first (hidden from ``repr``)."""

    query: str
    ndcg: float
    recall: float
    reciprocal_rank: float
    found: tuple[str, ...] = field(repr=False)

    def as_json(self, k: int) -> dict[str, Any]:
        """The shape of ``--per-query``."""
        return {
            "query": self.query,
            f"ndcg@{k}": self.ndcg,
            f"recall@{k}": self.recall,
            f"mrr@{k}": self.reciprocal_rank,
            "found": list(self.found),
        }


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """Means at k over all judged questions, with 95 % bootstrap intervals."""

    k: int
    ndcg: Estimate
    recall: Estimate
    mrr: Estimate
    rows: tuple[QueryScore, ...] = field(repr=False)

    @property
    def queries(self) -> int:
        """How many questions had judgements."""
        return len(self.rows)

    def as_json(self) -> dict[str, Any]:
        """The shape of ``ragkit eval retrieval --json``."""
        named = (("ndcg", self.ndcg), ("recall", self.recall), ("mrr", self.mrr))
        shown = {f"{name}@{self.k}": {"value": one.value, "low": one.low, "high": one.high} for name, one in named}
        return {**shown, "queries": self.queries}

    def write_per_query(self, path: Path) -> None:
        """Write one JSON line a question, its native ids in clear, for the owner's eyes only (mode 0600)."""
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text("".join(f"{json.dumps(row.as_json(self.k))}\n" for row in self.rows), encoding="utf-8")


def evaluate_retrieval(
    workspace: SearchesMany,
    queries: Path,
    qrels: Path,
    *,
    k: int = 10,
    collection: str | None = None,
    principal: Principal | None = None,
    seed: int = 0,
) -> RetrievalScores:
    """Search every judged question and measure where its right documents come.

    Questions without a relevant judgement are left out.

    Raises:
        EvaluationError: A file is not of its format, or they do not fit each other or the collection.
    """
    texts, grades = read_queries(queries), read_qrels(qrels)
    judged = [query for query in texts if any(grade > 0 for grade in grades.get(query, {}).values())]
    if not judged:
        raise EvaluationError(
            f"none of {len(texts)} queries has a judgement among {len(grades)} judged ids",
            remedy="Check that the ids of the queries file are those of the first column of the qrels file.",
        )
    rankings = _rank(workspace, [texts[query] for query in judged], k, collection, principal)
    _check_documents(rankings, judged, grades)
    rows = tuple(_score(query, found, grades[query], k) for query, found in zip(judged, rankings))
    return RetrievalScores(
        k=k,
        ndcg=bootstrap_mean([row.ndcg for row in rows], seed=seed),
        recall=bootstrap_mean([row.recall for row in rows], seed=seed),
        mrr=bootstrap_mean([row.reciprocal_rank for row in rows], seed=seed),
        rows=rows,
    )


def read_queries(path: Path) -> dict[str, str]:
    """Read ``{"id", "text"}`` lines into text by id.

    Raises:
        EvaluationError: With the number of the first line that is wrong.
    """
    texts: dict[str, str] = {}
    for number, line in enumerate(_lines(path, "queries"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            query, text = str(row.get("id", row.get("_id", ""))), row["text"]
        except (ValueError, KeyError, AttributeError):
            query, text = "", None
        if not query or not isinstance(text, str):
            raise EvaluationError(
                f"line {number} of the queries file is not a query",
                remedy='Write one JSON object a line: {"id": "q1", "text": "..."}.',
            )
        if query in texts:
            raise EvaluationError(
                f"line {number} of the queries file repeats an id", remedy="Give every query an id of its own."
            )
        texts[query] = text
    return texts


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read judgements into grade by document by query.

    Raises:
        EvaluationError: The header is not known, or with the number of the first line that is wrong.
    """
    rows = csv.reader(_lines(path, "qrels"), delimiter="\t", quoting=csv.QUOTE_NONE)
    header = next(rows, [])
    if len(header) != 3 or header[0] != "query-id":
        raise EvaluationError(
            "the qrels file does not begin with its header",
            remedy="Begin it with the line query-id, doc-id, relevance, separated by tabs.",
        )
    grades: dict[str, dict[str, int]] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        try:
            query, document, grade = row[0], row[1], int(row[2])
        except (IndexError, ValueError):
            raise EvaluationError(
                f"line {number} of the qrels file is not a judgement",
                remedy="Write query id, document id and a whole number, separated by tabs.",
            ) from None
        grades.setdefault(query, {})[document] = grade
    return grades


def _lines(path: Path, what: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")  # not splitlines: JSON may hold U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"the {what} file cannot be read ({type(error).__name__})", remedy="Name a UTF-8 text file."
        ) from None


def _rank(
    workspace: SearchesMany, texts: Sequence[str], k: int, collection: str | None, principal: Principal | None
) -> list[list[str]]:
    """Native ids of the documents found for each text, best first, at most k."""
    rankings: list[list[str]] = []
    for at in range(0, len(texts), _BATCH):
        results = workspace.search_many(
            texts[at : at + _BATCH], k=k * CHUNKS_PER_DOCUMENT, collection=collection, principal=principal
        )
        documents = [list(dict.fromkeys(hit.doc_id for hit in hits))[:k] for hits in results]
        wanted = sorted({doc for found in documents for doc in found})
        names = workspace.unsafe_native_ids(wanted, collection=collection, principal=principal)
        rankings += [[names[doc] for doc in found if doc in names] for found in documents]
    return rankings


def _check_documents(
    rankings: Sequence[Sequence[str]], judged: Sequence[str], grades: Mapping[str, Mapping[str, int]]
) -> None:
    """Judgements that name no document of the collection would score 0 and look like a bad index."""
    known = {document for query in judged for document in grades[query]}
    if (
        len(judged) >= _ENOUGH
        and any(rankings)
        and known.isdisjoint(document for found in rankings for document in found)
    ):
        raise EvaluationError(
            f"no document found for any of {len(judged)} queries is named in the qrels file",
            remedy="Check that the qrels file names documents by the source's own ids (a path, an id field).",
        )


def _score(query: str, found: Sequence[str], grades: Mapping[str, int], k: int) -> QueryScore:
    return QueryScore(
        query=query,
        ndcg=ndcg(found, grades, k),
        recall=recall(found, grades, k),
        reciprocal_rank=reciprocal_rank(found, grades, k),
        found=tuple(found),
    )
