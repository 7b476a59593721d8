"""``/session``: a browser logs in with an API key, asks who it is, and logs out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller, Scope, Via
from ragkit.auth.sessions import SESSION_COOKIE
from ragkit.serve.authenticate import calling, door_of, set_cookie
from ragkit.serve.credentials import require_no_foreign_page, visitor_cookie
from ragkit.serve.replies import errors
from ragkit.serve.state import State

router = APIRouter(tags=["session"])

_KEY = "rk_abcdefghijklmnop_" + "A" * 43


class LogIn(BaseModel):
    """What a browser logs in with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": _KEY}]})

    key: str = Field(min_length=1, max_length=200, repr=False, description="An API key, of `ragkit keys create`.")


class WhoAmI(BaseModel):
    """Who calls, as the service sees it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tenant": "shop", "subject": "crm|ana", "scopes": ["search", "ask"], "via": "session"}]
        }
    )

    tenant: str = Field(description="The workspace that the credential opens.")
    subject: str = Field(description="Who it is there, `issuer|name`.")
    scopes: list[Scope] = Field(description="What the credential may be used for.")
    via: Via = Field(description="The kind of credential.")


@router.post(
    "/session",
    summary="Log in with an API key",
    operation_id="log_in",
    response_model=WhoAmI,
    responses=errors(401, 403),
)
async def log_in(body: LogIn, request: Request, response: Response, state: State) -> WhoAmI:
    """Begin a session: the reply sets a cookie that no script can read, and that dies with its key."""
    caller, value = await door_of(state).log_in(request, body.key)
    set_cookie(response, state, SESSION_COOKIE, value, path="/")
    return _told(caller)


@router.get("/session", summary="Who am I", operation_id="who_am_i", response_model=WhoAmI, responses=errors(401, 403))
async def who_am_i(caller: Annotated[Caller, Depends(calling())]) -> WhoAmI:
    """Tell who calls, of any kind of credential."""
    return _told(caller)


@router.delete("/session", summary="Log out", operation_id="log_out", status_code=204, responses=errors(403))
async def log_out(request: Request, state: State) -> Response:
    """End the session of the cookie; where there is none, nothing."""
    require_no_foreign_page(request, state.settings)
    value = visitor_cookie(request, SESSION_COOKIE)
    if value is not None:
        door_of(state).sessions.end(value)
    response = Response(status_code=204)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    return response


def _told(caller: Caller) -> WhoAmI:
    return WhoAmI(tenant=caller.tenant, subject=caller.principal.subject, scopes=sorted(caller.scopes), via=caller.via)
