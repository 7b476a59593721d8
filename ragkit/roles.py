"""Who may do what besides asking: the roles of ``[roles]``. A refusal is recorded.

::

    asking = require(handles, "auditor", verb="audit.log", principal=principal)
"""

from __future__ import annotations

from typing import Literal

from ragkit.errors import AccessDenied
from ragkit.handles import Handles
from ragkit.types import Principal

Role = Literal["ingester", "operator", "auditor"]


def require(handles: Handles, role: Role, *, verb: str, principal: Principal | None = None) -> Principal:
    """Return who asks, if they have the role.

    Args:
        handles: The open workspace.
        role: Which; one that ``[roles]`` does not mention is the owner's.
        verb: What is to be done, for the event.
        principal: Who asks; by default the owner.

    Raises:
        AccessDenied: They have not; the same whether or not anything is there.
    """
    owner = handles.config.workspace.principal
    asking = principal or owner
    written = getattr(handles.config.roles, f"{role}s")
    allowed = frozenset(owner.tokens - {"pub"} if written is None else written)
    if not asking.tokens & allowed:
        handles.recorder.record("auth.denied", actor=asking, outcome="denied", data={"verb": verb})
        raise AccessDenied(
            f"this principal is no {role} here",
            remedy=f"`{role}s` under [roles] in ragkit.toml names who may; without it, the owner.",
        )
    return asking
