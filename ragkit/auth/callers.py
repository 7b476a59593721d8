"""Who calls a service, after the credential was checked. Made by :mod:`ragkit.serve.authenticate` and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragkit.config_serve import SCOPES as SCOPES
from ragkit.config_serve import Scope as Scope
from ragkit.types import Principal

Via = Literal["key", "token", "session", "open"]
"""The kind of credential: an API key, a bearer token, a browser's session, or none on an open loopback service."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in.

    Attributes:
        tenant: Name of the workspace that the credential belongs to; it opens no other.
        principal: Who it is there.
        scopes: What the credential may be used for; roles and access lists hold besides.
        via: The kind of credential.
        credential: Opaque id of it, for limits and for revoking; never the credential.
    """

    tenant: str
    principal: Principal
    scopes: frozenset[Scope]
    via: Via
    credential: str = field(default="", repr=False)

    def may(self, scope: Scope) -> bool:
        """Whether the credential may be used for this."""
        return scope in self.scopes
