"""How the service says no: one JSON shape for every error, that of OpenAI's API with ragkit's remedy beside.

::

    {"error": {"code": "not_found", "message": "…", "type": "invalid_request_error", "param": null,
               "remedy": "…", "request_id": "…"}}

No message holds document text, a question, a file name or a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from ragkit.errors import AccessDenied, RagkitError


class ServiceError(RagkitError):
    """A request that is answered with an error.

    Attributes:
        status: Of HTTP.
        code: A short stable word for scripts.
        headers: To send besides.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    headers: ClassVar[Mapping[str, str]] = {}


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
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="ragkit"'}


class ScopeMissing(ServiceError):
    """The credential is valid and may not be used for this."""

    status = 403
    code = "insufficient_scope"


class Overloaded(ServiceError):
    """Too much is being worked on; come again."""

    status = 429
    code = "rate_limit_exceeded"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


def add_error_replies(app: FastAPI) -> None:
    """Turn every error into its JSON."""

    @app.exception_handler(RagkitError)
    async def refused(request: Request, error: RagkitError) -> JSONResponse:
        return error_reply(error, request_id=getattr(request.state, "request_id", ""))


def error_reply(error: RagkitError, *, request_id: str) -> JSONResponse:
    """Return the JSON of an error."""
    status: int = getattr(error, "status", 403 if isinstance(error, AccessDenied) else 400)
    code: str = getattr(error, "code", "") or type(error).__name__
    body: dict[str, Any] = {
        "message": str(error),
        "type": "invalid_request_error" if status < 500 else "server_error",
        "param": None,
        "code": code,
        "remedy": error.remedy,
        "request_id": request_id,
    }
    return JSONResponse({"error": body}, status_code=status, headers=dict(getattr(error, "headers", {})))
