"""The event catalogue, version 1: which events there are, who writes each, and what may stand in it.

The catalogue only grows: a type or key is added with the part that writes it, never renamed, retyped or removed, so
that a log of today is read by the ragkit of later years. Names follow OpenTelemetry GenAI where one exists.
"""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.audit.event_types import EventType as EventType
from ragkit.audit.event_types import keys as _keys
from ragkit.audit.fields import (
    is_count,
    is_counts,
    is_flag,
    is_hash,
    is_id,
    is_key,
    is_micro,
    is_name,
    is_parts,
    is_version,
    is_word,
    many,
    one_of,
    record_of,
)
from ragkit.audit.leaving import LEAVING
from ragkit.audit.oversight import OVERSIGHT

_LOG = _keys((is_count, "segment bytes events written"), (is_word, "code"), (is_counts, "calls connections sent"))
_RUN = _keys((is_name, "collection source connector"), (is_id, "run"))
_DOC = _RUN | _keys((is_id, "doc"), (is_count, "version"))
_CONTENT = _DOC | _keys(
    (is_count, "chunks bytes characters blocks pages"),
    (is_counts, "entities notices"),
    policy=is_version,
    access_class=is_id,
)
_UPLOAD = _keys((is_name, "collection source"), (is_count, "bytes tokens"), doc=is_id)
_GENERATION = _keys(
    (is_count, "generation previous chunks through delta bytes ms"),
    (is_version, "policy encoder chunker"),
    collection=is_name,
    language=is_name,
    manifest=is_hash,
    code=is_word,
)
_FOUND = _keys((is_counts, "by kept"), lowest_u=is_micro)
_QUESTION = _FOUND | _keys(
    (is_count, "characters history questions ms"),
    collection=is_name,
    entities=is_counts,
    policy=is_version,
    stored=is_flag,
)
_AUTH = _keys(
    (is_word, "verb code"),
    via=one_of("local", "caller", "key", "token", "session", "open"),
    collection=is_name,
    key=is_id,
    peer=is_hash,
    times=is_count,
)
_KEY = _keys(scope=one_of("root", "collection", "document", "value"), collection=is_name, doc=is_id, keys=is_count)
_POLICY = _keys((is_version, "previous policy"), collection=is_name)
_HOLD = _keys(
    (is_id, "hold"), collection=is_name, documents=is_count, scope=one_of("value", "document", "source", "collection"),
    reason=is_hash,
)  # fmt: skip
_COPY = _keys((is_id, "copy keys_copy"), kind=one_of("records", "keys"), made=is_version)
_SUBJECT = _keys(
    (is_count, "people values documents passages tokens shared chunks embedded recipients"),
    collection=is_name,
    entities=is_counts,
    purpose=is_hash,
    cause=is_hash,
)
_ERASURE = _keys(collection=is_name)
_DATA_CLASS = one_of("public", "internal", "confidential", "restricted")
_SCORED = record_of(chunk=is_id, doc=is_id, version=is_count, score_u=is_micro, rank=is_count, text=is_hash)
_CITED = record_of(chunk=is_id, doc=is_id, version=is_count)

CATALOGUE: Mapping[str, EventType] = {
    **LEAVING,
    **OVERSIGHT,
    # the log itself
    "log.opened": EventType("audit", "A process begins to write events.", _LOG),
    "log.closed": EventType(
        "audit", "A process wrote its last event; its HTTP calls, connections and bytes sent, by purpose.", _LOG
    ),
    "log.rotated": EventType("audit", "A new segment was begun because the last one was full.", _LOG),
    "log.recovered": EventType("audit", "A torn last line of a killed process was closed off.", _LOG),
    "log.reopened": EventType("audit", "The segment vanished under the writer; a new one was begun.", _LOG),
    "log.dropped": EventType("audit", "Events were lost in best-effort mode while the disk refused them.", _LOG),
    "log.resumed": EventType(
        "audit",
        "Events are recorded again. `events` were refused, and what they announced was not done; `written` of these, "
        "or of those before, are in the log all the same.",
        _LOG,
    ),
    # set-up
    "workspace.opened": EventType(
        "workspace",
        "A process opened the workspace.",
        _keys(collections=is_count, mode=one_of("read", "write"), data_classes=is_counts),
    ),
    "config.changed": EventType(
        "workspace",
        "The configuration differs from the one last used: its parts by name, with keyed hashes; of many, in `pieces`.",
        _keys((is_hash, "previous config"), (is_count, "piece pieces"), parts=is_parts),
        durable=True,
    ),
    "policy.changed": EventType(
        "workspace", "A collection's masking policy differs from the one it was masked with.", _POLICY
    ),
    "model.loaded": EventType(
        "index",
        "Model weights were read and matched their pinned hash.",
        _keys((is_word, "part dtype"), (is_count, "dimension ms"), model=is_version, hash=is_hash),
    ),
    "key.created": EventType("store", "A key was made.", _KEY, durable=True),
    "key.destroyed": EventType("store", "A key was destroyed, and with it what it opened.", _KEY, durable=True),
    "key.rotated": EventType(
        "keys",
        "A root key was admitted beside the old one, or a change of keys is finished. Nothing was masked again. Of the "
        "scope `audit`: the key that signs checkpoints, by its public half; the next checkpoint has both signatures.",
        _keys(
            (is_count, "generation keys ms"), scope=one_of("root", "wrapping", "audit"), finished=is_flag, key=is_hash
        ),
        durable=True,
    ),
    "key.escrowed": EventType(
        "keys",
        "The root key was written down for somebody else to keep.",
        _keys(kind=one_of("passphrase", "public-key", "shares"), files=is_count),
        durable=True,
    ),
    "key.recovered": EventType(
        "keys",
        "The root key was brought back from its escrow; of shares, how many.",
        _keys(shares=is_count),
        durable=True,
    ),
    "auth.ok": EventType("workspace", "A principal was let through.", _AUTH),
    "auth.denied": EventType("workspace", "A principal was turned away.", _AUTH),
    # from the source to the store
    "ingest.run.started": EventType(
        "connect", "A pass over a source began.", _RUN | _keys((is_flag, "resumed dry_run retry permissions"))
    ),
    "ingest.run.checkpoint": EventType(
        "connect",
        "Everything before this point of the source is stored.",
        _RUN | _keys(items=is_count, complete=is_flag),
    ),
    "ingest.run.finished": EventType(
        "connect",
        "A pass over a source ended.",
        _RUN
        | _keys(
            (
                is_count,
                "added updated unchanged renamed access_changed deleted quarantined items chunks ms expired held",
            ),
            (is_counts, "codes notices"),
            dry_run=is_flag,
            code=is_word,
        ),
    ),
    "doc.added": EventType("pipeline", "A document became visible.", _CONTENT),
    "doc.updated": EventType("pipeline", "A new version replaced the old one.", _CONTENT),
    "doc.deleted": EventType(
        "pipeline",
        "A document is gone here because it is gone at the source; `moved_to` is there with the same bytes.",
        _DOC | _keys(moved_to=is_id),
    ),
    "doc.quarantined": EventType(
        "pipeline",
        "An item was set aside and will be tried again.",
        _DOC | _keys(code=is_word, attempts=is_count),
    ),
    "upload.received": EventType(
        "documents", "A document was handed in, and is kept encrypted until a sync takes it in.", _UPLOAD, durable=True
    ),
    "upload.destroyed": EventType(
        "documents",
        "The original of an uploaded document was destroyed with its key: deleted, replaced, refused, or gone with a "
        "person or by a retention rule.",
        _UPLOAD | _keys(keys=is_count, cause=one_of("deleted", "replaced", "refused", "erasure", "retention")),
        durable=True,
    ),
    "doc.shown": EventType(
        "documents",
        "A stored document was shown, masked, or documents were listed by title.",
        _keys((is_count, "documents chunks"), collection=is_name, doc=is_id),
    ),
    "doc.rewritten": EventType(
        "lifecycle",
        "Masked values in a stored document were replaced without its source; a new version answers.",
        _DOC | _keys((is_count, "chunks embedded spans unaligned"), policy=is_version),
    ),
    "acl.changed": EventType(
        "pipeline",
        "Who may see a document changed; its text did not.",
        _DOC | _keys((is_id, "access_class previous"), tokens=is_count),
    ),
    "pii.masked": EventType(
        "mask",
        "Personal data was replaced in a document.",
        _DOC | _FOUND | _keys((is_count, "spans new_values documents"), policy=is_version, entities=is_counts),
    ),
    "remask.started": EventType(
        "lifecycle",
        "A collection is being masked again under another policy or detector.",
        _POLICY | _keys((is_count, "sources documents"), dry_run=is_flag),
    ),
    "remask.finished": EventType(
        "lifecycle",
        "Every source of a collection that can be read was masked again.",
        _POLICY
        | _keys(
            (is_count, "documents changed embedded chunks quarantined hidden unreachable ms"),
            (is_counts, "codes before after newly_masked newly_unmasked"),
            dry_run=is_flag,
        ),
    ),
    # the index
    "index.generation.built": EventType("index", "A generation was written and passed its probe.", _GENERATION),
    "index.generation.activated": EventType("index", "A generation became the one that answers.", _GENERATION),
    "index.generation.condemned": EventType(
        "index", "A generation failed its probe; exact search answers.", _GENERATION
    ),
    "index.generation.removed": EventType("index", "An old generation's files were deleted.", _GENERATION),
    # from the question to the answer
    "query.received": EventType("workspace", "A question came in and was masked.", _QUESTION),
    "retrieval.done": EventType(
        "retrieve",
        "Chunks were found and re-checked against the access list.",
        _QUESTION
        | _keys(
            (is_count, "generation through k candidates returned dropped classes"),
            exact=is_flag,
            filters=is_hash,
            filter_keys=many(is_key),
            chunks=many(_SCORED),
        ),
    ),
    "request.assembled": EventType(
        "pipeline",
        "What was asked and found is kept as evidence; only where evidence is kept.",
        _QUESTION | _keys((is_count, "hits k")),
    ),
    "guard.triggered": EventType(
        "pipeline",
        "A guard noticed, stopped or changed something.",
        _keys((is_word, "guard code"), count=is_count, collection=is_name, doc=is_id),
    ),
    "answer.begun": EventType(
        "pipeline",
        "The text of an answer begins to go to the caller in pieces; `answer.released` or `answer.abandoned` follows.",
        _keys((is_name, "collection generator"), (is_count, "hits"), data_class=_DATA_CLASS),
        durable=True,
    ),
    "answer.abandoned": EventType(
        "pipeline",
        "A stream was left, or failed, after a part of its text was given.",
        _keys((is_name, "collection generator"), characters=is_count),
        durable=True,
    ),
    "answer.released": EventType(
        "pipeline",
        "An answer went to the caller.",
        _keys(
            (is_count, "citations hits characters ms"),
            collection=is_name,
            generator=is_name,
            location=one_of("in-process", "on-prem", "managed", "remote"),
            data_class=_DATA_CLASS,
            refused=is_flag,
            code=is_word,
            support_u=is_micro,
            cited=many(_CITED),
        ),
        durable=True,
    ),
    "pii.unmasked": EventType(
        "workspace",
        "Masked values were shown in clear to an entitled principal.",
        _keys((is_count, "tokens characters"), collection=is_name, entities=is_counts, purpose=is_hash),
        durable=True,
    ),
    "pii.unmasking": EventType(
        "workspace",
        "A stream of masked text begins to be shown in clear; `pii.unmasked` follows with the counts when it ends.",
        _keys(collection=is_name, purpose=is_hash),
        durable=True,
    ),
    "text.masked": EventType("workspace", "Text handed in by a caller was masked.", _QUESTION),
    # keeping and letting go
    "retention.purged": EventType(
        "lifecycle",
        "Documents older than a retention rule allows were deleted with their keys.",
        _keys(
            (is_count, "rule days documents held undated values keys pruned ms"),
            (is_name, "collection source"),
            clock=one_of("modified", "indexed", "at"),
            dry_run=is_flag,
            purpose=is_hash,
        ),
        durable=True,
    ),
    "hold.placed": EventType("lifecycle", "A legal hold was placed; nothing it names is deleted.", _HOLD, durable=True),
    "hold.released": EventType("lifecycle", "A legal hold was released.", _HOLD, durable=True),
    "hold.kept": EventType(
        "pipeline", "Documents that are gone at the source stay here, because a hold keeps them.", _HOLD | _RUN
    ),
    "backup.made": EventType(
        "lifecycle",
        "A copy of the record store, or of the key file, was made.",
        _COPY | _keys((is_count, "files bytes segments ms"), schema=is_count),
        durable=True,
    ),
    "backup.restored": EventType(
        "lifecycle",
        "A backup was put in the place of the record store.",
        _COPY
        | _keys(
            (is_count, "documents dropped values redacted originals_missing files bytes ms"),
            (is_flag, "resumed elsewhere unsafe_keys own_keys indexed"),
        ),
        durable=True,
    ),
    "attack.run": EventType(
        "attack",
        "A thief without keys was played on a collection, and scored.",
        _keys((is_count, "people documents attacks targets found"), collection=is_name),
    ),
    "erasure.requested": EventType(
        "lifecycle",
        "The erasure of a person was asked for.",
        _ERASURE | _keys((is_count, "values documents"), purpose=is_hash),
        durable=True,
    ),
    "erasure.step": EventType(
        "lifecycle", "A step of an erasure is done.", _ERASURE | _keys(step=is_word, counts=is_counts, ms=is_count)
    ),
    "erasure.verified": EventType(
        "lifecycle",
        "It was looked whether an erasure reached each level.",
        _ERASURE | _keys((one_of("true", "false", "partly"), "l0 l1 l2 l3")),
    ),
    "erasure.receipt": EventType(
        "lifecycle",
        "A signed receipt of an erasure was issued.",
        _ERASURE | _keys(complete=is_flag, key_id=is_id),
        durable=True,
    ),
    # checks and care
    "subject.found": EventType("subjects", "An officer looked for the people who have a value.", _SUBJECT),
    "subject.exported": EventType(
        "subjects", "Everything held of a person was given to an officer in clear.", _SUBJECT, durable=True
    ),
    "subject.corrected": EventType(
        "subjects", "A value of a person became another, in the vault and in every stored view.", _SUBJECT, durable=True
    ),
    "subject.restricted": EventType(
        "subjects", "A person's data is shown to nobody until that is lifted.", _SUBJECT, durable=True
    ),
    "subject.lifted": EventType("subjects", "A restriction was lifted.", _SUBJECT, durable=True),
    "generator.tested": EventType(
        "generators",
        "A generator was tested with a fixed public text.",
        _keys((is_count, "checks failed"), generator=is_name, destination=is_name, code=is_word),
    ),
    "health.checked": EventType(
        "workspace", "The parts were examined.", _keys((is_count, "checks failed"), codes=is_counts)
    ),
}
