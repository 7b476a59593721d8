"""Audit: ``audit approvals …``, ``audit review``, ``audit incident …``: people who decide, look and report."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.approvals import Approval

_WHY = typer.Option("--purpose", help="Why; its keyed hash is recorded.")
_REASON = typer.Option("--reason", help="What happened, or was done. Only its keyed hash is recorded.")
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        envvar="RAGKIT_PRINCIPAL",
        help="Act as this principal, `issuer|name`. Default: the owner. On one machine a declaration and no proof: "
        "whoever reads the key file can do everything.",
        show_default=False,
    ),
]


class Verdict(StrEnum):
    """What a person thinks of an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    """How bad an incident is."""

    LOW = "low"
    HIGH = "high"
    SERIOUS = "serious"


approval_verbs = typer.Typer(no_args_is_help=True, help="Approve what another officer asked for.")
incident_verbs = typer.Typer(no_args_is_help=True, help="Report that something went wrong, and that it is dealt with.")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    approval_verbs.command("list")(approvals_list)
    approval_verbs.command("grant")(approvals_grant)
    app.add_typer(approval_verbs, name="approvals")
    app.command("review")(review)
    incident_verbs.command("report")(incident_report)
    incident_verbs.command("close")(incident_close)
    app.add_typer(incident_verbs, name="incident")


def approvals_list(acting: AsOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List what was asked for under `two_person`, by whom, and what became of it; for officers and auditors."""
    with opened(workspace) as here:
        found = here.audit.approvals(principal=principal_of(acting))
    if as_json:
        emit("audit_approvals", {"approvals": [_approval_json(one) for one in found]})
    elif found:
        rows = [(one.approval, one.verb, one.collection, one.state, _short(one.since.isoformat())) for one in found]
        table("Approvals", ("approval", "of", "collection", "state", "since"), rows)
    else:
        say("Nothing waits for an approval.")


def approvals_grant(
    approval: Annotated[str, typer.Argument(help="Its id.")],
    purpose: Annotated[str, _WHY],
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve, as a second officer, what another one asked for: for one time, for `approval_hours`."""
    with opened(workspace) as here:
        granted = here.audit.approve(approval, purpose=purpose, principal=principal_of(acting))
    if as_json:
        emit("audit_grant", {"approval": _approval_json(granted)})
    else:
        say(f"Granted: {granted.verb} in {granted.collection}, once.")


def review(
    request: Annotated[str, typer.Argument(help="Id of the request that was answered.")],
    verdict: Annotated[Verdict, typer.Option(help="What you think of the answer.")],
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a person looked at an answer, and what they think of it."""
    with opened(workspace) as here:
        ms = here.audit.reviewed(request, verdict.value, principal=principal_of(acting))
    if as_json:
        emit("audit_reviewed", {"request": request, "verdict": verdict.value, "ms": ms})
    else:
        say(f"Recorded, {ms / 1000:,.0f} s after the answer.")


def incident_report(
    severity: Annotated[Severity, typer.Option(help="`serious` is what must be reported to an authority.")],
    reason: Annotated[str, _REASON] = "",
    request: Annotated[str, typer.Option("--of", help="Id of the request that it is about.", show_default=False)] = "",
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that something went wrong; prints the incident's id."""
    with opened(workspace) as here:
        incident = here.audit.report_incident(
            severity.value, reason=reason, request=request, principal=principal_of(acting)
        )
    if as_json:
        emit("audit_incident", {"incident": incident, "open": True})
    else:
        say(incident)


def incident_close(
    incident: Annotated[str, typer.Argument(help="Its id.")],
    reason: Annotated[str, _REASON],
    acting: AsOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that an incident is dealt with; for auditors and officers."""
    with opened(workspace) as here:
        here.audit.close_incident(incident, reason=reason, principal=principal_of(acting))
    if as_json:
        emit("audit_incident", {"incident": incident, "open": False})
    else:
        say("Closed.")


def principal_of(acting: str | None) -> Principal | None:
    """Return the principal that ``--as`` names; nothing for the owner."""
    if acting is None:
        return None
    issuer, bar, name = acting.partition("|")
    if not (issuer and bar and name):
        raise typer.BadParameter("a principal is written `issuer|name`", param_hint="--as")
    return Principal(acting)


def _approval_json(one: Approval) -> dict[str, Any]:
    fields = ("approval", "verb", "collection", "target", "state", "asked_by", "granted_by")
    return shaped("audit_approval", {**{name: getattr(one, name) for name in fields}, "since": one.since.isoformat()})


def _short(stamp: str) -> str:
    return stamp[:16].replace("T", " ")
