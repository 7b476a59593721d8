"""Every ``--json`` output of the command line: its keys, their types, their meaning. ``docs/json.md`` is this table.

A key is added without notice; a key that changes or goes raises the version in ``"ragkit": "name/version"``. ``emit``
refuses a payload whose keys are not those of the table, so that the page and the program cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ragkit.errors import RagkitError

Fields = Mapping[str, tuple[str, str]]
"""Key to (type, meaning)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One object.

    Attributes:
        verb: The command that prints it; empty for an object inside another.
        version: Raised when a key changes or goes.
        about: What it is, in a sentence.
        fields: Exactly the keys it has.
    """

    about: str
    fields: Fields
    verb: str = ""
    version: int = field(default=1)


_HIT: Fields = {
    "rank": ("int", "position, from 1"),
    "doc_id": ("text", "opaque id of the document"),
    "version": ("int", "version of the document that was read"),
    "chunk_id": ("int", "number of the chunk"),
    "score": ("number", "fused score; comparable within one question"),
    "title": ("text", "masked title"),
    "uri": ("text or null", "masked place at the source"),
    "page": ("int or null", "page of the first character, from 1"),
    "heading": ("text", "masked headings above, outermost first"),
    "start": ("int", "first character in the parsed source text"),
    "end": ("int", "one past the last character"),
    "text": ("text", "masked text of the chunk"),
    "metadata": ("object", "masked metadata"),
}
_CITATION: Fields = {
    "marker": ("int", "the number in the answer, from 1"),
    "doc_id": ("text", "opaque id of the document"),
    "version": ("int", "version of the document that was read"),
    "chunk_id": ("int", "number of the chunk"),
    "title": ("text", "masked title"),
    "uri": ("text or null", "masked place at the source"),
    "page": ("int or null", "page, from 1"),
    "heading": ("text", "masked headings above, outermost first"),
    "start": ("int", "first character in the parsed source text"),
    "end": ("int", "one past the last character"),
    "quote": ("text", "the cited sentence, masked"),
}
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
_CHECK: Fields = {
    "name": ("text", "what was examined"),
    "ok": ("true or false", "whether it is as it should be"),
    "detail": ("text", "what was found"),
    "remedy": ("text", "what to do; empty when ok"),
}

SHAPES: Mapping[str, Shape] = {
    "answer": Shape(
        verb="ask --json",
        about="An answer with its citations; masked, unless `--reveal` was given.",
        fields={
            "question": ("text", "the masked question"),
            "collection": ("text", "where it was looked up"),
            "text": ("text", "the answer with `[1]` markers"),
            "refused": ("true or false", "support was too weak, and the text says so"),
            "reason": ("text", "`no-hits`, `weak-support` or empty"),
            "support": ("number", "0..1, the generator's own estimate"),
            "citations": ("list of citation", "one a marker"),
            "hits": ("list of hit", "what was retrieved, best first"),
            "revealed": ("true or false", "whether text and citations are in clear"),
            "ambiguous": ("object", "mentions in the question that fit several values: count by entity type"),
            "request_id": ("text", "joins the events of this question"),
            "timings_ms": ("object", "milliseconds by stage"),
        },
    ),
    "attack": Shape(
        verb="attack --people --json",
        about="How often a thief without keys finds the files of the people on a list.",
        fields={
            "collection": ("text", "which was attacked"),
            "policy": ("text", "profile of its policy; empty for the default one"),
            "people": ("int", "on the list"),
            "documents": ("int", "in the collection"),
            "known": ("int", "people whose file the thief knew beforehand; they do not count"),
            "seed": ("int", "of the lots drawn"),
            "masked": ("object", "attack_outcome by attack: the workspace as it is"),
            "unmasked": ("object", "attack_outcome by attack: the same documents in clear; empty without the baseline"),
            "provider": ("object", "list of attack_linking by what a provider is sent"),
        },
    ),
    "attack_finding": Shape(
        about="One place of a data directory where something stands in clear.",
        fields={
            "where": ("text", "table, column or file"),
            "count": ("int", "rows, terms, lines or bytes; for a length, how many different ones"),
            "tells": ("text", "what it gives away"),
        },
    ),
    "attack_inventory": Shape(
        verb="attack --folder --json",
        about="What a data directory tells without a key.",
        fields={"findings": ("list of attack_finding", "places that hold something")},
    ),
    "attack_linking": Shape(
        about="How often a provider links a conversation with another about the same person.",
        fields={
            "method": ("text", "`tokens`, `words` or `vectors`"),
            "conversations": ("int", "that have another about the same person"),
            "linked": ("attack_share", "those linked with such a one first"),
            "chance": ("number", "what linking by lot would come to"),
        },
    ),
    "attack_outcome": Shape(
        about="What one attack came to.",
        fields={
            "targets": ("int", "people of the list with a document of their own"),
            "documents": ("int", "in the collection"),
            "first": ("attack_share", "of the targets, those whose own document is the first guess"),
            "top": ("attack_share", "those with an own document among the first hundredth"),
            "named": ("attack_share", "those for whom one document fits better than any other"),
            "precision": ("attack_share", "of those named, the right ones"),
            "first_chance": ("number", "what guessing by lot would come to, for `first`"),
            "top_chance": ("number", "the same for `top`"),
            "membership": ("number or null", "chance that who is in the documents fits better than who is not"),
        },
    ),
    "attack_share": Shape(
        about="A share with its 95 % interval (Wilson's); null where nothing was counted.",
        fields={
            "value": ("number or null", "0..1"),
            "low": ("number or null", "lower end"),
            "high": ("number or null", "upper end"),
        },
    ),
    "check": Shape(about="One thing examined by `doctor`.", fields=_CHECK),
    "citation": Shape(about="Where a statement of an answer comes from.", fields=_CITATION),
    "config": Shape(
        verb="config show --json",
        about="The settings in force, defaults included; secrets by the name of their variable or file.",
        fields={"settings": ("object", "tables and keys as in `ragkit.toml`")},
    ),
    "doctor": Shape(
        verb="doctor --json",
        about="Every part of the workspace, examined.",
        fields={"ok": ("true or false", "every check passed"), "checks": ("list of check", "in order")},
    ),
    "hit": Shape(about="A retrieved chunk that the asker may see.", fields=_HIT),
    "mask": Shape(
        verb="mask --json",
        about="What was found in the text on standard input, and the text with it masked.",
        fields={"masked": ("text", "the masked text"), "spans": ("list of span", "in order")},
    ),
    "measure": Shape(about="A mean with its bootstrap interval.", fields=_MEASURE),
    "miss": Shape(
        about="A labelled span that can be read in part, in its context without values.",
        fields={
            "entity_type": ("text", "of the span"),
            "context": ("text", "its surroundings; every labelled or masked value as its type, other digits as #"),
        },
    ),
    "models": Shape(
        verb="models verify --json",
        about="Model files, compared with the hashes that ragkit was measured with.",
        fields={"ok": ("true or false", "every check passed"), "checks": ("list of check", "one a model")},
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
    "remask": Shape(
        verb="remask --json",
        about="What masking again under the present policy changed; with `--dry-run`, what it would change.",
        fields={
            "documents": ("int", "masked again"),
            "changed": ("int", "of these, with another masked text, title, name or metadata than before"),
            "embedded": ("int", "of these, with a chunk that must be embedded again"),
            "chunks": ("int", "chunks that must be embedded again"),
            "refused": ("object", "documents set aside under the new policy, by code"),
            "before": ("object", "masked spans by entity type in these documents, as they were"),
            "after": ("object", "the same under the new policy"),
            "newly_masked": (
                "object",
                "by type, values that stood in clear somewhere in a text and are masked there now",
            ),
            "newly_unmasked": (
                "object",
                "by their old type, values that were masked somewhere and are in clear there now",
            ),
            "unreachable": ("object", "by source, the error for which it could not be read"),
            "hidden": ("object", "by source, documents that wait to be masked again; not found until then"),
            "estimated": ("number or null", "seconds that the run is expected to take; null unless a dry run"),
            "elapsed": ("number", "seconds"),
            "dry_run": ("true or false", "nothing was stored"),
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
    "policies": Shape(
        verb="policy list --json",
        about="The profiles that come with ragkit, and the policies of the workspace.",
        fields={"policies": ("list of policy_line", "profiles first")},
    ),
    "policy": Shape(
        verb="policy show --json",
        about="What a policy looks for and what happens to it.",
        fields={
            "name": ("text", "its name"),
            "profile": ("text or null", "the profile that it extends"),
            "secrets": ("text", "`quarantine`, `mask` or `unsafe_keep`"),
            "default_threshold": ("number", "0..1, for types without their own"),
            "detectors": ("list of text", "the learned detectors that run"),
            "countries": ("list of text", "whose identity numbers are looked for"),
            "unsafe": ("list of text", "the unsafe choices it makes"),
            "entities": ("list of policy_entity", "by name"),
            "lists": ("list of policy_list", "deny lists, then allow lists"),
        },
    ),
    "policy_entity": Shape(
        about="One entity type of a policy.",
        fields={
            "entity_type": ("text", "the type"),
            "operator": ("text", "`token`, `shift`, `redact`, `generalise`, `keep` or `refuse`"),
            "to": ("text or null", "how coarse, for `generalise`; null is the usual"),
            "threshold": ("number", "least score, 0..1"),
            "found_by": ("list of text", "what could find it; empty: nothing does"),
        },
    ),
    "policy_line": Shape(
        about="One policy by name.",
        fields={
            "name": ("text", "its name"),
            "kind": ("text", "`profile` or `policy`"),
            "about": ("text", "what it is for"),
            "entities": ("int", "how many entity types have a rule"),
            "collections": ("list of text", "the collections that use it"),
        },
    ),
    "policy_list": Shape(
        about="A list of terms that a policy names. Its terms are never shown.",
        fields={
            "name": ("text", "its key in the policy"),
            "kind": ("text", "`deny` or `allow`"),
            "entity_types": ("list of text", "the types it holds for; of an allow list, empty for all"),
            "source": ("text", "`file` or `database`"),
            "terms": ("int or null", "how many there are; null if it cannot be read"),
            "problem": ("text", "why it cannot be read; mostly empty"),
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
    "search": Shape(
        verb="search --json",
        about="What was retrieved for one question. With `--questions`, one such object a line.",
        fields={
            "id": ("text or null", "the id of the question in `--questions`"),
            "hits": ("list of hit", "best first"),
        },
    ),
    "quarantine": Shape(
        verb="quarantine --json",
        about="The items that were set aside.",
        fields={"items": ("list of quarantined", "by source and code")},
    ),
    "quarantined": Shape(
        about="An item that was set aside; it is tried again when it changes.",
        fields={
            "source": ("text", "name of the source"),
            "doc_id": ("text", "opaque id"),
            "code": ("text", "why, a short stable word"),
            "native_id": ("text or null", "the source's own id, with `--purpose` for the entitled"),
            "remedy": ("text", "what to do"),
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
    "span": Shape(
        about="Personal data found in a text; offsets in characters of the text as given.",
        fields={
            "start": ("int", "first character"),
            "end": ("int", "one past the last character"),
            "entity_type": ("text", "as Presidio names it"),
            "score": ("number", "0..1"),
            "recognizer": ("text", "what found it"),
        },
    ),
    "status": Shape(
        verb="status --json",
        about="What the workspace holds.",
        fields={
            "workspace": ("text", "its name"),
            "bytes": ("int", "size of the data directory"),
            "collections": ("object", "figures by collection: documents, chunks, generation, health and others"),
        },
    ),
    "sync": Shape(
        verb="sync --json",
        about="What one pass over the sources did.",
        fields={
            "dry_run": ("true or false", "nothing was stored"),
            "added": ("int", "new documents"),
            "updated": ("int", "documents with a new version"),
            "unchanged": ("int", "documents as before"),
            "access_changed": ("int", "documents whose readers changed, text as before"),
            "deleted": ("int", "documents that are gone at the source"),
            "expired": ("int", "items not taken in, or kept away, because retention says they are too old"),
            "held": ("int", "documents gone at the source that a legal hold keeps"),
            "refused": ("int", "items set aside by this run"),
            "quarantined": ("object", "all items set aside now: count by code"),
            "chunks": ("int", "chunks written"),
            "masked": ("object", "spans masked: count by entity type"),
            "notices": ("object", "what a reader should know: count by code"),
            "seconds": ("object", "time by stage; stages overlap"),
            "elapsed": ("number", "wall time in seconds"),
            "failed": ("text", "name of the error that ended a source's pass; mostly empty"),
            "exit_code": ("int", "0, 1 (some set aside) or 2 (failed)"),
            "policy_changed": ("true or false", "the policy or a detector changed, so that all was masked again"),
        },
    ),
}


def shaped(name: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``payload`` as an object of this shape, in the table's order, version first if a verb prints it.

    Raises:
        RagkitError: The keys are not exactly those of the table: a fault of the program.
    """
    shape = SHAPES[name]
    if payload.keys() != shape.fields.keys():
        odd = ", ".join(sorted(payload.keys() ^ shape.fields.keys()))
        raise RagkitError(f"the JSON of `{name}` does not have its shape: {odd}", remedy="Report this as a fault.")
    head = {"ragkit": f"{name}/{shape.version}"} if shape.verb else {}
    return head | {key: payload[key] for key in shape.fields}
