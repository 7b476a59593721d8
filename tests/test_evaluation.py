"""Evaluation: the measures by hand-worked examples, the files, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ragkit.errors import EvaluationError
from ragkit.evaluation import evaluate_retrieval, read_qrels, read_queries
from ragkit.metrics import area_under_roc, bootstrap_mean, ndcg, recall, reciprocal_rank
from ragkit.types import Chunk, Hit, Masked, Principal


class Shelf:
    """A workspace whose answer to a question is the list of document names in the question, two chunks a document."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def search_many(
        self,
        questions: Sequence[str],
        *,
        k: int = 10,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> list[list[Hit]]:
        """Chunks of the documents named in each question, in their order."""
        self.calls.append(len(questions))
        return [[hit for name in text.split() for hit in (_hit(name, 0), _hit(name, 1))][:k] for text in questions]

    def unsafe_native_ids(self, doc_ids: Sequence[str], **_: object) -> Mapping[str, str]:
        """Opaque ids are the names with an ``o:`` before them."""
        return {doc: doc.removeprefix("o:") for doc in doc_ids}


def _hit(name: str, ordinal: int) -> Hit:
    chunk = Chunk(ordinal=ordinal, record=Masked("x"), index=Masked("x"), source_start=0, source_end=1)
    return Hit(chunk_id=ordinal, doc_id=f"o:{name}", version=1, chunk=chunk, score=1.0, title=Masked("t"))


def _files(folder: Path, queries: Mapping[str, str], qrels: str) -> tuple[Path, Path]:
    lines = [json.dumps({"id": query, "text": text}) for query, text in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "qrels.tsv").write_text("query-id\tdoc-id\trelevance\n" + qrels)
    return folder / "queries.jsonl", folder / "qrels.tsv"


def test_measures_agree_with_worked_examples() -> None:
    """Graded nDCG, recall and reciprocal rank equal what the formulas give by hand."""
    grades = {"a": 2, "b": 1, "c": 0}
    ranking = ["c", "b", "a", "d"]
    ideal = 2 + 1 / math.log2(3)
    assert ndcg(ranking, grades, 10) == pytest.approx((1 / math.log2(3) + 2 / math.log2(4)) / ideal)
    assert ndcg(ranking, grades, 2) == pytest.approx(1 / math.log2(3) / ideal)
    assert ndcg(["a", "b"], grades, 10) == pytest.approx(1.0)
    assert (recall(ranking, grades, 2), recall(ranking, grades, 3)) == (0.5, 1.0)
    assert (reciprocal_rank(ranking, grades, 10), reciprocal_rank(["d"], grades, 10)) == (0.5, 0.0)


def test_roc_area_counts_ties_half() -> None:
    """The area is the chance that a true case scores above a false one."""
    assert area_under_roc([0.9, 0.8, 0.3, 0.1], [True, True, False, False]) == 1.0
    assert area_under_roc([0.5, 0.5], [True, False]) == 0.5
    assert area_under_roc([0.9, 0.2, 0.5, 0.4], [True, True, False, False]) == 0.5
    assert math.isnan(area_under_roc([0.1], [True]))


def test_bootstrap_interval_is_seeded_and_holds_the_mean() -> None:
    """The same seed gives the same interval, which narrows with the number of questions."""
    few, many = bootstrap_mean([0.0, 1.0] * 10), bootstrap_mean([0.0, 1.0] * 1000)
    assert few == bootstrap_mean([0.0, 1.0] * 10)
    assert few.low < few.value == 0.5 < few.high
    assert many.high - many.low < 0.2 * (few.high - few.low)


def test_documents_rank_by_their_best_chunk_and_native_id(tmp_path: Path) -> None:
    """Two chunks of one document count once; the judgements name the source's own ids."""
    queries, qrels = _files(tmp_path, {"q1": "a b c", "q2": "c a", "q3": "a"}, "q1\tb\t1\nq2\tc\t1\nq3\ta\t0\n")
    scores = evaluate_retrieval(Shelf(), queries, qrels)
    rows = {row.query: row for row in scores.rows}
    assert rows["q1"].found == ("a", "b", "c")
    assert (rows["q1"].reciprocal_rank, rows["q2"].reciprocal_rank) == (0.5, 1.0)
    assert set(rows) == {"q1", "q2"}, "a question without a relevant judgement does not count"
    assert scores.mrr.value == pytest.approx(0.75)


def test_json_has_the_documented_shape(tmp_path: Path) -> None:
    """``eval retrieval --json`` is named by measure and k, with bounds and the number of queries."""
    queries, qrels = _files(tmp_path, {"q1": "a"}, "q1\ta\t1\n")
    shown = evaluate_retrieval(Shelf(), queries, qrels, k=10).as_json()
    assert set(shown) == {"ndcg@10", "recall@10", "mrr@10", "queries"}
    assert shown["ndcg@10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert shown["queries"] == 1


def test_rows_are_written_one_a_line(tmp_path: Path) -> None:
    """``--per-query`` gives each question's measures and what was found."""
    queries, qrels = _files(tmp_path, {"q1": "b a"}, "q1\ta\t1\n")
    evaluate_retrieval(Shelf(), queries, qrels).write_per_query(tmp_path / "rows.jsonl")
    assert (tmp_path / "rows.jsonl").stat().st_mode & 0o777 == 0o600
    [row] = map(json.loads, (tmp_path / "rows.jsonl").read_text().splitlines())
    assert (row["query"], row["mrr@10"], row["found"]) == ("q1", 0.5, ["b", "a"])


def test_questions_are_searched_in_batches(tmp_path: Path) -> None:
    """Many questions go together, so that they are embedded together."""
    queries, qrels = _files(tmp_path, {f"q{n}": "a" for n in range(300)}, "".join(f"q{n}\ta\t1\n" for n in range(300)))
    shelf = Shelf()
    assert evaluate_retrieval(shelf, queries, qrels).queries == 300
    assert shelf.calls == [256, 44]


def test_beir_names_and_odd_separators_are_read(tmp_path: Path) -> None:
    """BEIR's own key ``_id`` is read, and a U+2028 inside a text does not end a line."""
    (tmp_path / "q.jsonl").write_text('{"_id": 7, "text": "one\u2028two"}\n\n', encoding="utf-8")
    assert read_queries(tmp_path / "q.jsonl") == {"7": "one\u2028two"}


@pytest.mark.parametrize(
    ("queries", "qrels", "told"),
    [
        ("not json\n", "query-id\tdoc-id\trelevance\n", "line 1 of the queries"),
        ('{"id": "q1"}\n', "query-id\tdoc-id\trelevance\n", "line 1 of the queries"),
        ('{"id": "q1", "text": "a"}\n{"id": "q1", "text": "b"}\n', "query-id\tdoc-id\trelevance\n", "repeats an id"),
        ('{"id": "q1", "text": "a"}\n', "q1\ta\t1\n", "header"),
        ('{"id": "q1", "text": "a"}\n', "query-id\tdoc-id\trelevance\nq1\ta\n", "line 2 of the qrels"),
        ('{"id": "q1", "text": "a"}\n', "query-id\tdoc-id\trelevance\nq2\ta\t1\n", "none of 1 queries"),
    ],
)
def test_files_that_do_not_fit_are_named(tmp_path: Path, queries: str, qrels: str, told: str) -> None:
    """A malformed or mismatched file is an error that says what is wrong, where, and what to do."""
    (tmp_path / "queries.jsonl").write_text(queries)
    (tmp_path / "qrels.tsv").write_text(qrels)
    with pytest.raises(EvaluationError, match=told) as caught:
        evaluate_retrieval(Shelf(), tmp_path / "queries.jsonl", tmp_path / "qrels.tsv")
    assert caught.value.remedy


def test_judgements_of_another_collection_are_refused(tmp_path: Path) -> None:
    """Judged ids that no result has are an error, not a score of zero."""
    queries, qrels = _files(tmp_path, {f"q{n}": "a" for n in range(9)}, "".join(f"q{n}\tother\t1\n" for n in range(9)))
    with pytest.raises(EvaluationError, match="no document found"):
        evaluate_retrieval(Shelf(), queries, qrels)


def test_errors_and_scores_hide_content(tmp_path: Path) -> None:
    """Neither an error nor a repr holds a question or a document name."""
    queries, qrels = _files(tmp_path, {"q1": "secretword"}, "q1\tsecretword\t1\n")
    assert "secretword" not in repr(evaluate_retrieval(Shelf(), queries, qrels))
    (tmp_path / "broken").write_text("query-id\tdoc-id\trelevance\nq1\tsecretword\n")
    with pytest.raises(EvaluationError) as caught:
        read_qrels(tmp_path / "broken")
    assert "secretword" not in f"{caught.value} {caught.value.remedy}"
