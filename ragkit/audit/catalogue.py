"""The event catalogue, version 1: which events there are, who writes each, and what may stand in it.

The catalogue only grows: a type or key is added with the part that writes it, never renamed, retyped or removed, so
that a log of today is read by the ragkit of later years. Names follow OpenTelemetry GenAI where one exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ragkit.audit.fields import (
    Shape,
    is_count,
    is_counts,
    is_flag,
    is_hash,
    is_id,
    is_key,
    is_micro,
    is_name,
    is_version,
    is_word,
    many,
    one_of,
    record_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type of event.

    Attributes:
        owner: The part that writes it.
        about: What it means, in a sentence.
        fields: Allowed keys of ``data`` with their shapes; none is required.
        durable: On the disk before the action it announces goes on.
    """

    owner: str
    about: str
    fields: Mapping[str, Shape] = field(default_factory=dict)
    durable: bool = False


_RUN: dict[str, Shape] = {"collection": is_name, "source": is_name, "connector": is_name, "run": is_id}
_DOC: dict[str, Shape] = {**_RUN, "doc": is_id, "version": is_count}
_CONTENT: dict[str, Shape] = {
    **_DOC,
    "chunks": is_count,
    "bytes": is_count,
    "characters": is_count,
    "blocks": is_count,
    "pages": is_count,
    "policy": is_version,
    "entities": is_counts,
    "notices": is_counts,
    "access_class": is_id,
}
_GENERATION: dict[str, Shape] = {
    "collection": is_name,
    "generation": is_count,
    "previous": is_count,
    "chunks": is_count,
    "through": is_count,
    "delta": is_count,
    "bytes": is_count,
    "ms": is_count,
    "policy": is_version,
    "encoder": is_version,
    "chunker": is_version,
    "manifest": is_hash,
    "code": is_word,
}
_QUESTION: dict[str, Shape] = {
    "collection": is_name,
    "characters": is_count,
    "history": is_count,
    "entities": is_counts,
    "policy": is_version,
    "questions": is_count,
    "ms": is_count,
}
_LOG: dict[str, Shape] = {"segment": is_count, "bytes": is_count, "events": is_count, "code": is_word}

CATALOGUE: Mapping[str, EventType] = {
    # the log itself
    "log.opened": EventType(owner="audit", about="A process begins to write events.", fields=_LOG),
    "log.closed": EventType(owner="audit", about="A process has written its last event.", fields=_LOG),
    "log.rotated": EventType(
        owner="audit", about="A new segment was begun because the last one was full.", fields=_LOG
    ),
    "log.recovered": EventType(
        owner="audit", about="A torn last line of a killed process was closed off.", fields=_LOG
    ),
    "log.reopened": EventType(
        owner="audit", about="The segment vanished under the writer; a new one was begun.", fields=_LOG
    ),
    "log.dropped": EventType(
        owner="audit", about="Events were lost in best-effort mode while the log could not be written.", fields=_LOG
    ),
    # set-up
    "workspace.opened": EventType(
        owner="workspace",
        about="A process opened the workspace.",
        fields={"collections": is_count, "mode": one_of("read", "write"), "data_classes": is_counts},
    ),
    "config.changed": EventType(
        owner="workspace",
        about="The configuration differs from the one last used.",
        fields={"previous": is_hash, "config": is_hash},
    ),
    "policy.changed": EventType(
        owner="workspace",
        about="A collection's masking policy differs from the one it was masked with.",
        fields={"collection": is_name, "previous": is_version, "policy": is_version},
    ),
    "model.loaded": EventType(
        owner="index",
        about="Model weights were read and matched their pinned hash.",
        fields={
            "model": is_version,
            "part": is_word,
            "hash": is_hash,
            "dtype": is_word,
            "dimension": is_count,
            "ms": is_count,
        },
    ),
    "key.created": EventType(
        owner="store",
        about="A key was made.",
        fields={
            "scope": one_of("root", "collection", "document", "value"),
            "collection": is_name,
            "doc": is_id,
            "keys": is_count,
        },
        durable=True,
    ),
    "key.destroyed": EventType(
        owner="store",
        about="A key was destroyed, and with it what it opened.",
        fields={
            "scope": one_of("collection", "document", "value"),
            "collection": is_name,
            "doc": is_id,
            "keys": is_count,
        },
        durable=True,
    ),
    "auth.ok": EventType(
        owner="workspace",
        about="A principal was let through.",
        fields={"via": one_of("local", "caller"), "verb": is_word, "collection": is_name},
    ),
    "auth.denied": EventType(
        owner="workspace",
        about="A principal was turned away.",
        fields={"via": one_of("local", "caller"), "verb": is_word, "collection": is_name},
    ),
    # from the source to the store
    "ingest.run.started": EventType(
        owner="connect",
        about="A pass over a source began.",
        fields={**_RUN, "resumed": is_flag, "dry_run": is_flag, "retry": is_flag},
    ),
    "ingest.run.checkpoint": EventType(
        owner="connect",
        about="Everything before this point of the source is stored.",
        fields={**_RUN, "items": is_count, "complete": is_flag},
    ),
    "ingest.run.finished": EventType(
        owner="connect",
        about="A pass over a source ended.",
        fields={
            **_RUN,
            "added": is_count,
            "updated": is_count,
            "unchanged": is_count,
            "access_changed": is_count,
            "deleted": is_count,
            "quarantined": is_count,
            "items": is_count,
            "chunks": is_count,
            "ms": is_count,
            "codes": is_counts,
            "notices": is_counts,
            "dry_run": is_flag,
            "code": is_word,
        },
    ),
    "doc.added": EventType(owner="pipeline", about="A document became visible.", fields=_CONTENT),
    "doc.updated": EventType(owner="pipeline", about="A new version replaced the old one.", fields=_CONTENT),
    "doc.deleted": EventType(
        owner="pipeline", about="A document is gone here because it is gone at the source.", fields=_DOC
    ),
    "doc.quarantined": EventType(
        owner="pipeline",
        about="An item was set aside and will be tried again.",
        fields={**_DOC, "code": is_word, "attempts": is_count},
    ),
    "acl.changed": EventType(
        owner="pipeline",
        about="Who may see a document changed; its text did not.",
        fields={**_DOC, "access_class": is_id, "previous": is_id, "tokens": is_count},
    ),
    "pii.masked": EventType(
        owner="mask",
        about="Personal data was replaced in a document.",
        fields={
            **_DOC,
            "policy": is_version,
            "entities": is_counts,
            "spans": is_count,
            "new_values": is_count,
            "documents": is_count,
        },
    ),
    # the index
    "index.generation.built": EventType(
        owner="index", about="A generation was written and passed its probe.", fields=_GENERATION
    ),
    "index.generation.activated": EventType(
        owner="index", about="A generation became the one that answers.", fields=_GENERATION
    ),
    "index.generation.condemned": EventType(
        owner="index", about="A generation failed its probe; exact search answers.", fields=_GENERATION
    ),
    "index.generation.removed": EventType(
        owner="index", about="An old generation's files were deleted.", fields=_GENERATION
    ),
    # from the question to the answer
    "query.received": EventType(owner="workspace", about="A question came in and was masked.", fields=_QUESTION),
    "retrieval.done": EventType(
        owner="retrieve",
        about="Chunks were found and re-checked against the access list.",
        fields={
            **_QUESTION,
            "generation": is_count,
            "k": is_count,
            "candidates": is_count,
            "returned": is_count,
            "dropped": is_count,
            "classes": is_count,
            "filter_keys": many(is_key),
            "filters": is_hash,
            "exact": is_flag,
            "chunks": many(
                record_of(chunk=is_id, doc=is_id, version=is_count, score_u=is_micro, rank=is_count, text=is_hash)
            ),
        },
    ),
    "guard.triggered": EventType(
        owner="pipeline",
        about="A guard stopped or changed something.",
        fields={"guard": is_word, "code": is_word, "count": is_count, "collection": is_name, "doc": is_id},
    ),
    "answer.released": EventType(
        owner="pipeline",
        about="An answer went to the caller.",
        durable=True,
        fields={
            "collection": is_name,
            "generator": is_name,
            "location": one_of("in-process", "on-prem", "managed", "remote"),
            "data_class": one_of("public", "internal", "confidential", "restricted"),
            "refused": is_flag,
            "code": is_word,
            "support_u": is_micro,
            "citations": is_count,
            "hits": is_count,
            "characters": is_count,
            "ms": is_count,
            "cited": many(record_of(chunk=is_id, doc=is_id, version=is_count)),
        },
    ),
    "pii.unmasked": EventType(
        owner="workspace",
        about="Masked values were shown in clear to an entitled principal.",
        durable=True,
        fields={
            "collection": is_name,
            "tokens": is_count,
            "entities": is_counts,
            "purpose": is_hash,
            "characters": is_count,
        },
    ),
    "text.masked": EventType(
        owner="workspace", about="Text handed in by a caller was masked; nothing was stored.", fields=_QUESTION
    ),
    # checks and care
    "health.checked": EventType(
        owner="workspace",
        about="The parts were examined.",
        fields={"checks": is_count, "failed": is_count, "codes": is_counts},
    ),
}
