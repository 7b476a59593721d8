"""A run over frozen hits: judged answers, measures by hand, errors, rows on the disk, going on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ragkit.errors import AuditUnavailable, EvaluationError, GeneratorUnavailable
from ragkit.evaluate.answer_judging import AnswerRow
from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.evaluate.answer_rows import RowFile
from ragkit.evaluate.answer_scores import MEASURES
from ragkit.evaluate.answers import evaluate_answers
from ragkit.types import (
    Account,
    Checks,
    Chunk,
    Citation,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    MaskedText,
    TokenUsage,
)

DOCUMENTS = {
    "tents.md": "The warranty on tents lasts 24 months.",
    "stoves.md": "Stoves are covered for 12 months.",
    "returns.md": "Goods go back within thirty days.",
}
ITEMS = [
    AnswerItem(
        id="q1",
        question="tents?",
        facts=(("24 months",),),
        references=("24 months",),
        evidence=("tents.md",),
        cluster="tents.md",
    ),
    AnswerItem(
        id="q2", question="stoves?", facts=(("12 months",), ("stoves",)), evidence=("stoves.md",), cluster="stoves.md"
    ),
    AnswerItem(id="q3", question="returns?", evidence=("returns.md",), cluster="returns.md"),
    AnswerItem(id="q4", question="lost?", facts=(("x",),), evidence=("not-found.md",), cluster="not-found.md"),
    AnswerItem(id="q5", question="moon?", answerable=False, cluster="q5"),
]


class Shelf:
    """A bench whose every question finds all three documents."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, item: AnswerItem) -> GenerationRequest:
        self.asked.append(item.id)
        text = MaskedText(Masked(item.question), Masked(item.question))
        hits = tuple(_hit(number, name) for number, name in enumerate(DOCUMENTS))
        return GenerationRequest(MaskedQuestion(text, "c", "p"), hits, DataClass.INTERNAL)

    def names(self, doc_ids: Sequence[str]) -> Mapping[str, str]:
        return {doc: doc.removeprefix("o:") for doc in doc_ids}

    def read(self, text: str) -> str:
        return text

    def accept(self, text: str) -> Sequence[str]:
        return (text,)


def _hit(number: int, name: str) -> Hit:
    record = Masked(DOCUMENTS[name])
    chunk = Chunk(ordinal=0, record=record, index=record, source_start=0, source_end=len(record))
    return Hit(chunk_id=number, doc_id=f"o:{name}", version=1, chunk=chunk, score=1.0, title=Masked(name))


class Told:
    """A generator that answers as it is told, by question; remembers what it was given."""

    location = Location.IN_PROCESS

    def __init__(self, answers: Mapping[str, Generation | Exception], name: str = "told") -> None:
        self.name = name
        self.given: list[GenerationRequest] = []
        self._answers = answers

    def load(self) -> None:
        """Nothing to load."""

    def generate(self, request: GenerationRequest) -> Generation:
        self.given.append(request)
        answer = self._answers.get(
            request.question.text.index, Generation(text=Masked("No."), refused=True, reason="weak")
        )
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        yield self.generate(request)


def _says(
    text: str, *cited: str, support: float = 0.9, account: Account | None = None, invented: int = 0
) -> Generation:
    numbers = [list(DOCUMENTS).index(name) for name in cited]
    citations = tuple(
        Citation(
            marker=place,
            doc_id=f"o:{name}",
            version=1,
            chunk_id=number,
            title=Masked(name),
            start=0,
            end=1,
            quote=Masked(""),
        )
        for place, (name, number) in enumerate(zip(cited, numbers), start=1)
    )
    return Generation(
        text=Masked(text),
        citations=citations,
        support=support,
        account=account or Account(),
        checks=Checks(invented_citations=invented),
    )


GOOD = {
    "tents?": _says(
        "Warranty: 24 months. [1]", "tents.md", account=Account(cost_micro=40, usage=TokenUsage(100, 10), ttft_ms=1.5)
    ),
    "stoves?": _says(
        "It lasts 12 months, or 99. [1] [2]", "stoves.md", "tents.md", account=Account(cost_micro=60), invented=1
    ),
    "returns?": _says("Thirty days. [1]", "returns.md", account=Account(cost_micro=0)),
    "lost?": replace(_says("", account=Account(cost_micro=0)), refused=True, reason="weak"),
    "moon?": _says("Blue cheese.", support=0.1, account=Account(cost_micro=0)),
}


def _rows(answers: Mapping[str, Generation | Exception]) -> dict[str, AnswerRow]:
    run = evaluate_answers(Shelf(), ITEMS, {"told": Told(answers)})
    return {row.question: row for row in run.scores[0].rows}


def test_every_answer_is_judged_by_its_question() -> None:
    """Facts, words, citations, numbers from nowhere; evidence that was not found makes a question one to refuse."""
    rows = _rows(GOOD)
    one, two, three, four, five = (rows[name] for name in ("q1", "q2", "q3", "q4", "q5"))
    assert (one.facts, one.exact, one.cite_precision, one.cite_recall, one.score) == (1, 0, 1, 1, 1)
    assert one.f1 == pytest.approx(2 * 2 / 5)
    assert (two.facts, two.cite_precision, two.cite_recall) == (0.5, 0.5, 1)
    assert (two.cited, two.cited_supplied, two.unsupported_numbers) == (3, 2, 1)
    assert math.isnan(two.f1)
    assert three.facts == 1, "without facts and answers, citing the evidence is what counts"
    assert (four.supplied, four.answerable, four.status, four.score) == (False, True, "refused", 1)
    assert (five.supplied, five.status, five.score) == (False, "answered", 0)
    assert (one.input_tokens, one.output_tokens, one.ttft_ms) == (100, 10, 1.5)


def test_the_measures_are_those_of_the_formulas() -> None:
    """By hand: three of five have their evidence; 2.5 facts' worth is said in four answers."""
    run = evaluate_answers(Shelf(), ITEMS, {"told": Told(GOOD)})
    scores = run.scores[0]
    value = {name: one.value for name, one in scores.measures.items()}
    assert tuple(scores.measures) == MEASURES
    assert (scores.questions, scores.clusters, scores.answerable, scores.supplied) == (5, 5, 4, 3)
    assert value["fact_recall"] == pytest.approx(2.5 / 3)
    assert value["fact_recall_answerable"] == pytest.approx(2.5 / 4)
    precision, recall = 2.5 / 4, 2.5 / 3
    assert value["calibrated_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    refusing, answering = 2 * 1 * 0.5 / 1.5, 2 * 0.75 * 1 / 1.75
    assert value["refusal_f1"] == pytest.approx((refusing + answering) / 2)
    assert (value["answer_rate"], value["over_refusal"], value["wrong_on_unanswerable"]) == (0.8, 0.0, 0.5)
    assert value["cite_id_precision"] == pytest.approx(2.5 / 3)
    assert value["cite_valid"] == pytest.approx(4 / 5)
    assert value["unsupported_numbers"] == 0.25
    assert (value["em"], value["evidence_supplied"], value["errors"]) == (0.0, 0.75, 0.0)
    assert value["refusal_auroc"] == 1.0
    assert (scores.cost_micro, scores.cost_per_correct_micro) == (100, 50.0)
    assert all(one.low <= one.value <= one.high for one in scores.measures.values())
    assert run.as_json()["generators"][0]["reasons"] == {"refused: weak": 1}


def test_refusal_f1_needs_both_kinds() -> None:
    """Where every question can be answered there is nothing to refuse rightly, and no figure."""
    run = evaluate_answers(Shelf(), ITEMS[:3], {"shy": Told({})})
    assert math.isnan(run.scores[0].measures["refusal_f1"].value)
    assert run.as_json()["generators"][0]["refusal_f1"]["value"] is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (GeneratorUnavailable("down"), "GeneratorUnavailable"),
        (GeneratorUnavailable("slow", code="timeout"), "timeout"),
        (ValueError("secret"), "ValueError"),
        (_says("The warranty lasts 24 months. [1]", "tents.md", account=Account(finish="length")), "truncated"),
    ],
)
def test_an_error_or_a_cut_answer_is_wrong_and_stays(answer: Generation | Exception, reason: str) -> None:
    """It scores 0, is in every denominator, and is neither an answer nor a refusal."""
    run = evaluate_answers(Shelf(), ITEMS[:2], {"told": Told(GOOD | {"tents?": answer})})
    row = run.scores[0].rows[0]
    assert (row.status, row.reason, row.facts, row.f1, row.score) == ("error", reason, 0, 0, 0)
    value = {name: one.value for name, one in run.scores[0].measures.items()}
    assert (value["errors"], value["answer_rate"], value["fact_recall"], value["em"]) == (0.5, 0.5, 0.25, 0.0)


def test_what_cannot_be_recorded_ends_the_run() -> None:
    """The audit is no generator's fault."""
    with pytest.raises(AuditUnavailable):
        _rows({"tents?": AuditUnavailable("full")})


def test_generators_get_the_same_hits_and_conversations_of_their_own() -> None:
    """One search a question, however many generators; the pair is compared."""
    shelf, first, second = Shelf(), Told(GOOD), Told({}, "silent")
    run = evaluate_answers(shelf, ITEMS, {"told": first, "silent": second})
    assert shelf.asked == [item.id for item in ITEMS]
    for one, other in zip(first.given, second.given, strict=True):
        assert one.hits is other.hits
        assert one.conversation.id != other.conversation.id
        assert one.request_id != other.request_id
    [pair] = run.comparisons
    assert (pair.first, pair.second, pair.questions) == ("told", "silent", 5)
    assert (pair.only_first, pair.only_second) == (2, 1)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    """Ctrl-C in the third question: two are kept, and only the others are asked again; the figures are the same."""
    path, run = tmp_path / "rows.jsonl", {"questions": "abc", "k": 8}
    stopping = Told(GOOD)

    answer = stopping.generate

    def stop(request: GenerationRequest) -> Generation:
        if len(stopping.given) == 2:
            raise KeyboardInterrupt
        return answer(request)

    stopping.generate = stop  # type: ignore[method-assign]
    with RowFile(path, run) as file, pytest.raises(KeyboardInterrupt):
        evaluate_answers(Shelf(), ITEMS, {"told": stopping}, file=file)
    with path.open("ab") as lines:
        lines.write(b'{"question": "q3", "cu')  # killed while it wrote
    shelf, seen = Shelf(), []
    with RowFile(path, run, resume=True) as file:
        assert len(file) == 2
        done = evaluate_answers(
            shelf, ITEMS, {"told": Told(GOOD)}, file=file, progress=lambda at, of: seen.append((at, of))
        )
    assert shelf.asked == ["q3", "q4", "q5"]
    assert seen[-1] == (5, 5)
    whole = evaluate_answers(Shelf(), ITEMS, {"told": Told(GOOD)})
    assert done.scores[0].measures["calibrated_f1"] == whole.scores[0].measures["calibrated_f1"]
    assert len(path.read_text().splitlines()) == 1 + 5
    with RowFile(path, run, resume=True) as file:  # another generator joins later, on the same questions
        both = evaluate_answers(Shelf(), ITEMS, {"told": Told({}), "silent": Told({})}, file=file)
    assert both.scores[0].measures["calibrated_f1"] == whole.scores[0].measures["calibrated_f1"]


def test_the_file_of_rows_holds_no_text(tmp_path: Path) -> None:
    """Ids and figures for the owner alone: no question, no answer, no name of a document."""
    path = tmp_path / "rows.jsonl"
    with RowFile(path, {"k": 8}) as file:
        evaluate_answers(Shelf(), ITEMS, {"told": Told(GOOD)}, file=file)
    assert path.stat().st_mode & 0o777 == 0o600
    text = path.read_text()
    for word in ("tents", "Warranty", "months", "cheese", ".md"):
        assert word not in text
    head, *rows = map(json.loads, text.splitlines())
    assert head == {"kind": "eval-answers-1", "k": 8}
    assert {row["question"] for row in rows} == {item.id for item in ITEMS}


def test_a_file_of_another_run_is_refused(tmp_path: Path) -> None:
    """Without --resume, of other questions, of another kind, with lines of another kind."""
    path = tmp_path / "rows.jsonl"
    with RowFile(path, {"k": 8, "questions": "abc"}):
        pass
    with pytest.raises(EvaluationError, match="there already"):
        RowFile(path, {"k": 8, "questions": "abc"})
    with pytest.raises(EvaluationError, match="another run \\(questions\\)"):
        RowFile(path, {"k": 8, "questions": "other"}, resume=True)
    with path.open("a") as lines:
        lines.write('{"question": "q1", "secret": 1}\n')
    with pytest.raises(EvaluationError, match="a line of another kind"):
        RowFile(path, {"k": 8, "questions": "abc"}, resume=True)
    for content in ("not ours\n", "5\n", '{"a": 1}\n'):
        path.write_text(content)
        with pytest.raises(EvaluationError, match="not one of this command"):
            RowFile(path, {}, resume=True)
        assert path.read_text() == content, "nothing of another's file is lost"
