"""The ``--json`` output of ``audit blast-radius`` and ``audit replay``; ``ragkit.cli.shapes`` lists it."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

AUDIT_REPLAY: Mapping[str, Shape] = {
    "audit_blast_radius": Shape(
        verb="audit blast-radius --json",
        about="The questions whose search found a document, and what became of them.",
        fields={
            "doc": ("text", "opaque id of the document; empty for a chunk that no search found"),
            "chunk": ("int or null", "number of the chunk, if one was asked for"),
            "version": ("int or null", "version that was asked for; null for all"),
            "totals": (
                "object",
                "counts: questions, answers, prompted, cited, left, actors, destinations, reviewed, …",
            ),
            "destinations": ("object", "questions whose prompts left, or may have left, by destination"),
            "holes": ("object", "events by which the log says that something is missing from it, by type"),
            "uses": ("list of audit_use", "oldest first"),
        },
    ),
    "audit_use": Shape(
        about="A question whose search found the document.",
        fields={
            "request": ("text", "joins its events; empty for a search in bulk"),
            "ts": ("text", "when it was searched, RFC 3339 in UTC"),
            "actor": ("text", "who asked, as a keyed hash"),
            "session": ("text", "of which dialogue; empty if none"),
            "collection": ("text", "where"),
            "by": ("text", "retrieved, prompted or cited: the farthest that the document is known to have come"),
            "ranks": ("list of int", "places of its chunks in the result, from 1"),
            "chunks": ("list of int", "numbers of its chunks in the result"),
            "versions": ("list of int", "versions of it in the result"),
            "prompted": ("true, false or null", "whether the prompt held it; null where the log does not say"),
            "cited": ("true or false", "whether the answer cites it"),
            "generator": ("text", "which answered; empty for a search"),
            "ended": ("text", "released, refused, abandoned, unfinished or search"),
            "left": ("list of audit_departure", "prompts that left, or may have left"),
            "reviews": ("list of text", "verdicts of people who looked at the answer"),
        },
    ),
    "audit_departure": Shape(
        about="A prompt that left, or may have left.",
        fields={
            "destination": ("text", "as declared in ragkit.toml"),
            "location": ("text", "on-prem, managed or remote"),
            "bytes": ("int", "of the request; 0 where no gateway saw it"),
            "ts": ("text", "when, RFC 3339 in UTC"),
        },
    ),
}
