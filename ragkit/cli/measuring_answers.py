"""Measure: ``eval answers``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.evaluate.answers import AnswerRun
    from ragkit.metrics import Estimate

_INTERRUPTED = 130  # as a shell says of a process that Ctrl-C ended


def answers(
    questions: Annotated[
        Path,
        typer.Option(
            help='JSON lines of {"id", "question", "facts": [["accepted", …], …] or "answer"(s), "evidence": [ids], '
            '"answerable"?, "history"?}; ids of documents are the source\'s own.'
        ),
    ],
    generator: Annotated[
        list[str] | None,
        typer.Option(
            "--generator", "-g", help="A generator of ragkit.toml by name; several are compared.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Keep the figures of each question here, JSON lines without text.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the file of an interrupted run.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many questions.", show_default=False)
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Chunks that each generator is given.")] = 8,
    purpose: Annotated[
        str,
        typer.Option(
            help="Why answers are revealed, in memory, to be compared in clear. Without one the facts are masked.",
            show_default=False,
        ),
    ] = "",
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure answers: facts, refusals, citations, numbers without a source, latency and cost, with 95 % intervals.

    Each question is searched once and every generator is given the same chunks. An error or a cut answer is a wrong
    one. Ctrl-C loses nothing with `--out`: the same command with `--resume` goes on.
    """
    from ragkit.evaluate.answer_bench import CollectionBench
    from ragkit.evaluate.answer_questions import fingerprint, read_questions
    from ragkit.evaluate.answer_rows import RowFile
    from ragkit.evaluate.answers import evaluate_answers

    if resume and out is None:
        raise typer.BadParameter("--resume goes on with the file of --out: name it")
    items = read_questions(questions, limit=limit)
    with ExitStack() as stack:
        here = stack.enter_context(opened(workspace))
        bench = CollectionBench(here, collection=collection, k=k, purpose=purpose)
        chosen = {name: bench.generator(name) for name in generator} if generator else {}
        chosen = chosen or {(default := bench.generator()).name: default}
        file = None
        if out is not None:
            run = {
                "questions": fingerprint(questions),
                "collection": bench.collection,
                "k": k,
                "clear": bool(purpose),
            }
            file = stack.enter_context(RowFile(out, run, resume=resume))
        progress = stack.enter_context(progress_bars())
        try:
            found = evaluate_answers(
                bench,
                items,
                chosen,
                file=file,
                progress=None if progress is None else lambda done, total: progress("answer", done, total),
            )
        except KeyboardInterrupt:
            kept = "nothing was kept: name a file with --out" if file is None else "go on with --resume"
            say(f"interrupted after {0 if file is None else len(file)} of {len(items)} questions; {kept}", err=True)
            raise typer.Exit(_INTERRUPTED) from None
    if as_json:
        emit("answers", _shaped(found))
    else:
        _print(found)


def _shaped(run: AnswerRun) -> dict[str, Any]:
    """Check every object within against its documented keys."""

    def inner(one: dict[str, Any]) -> dict[str, Any]:
        return {
            key: shaped("estimate", value) if isinstance(value, dict) and "low" in value else value
            for key, value in one.items()
        }

    shown = run.as_json()
    return {
        "generators": [shaped("answers_generator", inner(one)) for one in shown["generators"]],
        "comparisons": [shaped("answers_comparison", inner(one)) for one in shown["comparisons"]],
    }


_NAMES = {
    "calibrated_f1": "calibrated F1 (facts, refusals count)",
    "fact_recall": "fact recall, evidence supplied",
    "fact_recall_answerable": "fact recall, all that can be answered",
    "refusal_f1": "refusal F1",
    "refusal_auroc": "refusal AUROC of its own estimate",
    "answer_f1": "answer F1 (words)",
    "em": "exact match",
    "cite_id_precision": "citations: precision",
    "cite_id_recall": "citations: recall",
    "cite_valid": "citations that were supplied",
    "unsupported_numbers": "answers with a number from nowhere",
    "lexical_support": "words supported by a sentence",
    "answer_rate": "answered",
    "over_refusal": "refused although evidence was there",
    "wrong_on_unanswerable": "answered although it was not",
    "evidence_supplied": "evidence found by the search",
    "errors": "errors",
    "truncated": "cut answers",
}


def _print(run: AnswerRun) -> None:
    first = run.scores[0]
    rows: list[tuple[str, ...]] = [
        (label, *(_range(one.measures[name]) for one in run.scores))
        for name, label in _NAMES.items()
        if any(one.measures[name].value == one.measures[name].value for one in run.scores)
    ]
    rows.append(("latency ms, p50 / p95", *(_pair(one.latency_ms) for one in run.scores)))
    rows.append(("first text ms, p50 / p95", *(_pair(one.ttft_ms) for one in run.scores)))
    rows.append(("tokens in / out", *(f"{one.input_tokens:,} / {one.output_tokens:,}" for one in run.scores)))
    costs = [_money(one.cost_micro, one.currency) for one in run.scores]
    rows.append(("cost", *costs))
    rows.append(("cost per right answer", *(_money(one.cost_per_correct_micro, one.currency) for one in run.scores)))
    title = f"{first.questions:,} questions on {first.clusters:,} documents, {first.supplied:,} with evidence supplied"
    table(title, ("", *(one.generator for one in run.scores)), rows)
    for one in run.scores:
        if reasons := run.reasons(one.generator):
            say(f"\n{one.generator}: " + ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(8)))
    if run.comparisons:
        say()
        table(
            "Pairs: score is facts said where it can answer, refusal where it cannot; p is corrected (Holm)",
            ("first", "second", "difference of score", "of calibrated F1", "p", "McNemar p", "detectable", "first is"),
            [
                (
                    one.first,
                    one.second,
                    _range(one.score),
                    _range(one.calibrated_f1),
                    f"{one.p_holm:.4f}",
                    f"{one.p_mcnemar:.4f}",
                    f"{one.detectable:.3f}",
                    one.verdict,
                )
                for one in run.comparisons
            ],
        )


def _range(one: Estimate) -> str:
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"  # NaN: undefined


def _pair(values: tuple[float, float]) -> str:
    return "" if values[0] != values[0] else f"{values[0]:,.1f} / {values[1]:,.1f}"


def _money(micro: float | None, currency: str) -> str:
    return "no price known" if micro is None else f"{micro / 1_000_000:.6f} {currency}"
