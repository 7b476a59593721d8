"""People in the loop, as ``workspace.audit`` offers it: approvals, reviews, hand-overs, disclosures, incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ragkit.compliance.questions import Questions
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.approvals import Approval
    from ragkit.compliance.reviewing import Severity, Verdict


class People(Questions):
    """What people decide, look at and report. :class:`ragkit.auditing.Audit` has these methods.

    Args:
        handles: The open workspace.
    """

    def approvals(self, *, principal: Principal | None = None) -> list[Approval]:
        """Return what was asked for under ``two_person`` within the time that an approval holds; oldest first.

        Args:
            principal: Who asks, an officer of any collection or an auditor; by default the owner.

        Raises:
            AccessDenied: Neither.
        """
        from ragkit.approvals import approvals

        asking = principal or self._handles.config.workspace.principal
        officers = {token for one in self._handles.config.collections.values() for token in one.officers}
        if asking.tokens & officers:
            self._handles.recorder.record("access.audit", actor=asking, data={"verb": "approvals"})
        else:
            self._auditor("approvals", principal)
        return approvals(self._handles)

    def approve(self, approval: str, *, purpose: str, principal: Principal | None = None) -> Approval:
        """Approve what another officer asked for, once. Raises as :func:`ragkit.approvals.grant`."""
        from ragkit.approvals import grant

        return grant(self._handles, approval, purpose=purpose, principal=principal)

    def reviewed(self, request: str, verdict: Verdict, *, principal: Principal | None = None) -> int:
        """Record that a person looked at an answer. See :func:`ragkit.compliance.reviewing.reviewed`."""
        from ragkit.compliance.reviewing import reviewed

        return reviewed(self._handles, request, verdict, principal=principal)

    def handed_off(self, request: str, *, taken: bool = False, principal: Principal | None = None) -> None:
        """Record a hand-over to a person. See :func:`ragkit.compliance.reviewing.handed_off`."""
        from ragkit.compliance.reviewing import handed_off

        handed_off(self._handles, request, taken=taken, principal=principal)

    def disclosed(
        self, *, collection: str | None = None, text: str = "", session: str = "", principal: Principal | None = None
    ) -> None:
        """Record that somebody was told that an AI answers. See :func:`ragkit.compliance.reviewing.disclosed`."""
        from ragkit.compliance.reviewing import disclosed

        disclosed(self._handles, collection=collection, text=text, session=session, principal=principal)

    def report_incident(
        self, severity: Severity, *, reason: str = "", request: str = "", principal: Principal | None = None
    ) -> str:
        """Record an incident and return its id. See :func:`ragkit.compliance.reviewing.report_incident`."""
        from ragkit.compliance.reviewing import report_incident

        return report_incident(self._handles, severity, reason=reason, request=request, principal=principal)

    def close_incident(self, incident: str, *, reason: str, principal: Principal | None = None) -> None:
        """Record that an incident is dealt with. See :func:`ragkit.compliance.reviewing.close_incident`."""
        from ragkit.compliance.reviewing import close_incident

        close_incident(self._handles, incident, reason=reason, principal=principal)
