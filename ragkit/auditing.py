"""The auditor's face of a workspace: ``workspace.audit``. Each method is a question that ``ragkit audit`` asks.

Reading the log is an event. An auditor sees the log and no content; evidence is an officer's.
"""

from __future__ import annotations

from ragkit.handles import Handles
from ragkit.roles import require
from ragkit.types import Principal


class Audit:
    """Asks the event log of one workspace.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def _auditor(self, verb: str, principal: Principal | None) -> Principal:
        """Return who asks, if they are an auditor, and record that they read the log."""
        asking = require(self._handles, "auditor", verb=f"audit.{verb}", principal=principal)
        self._handles.recorder.record("access.audit", actor=asking, data={"verb": verb})
        return asking

    def __repr__(self) -> str:
        return f"Audit({self._handles.config.workspace.name!r})"
