"""People in the loop: answers looked at, conversations handed over, disclosures shown, incidents. Events, no text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from ragkit.compliance.events import Event, EventLog, stamped
from ragkit.errors import AccessDenied, ConfigError
from ragkit.handles import Handles
from ragkit.types import Principal

Verdict = Literal["right", "wrong", "corrected", "withdrawn"]
Severity = Literal["low", "high", "serious"]

VERDICTS: tuple[Verdict, ...] = ("right", "wrong", "corrected", "withdrawn")
SEVERITIES: tuple[Severity, ...] = ("low", "high", "serious")


def reviewed(handles: Handles, request: str, verdict: Verdict, *, principal: Principal | None = None) -> int:
    """Record that a person looked at an answer; return how many milliseconds after it was given.

    Args:
        handles: The open workspace.
        request: Of the answer, as :attr:`ragkit.Answer.request_id` has it.
        verdict: What they think of it.
        principal: Who looked: somebody who may read the collection, its officer or an auditor; by default the owner.

    Raises:
        AccessDenied: None of these.
        ConfigError: No answer was given to such a request, or no such verdict.
    """
    if verdict not in VERDICTS:
        raise ConfigError("there is no such verdict", remedy=f"Take one of: {', '.join(VERDICTS)}.")
    asking = principal or handles.config.workspace.principal
    answer = _answer(handles, request)
    collection = str(answer["data"].get("collection", "")) if answer is not None else ""
    _require_interest(handles, asking, collection, "audit.review")
    if answer is None:
        raise ConfigError("no answer was given to such a request", remedy="`ragkit audit log` lists requests.")
    ms = _since(answer)
    about = {"of": request, "verdict": verdict, "ms": ms, "collection": collection}
    handles.recorder.record("human.reviewed", request=request, actor=asking, data=about)
    return ms


def handed_off(handles: Handles, request: str, *, taken: bool = False, principal: Principal | None = None) -> None:
    """Record that the conversation around an answer was handed to a person, or ``taken`` by one, and how long it took.

    Raises:
        ConfigError: No question is known by this request.
    """
    asking = principal or handles.config.workspace.principal
    known = list(_log(handles).read("query.received", "human.handoff", request=request))
    if not known:
        raise ConfigError("no question is known by this request", remedy="`ragkit audit log` lists requests.")
    data: dict[str, Any] = {"of": request, "taken": taken, "ms": _since(known[-1] if taken else known[0])}
    session = str(known[0].get("session", ""))
    handles.recorder.record("human.handoff", request=request, actor=asking, session=session, data=data)


def disclosed(
    handles: Handles, *, collection: str | None = None, text: str = "", session: str = "", principal: Principal | None
) -> None:
    """Record that somebody was told that an AI answers (AI Act, Article 50(1)).

    Args:
        handles: The open workspace.
        collection: Where they ask.
        text: Version of the text they were shown, such as ``2026-11``.
        session: Id of the dialogue.
        principal: Whom; by default the owner.

    Raises:
        EventRefused: ``text`` is no version.
    """
    data = {"collection": handles.name(collection), **({"text": text} if text else {})}
    told = principal or handles.config.workspace.principal
    handles.recorder.record("disclosure.shown", actor=told, session=session, data=data)


def report_incident(
    handles: Handles,
    severity: Severity,
    *,
    reason: str = "",
    request: str = "",
    principal: Principal | None = None,
) -> str:
    """Record that something went wrong, and return the incident's id. Anybody may.

    Args:
        handles: The open workspace.
        severity: ``serious`` is the AI Act's word for what must be reported to an authority.
        reason: What happened; only its keyed hash is recorded, so keep the text elsewhere.
        request: Of the answer it is about.
        principal: Who reports; by default the owner.

    Raises:
        ConfigError: No such severity.
    """
    if severity not in SEVERITIES:
        raise ConfigError("there is no such severity", remedy=f"Take one of: {', '.join(SEVERITIES)}.")
    asking, incident = principal or handles.config.workspace.principal, uuid4().hex
    data: dict[str, Any] = {"incident": incident, "severity": severity}
    data |= {"of": request} if request else {}
    data |= {"cause": handles.recorder.keyed(reason)} if reason else {}
    handles.recorder.record("incident.reported", request=request or None, actor=asking, data=data)
    return incident


def close_incident(handles: Handles, incident: str, *, reason: str, principal: Principal | None = None) -> None:
    """Record that an incident is dealt with; for auditors and officers.

    Raises:
        AccessDenied: Neither.
        ConfigError: No reason, or no such incident is open.
    """
    asking = principal or handles.config.workspace.principal
    _require_interest(handles, asking, "", "audit.incident", readers=False)
    if not reason.strip():
        raise ConfigError("an incident is closed for a reason", remedy="Say what was done.")
    known = [one for one in _log(handles).read("incident.") if one["data"].get("incident") == incident]
    if not known or any(one["type"] == "incident.closed" for one in known):
        raise ConfigError("no such incident is open", remedy="`ragkit audit log --type incident.` lists them.")
    data = {"incident": incident, "cause": handles.recorder.keyed(reason), "ms": _since(known[0])}
    handles.recorder.record("incident.closed", actor=asking, data=data)


def _require_interest(handles: Handles, asking: Principal, collection: str, verb: str, *, readers: bool = True) -> None:
    """Refuse who is neither auditor nor officer, nor, if that is enough, a reader of the collection."""
    config = handles.config
    owner = config.workspace.principal
    written = config.roles.auditors
    allowed = set(owner.tokens - {"pub"} if written is None else written)
    for name, section in config.collections.items():
        if collection in ("", name):
            allowed |= {*section.officers, *(section.access if readers and collection else ())}
    if not asking.tokens & allowed:
        handles.denied(asking, verb, collection=collection)
        raise AccessDenied(
            "this principal may not do this here", remedy="Auditors, officers and, for a review, readers may."
        )


def _answer(handles: Handles, request: str) -> Event | None:
    return next(_log(handles).read("answer.released", request=request), None)


def _log(handles: Handles) -> EventLog:
    handles.recorder.flush()
    return EventLog(handles.config.data_folder / "events")


def _since(event: Event) -> int:
    return max(0, round((datetime.now(UTC) - stamped(event)).total_seconds() * 1000))
