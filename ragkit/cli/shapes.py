"""Every ``--json`` output of the command line: its keys, their types, their meaning. ``docs/json.md`` is this table.

A key is added without notice; a key that changes or goes raises the version in ``"ragkit": "name/version"``. ``emit``
refuses a payload whose keys are not those of the table, so that the page and the program cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ragkit.cli.shape import Fields as Fields
from ragkit.cli.shape import Shape as Shape
from ragkit.cli.shapes_answering import ANSWERING
from ragkit.cli.shapes_answers import ANSWERS
from ragkit.cli.shapes_api_keys import API_KEYS
from ragkit.cli.shapes_audit_checkpoints import AUDIT_CHECKPOINTS
from ragkit.cli.shapes_audit_evidence import AUDIT_EVIDENCE
from ragkit.cli.shapes_audit_people import AUDIT_PEOPLE
from ragkit.cli.shapes_audit_questions import AUDIT_QUESTIONS
from ragkit.cli.shapes_audit_replay import AUDIT_REPLAY
from ragkit.cli.shapes_audit_report import AUDIT_REPORT
from ragkit.cli.shapes_audit_story import AUDIT_STORY
from ragkit.cli.shapes_audit_verify import AUDIT_VERIFY
from ragkit.cli.shapes_documents import DOCUMENTS
from ragkit.cli.shapes_erasing import ERASING
from ragkit.cli.shapes_generators import GENERATORS
from ragkit.cli.shapes_keeping import KEEPING
from ragkit.cli.shapes_keys import KEYS
from ragkit.cli.shapes_measuring import MEASURING
from ragkit.cli.shapes_serving import SERVING
from ragkit.cli.shapes_sources import SOURCES
from ragkit.cli.shapes_subjects import SUBJECTS
from ragkit.cli.shapes_usage import USAGE
from ragkit.errors import RagkitError

_HIT: Fields = {
    "rank": ("int", "position, from 1"),
    "doc_id": ("text", "opaque id of the document"),
    "version": ("int", "version of the document that was read"),
    "chunk_id": ("int", "number of the chunk"),
    "score": ("number", "fused score; comparable within one question"),
    "title": ("text", "masked title"),
    "uri": ("text or null", "masked place at the source"),
    "source": ("text", "name of the source it comes from"),
    "trust": ("text", "how far that is trusted: `trusted`, `internal` or `external`"),
    "indexed_at": ("text", "when this version was made, ISO 8601"),
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
    "source": ("text", "name of the source it comes from"),
    "page": ("int or null", "page, from 1"),
    "heading": ("text", "masked headings above, outermost first"),
    "start": ("int", "first character in the parsed source text"),
    "end": ("int", "one past the last character"),
    "quote": ("text", "the cited sentence, masked"),
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
            "account": ("account", "which generator answered, and what it cost"),
            "checks": ("checks", "what was found wrong with a model's text"),
            "timings_ms": ("object", "milliseconds by stage"),
        },
    ),
    "attack": Shape(
        verb="attack --people --json",
        about="How often a thief without keys finds the files of the people on a list.",
        fields={
            "collection": ("text", "which was attacked"),
            "policy": ("text", "profile of its policy, or its name"),
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
    "models": Shape(
        verb="models verify --json",
        about="Model files, compared with the hashes that ragkit was measured with.",
        fields={"ok": ("true or false", "every check passed"), "checks": ("list of check", "one a model")},
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
    "search": Shape(
        verb="search --json",
        about="What was retrieved for one question. With `--questions`, one such object a line.",
        fields={
            "id": ("text or null", "the id of the question in `--questions`"),
            "hits": ("list of hit", "best first"),
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
    **SOURCES,
    **ANSWERING,
    **GENERATORS,
    **KEEPING,
    **API_KEYS,
    **KEYS,
    **ANSWERS,
    **MEASURING,
    **SERVING,
    **SUBJECTS,
    **USAGE,
    **DOCUMENTS,
    **ERASING,
    **AUDIT_CHECKPOINTS,
    **AUDIT_EVIDENCE,
    **AUDIT_PEOPLE,
    **AUDIT_QUESTIONS,
    **AUDIT_REPLAY,
    **AUDIT_REPORT,
    **AUDIT_STORY,
    **AUDIT_VERIFY,
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
