"""The ``--json`` output of ``eval answers``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

ANSWERS: Mapping[str, Shape] = {
    "answers": Shape(
        verb="eval answers --json",
        about="What generators make of the same questions and the same chunks. Intervals are over documents, by "
        "cluster bootstrap, of shares never narrower than Wilson's.",
        fields={
            "generators": ("list of answers_generator", "in the order given"),
            "comparisons": ("list of answers_comparison", "every pair; empty for one generator"),
        },
    ),
    "answers_comparison": Shape(
        about="Two generators, paired by question; differences are first minus second.",
        fields={
            "first": ("text", "name of a generator"),
            "second": ("text", "name of a generator"),
            "questions": ("int", "that both were asked"),
            "score": ("estimate", "difference of facts said where it can answer and refusal where it cannot"),
            "calibrated_f1": ("estimate", "difference of calibrated F1"),
            "p": ("number", "of a sign-flip permutation of whole documents"),
            "p_holm": ("number", "the same, corrected for the number of pairs"),
            "only_first": ("int", "questions that only the first has wholly right"),
            "only_second": ("int", "questions that only the second has wholly right"),
            "p_mcnemar": ("number", "McNemar's exact test of these two numbers"),
            "detectable": ("number or null", "least difference of scores that this set shows with a chance of 80 %"),
            "verdict": ("text", "`better`, `worse`, `no difference`, or `too few` where .10 could not be shown"),
        },
    ),
    "answers_generator": Shape(
        about="One generator. Refusals are judged against whether all evidence was among the chunks supplied; errors "
        "and cut answers are wrong.",
        fields={
            "generator": ("text", "its name"),
            "calibrated_f1": ("estimate", "F1 of the facts over what was answered and over what could be"),
            "fact_recall": ("estimate", "share of the facts that the answer says, where the evidence was supplied"),
            "refusal_f1": ("estimate", "mean of F1 of refusing and F1 of answering; null where all can be answered"),
            "refusal_auroc": ("estimate", "of its own support estimate against `answerable`; null without both kinds"),
            "answer_f1": ("estimate", "words in common with the best reference answer; null without any"),
            "em": ("estimate", "answers that are a reference answer"),
            "cite_id_precision": ("estimate", "of the documents cited, the share that is evidence"),
            "cite_id_recall": ("estimate", "of the evidence, the share that is cited"),
            "cite_valid": ("estimate", "of all citations, those of chunks that were supplied"),
            "unsupported_numbers": ("estimate", "answers with a number that no chunk and no question has"),
            "lexical_support": ("estimate", "words of a statement that one sentence of the chunks has, rare ones more"),
            "answer_rate": ("estimate", "answered of all"),
            "over_refusal": ("estimate", "refused although the evidence was supplied"),
            "wrong_on_unanswerable": ("estimate", "answered although it was not"),
            "evidence_supplied": ("estimate", "answerable questions whose evidence the search found"),
            "fact_recall_answerable": ("estimate", "fact recall over all answerable questions, the search included"),
            "errors": ("estimate", "no answer at all, or a cut one"),
            "truncated": ("estimate", "of all, the cut ones"),
            "questions": ("int", "how many"),
            "clusters": ("int", "documents, or whatever else questions share"),
            "answerable": ("int", "questions that the documents answer"),
            "supplied": ("int", "those whose evidence the search found"),
            "latency_p50_ms": ("number or null", "median time of the generator"),
            "latency_p95_ms": ("number or null", "95th percentile"),
            "ttft_p50_ms": ("number or null", "median time to the first text, as the generator tells"),
            "ttft_p95_ms": ("number or null", "95th percentile"),
            "input_tokens": ("int", "in all"),
            "output_tokens": ("int", "in all"),
            "cost_micro": ("int or null", "millionths of `currency`, in all; null where a price is not known"),
            "cost_per_correct_micro": ("number or null", "that by the answers that say every fact"),
            "currency": ("text", "of the prices"),
            "reasons": ("object", "how often by reason of a refusal or kind of error"),
        },
    ),
    "estimate": Shape(
        about="A measure with its 95 % interval; all null where nothing defines it.",
        fields={
            "value": ("number or null", "over all questions that count"),
            "low": ("number or null", "lower end"),
            "high": ("number or null", "upper end"),
        },
    ),
}
