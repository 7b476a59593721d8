"""What every kind of exception is answered with; nothing of the request, and no foreign error's text, comes back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from ragkit.errors import RagkitError
from ragkit.serve.replies import ServiceError, error_reply

_LIMITS = ("max_length", "min_length", "ge", "gt", "le", "lt")
_SAID = {
    "missing": "is missing",
    "extra_forbidden": "has a key that is not known",
    "json_invalid": "is not JSON",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
    "too_long": "has too many",
    "too_short": "has too few",
    "string_type": "is not text",
    "model_attributes_type": "is not an object of JSON, or is not said to be one by its content type",
    "literal_error": "is none of the values that are allowed",
    "enum": "is none of the values that are allowed",
    "greater_than_equal": "is too small",
    "greater_than": "is too small",
    "less_than_equal": "is too large",
    "less_than": "is too large",
    "given_twice": "has a parameter more than once",
}
_STATUSES = {
    400: ("bad_request", "the request could not be read"),
    401: ("invalid_api_key", "no valid credential"),
    403: ("access_denied", "this may not be done here"),
    404: ("not_found", "there is no such thing here"),
    405: ("method_not_allowed", "this cannot be done with it"),
    406: ("not_acceptable", "there is no such representation"),
    413: ("body_too_large", "the body is too long"),
    415: ("unsupported_media_type", "the content type is not one that is read here"),
}
_INDEX = re.compile(r"[0-9]{1,6}")


class Invalid(ServiceError):
    """The body or a parameter is not as the OpenAPI description says."""

    status = 400
    code = "invalid_request"


class Broken(ServiceError):
    """An error that nobody foresaw; what it said stays here."""

    status = 500
    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("the service is at fault", remedy="Tell whoever runs it the request id.")


def add_error_replies(app: FastAPI) -> None:
    """Turn every error into its JSON."""
    known: set[str] = set()

    def names() -> set[str]:
        if not known:
            known.update(_names(app.openapi()), {"body", "query", "path", "header", "cookie"})
        return known

    @app.exception_handler(RagkitError)
    async def refused(_: Request, error: RagkitError) -> JSONResponse:
        return error_reply(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return error_reply(_invalid(error.errors(), names()))

    @app.exception_handler(HTTPException)
    async def of_the_router(_: Request, error: HTTPException) -> JSONResponse:
        return error_reply(_plain(error))

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> JSONResponse:
        return error_reply(Broken())


def _invalid(found: Sequence[Mapping[str, Any]], names: set[str]) -> Invalid:
    first = found[0] if found else {}
    kind = str(first.get("type", ""))
    place = [str(part) for part in first.get("loc", ())]
    if kind == "extra_forbidden":
        place = place[:-1]
    if kind == "json_invalid":
        place = place[:1]
    kept = [part for part in place if part in names or _INDEX.fullmatch(part)]
    where = ".".join(kept[1:] if len(kept) > 1 else kept) or "request"
    limits = [value for key, value in (first.get("ctx") or {}).items() if key in _LIMITS and type(value) is int]
    said = _SAID.get(kind, "is not valid") + (f" (limit {limits[0]})" if limits else "")
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    error = Invalid(f"`{where}` {said}{more}", remedy="See /openapi.json for what is expected.")
    error.param = where
    return error


def _plain(error: HTTPException) -> ServiceError:
    code, message = _STATUSES.get(error.status_code, ("refused", "this was refused"))
    plain = ServiceError(message, remedy="See /openapi.json for what there is." if error.status_code < 500 else "")
    plain.status, plain.code, plain.headers = error.status_code, code, dict(error.headers or {})
    return plain


def _names(described: object) -> Iterable[str]:
    """Every name of a field or parameter in an OpenAPI description."""
    if isinstance(described, Mapping):
        properties = described.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        if "in" in described and isinstance(described.get("name"), str):
            yield described["name"]
        for inner in described.values():
            yield from _names(inner)
    elif isinstance(described, list):
        for inner in described:
            yield from _names(inner)
