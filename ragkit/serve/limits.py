"""What a request may be before anything of it is read: its host, its headers, its target, its length."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from ipaddress import ip_address

from starlette.types import Scope

from ragkit.config_answering import is_loopback
from ragkit.config_serve import LimitsSection, ServeSection
from ragkit.serve.replies import ServiceError

UPLOADS = ("/v1/documents",)
"""Paths whose bodies may be as long as ``upload_bytes``."""

_FORM_BYTES = 65_536
"""What a form adds to an uploaded document."""

_TARGET_BYTES = 4_096
_LENGTH = re.compile(rb"[0-9]{1,15}")
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?")
_HERE = ("localhost", "127.0.0.1", "::1")


class WrongHost(ServiceError):
    """The service is not called by that name: a page elsewhere may have rebound its own name to this address."""

    status = 421
    code = "unknown_host"

    def __init__(self) -> None:
        super().__init__(
            "this service is not called by that name", remedy="Use its address, or name the host in [serve] `hosts`."
        )


class BadFraming(ServiceError):
    """Where the body ends cannot be told for certain."""

    status = 400
    code = "bad_framing"

    def __init__(self) -> None:
        super().__init__("the length of the body is not told, or told twice", remedy="Send one valid Content-Length.")


class HeadersTooLong(ServiceError):
    """Request line and headers together."""

    status = 431
    code = "headers_too_large"

    def __init__(self) -> None:
        super().__init__("the headers are too long", remedy="Send fewer or shorter headers.")


class TargetTooLong(ServiceError):
    """Path and query together."""

    status = 414
    code = "target_too_long"

    def __init__(self) -> None:
        super().__init__("path and query are too long", remedy="Send it in the body.")


class BodyTooLong(ServiceError):
    """By its announced length, or as it came."""

    status = 413
    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than {limit} bytes", remedy="Send less, or several requests.")


class BodyTooSlow(ServiceError):
    """The body did not come in time."""

    status = 408
    code = "body_timeout"

    def __init__(self) -> None:
        super().__init__("the body did not come in time", remedy="Send it faster, or less of it.")


class Hosts:
    """The names by which a service may be called (``Host``).

    Args:
        settings: ``[serve]``. Names that it gives count, and the address it listens on; on a loopback address the
            names of this machine for itself; on all addresses any address, and this machine's name: a page elsewhere
            can rebind a name, and no number.
    """

    def __init__(self, settings: ServeSection) -> None:
        listed = {name.casefold().rstrip(".").strip("[]") for name in (*settings.hosts, settings.host)}
        self._everywhere = settings.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        here = {*_HERE, socket.gethostname().casefold()} if self._everywhere else set(_HERE)
        self._names = listed | (here if self._everywhere or is_loopback(settings.host) else set())
        if settings.authentication == "unsafe_none":
            self._names = set(_HERE) | {name for name in listed if is_loopback(name)}

    def admits(self, host: str) -> bool:
        """Whether a ``Host`` header is one of them; the port does not matter."""
        found = _HOST.fullmatch(host.casefold())
        if found is None:
            return False
        name = found[1].strip("[]").rstrip(".")
        return name in self._names or (self._everywhere and _is_address(name))


def refusal(scope: Scope, hosts: Hosts, limits: LimitsSection) -> ServiceError | None:
    """Return why a request is refused unread; ``None`` if it is not."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope.get("query_string", b""))
    if target > _TARGET_BYTES:
        return TargetTooLong()
    if target + sum(len(name) + len(value) + 4 for name, value in headers) > limits.header_bytes:
        return HeadersTooLong()
    named = [value for name, value in headers if name == b"host"]
    if len(named) != 1 or not hosts.admits(named[0].decode("latin-1")):
        return WrongHost()
    lengths = [value for name, value in headers if name == b"content-length"]
    if any(not _LENGTH.fullmatch(value) for value in lengths) or len(lengths) > 1 or (lengths and _is_chunked(scope)):
        return BadFraming()
    most = longest_body(scope, limits)
    if lengths and int(lengths[0]) > most:
        return BodyTooLong(most)
    return None


def longest_body(scope: Scope, limits: LimitsSection) -> int:
    """Return how many bytes the body of this request may have."""
    path = scope["path"].rstrip("/")
    uploads = scope["method"] in ("POST", "PUT") and any(path == one or path.startswith(f"{one}/") for one in UPLOADS)
    return limits.upload_bytes + _FORM_BYTES if uploads else limits.body_bytes


def has_body(scope: Scope) -> bool:
    """Whether a request announces a body."""
    return _is_chunked(scope) or any(
        name == b"content-length" and value.strip(b"0") for name, value in scope["headers"]
    )


def _is_chunked(scope: Scope) -> bool:
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
