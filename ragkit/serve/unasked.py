"""The reply to what never became a request: in the shape of every error, with the headers of every reply."""

from __future__ import annotations

import json
import secrets

from uvicorn.protocols.http.h11_impl import STATUS_PHRASES

from ragkit.serve.envelope import SECURITY
from ragkit.serve.replies import error_body
from ragkit.serve.service_log import ServiceLog

_SAID = {
    400: ("bad_request", "the request is not HTTP/1.1 as it should be", "Use an HTTP client."),
    408: ("header_timeout", "the headers did not come in time", "Send the whole request at once."),
    431: ("headers_too_large", "the headers are too long", "Send fewer or shorter headers."),
    503: ("too_many_connections", "too many connections are open", "Try again in a moment."),
}


def unasked(status: int, log: ServiceLog) -> bytes:
    """Return the bytes of a whole reply of status 400, 408, 431 or 503, and write its line to the log."""
    code, message, remedy = _SAID[status]
    request = secrets.token_hex(16)
    log.write("request", level="info", request_id=request, status=status, code=code)
    said = error_body(status=status, code=code, message=message, remedy=remedy, request_id=request)
    body = json.dumps(said, separators=(",", ":")).encode()
    head = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "X-Request-Id": request,
        **({"Retry-After": "1"} if status == 503 else {}),
        **SECURITY,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 {status} {STATUS_PHRASES[status].decode()}\r\n{lines}\r\n".encode() + body
