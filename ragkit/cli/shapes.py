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
            "request_id": ("text", "joins the events of this question"),
            "timings_ms": ("object", "milliseconds by stage"),
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
    "models": Shape(
        verb="models verify --json",
        about="Model files, compared with the hashes that ragkit was measured with.",
        fields={"ok": ("true or false", "every check passed"), "checks": ("list of check", "one a model")},
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
            "refused": ("int", "items set aside by this run"),
            "quarantined": ("object", "all items set aside now: count by code"),
            "chunks": ("int", "chunks written"),
            "masked": ("object", "spans masked: count by entity type"),
            "notices": ("object", "what a reader should know: count by code"),
            "seconds": ("object", "time by stage; stages overlap"),
            "elapsed": ("number", "wall time in seconds"),
            "failed": ("text", "name of the error that ended a source's pass; mostly empty"),
            "exit_code": ("int", "0, 1 (some set aside) or 2 (failed)"),
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
