"""Who may do what besides asking: the roles of ``[roles]``. A refusal is recorded.

::

    asking = require(handles, "auditor", verb="audit.log", principal=principal)

Readers are named by a collection's ``access``, those who may see clear text by ``reveal``, privacy officers by
``officers``; :meth:`ragkit.handles.Handles.officer` and :func:`ragkit.revealing.entitled` ask for those.
"""

from __future__ import annotations

from typing import Literal

from ragkit.config import Config
from ragkit.errors import AccessDenied
from ragkit.handles import Handles
from ragkit.types import Principal

Role = Literal["ingester", "operator", "auditor"]


def require(
    handles: Handles, role: Role, *, verb: str, principal: Principal | None = None, tell: bool = False
) -> Principal:
    """Return who asks, if they have the role.

    Args:
        handles: The open workspace.
        role: Which; one that ``[roles]`` does not mention is the owner's.
        verb: What is to be done, for the event.
        principal: Who asks; by default the owner.
        tell: Record also that they were let through, for what leaves no event of its own.

    Raises:
        AccessDenied: They have not; the same whether or not anything is there.
    """
    asking = principal or handles.config.workspace.principal
    if not holds(handles.config, role, asking):
        handles.denied(asking, verb)
        raise AccessDenied(
            f"this principal is no {role} here",
            remedy=f"`{role}s` under [roles] in ragkit.toml names who may; without it, the owner.",
        )
    if tell:
        about = {"verb": verb, "via": "local" if asking.kind == "local" else "caller"}
        handles.recorder.record("auth.ok", actor=asking, data=about)
    return asking


def holds(config: Config, role: Role, principal: Principal) -> bool:
    """Whether somebody has a role; nothing is recorded."""
    written = getattr(config.roles, f"{role}s")
    allowed = frozenset(config.workspace.principal.tokens - {"pub"} if written is None else written)
    return bool(principal.tokens & allowed)


def visible_collections(handles: Handles, principal: Principal | None = None) -> list[str]:
    """Return the names of the collections in which somebody may see something, in the configuration's order.

    What the configuration names counts, and what single documents allow.

    Args:
        handles: The open workspace.
        principal: Who asks; by default the owner.
    """
    asking, known = principal or handles.config.workspace.principal, handles.known()

    def may(name: str) -> bool:
        section = handles.config.collections[name]
        written = {*section.access, *(token for source in section.sources for token in source.access or ())}
        return bool(written & asking.tokens) or (
            name in known and bool(known[name].store.hit_source().classes_for(asking))
        )

    return [name for name in handles.config.collections if may(name)]
