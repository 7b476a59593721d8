"""The events of the catalogue on the log's own proof, on who looks at it, on evidence, approvals and human review."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.audit.event_types import EventType
from ragkit.audit.event_types import keys as _keys
from ragkit.audit.fields import (
    is_count,
    is_counts,
    is_flag,
    is_hash,
    is_id,
    is_micro,
    is_name,
    is_version,
    is_word,
    many,
    one_of,
)

_RANGE = _keys((is_count, "from_seq to_seq"))
_CALLER_KEY = _keys((is_hash, "holder groups"), key=is_id, seconds=is_count)
_APPROVAL = _keys(verb=is_word, approval=is_id, collection=is_name, target=is_hash, purpose=is_hash)

_SERVICE = _keys(
    (is_count, "tenants seconds"), authentication=one_of("required", "none"), host=one_of("loopback", "other")
)

OVERSIGHT: Mapping[str, EventType] = {
    # the service
    "service.started": EventType(
        "serve",
        "A service began to answer from this workspace. With `authentication` `none`, whoever reaches it is the owner.",
        _SERVICE,
        durable=True,
    ),
    "service.stopped": EventType("serve", "It ended in order; without this event it was killed.", _SERVICE),
    # the log's own proof
    "checkpoint": EventType(
        "audit",
        "The first `size` lines of the log, this one included, are signed next.",
        _keys(size=is_count, key=is_hash),
    ),
    "checkpoint.refused": EventType(
        "audit",
        "No checkpoint was signed, because the log does not continue the one signed before; the reason says how.",
        _keys((is_count, "size seen")),
    ),
    "checkpoint.failed": EventType(
        "audit",
        "No checkpoint could be signed: the key or the disk is not there; the reason says how.",
        _keys(size=is_count),
    ),
    "checkpoint.accepted": EventType(
        "audit",
        "An auditor took the log as it is, though it does not continue what was signed, or its key is gone. A new line "
        "of checkpoints begins under a new key; the old one, up to `seen`, is put aside under the name `aside`.",
        _keys((is_count, "size seen"), aside=is_word, purpose=is_hash),
        durable=True,
    ),
    "anchor.done": EventType(
        "audit", "A checkpoint was taken to a place off this machine.", _keys(size=is_count, anchor=is_name)
    ),
    "anchor.failed": EventType(
        "audit", "A checkpoint could not be taken to its place.", _keys(size=is_count, anchor=is_name, code=is_word)
    ),
    "clock.jump": EventType(
        "audit", "The clock moved by more than time passed, in ms; below 0 for backwards.", _keys(ms=is_micro)
    ),
    "sink.failed": EventType(
        "audit", "A second sink takes no events; the reason says why.", _keys(sink=is_name, code=is_word)
    ),
    "sink.recovered": EventType(
        "audit", "A second sink takes events again; `lost` were not taken.", _keys(sink=is_name, lost=is_count)
    ),
    "verify.run": EventType(
        "audit",
        "The log was verified; a failure has its code as reason.",
        _keys((is_count, "lines checkpoints findings ms"), codes=is_counts),
    ),
    # who looks
    "access.audit": EventType(
        "audit", "Somebody read the log.", _keys(verb=is_word, events=is_count) | _RANGE, durable=True
    ),
    "access.evidence": EventType(
        "audit",
        "Evidence was shown to an officer.",
        _keys((is_count, "parts bytes"), collection=is_name, purpose=is_hash, of=is_id),
        durable=True,
    ),
    "evidence.destroyed": EventType(
        "audit",
        "Evidence was destroyed with its keys: at its age, or with a person, document or conversation.",
        _keys(
            (is_count, "conversations turns parts days"),
            collection=is_name,
            cause=one_of("age", "erasure", "document", "request"),
            purpose=is_hash,
        ),
        durable=True,
    ),
    "history.purged": EventType(
        "store",
        "Replaced versions were destroyed: at their age, by a retention rule, or with a person.",
        _keys((is_count, "versions days"), collection=is_name, cause=one_of("age", "retention", "erasure")),
        durable=True,
    ),
    "audit.exported": EventType(
        "audit", "Events were written to a file for somebody else.", _keys(events=is_count, format=is_word) | _RANGE
    ),
    "audit.reported": EventType(
        "audit", "A report was written.", _keys((is_count, "events findings"), hash=is_hash) | _RANGE
    ),
    "audit.checked": EventType(
        "audit", "Checks were run.", _keys((is_count, "checks findings unchecked"), codes=is_counts)
    ),
    "replay.run": EventType(
        "audit",
        "An answer was replayed; the counts by code say what is the same and what is not.",
        _keys(of=is_id, codes=is_counts, same=is_flag),
    ),
    # who may
    "principal.seen": EventType(
        "audit",
        "A principal acts in this process for the first time with these access tokens, as keyed hashes.",
        _keys(groups=is_hash, tokens=many(is_hash), via=one_of("local", "caller")),
    ),
    "acl.class": EventType(
        "store",
        "Who holds one of these tokens may see the documents of this access class; keyed as in `principal.seen`.",
        _keys(collection=is_name, source=is_name, run=is_id, access_class=is_id, tokens=many(is_hash)),
    ),
    "approval.requested": EventType("roles", "Approval of a second officer was asked for.", _APPROVAL, durable=True),
    "approval.granted": EventType("roles", "A second officer approved.", _APPROVAL, durable=True),
    "approval.used": EventType("roles", "What was approved is done now, once.", _APPROVAL, durable=True),
    "caller.key.created": EventType(
        "auth",
        "An API key was made for `holder` with these groups, keyed as actors are; it holds for so many seconds, or "
        "without them for ever.",
        _CALLER_KEY | _keys(scopes=many(is_word), replaces=is_id),
        durable=True,
    ),
    "caller.key.revoked": EventType(
        "auth",
        "An API key was revoked, or was replaced and opens nothing after so many seconds.",
        _CALLER_KEY | _keys(cause=one_of("request", "replaced")),
        durable=True,
    ),
    "caller.key.pruned": EventType(
        "auth", "The records of API keys were taken out that were over for days.", _keys((is_count, "keys days"))
    ),
    "permissions.reviewed": EventType(
        "audit",
        "Somebody looked at who may do what, as it is configured; `permissions` is the same while nothing changed.",
        _keys((is_count, "collections tokens"), permissions=is_hash),
        durable=True,
    ),
    # people in the loop
    "human.reviewed": EventType(
        "audit",
        "A person looked at an answer.",
        _keys(of=is_id, collection=is_name, verdict=one_of("right", "wrong", "corrected", "withdrawn"), ms=is_count),
    ),
    "human.handoff": EventType(
        "audit",
        "A conversation was handed to a person, or taken by one; from the chatbot with its ticket, and why.",
        _keys((is_id, "of ticket"), taken=is_flag, ms=is_count, topic=is_word, collection=is_name),
    ),
    # the chatbot and its desk
    "chat.begun": EventType("desk", "A visitor began a conversation with the chatbot.", _keys(collection=is_name)),
    "chat.forgotten": EventType(
        "desk",
        "Conversations were forgotten: their keys are destroyed, and with them all words of customer and agent.",
        _keys(
            (is_count, "conversations comments days"),
            cause=one_of("customer", "age", "erasure", "request"),
            collection=is_name,
            purpose=is_hash,
        ),
        durable=True,
    ),
    "ticket.replied": EventType(
        "desk", "An agent wrote to a customer.", _keys(ticket=is_id, characters=is_count, ms=is_count)
    ),
    "ticket.closed": EventType(
        "desk",
        "A ticket was closed.",
        _keys(ticket=is_id, outcome=one_of("solved", "returned", "unreachable", "other"), ms=is_count),
    ),
    "ticket.revealed": EventType(
        "desk",
        "What a customer typed was shown in clear to an entitled agent.",
        _keys((is_count, "messages characters"), ticket=is_id, collection=is_name, purpose=is_hash),
        durable=True,
    ),
    "feedback.given": EventType(
        "desk",
        "Somebody said what they think of an answer.",
        _keys(of=is_id, rating=one_of("up", "down"), code=is_word, commented=is_flag),
    ),
    "disclosure.shown": EventType(
        "audit", "Somebody was told that an AI answers.", _keys(collection=is_name, text=is_version)
    ),
    "incident.reported": EventType(
        "audit",
        "Somebody reported an incident.",
        _keys(incident=is_id, severity=one_of("low", "high", "serious"), of=is_id, cause=is_hash),
        durable=True,
    ),
    "incident.closed": EventType(
        "audit", "An incident was closed.", _keys(incident=is_id, cause=is_hash, ms=is_count), durable=True
    ),
}
