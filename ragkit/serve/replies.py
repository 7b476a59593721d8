"""How the service says no: one JSON shape for every error, that of OpenAI's API with ragkit's remedy beside.

::

    {"error": {"code": "not_found", "message": "…", "type": "invalid_request_error", "param": null,
               "remedy": "…", "request_id": "…"}}

No message holds document text, a question, a file name, a key, or anything that the request held.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ragkit.errors import ItemError, RagkitError
from ragkit.serve.current import current_request
from ragkit.serve.statuses import told

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,40}")


class ServiceError(RagkitError):
    """A request that is answered with an error. Message and remedy are for the caller.

    Attributes:
        status: Of HTTP.
        code: A short stable word for scripts.
        headers: To send besides.
        param: The field or parameter it is about, by a name of ours; ``None`` where it is about none.
    """

    status: int = 400
    code: str = "bad_request"
    headers: Mapping[str, str] = {}
    param: str | None = None


class NotFound(ServiceError):
    """There is no such thing, or the caller may not know of it; the same in both cases."""

    status = 404
    code = "not_found"

    def __init__(self, message: str = "there is no such thing here", *, remedy: str = "") -> None:
        super().__init__(message, remedy=remedy)


class Unauthenticated(ServiceError):
    """No credential, or none that is valid; which of the two is not told."""

    status = 401
    code = "invalid_api_key"
    headers: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="ragkit"'}


class ScopeMissing(ServiceError):
    """The credential is valid and may not be used for this."""

    status = 403
    code = "insufficient_scope"


class _Later(ServiceError):
    """Something that may work after some seconds."""

    said = "this cannot be done now"

    def __init__(self, message: str = "", *, remedy: str = "", seconds: int = 1) -> None:
        super().__init__(message or self.said, remedy=remedy or "Try again after the seconds of `Retry-After`.")
        self.headers = {"Retry-After": str(seconds)}


class Overloaded(_Later):
    """Too much is being worked on, of everybody or of this caller; come again after ``seconds``."""

    status = 429
    code = "rate_limit_exceeded"
    said = "too much is being worked on"


class TooLate(_Later):
    """The request's turn did not come in time; nothing was done."""

    status = 503
    code = "queue_timeout"
    said = "its turn did not come in time"


class Stopping(_Later):
    """The service ends or begins; nothing was done."""

    status = 503
    code = "stopping"
    said = "the service is about to stop"


class TooSlow(ServiceError):
    """It was not done in time."""

    status = 504
    code = "timeout"

    def __init__(self) -> None:
        super().__init__("it was not done in time", remedy="Ask for less, or try again later.")


class ClientGone(ServiceError):
    """The client left; nobody reads this reply."""

    status = 499
    code = "client_gone"

    def __init__(self) -> None:
        super().__init__("the client left")


class ErrorDetail(BaseModel):
    """What went wrong and what to do about it."""

    model_config = ConfigDict(title="ErrorDetail")

    code: str = Field(description="A short stable word for scripts.", examples=["rate_limit_exceeded"])
    message: str = Field(description="What happened.", examples=["too much is being worked on"])
    type: str = Field(description="`invalid_request_error` below status 500, else `server_error`.")
    param: str | None = Field(None, description="The field or parameter it is about.")
    remedy: str = Field("", description="What to do about it.")
    request_id: str = Field("", description="As in the header `X-Request-Id` and in the service's log.")


class ErrorReply(BaseModel):
    """Every reply of status 400 and above."""

    model_config = ConfigDict(title="ErrorReply")

    error: ErrorDetail


_MEANINGS = {
    400: "The request is not as it should be.",
    401: "No valid credential.",
    402: "Nothing is left to spend.",
    403: "The caller may not do this.",
    404: "There is no such thing, or the caller may not know of it.",
    408: "The body did not come in time.",
    409: "It does not fit what is there now.",
    410: "It is gone for good.",
    413: "The body is too long.",
    422: "The document cannot be taken.",
    429: "Too much is being worked on, or nothing is left to spend; `Retry-After` says when to come again.",
    500: "The service is at fault.",
    502: "A generator or source is at fault.",
    503: "It cannot be done now.",
    504: "It was not done in time.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return ``responses=`` of a route: these statuses and those that every route may have."""
    every = sorted({400, 413, 429, 500, 503, *statuses})
    return {status: {"model": ErrorReply, "description": _MEANINGS[status]} for status in every}


def error_body(
    *, status: int, code: str, message: str, remedy: str = "", param: str | None = None, request_id: str = ""
) -> dict[str, Any]:
    """Return the JSON of an error."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    said = {"message": message, "type": kind, "param": param, "code": code}
    return {"error": {**said, "remedy": remedy, "request_id": request_id}}


def described(error: RagkitError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return what a caller gets for an error: status, the JSON's ``error`` without request id, further headers."""
    if isinstance(error, ServiceError):
        said = {"code": error.code, "message": str(error), "remedy": error.remedy, "param": error.param}
        return error.status, said, dict(error.headers)
    row = told(error)
    code = error.code if isinstance(error, ItemError) and _WORD.fullmatch(error.code) else row.code
    message, remedy = (row.message, row.remedy) if row.message else (str(error), error.remedy)
    headers = {"Retry-After": str(row.retry_after)} if row.retry_after else {}
    if row.final:
        headers["X-Should-Retry"] = "false"  # OpenAI's clients repeat 409, 429 and 5xx unless told
    return row.status, {"code": code, "message": message, "remedy": remedy, "param": None}, headers


def error_reply(error: RagkitError, *, request_id: str = "") -> JSONResponse:
    """Return the reply for an error; the request id is that of the running request unless one is given."""
    status, said, headers = described(error)
    request = current_request()
    if request is not None:
        request.code = said["code"]
        request_id = request_id or request.id
    return JSONResponse(error_body(status=status, request_id=request_id, **said), status, headers)
