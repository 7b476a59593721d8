"""What a running service holds, as routes see it: ``state_of(request)``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from ragkit.config_serve import ServeSection
from ragkit.serve.admission import Admission
from ragkit.serve.tenants import Tenant, Tenants


@dataclass(slots=True)
class ServiceState:
    """One running service.

    Attributes:
        tenants: The workspaces it answers from.
        settings: ``[serve]`` of the first of them.
        admission: Where blocking work waits for its turn.
        parts: What modules of the service keep for the process, by their name.
    """

    tenants: Tenants
    settings: ServeSection
    admission: Admission
    parts: dict[str, Any] = field(default_factory=dict)


def state_of(request: Request) -> ServiceState:
    """Return the state of the service that got this request."""
    state = request.app.state.ragkit
    assert isinstance(state, ServiceState)
    return state


State = Annotated[ServiceState, Depends(state_of)]


def tenant_named(state: ServiceState, name: str) -> Tenant:
    """Return the tenant of a caller."""
    return state.tenants[name]
