"""From rows to the measures of answering, each with its 95 % interval.

With R the rows where all evidence was supplied (*a* = 1) and the others (*a* = 0)::

    fact_recall          Σ facts / |a=1|; 0 for a refusal or an error              (ALCE's STR-EM, with word bounds)
    refusal_f1           mean of the F1 of refusing a=0 and the F1 of answering a=1 (Trust-Score, F1_GR)
    calibrated_f1        F1 of Σ facts / |answered| and Σ facts / |a=1|             (Trust-Score, F1_AC)

Song et al. 2024, "Measuring and enhancing trustworthiness of LLMs in RAG", arXiv 2409.11242.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.evaluate.answer_judging import TRUNCATED, AnswerRow
from ragkit.evaluate.clusters import ClusterSums, auroc, harmonic, ratio
from ragkit.metrics import Estimate

if TYPE_CHECKING:
    from ragkit.evaluate.clusters import Sums, Values

MEASURES = (
    "calibrated_f1", "fact_recall", "refusal_f1", "refusal_auroc", "answer_f1", "em", "cite_id_precision",
    "cite_id_recall", "cite_valid", "unsupported_numbers", "lexical_support", "answer_rate", "over_refusal",
    "wrong_on_unanswerable", "evidence_supplied", "fact_recall_answerable", "errors", "truncated",
)  # fmt: skip
"""Names of :attr:`AnswerScores.measures`, in the order in which they are shown."""

_SHARES = {
    "fact_recall": ("facts", "supplied"),
    "fact_recall_answerable": ("facts_all", "answerable"),
    "answer_f1": ("f1", "with_reference"),
    "em": ("exact", "with_reference"),
    "answer_rate": ("answered", "all"),
    "over_refusal": ("refused_supplied", "supplied"),
    "wrong_on_unanswerable": ("answered_not", "not_supplied"),
    "cite_id_precision": ("cite_precision", "citing"),
    "cite_id_recall": ("cite_recall", "citing"),
    "cite_valid": ("cited_supplied", "cited"),
    "unsupported_numbers": ("with_unsupported", "answered"),
    "lexical_support": ("lexical", "answered"),
    "evidence_supplied": ("supplied", "answerable"),
    "errors": ("error", "all"),
    "truncated": ("cut", "all"),
}
"""Measures that are a column over another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerScores:
    """What one generator is worth on a set of questions.

    Attributes:
        measures: By name of :data:`MEASURES`; NaN where nothing defines one.
        latency_ms: 50th and 95th percentile of the generator's time.
        ttft_ms: Likewise to the first text; of a generator that tells none, the same as the latency.
        cost_micro: Sum over all questions; ``None`` where no price is known of one of them.
        cost_per_correct_micro: That by the answers that say every fact.
        rows: One a question.
    """

    generator: str
    questions: int
    clusters: int
    answerable: int
    supplied: int
    measures: dict[str, Estimate]
    latency_ms: tuple[float, float]
    ttft_ms: tuple[float, float]
    input_tokens: int
    output_tokens: int
    cost_micro: int | None
    cost_per_correct_micro: float | None
    currency: str
    rows: tuple[AnswerRow, ...] = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """The figures, without the rows; what is undefined is ``None``."""
        shown = {
            name: {end: _known(getattr(one, end)) for end in ("value", "low", "high")}
            for name, one in self.measures.items()
        }
        return {
            "generator": self.generator,
            **shown,
            "questions": self.questions,
            "clusters": self.clusters,
            "answerable": self.answerable,
            "supplied": self.supplied,
            "latency_p50_ms": _known(self.latency_ms[0]),
            "latency_p95_ms": _known(self.latency_ms[1]),
            "ttft_p50_ms": _known(self.ttft_ms[0]),
            "ttft_p95_ms": _known(self.ttft_ms[1]),
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_micro": self.cost_micro,
            "cost_per_correct_micro": self.cost_per_correct_micro,
            "currency": self.currency,
        }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def score_answers(rows: Sequence[AnswerRow], *, resamples: int = 2000, seed: int = 0) -> AnswerScores:
    """All measures of one generator's rows. Clusters of questions are resampled, not questions."""
    sums = ClusterSums([row.cluster for row in rows], columns(rows), resamples=resamples, seed=seed)
    found = {name: sums.share(*parts) for name, parts in _SHARES.items()}
    found["calibrated_f1"] = sums.estimate(calibrated_f1)
    found["refusal_f1"] = sums.estimate(_refusal_f1)
    found["refusal_auroc"] = auroc(
        [row.support for row in rows], [row.answerable for row in rows], [row.cluster for row in rows], seed=seed
    )
    costs = [row.cost_micro for row in rows]
    cost = None if None in costs or not costs else sum(one for one in costs if one is not None)
    correct = sum(row.supplied and row.score == 1.0 for row in rows)
    return AnswerScores(
        generator=rows[0].generator if rows else "",
        questions=len(rows),
        clusters=len({row.cluster for row in rows}),
        answerable=sum(row.answerable for row in rows),
        supplied=sum(row.supplied for row in rows),
        measures={name: found[name] for name in MEASURES},
        latency_ms=_percentiles([row.latency_ms for row in rows]),
        ttft_ms=_percentiles([row.ttft_ms for row in rows if row.status != "error"]),
        input_tokens=sum(row.input_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        cost_micro=cost,
        cost_per_correct_micro=cost / correct if cost is not None and correct else None,
        currency=next((row.currency for row in rows if row.cost_micro is not None), "USD"),
        rows=tuple(rows),
    )


def columns(rows: Sequence[AnswerRow]) -> dict[str, list[float]]:
    """What is summed of each row."""
    found: dict[str, list[float]] = {
        name: []
        for name in (
            "all", "answerable", "supplied", "not_supplied", "answered", "refused", "error", "cut", "answered_supplied",
            "answered_not", "refused_supplied", "refused_not", "facts", "facts_all", "f1", "exact", "with_reference",
            "citing", "cite_precision", "cite_recall", "cited", "cited_supplied", "with_unsupported", "lexical",
        )
    }  # fmt: skip
    for row in rows:
        answered, refused = row.status == "answered", row.status == "refused"
        citing = answered and row.supplied and not math.isnan(row.cite_recall)
        with_reference = row.supplied and not math.isnan(row.f1)
        values: dict[str, float] = {
            "all": 1,
            "answerable": row.answerable,
            "supplied": row.supplied,
            "not_supplied": not row.supplied,
            "answered": answered,
            "refused": refused,
            "error": row.status == "error",
            "cut": row.status == "error" and row.reason == TRUNCATED,
            "answered_supplied": answered and row.supplied,
            "answered_not": answered and not row.supplied,
            "refused_supplied": refused and row.supplied,
            "refused_not": refused and not row.supplied,
            "facts": row.score if row.supplied else 0,
            "facts_all": row.facts if row.answerable and not math.isnan(row.facts) else 0,
            "f1": row.f1 if with_reference else 0,
            "exact": row.exact if with_reference else 0,
            "with_reference": with_reference,
            "citing": citing,
            "cite_precision": row.cite_precision if citing else 0,
            "cite_recall": row.cite_recall if citing else 0,
            "cited": row.cited,
            "cited_supplied": row.cited_supplied,
            "with_unsupported": row.unsupported_numbers > 0,
            "lexical": 0 if math.isnan(row.lexical_support) else row.lexical_support,
        }
        for name, value in values.items():
            found[name].append(float(value))
    return found


def calibrated_f1(of: Sums) -> Values:
    """F1_AC of sums: what is right of what was answered, and of what could be."""
    return harmonic(ratio(of("facts"), of("answered")), ratio(of("facts"), of("supplied")))


def _refusal_f1(of: Sums) -> Values:
    """F1_GR of sums: NaN where all questions can be answered, or none."""
    refusing = harmonic(ratio(of("refused_not"), of("refused")), ratio(of("refused_not"), of("not_supplied")))
    answering = harmonic(ratio(of("answered_supplied"), of("answered")), ratio(of("answered_supplied"), of("supplied")))
    asked = ratio(of("not_supplied"), of("not_supplied")) * ratio(of("supplied"), of("supplied"))  # 1 or NaN
    found: Values = asked * (refusing + answering) / 2
    return found


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 95th, by nearest rank."""
    if not values:
        return math.nan, math.nan
    ordered = sorted(values)
    return ordered[math.ceil(0.5 * len(ordered)) - 1], ordered[math.ceil(0.95 * len(ordered)) - 1]
