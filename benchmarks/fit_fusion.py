"""Fit the two constants of ``ragkit/retrieve/fusion.py``, and show what they are worth.

Run by hand when the encoder, the analyzer or the fusion changes; the result is copied into the module::

    python benchmarks/fit_fusion.py [--cache /tmp/fusion.pickle] [--out fusion.json]

Reads ``xquad``, ``wikitables`` and ``sec10q`` under ``RAGKIT_BENCH_DATA`` (default ``../shared/data``), and no other
set, so that all others stay fit for judging:

- xquad in Spanish, Russian and Turkish, each against its own language and against English;
- wikitables with the question as it is, and with the table's title before it;
- sec10q, quarterly reports cut into pieces.

The weight is fitted by listwise cross-entropy: the softmax of the fused scores, at one fitted temperature, should lie
on the pieces of the right documents (Cao et al., "Learning to rank: from pairwise approach to listwise approach",
2007). Every set counts the same. "left out" is the figure with the constants fitted on the other groups only.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from ragkit.index.embedder import MiniLMEmbedder
from ragkit.index.lexical import LexicalIndex, gather_statistics, search_lexical
from ragkit.index.ranking import top_k
from ragkit.metrics import ndcg
from ragkit.retrieve.fusion import INTERCEPT, SLOPE, Ranking, fragmentation, fuse
from ragkit.types import Masked

DATA = Path(os.environ.get("RAGKIT_BENCH_DATA", "../shared/data")) / "rag"
DEPTH = 100
PIECES = 220
GROUPS = {
    "es": ("es→es", "es→en"),
    "ru": ("ru→ru", "ru→en"),
    "tr": ("tr→tr", "tr→en"),
    "tables": ("wikitables", "wikitables+title"),
    "reports": ("sec10q",),
}
Texts = list[tuple[str, str]]
Questions = list[tuple[str, dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question with both rankings of chunks, which document each chunk belongs to, and the judgements."""

    dense: Ranking
    lexical: Ranking
    bound: float
    fragments: float
    relevant: dict[str, int]
    documents: Sequence[str]

    def ndcg(self, ranked: Iterable[int]) -> float:
        """nDCG@10 of documents, each where its best chunk is."""
        found = list(dict.fromkeys(self.documents[chunk] for chunk in ranked))
        return float(ndcg(found, self.relevant, k=10))


# --- the sets ------------------------------------------------------------------------------------------------


def lines(path: Path) -> list[dict[str, Any]]:
    """Records of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def judgements(path: Path) -> dict[str, dict[str, int]]:
    """Relevance by question and document."""
    found: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(path.open(encoding="utf-8"), delimiter="\t"):
        found.setdefault(row["query-id"], {})[row["doc-id"]] = int(row["relevance"])
    return found


def cut(embedder: MiniLMEmbedder, title: str, text: str) -> list[str]:
    """Cut a text at blanks into pieces that fit the encoder with the title before them."""
    words = text.split(" ")
    room = PIECES - embedder.count_tokens([Masked(title)])[0]
    sizes = [size - 2 for size in embedder.count_tokens([Masked(word) for word in words])]
    pieces: list[list[str]] = [[]]
    used = 0
    for word, size in zip(words, sizes):
        if used + size > room and pieces[-1]:
            pieces.append([])
            used = 0
        pieces[-1].append(word)
        used += size
    return [f"{title}\n{' '.join(piece)}" for piece in pieces]


def xquad(language: str) -> Texts:
    """Paragraphs of one language: id, and title and text joined by a line break."""
    records = lines(DATA / "xquad" / "corpus.jsonl")
    return [(str(r["id"]), f"{r['title']}\n{r['text']}") for r in records if str(r["id"]).startswith(f"{language}-")]


def xquad_questions(language: str, into: str) -> Questions:
    """Questions of one language with the same paragraphs in another: paragraph n is the same text in all."""
    judged = judgements(DATA / "xquad" / "qrels.tsv")
    return [
        (str(r["text"]), {f"{into}-{doc.partition('-')[2]}": grade for doc, grade in judged[str(r["id"])].items()})
        for r in lines(DATA / "xquad" / "queries.jsonl")
        if str(r["id"]).startswith(f"{language}-")
    ]


def tables() -> Texts:
    """The CSV files as Markdown tables under their titles."""
    found = []
    for record in lines(DATA / "wikitables" / "manifest.jsonl"):
        if record["format"] == "csv":
            raw = (DATA / "wikitables" / "files" / str(record["file"])).read_text(encoding="utf-8", errors="replace")
            rows = csv.reader(io.StringIO(raw), escapechar="\\")
            body = "\n".join("| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |" for row in rows)
            found.append((str(record["file"]), f"{record['title']}\n{body}"))
    return found


def table_questions(*, with_title: bool) -> Questions:
    """Questions about one table; most do not name it, so the title is put before them on wish."""
    judged = judgements(DATA / "wikitables" / "qrels.tsv")
    records = [r for r in lines(DATA / "wikitables" / "queries.jsonl") if r["id"] in judged]
    return [
        (f"{r['meta']['page_title']} {r['text']}" if with_title else str(r["text"]), judged[str(r["id"])])
        for r in records
    ]


def reports() -> Texts:
    """The PDF files' text under their file names."""
    found = []
    for record in lines(DATA / "sec10q" / "manifest.jsonl"):
        name = str(record["file"])
        with pypdfium2.PdfDocument(DATA / "sec10q" / "files" / name) as pdf:
            text = "\n".join(page.get_textpage().get_text_range() for page in pdf)
        found.append((name, f"{name.removesuffix('.pdf')}\n{text}"))
    return found


def report_questions() -> Questions:
    """Questions about one or several reports."""
    judged = judgements(DATA / "sec10q" / "qrels.tsv")
    return [
        (str(r["text"]), judged[str(r["id"])])
        for r in lines(DATA / "sec10q" / "queries.jsonl")
        if str(r["id"]) in judged
    ]


def ask(embedder: MiniLMEmbedder, texts: Texts, asked: Sequence[Questions]) -> list[list[Question]]:
    """Cut, embed and index one corpus, and rank its chunks for each set of questions."""
    chunks = [(name, chunk) for name, text in texts for chunk in cut(embedder, *text.split("\n", 1))]
    documents = [name for name, _ in chunks]
    vectors = embedder.embed([Masked(chunk) for _, chunk in chunks])
    index = LexicalIndex.create(None, language="en")
    index.add((number, "all", chunk) for number, (_, chunk) in enumerate(chunks))
    numbers = np.arange(len(chunks))
    overhead = embedder.count_tokens([Masked("")])[0]
    answered = []
    for questions in asked:
        words = [Masked(text) for text, _ in questions]
        pieces = embedder.count_tokens(words)
        answered.append(
            [
                Question(
                    dense=top_k(vectors @ vector, numbers, DEPTH),
                    lexical=search_lexical([index], text, DEPTH),
                    bound=gather_statistics([index], text).bound,
                    fragments=fragmentation(text, count - overhead),
                    relevant=relevant,
                    documents=documents,
                )
                for (text, relevant), vector, count in zip(questions, embedder.embed_questions(words), pieces)
            ]
        )
    return answered


def prepare(embedder: MiniLMEmbedder) -> dict[str, list[Question]]:
    """All sets, by name."""
    found: dict[str, list[Question]] = {}
    languages = ("es", "ru", "tr")
    for language in languages:
        [found[f"{language}→{language}"]] = ask(embedder, xquad(language), [xquad_questions(language, language)])
    crossed = ask(embedder, xquad("en"), [xquad_questions(language, "en") for language in languages])
    found |= {f"{language}→en": questions for language, questions in zip(languages, crossed)}
    named = ask(embedder, tables(), [table_questions(with_title=False), table_questions(with_title=True)])
    found |= dict(zip(GROUPS["tables"], named))
    [found["sec10q"]] = ask(embedder, reports(), [report_questions()])
    return found


# --- fitting -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """One set as arrays, shape (questions, candidates): both parts of the score, what is padding, what is right."""

    meaning: NDArray[np.float64]
    wording: NDArray[np.float64]
    padding: NDArray[np.bool_]
    right: NDArray[np.bool_]
    fragments: NDArray[np.float64]


def tabulate(questions: Sequence[Question]) -> Table:
    """Take both parts of the score from :func:`fuse` itself; questions without a right candidate teach nothing."""
    usable = []
    for question in questions:
        parts = []
        for weight in (1.0, 0.0):
            ranked = fuse(question.dense, question.lexical, weight=weight, bound=question.bound, depth=DEPTH)
            parts.append({candidate.chunk_id: candidate.score for candidate in ranked})
        right = [question.relevant.get(question.documents[chunk], 0) > 0 for chunk in parts[0]]
        if any(right):
            usable.append((list(parts[0].values()), [parts[1][chunk] for chunk in parts[0]], right, question.fragments))
    shape = (len(usable), 2 * DEPTH)
    table = Table(np.zeros(shape), np.zeros(shape), np.ones(shape, bool), np.zeros(shape, bool), np.zeros(len(usable)))
    for place, (meaning, wording, right, fragments) in enumerate(usable):
        size = len(meaning)
        table.meaning[place, :size], table.wording[place, :size] = meaning, wording
        table.padding[place, :size], table.right[place, :size] = False, right
        table.fragments[place] = fragments
    return table


def loss(constants: NDArray[np.float64], sets: Sequence[Table]) -> float:
    """Mean over the sets of the mean cross-entropy; constants are intercept, slope, and the temperature's logarithm."""
    intercept, slope, sharpness = constants
    total = 0.0
    for table in sets:
        weight = 1 / (1 + np.exp(-(intercept + slope * np.log(table.fragments))))
        scores = np.exp(sharpness) * (weight[:, None] * table.meaning + (1 - weight[:, None]) * table.wording)
        scores = np.where(table.padding, -np.inf, scores)
        scores -= scores.max(axis=1, keepdims=True)
        mass = np.exp(scores)
        total -= np.log((mass * table.right).sum(axis=1) / mass.sum(axis=1)).mean()
    return total / len(sets)


def fit(sets: Sequence[Table]) -> tuple[float, float]:
    """Return intercept and slope."""
    best = minimize(loss, np.array([0.5, -1.0, 3.5]), args=(sets,), method="Nelder-Mead", options={"xatol": 1e-3})
    return float(best.x[0]), float(best.x[1])


# --- the table -----------------------------------------------------------------------------------------------


def by_weight(questions: Sequence[Question], intercept: float, slope: float) -> float:
    """Mean nDCG@10 with these constants."""
    scores = []
    for question in questions:
        weight = 1 / (1 + np.exp(-(intercept + slope * np.log(question.fragments))))
        ranked = fuse(question.dense, question.lexical, weight=weight, bound=question.bound, depth=DEPTH)
        scores.append(question.ndcg(candidate.chunk_id for candidate in ranked))
    return float(np.mean(scores))


def reciprocal_ranks(question: Question) -> list[int]:
    """Reciprocal rank fusion with k = 60 (Cormack, Clarke, Büttcher 2009)."""
    scores: dict[int, float] = {}
    for ranking in (question.dense, question.lexical):
        for rank, (chunk, _) in enumerate(ranking, start=1):
            scores[chunk] = scores.get(chunk, 0.0) + 1 / (60 + rank)
    return sorted(scores, key=lambda chunk: -scores[chunk])


def measure(sets: dict[str, list[Question]]) -> dict[str, dict[str, float]]:
    """nDCG@10 of each ranker alone, of rank fusion, of equal shares, of the fit, and of the fit without the group."""
    tables = {name: tabulate(questions) for name, questions in sets.items()}
    everything = fit(list(tables.values()))
    rows = {}
    for names in GROUPS.values():
        others = fit([table for name, table in tables.items() if name not in names])
        for name in names:
            questions = sets[name]
            rows[name] = {
                "questions": float(len(questions)),
                "BM25": float(np.mean([q.ndcg(chunk for chunk, _ in q.lexical) for q in questions])),
                "dense": float(np.mean([q.ndcg(chunk for chunk, _ in q.dense) for q in questions])),
                "rank fusion": float(np.mean([q.ndcg(reciprocal_ranks(q)) for q in questions])),
                "equal shares": by_weight(questions, 0.0, 0.0),
                "fitted": by_weight(questions, *everything),
                "left out": by_weight(questions, *others),
                "in the module": by_weight(questions, INTERCEPT, SLOPE),
            }
    rows["constants"] = {"intercept": everything[0], "slope": everything[1]}
    return rows


def main() -> None:
    """Fit, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description="Fit the constants of ragkit/retrieve/fusion.py.")
    parser.add_argument("--cache", type=Path, help="keep both rankings of every question here between runs")
    parser.add_argument("--out", type=Path, help="write the table here as JSON")
    options = parser.parse_args()
    if not DATA.is_dir():
        raise SystemExit("RAGKIT_BENCH_DATA is absent: nothing to fit on")
    if options.cache and options.cache.exists():
        sets = pickle.loads(options.cache.read_bytes())
    else:
        sets = prepare(MiniLMEmbedder())
        if options.cache:
            options.cache.write_bytes(pickle.dumps(sets))
    rows = measure(sets)
    constants = rows.pop("constants")
    columns = list(next(iter(rows.values())))
    print("set".ljust(18), *(column.rjust(13) for column in columns))
    for name, row in rows.items():
        print(name.ljust(18), *(f"{row[column]:13.3f}" for column in columns))
    print(f"\nINTERCEPT = {constants['intercept']:.3f}\nSLOPE = {constants['slope']:.3f}")
    if options.out:
        options.out.write_text(json.dumps({"constants": constants, "sets": rows}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
