"""One answer against what is known of its question: the row that all measures are summed from.

An error, a time-out or an answer that was cut is wrong and stays in every denominator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from ragkit.errors import EvaluationError
from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.evaluate.answer_text import (
    exact,
    fact_share,
    lexical_support,
    numbers,
    token_f1,
    without_markers,
)
from ragkit.types import Generation, GenerationRequest, Hit

Status = Literal["answered", "refused", "error"]
TRUNCATED = "truncated"
_CUT = ("length", "cut", "content-filter")

Clear = Callable[[str], Sequence[str]]
"""From a text in clear to the ways it may stand in an answer: masked, or as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """What one generator did with one question: numbers and words, no text of anybody.

    Attributes:
        question: The question's id.
        answerable: Whether the documents hold the answer, as the file says.
        supplied: Whether they do and all evidence was among the hits: what a generator can be asked to answer.
        reason: Why it refused, or the kind of error.
        facts: Share of the facts the answer says; 0 where it is none. NaN where nothing is supplied to find.
        f1: Words in common with the best reference; NaN without one.
        exact: Whether it is a reference; NaN without one.
        cite_precision: Share of the cited documents that are evidence; NaN without an answer, or where none is known.
        cite_recall: Share of the evidence that is cited; likewise.
        cited: Citations given, invented ones included.
        cited_supplied: Those of them that point to a chunk that was supplied.
        unsupported_numbers: How many numbers of the answer stand neither in the chunks nor in the question.
        lexical_support: See :func:`~ragkit.evaluate.answer_text.lexical_support`; NaN where nothing was answered.
        support: The generator's own estimate.
        latency_ms: Wall time of the generator.
        cost_micro: Millionths of ``currency``; ``None`` where no price is known.
    """

    question: str
    generator: str
    cluster: str
    status: Status
    answerable: bool
    supplied: bool
    reason: str = ""
    facts: float = math.nan
    f1: float = math.nan
    exact: float = math.nan
    cite_precision: float = math.nan
    cite_recall: float = math.nan
    cited: int = 0
    cited_supplied: int = 0
    unsupported_numbers: int = 0
    lexical_support: float = math.nan
    support: float = 0.0
    latency_ms: float = 0.0
    ttft_ms: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micro: int | None = None
    currency: str = "USD"
    route: str = "only"
    model: str = ""

    @property
    def score(self) -> float:
        """0..1: what it says of the facts where it can answer, whether it refuses where it cannot."""
        if self.supplied:
            return 0.0 if math.isnan(self.facts) else self.facts
        return float(self.status == "refused")

    def as_json(self) -> dict[str, Any]:
        """As a line of the output file, without the cluster, which may be a file's name; the undefined is ``None``."""
        shown = {key: value for key, value in asdict(self).items() if key != "cluster"}
        return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in shown.items()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> AnswerRow:
        """Read such a line again; the question's own name stands for its cluster.

        Raises:
            EvaluationError: It is not such a line.
        """
        kinds = {field.name: field.type for field in fields(cls)}
        try:
            values: dict[str, Any] = {
                key: math.nan if value is None and kinds[key] == "float" else value for key, value in row.items()
            }
            return cls(cluster=str(values["question"]), **values)
        except (KeyError, TypeError, AttributeError):
            raise EvaluationError(
                "the output file has a line of another kind", remedy="Name another file, or remove this one."
            ) from None


def judge(
    item: AnswerItem,
    generator: str,
    request: GenerationRequest,
    names: Mapping[str, str],
    outcome: Generation | str,
    *,
    read: Callable[[str], str] = str,
    accept: Clear = lambda text: (text,),
    latency_ms: float = 0.0,
) -> AnswerRow:
    """Judge one answer.

    Args:
        item: The question.
        generator: The generator's name.
        request: What it was given.
        names: The source's own id of every supplied document, by document id.
        outcome: What it returned, or the kind of error.
        read: Makes an answer readable for comparison: reveals it, or leaves it masked.
        accept: From an accepted string to how it may stand in what was read.
        latency_ms: Wall time.
    """
    found = {names[hit.doc_id] for hit in request.hits if hit.doc_id in names}
    row = AnswerRow(
        question=item.id,
        generator=generator,
        cluster=item.cluster,
        status="error",
        answerable=item.answerable,
        supplied=item.answerable and found.issuperset(item.evidence),
        latency_ms=round(latency_ms, 3),
        **_worthless(item),
    )
    if isinstance(outcome, str):
        return replace(row, reason=outcome)
    account = outcome.account
    row = replace(
        row,
        support=outcome.support,
        ttft_ms=account.ttft_ms or round(latency_ms, 3),
        input_tokens=account.usage.input,
        output_tokens=account.usage.output,
        cost_micro=account.cost_micro,
        currency=account.currency,
        route=account.route,
        model=account.model,
    )
    if outcome.refused:
        return replace(row, status="refused", reason=outcome.reason)
    if account.finish in _CUT:
        return replace(row, reason=TRUNCATED)
    return replace(row, status="answered", **_content(item, request, names, outcome, read, accept))


def _worthless(item: AnswerItem) -> dict[str, Any]:
    """The worth of no answer: 0 where there was something to be had."""
    return {
        "facts": 0.0 if item.answerable else math.nan,
        "f1": 0.0 if item.references else math.nan,
        "exact": 0.0 if item.references else math.nan,
    }


def _content(
    item: AnswerItem,
    request: GenerationRequest,
    names: Mapping[str, str],
    outcome: Generation,
    read: Callable[[str], str],
    accept: Clear,
) -> dict[str, Any]:
    supplied = {hit.chunk_id for hit in request.hits}
    cited = {names.get(one.doc_id, "") for one in outcome.citations if one.chunk_id in supplied}
    right = len(cited & set(item.evidence))
    recall = right / len(item.evidence) if item.evidence else math.nan
    text = read(without_markers(outcome.text))
    facts = [tuple(way for accepted in fact for way in accept(accepted)) for fact in item.facts]
    references = [way for reference in item.references for way in accept(reference)]
    said = fact_share(text, facts) if facts else recall
    return {
        "facts": said if item.answerable else math.nan,
        "f1": token_f1(text, references) if references else math.nan,
        "exact": float(exact(text, references)) if references else math.nan,
        "cite_precision": (right / len(cited) if cited else 0.0) if item.evidence else math.nan,
        "cite_recall": recall,
        "cited": len(outcome.citations) + outcome.checks.invented_citations,
        "cited_supplied": sum(one.chunk_id in supplied for one in outcome.citations),
        "unsupported_numbers": len(_unsupported(outcome, request)),
        "lexical_support": lexical_support(outcome.text, [hit.chunk.record for hit in request.hits]),
    }


def _unsupported(outcome: Generation, request: GenerationRequest) -> set[str]:
    """Both sides masked: a token that was never handed out is without a source too."""
    said = numbers(without_markers(outcome.text))
    if not said:
        return said
    known = numbers(request.question.text.record)
    for hit in request.hits:
        known |= numbers(_shown(hit))
    return said - known


def _shown(hit: Hit) -> str:
    """All that a prompt may hold of a hit."""
    chunk = hit.chunk
    parts = (hit.title, chunk.heading, chunk.context_record, hit.before, chunk.record, hit.after)
    return "\n".join((*parts, *hit.metadata.values()))
