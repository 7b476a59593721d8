"""JSON of what concerns sources: ``sync``, ``diff``, ``sources``, ``quarantine``."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Fields, Shape

_COUNTS: Fields = {
    "added": ("int", "new documents"),
    "updated": ("int", "documents with a new version"),
    "unchanged": ("int", "documents as before"),
    "renamed": ("int", "documents that have another name at the source, and the same bytes"),
    "access_changed": ("int", "documents whose readers changed, text as before"),
    "deleted": ("int", "documents that are gone at the source"),
    "expired": ("int", "items not taken in, or kept away, because retention says they are too old"),
    "held": ("int", "documents gone at the source that a legal hold keeps"),
    "refused": ("int", "items set aside by this run"),
}
_FAILED: Fields = {
    "failed": ("text", "name of the error that ended a source's pass; mostly empty"),
    "message": ("text", "what it says; mostly empty"),
    "remedy": ("text", "what to do about it; mostly empty"),
}
_PLACE: Fields = {
    "collection": ("text", "the collection"),
    "source": ("text", "the source's name in it"),
}
_SET_ASIDE: Fields = {
    "source": ("text", "name of the source"),
    "doc_id": ("text", "opaque id"),
    "code": ("text", "why, a short stable word"),
    "native_id": ("text or null", "the source's own id, with `--purpose` for the entitled"),
    "remedy": ("text", "what to do"),
}

SOURCES: Mapping[str, Shape] = {
    "diff": Shape(
        verb="diff --json",
        about="What a sync would do, by source.",
        fields={"sources": ("list of source_diff", "in the configuration's order")},
    ),
    "difference": Shape(
        about="One item that a sync would treat.",
        fields={
            "kind": ("text", "`added`, `updated`, `renamed`, `access_changed` or `deleted`"),
            "doc_id": ("text", "opaque id; of an item that was renamed, the one that it was"),
            "name": ("text or null", "the source's own id, with `--purpose` for the entitled"),
            "to": ("text or null", "likewise, the new one of an item that was renamed"),
        },
    ),
    "quarantine": Shape(
        verb="quarantine list --json",
        about="The items that were set aside.",
        fields={"items": ("list of quarantined", "by source and code")},
    ),
    "quarantined": Shape(
        about="An item that was set aside; it is tried again when it changes.",
        fields=_SET_ASIDE,
    ),
    "quarantine_item": Shape(
        verb="quarantine show --json",
        about="One item that was set aside.",
        fields={
            **_SET_ASIDE,
            "collection": ("text", "the collection"),
            "message": ("text", "what is wrong with it, in words; no content"),
            "attempts": ("int", "how often it was tried"),
            "first": ("text", "when it was first set aside with this content, ISO 8601"),
            "last": ("text", "when it was last tried, ISO 8601"),
            "answers": ("true or false", "an older version of it still answers"),
        },
    ),
    "quarantine_retried": Shape(
        verb="quarantine retry --json",
        about="What became of items that were tried again.",
        fields={
            "items": ("list of retried", "one an item"),
            "report": ("sync_report", "what the syncs of their sources did"),
            "exit_code": ("int", "0, 1 (some are set aside still) or 2 (a source could not be read)"),
        },
    ),
    "retried": Shape(
        about="An item that was tried again.",
        fields={
            **_PLACE,
            "doc_id": ("text", "opaque id"),
            "before": ("text", "the code under which it was set aside"),
            "status": ("text", "`indexed`, `quarantined`, `gone` (no more at the source) or `waiting` (not reached)"),
            "code": ("text", "the code under which it is set aside now; empty when it is not"),
        },
    ),
    "source": Shape(
        about="A source of the configuration, and what is held of it.",
        fields={
            **_PLACE,
            "connector": ("text", "how it is read; empty where it is `dropped`"),
            "trust": ("text", "`trusted`, `internal` or `external`; empty where it is `dropped`"),
            "every": ("text or null", "how often `sync --scheduled` syncs it"),
            "permissions_every": ("text or null", "how often it reads again who may see what"),
            "documents": ("int", "documents that answer"),
            "quarantined": ("int", "items that are set aside"),
            "state": (
                "text",
                "`complete`; `open`: the next sync goes on, always where changes are told; `never` synced; `dropped`",
            ),
            "last": ("text or null", "when a sync last stored how far it is, ISO 8601"),
        },
    ),
    "source_added": Shape(
        verb="sources add --json",
        about="A source that was added to `ragkit.toml`.",
        fields={**_PLACE, "connector": ("text", "how it is read"), "tested": ("text or null", "what the test saw")},
    ),
    "source_diff": Shape(
        about="What a sync of one source would do.",
        fields={
            **_PLACE,
            **{key: one for key, one in _COUNTS.items() if key != "refused"},
            **_FAILED,
            "stopped": ("true or false", "so much would be deleted that the sync would be stopped"),
            "differences": ("list of difference", "which items, at most `--limit`; those as before left out"),
        },
    ),
    "source_test": Shape(
        about="Whether a source can be read.",
        fields={
            **_PLACE,
            "connector": ("text", "how it is read"),
            "outcome": ("text", "`ok`, `unreadable`, or `unusable`: configuration, secret or package"),
            "detail": ("text", "what was seen, or what is wrong; no names of items"),
            "remedy": ("text", "what to do; empty where all is well"),
            "seconds": ("number", "how long it took"),
        },
    ),
    "source_tests": Shape(
        verb="sources test --json",
        about="Whether the sources can be read.",
        fields={"sources": ("list of source_test", "in the configuration's order")},
    ),
    "sources": Shape(
        verb="sources list --json",
        about="The sources, and what is held of each.",
        fields={"sources": ("list of source", "in the configuration's order")},
    ),
    "sync": Shape(
        verb="sync --json",
        about="What one pass over the sources did.",
        fields={
            "dry_run": ("true or false", "nothing was stored"),
            **_COUNTS,
            "quarantined": ("object", "all items set aside now: count by code"),
            "chunks": ("int", "chunks written"),
            "masked": ("object", "spans masked: count by entity type"),
            "notices": ("object", "what a reader should know: count by code"),
            "seconds": ("object", "time by stage; stages overlap"),
            "elapsed": ("number", "wall time in seconds"),
            **_FAILED,
            "exit_code": ("int", "0, 1 (some set aside) or 2 (failed)"),
            "policy_changed": ("true or false", "the policy or a detector changed, so that all was masked again"),
            "sources": ("list of sync_source", "the same by source"),
        },
    ),
    "sync_report": Shape(
        about="What syncs did, in counts.",
        fields={**_COUNTS, "chunks": ("int", "chunks written"), **_FAILED},
    ),
    "sync_run": Shape(
        verb="sync --every … --json",
        about="One run of a schedule; one such object a line.",
        fields={
            "at": ("text", "when it began, ISO 8601"),
            "kind": ("text", "`sync`, or `permissions`: only who may see what was read"),
            "places": ("list of text", "the sources, each `collection/source`"),
            "report": ("sync_report or null", "what it did; null when nothing was begun"),
            "sources": ("list of sync_source", "the same by source"),
            "failed": ("text", "name of the error that ended it, or a source of it; mostly empty"),
            "message": ("text", "what it says"),
            "remedy": ("text", "what to do about it"),
            "elapsed": ("number", "seconds"),
        },
    ),
    "sync_source": Shape(
        about="What a sync did at one source.",
        fields={**_PLACE, **_COUNTS, "chunks": ("int", "chunks written"), **_FAILED},
    ),
}
