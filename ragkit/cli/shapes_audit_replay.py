"""The ``--json`` output of ``audit blast-radius`` and ``audit replay``; ``ragkit.cli.shapes`` lists it."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Fields, Shape

_REPLAY: Fields = {
    "request": ("text", "its id"),
    "collection": ("text", "where it was asked"),
    "asked": ("text", "when, RFC 3339 in UTC"),
    "actor": ("text", "who asked, as a keyed hash"),
    "generator": ("text", "which answered; empty for a search"),
    "generation": ("int", "number of the index generation that was searched; 0 for the record store"),
    "whole": ("text", "same, differs or cannot"),
    "reason": ("text", "why it cannot be replayed: erasure, document, age, request, missing; or empty"),
    "causes": ("list of text", "all causes of its parts"),
    "parts": ("list of audit_replay_part", "in the order in which an answer comes to be"),
    "passages": ("list of audit_replay_passage", "those found then, best first, then those found only now"),
    "changes": ("list of audit_replay_change", "what is another one now"),
    "contents": ("object", "audit_replay_content by part, with `--evidence`; else empty"),
}
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
    "audit_replay": Shape(
        verb="audit replay ID --json",
        about="An answer made again as of then. Without content, unless `--evidence` was given.",
        fields=_REPLAY,
    ),
    "audit_replays": Shape(
        verb="audit replay --all --json",
        about="All answers of a time made again.",
        fields={
            "same": ("int", "how many are the same"),
            "differs": ("int", "how many differ"),
            "cannot": ("int", "how many cannot be replayed"),
            "causes": ("object", "answers by cause"),
            "reasons": ("object", "answers that cannot be replayed, by reason"),
            "replays": ("list of audit_replayed", "oldest first"),
        },
    ),
    "audit_replayed": Shape(about="One of several answers made again.", fields=_REPLAY),
    "audit_replay_part": Shape(
        about="One part of an answer, then and now.",
        fields={
            "name": ("text", "evidence, retrieval, passages, prompt, request_body or answer"),
            "verdict": ("text", "same, same-set, differs, not-run, not-deterministic, gone or not-kept"),
            "causes": ("list of text", "where it is not the same, why"),
            "then": ("text", "the log's commitment to it, or how many there were"),
            "now": ("text", "the same of what was made again; empty where it differs or was not made"),
            "bytes_then": ("int", "its length"),
            "bytes_now": ("int", "length of what was made again"),
        },
    ),
    "audit_replay_passage": Shape(
        about="One chunk that was found then, or is found now as of then.",
        fields={
            "chunk": ("int", "its number"),
            "doc": ("text", "opaque id of its document"),
            "version": ("int", "version of its document"),
            "rank_then": ("int", "place then, from 1; 0 for none"),
            "rank_now": ("int", "place in the replay; 0 for none"),
            "score_then": ("int", "fused score in millionths"),
            "score_now": ("int", "likewise"),
            "fate": ("text", "current, past, erased, purged or unknown: what became of this version"),
            "text": ("text", "same, differs, gone or not-kept"),
        },
    ),
    "audit_replay_change": Shape(
        about="Something that is another one now, whether it made a difference or not.",
        fields={
            "what": ("text", "policy, encoder, chunker, language, index, prompt, version, config, documents or access"),
            "then": ("text", "fingerprint, version or count"),
            "now": ("text", "likewise; of config the part that changed"),
        },
    ),
    "audit_replay_content": Shape(
        about="Content of a part, for officers.",
        fields={"then": ("text", "as it was kept, masked"), "now": ("text", "as it was made again")},
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
