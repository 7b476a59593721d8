"""Events as OCSF, which SIEMs read (Open Cybersecurity Schema Framework, 1.5.0; its classes are there since 1.3).

Every type of the catalogue has a class and an activity, which a test holds. What OCSF has no place for stands under
``unmapped``, as it was written. Nobody is named: users and machines are the keyed hashes of the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ragkit.audit.catalogue import CATALOGUE
from ragkit.compliance.events import Event, stamped

OCSF_VERSION = "1.5.0"

Class = Literal[
    "api_activity", "application_lifecycle", "authentication", "datastore_activity", "detection_finding",
    "entity_management", "event_log_actvity", "incident_finding", "scan_activity",
]  # fmt: skip

UIDS: Mapping[Class, tuple[int, str]] = {
    "event_log_actvity": (1008, "Event Log Activity"),  # so it is spelled there
    "detection_finding": (2004, "Detection Finding"),
    "incident_finding": (2005, "Incident Finding"),
    "authentication": (3002, "Authentication"),
    "entity_management": (3004, "Entity Management"),
    "application_lifecycle": (6002, "Application Lifecycle"),
    "api_activity": (6003, "API Activity"),
    "datastore_activity": (6005, "Datastore Activity"),
    "scan_activity": (6007, "Scan Activity"),
}
_CATEGORIES = {
    1: "System Activity",
    2: "Findings",
    3: "Identity & Access Management",
    6: "Application Activity",
}

_READ, _WRITE, _OTHER = 1, 5, 99
_BY_TYPE: Mapping[Class, Mapping[int, str]] = {
    "event_log_actvity": {
        99: "checkpoint anchor.done access.audit permissions.reviewed log.dropped",
        3: "audit.exported audit.reported",
        5: "log.rotated",
        6: "log.opened log.resumed",
        7: "log.closed",
    },
    "detection_finding": {
        1: "guard.triggered clock.jump log.recovered log.reopened checkpoint.refused checkpoint.failed anchor.failed "
        "sink.failed",
        3: "sink.recovered checkpoint.accepted",
    },
    "incident_finding": {1: "incident.reported", 3: "incident.closed"},
    "authentication": {1: "auth.ok auth.denied principal.seen"},
    "entity_management": {
        1: "key.created caller.key.created acl.class approval.requested",
        2: "key.escrowed",
        3: "key.rotated key.recovered policy.changed acl.changed",
        4: "key.destroyed caller.key.revoked caller.key.pruned",
        8: "subject.lifted",
        9: "subject.restricted",
        10: "approval.granted",
        11: "approval.used",
    },
    "application_lifecycle": {
        3: "workspace.opened model.loaded service.started",
        4: "service.stopped",
        8: "config.changed",
    },
    "api_activity": {
        1: "answer.begun answer.released answer.abandoned generation.done request.assembled prompt.written "
        "egress.intent egress.unsafe human.handoff human.reviewed chat.begun ticket.replied ticket.closed "
        "feedback.given",
        2: "query.received retrieval.done egress.done egress.failed egress.blocked egress.probed route.chosen "
        "budget.refused text.masked disclosure.shown replay.run generator.tested",
    },
    "datastore_activity": {
        1: "access.evidence pii.unmasked pii.unmasking doc.shown subject.found subject.exported ticket.revealed",
        2: "doc.updated doc.rewritten pii.masked subject.corrected remask.started remask.finished hold.placed "
        "hold.released hold.kept index.generation.activated index.generation.condemned",
        5: "upload.received doc.added doc.quarantined ingest.run.started ingest.run.checkpoint ingest.run.finished",
        6: "index.generation.built backup.made backup.restored",
        7: "chat.forgotten upload.destroyed doc.deleted retention.purged history.purged evidence.destroyed "
        "index.generation.removed erasure.requested erasure.step erasure.verified erasure.receipt",
    },
    "scan_activity": {2: "verify.run audit.checked health.checked attack.run"},
}

CLASSES: Mapping[str, tuple[Class, int]] = {
    kind: (name, activity) for name, listed in _BY_TYPE.items() for activity, kinds in listed.items()
    for kind in kinds.split()
}  # fmt: skip
"""Class and activity of every type of the catalogue."""

_SUCCESS, _FAILURE = 1, 2
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH, _CRITICAL = 1, 2, 3, 4, 5
_SEVERITY = {"low": _LOW, "high": _HIGH, "serious": _CRITICAL}
_USER_TYPES = {"user": 1, "local": 1, "service": 99, "system": 3}
_NEW, _CLOSED = 1, 5
_POLICY_ENTITY, _OTHER_ENTITY = 5, 99
_SPOKEN = ("seq", "id", "ts", "type", "outcome", "reason", "actor", "request", "tenant", "log", "v")


def to_ocsf(event: Event) -> dict[str, Any]:
    """Return an event as an OCSF event: plain values, no floats.

    A type that this ragkit does not know becomes the base event (class 0), so that nothing is left out.
    """
    kind = str(event["type"])
    if kind not in CLASSES:
        return _base(event, 0, "Base Event", _OTHER)
    name, activity = CLASSES[kind]
    uid, caption = UIDS[name]
    found = _base(event, uid, caption, activity)
    found |= _parts(name, event)
    return found


def _base(event: Event, uid: int, caption: str, activity: int) -> dict[str, Any]:
    kind, denied = str(event["type"]), event["outcome"] in ("denied", "error")
    known = CATALOGUE.get(kind)
    category = uid // 1000
    found: dict[str, Any] = {
        "class_uid": uid,
        "class_name": caption,
        "category_uid": category,
        "category_name": _CATEGORIES.get(category, "Uncategorized"),
        "activity_id": activity,
        "activity_name": kind,
        "type_uid": uid * 100 + activity,
        "time": (stamped(event) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1),
        "severity_id": _severity(event, uid),
        "status_id": _FAILURE if denied else _SUCCESS,
        "status_code": str(event["outcome"]),
        "message": known.about if known else kind,
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "ragkit", "vendor_name": "ragkit", **_version(event)},
            "uid": str(event.get("id", "")),
            "sequence": int(event["seq"]),
            "event_code": kind,
            "original_time": str(event["ts"]),
            "log_name": str(event.get("log") or "ragkit"),
            "tenant_uid": str(event.get("tenant") or "ragkit"),
        },
        "unmapped": {key: value for key, value in event.items() if key not in _SPOKEN and value not in ("", None)},
    }
    if event.get("reason"):
        found["status_detail"] = str(event["reason"])
    if correlated := str(event.get("request") or event.get("session") or ""):
        found["metadata"]["correlation_uid"] = correlated
    return found


def _parts(name: Class, event: Event) -> dict[str, Any]:
    """What its class wants besides."""
    data, kind = event["data"], str(event["type"])
    user = _user(event)
    if name == "authentication":
        return {"user": user, "service": {"name": "ragkit", "uid": str(event.get("log") or "ragkit")}}
    if name == "entity_management":
        return {"actor": {"user": user}, "entity": _entity(kind, data)}
    if name == "application_lifecycle":
        return {"app": {"name": "ragkit", "vendor_name": "ragkit", **_version(event)}}
    if name == "api_activity":
        return {"actor": {"user": user}, "src_endpoint": _machine(event), **_api(event), **_destination(data)}
    if name == "datastore_activity":
        store = str(data.get("collection") or event.get("tenant") or "ragkit")
        return {
            "actor": {"user": user},
            "src_endpoint": _machine(event),
            "database": {"name": store, "type_id": 1},
            "type_id": 1,
        }
    if name == "scan_activity":
        return {"scan": {"name": kind, "type_id": 1}}
    if name == "event_log_actvity":
        return {"actor": {"user": user}, "log_name": str(event.get("log") or "ragkit"), "log_provider": "ragkit"}
    finding = {"uid": str(data.get("incident") or event.get("id") or event["seq"]), "title": kind}
    if name == "incident_finding":
        status = _CLOSED if kind == "incident.closed" else _NEW
        return {"finding_info_list": [finding], "assignee": user, "status_id": status}  # who reported or closed it
    return {"finding_info": finding, "status_id": _NEW}


def _severity(event: Event, uid: int) -> int:
    graded = _SEVERITY.get(str(event["data"].get("severity", "")))
    if graded:
        return graded
    if event["type"] in ("log.dropped", "checkpoint.refused", "log.reopened"):
        return _HIGH
    if event["outcome"] == "error" or uid // 1000 == 2:
        return _MEDIUM
    return _LOW if event["outcome"] in ("denied", "degraded") else _INFORMATIONAL


def _version(event: Event) -> dict[str, str]:
    software = dict(event.get("sw") or {})
    return {"version": str(software["ragkit"])} if "ragkit" in software else {}


def _user(event: Event) -> dict[str, Any]:
    actor = dict(event.get("actor") or {})
    user: dict[str, Any] = {
        "uid": str(actor.get("id") or "unknown"),
        "type_id": _USER_TYPES.get(str(actor.get("kind", "")), 0),
    }
    if actor.get("groups"):
        user["groups"] = [{"uid": str(actor["groups"])}]
    return user


def _machine(event: Event) -> dict[str, str]:
    """The process that wrote the event: its machine as a keyed hash."""
    writer = str(event.get("writer") or "unknown")
    return {"uid": writer.partition(":")[0], "instance_uid": writer}


def _api(event: Event) -> dict[str, Any]:
    data = event["data"]
    api: dict[str, Any] = {"operation": str(event["type"])}
    if event.get("request"):
        api["request"] = {"uid": str(event["request"])}
    if data.get("status"):
        api["response"] = {"code": int(data["status"])}
    named = str(data.get("provider") or data.get("generator") or "")
    if named:
        api["service"] = {"name": named}
    return {"api": api}


def _destination(data: Mapping[str, Any]) -> dict[str, Any]:
    name = str(data.get("destination", ""))
    if not name:
        return {}
    endpoint = {"name": name, "svc_name": name}
    if data.get("host"):
        endpoint["hostname"] = str(data["host"])
    return {"dst_endpoint": endpoint}


def _entity(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The key, policy, access class, approval or person that was managed."""
    family = kind.partition(".")[0]
    name = str(data.get("access_class") or data.get("approval") or data.get("doc") or data.get("collection") or family)
    kind_id = _POLICY_ENTITY if family == "policy" else _OTHER_ENTITY
    entity: dict[str, Any] = {"name": name, "type": family, "type_id": kind_id}
    if data.get("policy"):
        entity["version"] = str(data["policy"])
    return entity
