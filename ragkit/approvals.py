"""Two people for one deed: what ``[roles] two_person`` names needs the approval of a second officer, for one time.

::

    require_approval(handles, "erase", asking=asking, collection="care", target=value, purpose=purpose)

The first call records the request and raises :class:`~ragkit.errors.ApprovalNeeded` with its id; another officer grants
it; then the same person may do the same thing once. All of it is in the event log and is read back from there: there is
no other store. It stops a person who acts through ragkit, and no one who can write the log.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NoReturn
from uuid import uuid4

from ragkit.audit.segments import segment_paths
from ragkit.errors import AccessDenied, ApprovalNeeded, AuditUnavailable, ConfigError
from ragkit.handles import Handles
from ragkit.types import Principal

Deed = Literal["reveal", "evidence", "erase"]
State = Literal["requested", "granted", "used", "expired"]

_LOCK = "approvals.lock"
_MARK = b'"type":"approval.'


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approval, as the log tells it.

    Attributes:
        approval: Its id.
        verb: What is to be done.
        collection: Where; empty for what concerns all.
        target: On what, as a keyed hash.
        state: ``expired`` when it was not granted or not used in time.
        asked_by: Who asked, as events name them.
        granted_by: Who granted it; empty before.
        since: When it was asked for, granted or used, the latest of these.
    """

    approval: str
    verb: str
    collection: str
    target: str
    state: State
    asked_by: str
    granted_by: str
    since: datetime


def require_approval(
    handles: Handles, deed: Deed, *, asking: Principal, collection: str, target: str, purpose: str
) -> None:
    """Return if this needs no second person, or one has approved it; that uses the approval up.

    Args:
        handles: The open workspace.
        deed: What is to be done.
        asking: Who asks; an officer already.
        collection: Where; empty for what concerns all.
        target: On what: another text needs another approval. Only its keyed hash is kept.
        purpose: Why.

    Raises:
        ApprovalNeeded: Nobody has approved it yet; ``remedy`` says how.
        AuditUnavailable: The approval could not be used up in the log, so nothing is done.
    """
    require_approvals(handles, {deed: target}, asking=asking, collection=collection, purpose=purpose)


def require_approvals(
    handles: Handles, deeds: Mapping[Deed, str], *, asking: Principal, collection: str, purpose: str
) -> None:
    """The same for something that is several deeds: none of their approvals is used up before all are granted.

    Args:
        handles: The open workspace.
        deeds: The target of each.
        asking: Who asks; an officer already.
        collection: Where; empty for what concerns all.
        purpose: Why.

    Raises:
        ApprovalNeeded: Nobody has approved one of them yet; ``remedy`` says how.
        AuditUnavailable: An approval could not be used up in the log, so nothing is done.
    """
    needed = [(deed, target) for deed, target in deeds.items() if deed in handles.config.roles.two_person]
    if not needed:
        return
    recorder = handles.recorder
    me, why = recorder.known_as(asking.subject), recorder.keyed(purpose)
    granted, waiting = list[tuple[str, dict[str, str]]](), list[str]()
    with _alone(handles):
        known = approvals(handles)
        for deed, target in needed:
            aim = recorder.keyed(f"approval\0{deed}\0{collection}\0{target}")
            about = {"verb": deed, "target": aim, "purpose": why, **_place(collection)}
            mine = {one.state: one.approval for one in reversed(known) if (one.target, one.asked_by) == (aim, me)}
            if "granted" in mine:
                granted.append((mine["granted"], about))
            elif "requested" in mine:
                waiting.append(mine["requested"])
            else:
                waiting.append(uuid4().hex)
                recorder.record("approval.requested", actor=asking, data={**about, "approval": waiting[-1]})
        if not waiting:
            _use(handles, granted, asking)
            return
    raise ApprovalNeeded(
        f"this needs the approval of a second officer: {', '.join(waiting)}",
        remedy=f"Another officer runs `ragkit audit approvals grant {waiting[0]} --purpose …`"
        + (", and the same for each further one; " if waiting[1:] else "; ")
        + f"then do it again. It holds {handles.config.roles.approval_hours} hours, once.",
    )


def _use(handles: Handles, granted: Sequence[tuple[str, Mapping[str, str]]], asking: Principal) -> None:
    for approval, about in granted:
        handles.recorder.record("approval.used", actor=asking, data={**about, "approval": approval})
    used = {one.approval for one in approvals(handles) if one.state == "used"}
    if not used.issuperset(approval for approval, _ in granted):
        raise AuditUnavailable(
            "the approval could not be used up in the log, so nothing is done",
            remedy="Set `[audit] mode` to `required`, and make `.ragkit/events` writable.",
        )


def grant(handles: Handles, approval: str, *, purpose: str, principal: Principal | None = None) -> Approval:
    """Approve what another officer asked for.

    Args:
        handles: The open workspace.
        approval: Its id.
        purpose: Why; its keyed hash is recorded.
        principal: Who approves: of the collection's ``officers``, or, for clear text, of its ``reveal``; by default the
            owner.

    Raises:
        AccessDenied: No officer there, no purpose, or the one who asked.
        ConfigError: There is no such approval that waits.
    """
    asking = principal or handles.config.workspace.principal
    with _alone(handles):
        found = next((one for one in approvals(handles) if one.approval == approval), None)
        if not purpose.strip() or not _may_grant(handles, asking, found):
            _refuse(handles, asking, found)
        if found is None or found.state != "requested":
            raise ConfigError(
                "there is no such approval that waits", remedy="`ragkit audit approvals list` shows those that do."
            )
        recorder = handles.recorder
        if found.asked_by == recorder.known_as(asking.subject):
            _refuse(handles, asking, found)
        about = {"verb": found.verb, "approval": approval, "target": found.target, **_place(found.collection)}
        recorder.record("approval.granted", actor=asking, data={**about, "purpose": recorder.keyed(purpose)})
        return next(one for one in approvals(handles) if one.approval == approval)


def approvals(handles: Handles) -> list[Approval]:
    """Return the approvals that were asked for, granted or used within the time they hold, the oldest first."""
    holds = timedelta(hours=handles.config.roles.approval_hours)
    now = datetime.now(UTC)
    found: dict[str, Approval] = {}
    for event in _events(handles, since=now - 2 * holds):
        data, actor = event["data"], event["actor"]["id"]
        at, number = datetime.fromisoformat(event["ts"]), data["approval"]
        before = found.get(number)
        match event["type"]:
            case "approval.requested" if before is None:
                found[number] = Approval(
                    approval=number,
                    verb=data["verb"],
                    collection=data.get("collection", ""),
                    target=data["target"],
                    state="requested",
                    asked_by=actor,
                    granted_by="",
                    since=at,
                )
            case "approval.granted" if before is not None and before.state == "requested" and at - before.since < holds:
                found[number] = replace(before, state="granted", since=at, granted_by=actor)
            case "approval.used" if before is not None:
                found[number] = replace(before, state="used", since=at)
            case _:
                continue
    over = now - holds
    return [
        replace(one, state="expired") if one.state != "used" and one.since < over else one for one in found.values()
    ]


def _may_grant(handles: Handles, asking: Principal, found: Approval | None) -> bool:
    """Whether they are an officer of what it is about, or of all where it concerns all.

    Of one that is not there: of anything, so that an officer is told that it is not there and nobody else is.
    """
    sections = handles.config.collections
    if found is None:
        return any(asking.tokens & {*one.officers, *one.reveal} for one in sections.values())
    about = [sections[found.collection]] if found.collection in sections else list(sections.values())
    return all(asking.tokens & {*one.officers, *(one.reveal if found.verb == "reveal" else ())} for one in about)


def _place(collection: str) -> dict[str, str]:
    return {"collection": collection} if collection else {}


def _refuse(handles: Handles, asking: Principal, found: Approval | None) -> NoReturn:
    handles.denied(asking, "approve", collection=found.collection if found else "")
    raise AccessDenied(
        "this principal may not approve this, or gave no purpose",
        remedy="State a purpose; another officer than the one who asked may, whom `officers` names.",
    )


def _events(handles: Handles, *, since: datetime) -> Iterator[dict[str, Any]]:
    """The events of approvals since a time; segments that were last written before are not opened."""
    for path in segment_paths(handles.config.data_folder / "events"):
        if path.stat().st_mtime < since.timestamp():
            continue
        with path.open("rb") as lines:
            for line in lines:
                if _MARK not in line or not line.endswith(b"}\n"):
                    continue
                event = json.loads(line)
                if event["type"].startswith("approval.") and datetime.fromisoformat(event["ts"]) >= since:
                    yield event


@contextmanager
def _alone(handles: Handles) -> Iterator[None]:
    """Let one thread of one process look and write at a time, so that no approval is used twice."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    handle = os.open(handles.config.data_folder / _LOCK, flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
