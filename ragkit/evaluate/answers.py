"""Measures answers: one or several generators on the same questions and the same frozen hits.

::

    bench = CollectionBench(workspace, collection=None, k=8)
    run = evaluate_answers(bench, read_questions(Path("questions.jsonl")), {"extractive": generator})
    run.scores[0].measures["calibrated_f1"].low

Every question is masked and searched once; each generator is then given the same chunks, in a conversation of its own.
The formulas are those of :mod:`ragkit.evaluate.answer_scores` and :mod:`ragkit.evaluate.answer_pairs`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol
from uuid import uuid4

from ragkit.errors import AuditUnavailable, GenerationError
from ragkit.evaluate.answer_judging import AnswerRow, judge
from ragkit.evaluate.answer_pairs import Comparison, compare_all
from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.evaluate.answer_rows import RowFile
from ragkit.evaluate.answer_scores import AnswerScores, score_answers
from ragkit.protocols import Generator
from ragkit.types import Conversation, Generation, GenerationRequest


class Bench(Protocol):
    """Where questions are asked: see :class:`~ragkit.evaluate.answer_bench.CollectionBench`."""

    def request(self, item: AnswerItem) -> GenerationRequest: ...

    def names(self, doc_ids: Sequence[str]) -> Mapping[str, str]: ...

    def read(self, text: str) -> str: ...

    def accept(self, text: str) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """The scores of each generator, in the order given, and every pair of them."""

    scores: tuple[AnswerScores, ...]
    comparisons: tuple[Comparison, ...] = field(default=())

    def reasons(self, generator: str) -> Counter[str]:
        """How often each reason of a refusal or kind of error occurred."""
        rows = next(one.rows for one in self.scores if one.generator == generator)
        return Counter(f"{row.status}: {row.reason or 'no reason'}" for row in rows if row.status != "answered")

    def as_json(self) -> dict[str, Any]:
        """The figures of ``ragkit eval answers --json``."""
        return {
            "generators": [
                {**one.as_json(), "reasons": dict(self.reasons(one.generator).most_common())} for one in self.scores
            ],
            "comparisons": [one.as_json() for one in self.comparisons],
        }


def evaluate_answers(
    bench: Bench,
    items: Sequence[AnswerItem],
    generators: Mapping[str, Generator],
    *,
    file: RowFile | None = None,
    progress: Callable[[int, int], None] | None = None,
    seed: int = 0,
) -> AnswerRun:
    """Ask every generator every question and judge the answers: :func:`collect`, then :func:`summarise`."""
    return summarise(collect(bench, items, generators, file=file, progress=progress), seed=seed)


def collect(
    bench: Bench,
    items: Sequence[AnswerItem],
    generators: Mapping[str, Generator],
    *,
    file: RowFile | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[AnswerRow]]:
    """Ask every generator every question; return the rows by generator.

    Args:
        bench: Masks, searches, and makes answers comparable.
        items: The questions.
        generators: By name.
        file: Keeps the rows as they come; questions whose rows it has already are not asked again.
        progress: Called with questions done and in all.

    Raises:
        AuditUnavailable: Something could not be recorded. All other errors of a generator count as a wrong answer.
    """
    rows: dict[str, list[AnswerRow]] = {name: [] for name in generators}
    for generator in generators.values():
        generator.load()
    for done, item in enumerate(items, start=1):
        known = file.rows(item.id) if file is not None else {}
        missing = {name: generator for name, generator in generators.items() if name not in known}
        found = {**known, **(_ask(bench, item, missing) if missing else {})}
        if file is not None:
            file.add([found[name] for name in missing])
        for name, one in rows.items():
            one.append(replace(found[name], cluster=item.cluster or item.id))
        if progress is not None:
            progress(done, len(items))
    return rows


def summarise(rows: Mapping[str, Sequence[AnswerRow]], *, seed: int = 0) -> AnswerRun:
    """The scores of each generator and every pair; rows of several collections may be put together."""
    runs = [one for one in rows.values() if one]
    return AnswerRun(
        tuple(score_answers(one, seed=seed) for one in runs), tuple(compare_all(runs, seed=seed)) if runs else ()
    )


def _ask(bench: Bench, item: AnswerItem, generators: Mapping[str, Generator]) -> dict[str, AnswerRow]:
    frozen = bench.request(item)
    names = bench.names(sorted({hit.doc_id for hit in frozen.hits}))
    accepted: dict[str, Sequence[str]] = {}

    def accept(text: str) -> Sequence[str]:
        if text not in accepted:
            accepted[text] = bench.accept(text)
        return accepted[text]

    found: dict[str, AnswerRow] = {}
    for name, generator in generators.items():
        request = replace(frozen, conversation=Conversation(turns=frozen.conversation.turns), request_id=uuid4().hex)
        started = time.perf_counter()
        outcome: Generation | str
        try:
            outcome = generator.generate(request)
        except AuditUnavailable:
            raise
        except Exception as error:  # a wrong answer, whatever it was; never dropped
            outcome = _kind(error)
        latency = (time.perf_counter() - started) * 1000
        found[name] = judge(item, name, request, names, outcome, read=bench.read, accept=accept, latency_ms=latency)
    return found


def _kind(error: Exception) -> str:
    code = error.code if isinstance(error, GenerationError) else ""
    return code or type(error).__name__
