"""The one way in: a request's credential becomes a :class:`~ragkit.auth.callers.Caller`, or the request ends here.

::

    @router.post("/v1/search")
    async def search(body: SearchBody, caller: Annotated[Caller, Depends(calling("search"))], state: State) -> ...:

A route says by :func:`calling` what it needs, which also stands in the OpenAPI description; by :func:`visiting` that it
is the chatbot's. :func:`guard` makes routes ask before they read a body, so that nothing of a stranger is parsed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from threading import Lock
from typing import Any, cast

from fastapi import APIRouter, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection

from ragkit.auth.callers import Caller, Scope
from ragkit.auth.sessions import SESSION_COOKIE, VISITOR_COOKIE, VISITOR_SECONDS
from ragkit.serve.credentials import is_encrypted
from ragkit.serve.current import note_caller
from ragkit.serve.door import Door
from ragkit.serve.replies import Unauthenticated
from ragkit.serve.state import ServiceState, state_of

Asking = Callable[..., Awaitable[Caller]]

BEARER = HTTPBearer(
    scheme_name="bearer",
    description="An API key (`rk_…`, of `ragkit keys create`) or a token of an issuer of `[serve.oidc]`.",
    auto_error=False,
)
SESSION = APIKeyCookie(
    name=SESSION_COOKIE,
    scheme_name="session",
    description="The cookie of `POST /session`. What changes something must come from a page of this service.",
    auto_error=False,
)
VISITOR = APIKeyCookie(
    name=VISITOR_COOKIE,
    scheme_name="visitor",
    description="The cookie of `POST /chat/session`: a visitor of the chatbot.",
    auto_error=False,
)

_PART = "door"
_MAKING = Lock()


def door_of(state: ServiceState) -> Door:
    """Return the door of a service, made when it is first asked for."""
    with _MAKING:
        if _PART not in state.parts:
            state.parts[_PART] = Door(state)
        return cast("Door", state.parts[_PART])


async def caller_of(request: HTTPConnection, scope: Scope | None = None) -> Caller:
    """Return whose request it is, for what is no route of FastAPI. Raises as :meth:`ragkit.serve.door.Door.admit`."""
    return await door_of(state_of(request)).admit(request, scope)  # type: ignore[arg-type]


def calling(scope: Scope | None = None) -> Asking:
    """Return the dependency that gives the caller of a route, if the credential may be used for ``scope``.

    ``None`` asks for a valid credential only.
    """
    scopes = [scope] if scope else []
    bearer, session = Security(BEARER, scopes=scopes), Security(SESSION, scopes=scopes)

    async def caller(request: Request, _bearer: Any = bearer, _session: Any = session) -> Caller:
        known: dict[Scope | None, Caller] = request.scope.setdefault("ragkit.callers", {})
        if scope not in known:
            known[scope] = await caller_of(request, scope)
        return known[scope]

    caller.asks = True  # type: ignore[attr-defined]
    return caller


async def visiting(request: Request, _visitor: Any = Security(VISITOR)) -> Caller:  # noqa: B008 - FastAPI's way
    """Give the visitor of the chatbot whose request it is: ``chat|…`` with the groups of ``[chat] visitors``.

    Raises:
        Unauthenticated: No cookie of a visitor, or one that is over.
    """
    visitor = door_of(state_of(request)).visiting(request)
    if visitor is None:
        raise Unauthenticated("this needs a visit that was begun", remedy="Open the page again.")
    note_caller(visitor)
    return visitor


visiting.asks = True  # type: ignore[attr-defined]


def begin_visit(request: Request, response: Response, tenant: str) -> Caller:
    """Let a visitor in: the same one while their cookie holds, else a new one; the cookie goes with the response.

    Args:
        request: Of ``POST /chat/session``.
        response: Of the route, which FastAPI gives it.
        tenant: Whose chatbot it is; it has a ``[chat]``.

    Raises:
        ForeignOrigin: A page of another origin asks.
        Overloaded: Too many visitors from this address.
    """
    state = state_of(request)
    caller, value = door_of(state).begin_visit(request, tenant)
    set_cookie(response, state, VISITOR_COOKIE, value, path="/chat", seconds=VISITOR_SECONDS)
    note_caller(caller)
    return caller


def set_cookie(
    response: Response, state: ServiceState, name: str, value: str, *, path: str, seconds: int | None = None
) -> None:
    """Set a cookie that no script reads and no other site sends; over TLS, also kept to it."""
    response.set_cookie(
        name, value, max_age=seconds, path=path, httponly=True, samesite="strict", secure=is_encrypted(state.settings)
    )
    response.headers["Cache-Control"] = "no-store"


class GuardedRoute(APIRoute):
    """A route that asks who calls before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, behind its callers' dependencies."""
        handler, asking = super().get_route_handler(), _asking(self.dependant)

        async def guarded(request: Request) -> Response:
            for ask in asking:
                await ask(request)
            _refuse_twice(request)
            return await handler(request)

        return guarded


def _refuse_twice(request: Request) -> None:
    """No route takes a parameter twice, and whoever stands in between might read another one of the two than we do."""
    given = [name for name, _ in request.query_params.multi_items()]
    if len(set(given)) < len(given):
        raise RequestValidationError([{"type": "given_twice", "loc": ("query",)}])


def guard(router: APIRouter) -> APIRouter:
    """Make the routes of a router ask who calls before they read a body; the same as often as it is done."""
    for route in router.routes:
        if type(route) is APIRoute:
            route.__class__ = GuardedRoute
    return router


def _asking(dependant: Dependant) -> list[Asking]:
    mine = [cast("Asking", one.call) for one in dependant.dependencies if getattr(one.call, "asks", False)]
    return mine + [ask for one in dependant.dependencies for ask in _asking(one)]
