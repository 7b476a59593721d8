"""The ``--json`` outputs of ``eval``; ``ragkit.cli.shapes`` lists them with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Fields, Shape

_MEASURE: Fields = {
    "value": ("number", "mean over the queries"),
    "low": ("number", "lower end of the 95 % interval"),
    "high": ("number", "upper end of the 95 % interval"),
}
_PII: Fields = {
    **{
        name: ("number or null", meaning)
        for name, meaning in {
            "precision": "of what was masked, the share that is right; null where nothing was",
            "recall": "of what is labelled, the share that was found; null where nothing is",
            "f1": "their harmonic mean",
            "f2": "the same, recall weighing twice",
            "precision_low": "lower end of the 95 % interval",
            "precision_high": "upper end",
            "recall_low": "lower end of the 95 % interval",
            "recall_high": "upper end",
            "f1_low": "lower end of the 95 % interval",
            "f1_high": "upper end",
            "f2_low": "lower end of the 95 % interval",
            "f2_high": "upper end",
        }.items()
    },
    "predicted": ("int", "spans (of `characters`: characters) that were masked"),
    "correct": ("int", "how many of them are right"),
    "gold": ("int", "spans (characters) that are labelled"),
    "found": ("int", "how many of them were found"),
}

MEASURING: Mapping[str, Shape] = {
    "measure": Shape(about="A mean with its bootstrap interval.", fields=_MEASURE),
    "miss": Shape(
        about="A labelled span that can be read in part, in its context without values.",
        fields={
            "entity_type": ("text", "of the span"),
            "context": ("text", "its surroundings; every labelled or masked value as its type, other digits as #"),
        },
    ),
    "pii": Shape(
        verb="eval pii --json",
        about="What masking finds in labelled text. Intervals are over documents, and never narrower than Wilson's.",
        fields={
            "type_blind_iou75": (
                "pii_measure",
                "whatever the type: runs of words matched at an intersection over union of .75, as presidio-research",
            ),
            "characters": ("pii_measure", "by character, whatever the type"),
            "exact": ("pii_measure", "the same first and last character and the same type"),
            "overlap": ("pii_measure", "a span of the same type that shares a character"),
            "fully_covered": ("pii_covered", "every letter and digit masked, as whatever type"),
            "by_type": ("object", "pii_type by entity type"),
            "documents": ("int", "texts that were read"),
            "characters_per_second": ("number", "characters over processor time of detection, all cores together"),
        },
    ),
    "pii_covered": Shape(
        about="A labelled span is found when every letter and digit of it is masked by spans of any type; a masked "
        "span is right when it touches a labelled letter or digit.",
        fields={
            **_PII,
            "texts": ("share", "texts with labelled spans of which nothing can be read"),
            "entities": ("object", "share by identifier type, of entities of which no mention can be read"),
            "misses": ("list of miss", "with `--misses`"),
        },
    ),
    "pii_measure": Shape(about="Precision, recall and F with intervals, and the counts.", fields=_PII),
    "pii_type": Shape(
        about="As `pii_covered`, of one entity type: what masks its labelled spans; what its masked spans touch.",
        fields={
            **_PII,
            "exact": ("pii_measure", "the same place and type"),
            "overlap": ("pii_measure", "a span of the same type that shares a character"),
        },
    ),
    "retrieval": Shape(
        verb="eval retrieval --json",
        about="Ranking quality on judged queries.",
        fields={
            "ndcg@10": ("measure", "normalised discounted cumulative gain over ten documents"),
            "recall@10": ("measure", "share of the relevant documents among the first ten"),
            "mrr@10": ("measure", "mean reciprocal rank of the first relevant document in ten"),
            "queries": ("int", "how many queries had judgements"),
        },
    ),
    "share": Shape(
        about="How many of a kind have nothing left to read.",
        fields={
            "all": ("int", "how many there are"),
            "covered": ("int", "how many of them are masked throughout"),
            "share": ("number or null", "covered of all; null where there are none"),
            "low": ("number or null", "lower end of the 95 % interval"),
            "high": ("number or null", "upper end"),
        },
    ),
}
