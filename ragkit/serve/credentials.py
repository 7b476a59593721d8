"""What credential a request carries: a bearer token or API key in ``Authorization``, or the cookie of a session.

One of them, once. A request that carries two is refused, since two parts of a system may believe different ones. No
other header and no part of the address is ever taken for a credential: addresses stand in logs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection

from ragkit.auth.sessions import SESSION_COOKIE
from ragkit.config_serve import ServeSection
from ragkit.serve.replies import ServiceError, Unauthenticated

_TOKEN = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+) *", re.I)
_OTHER_HEADERS = ("x-api-key", "api-key", "x-auth-token", "proxy-authorization")
_IN_ADDRESS = frozenset({"access_token", "api_key", "apikey", "authorization", "bearer", "id_token"})
_KEY_IN_ADDRESS = re.compile(r"rk_[a-z2-7]{16}_")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class ForeignOrigin(ServiceError):
    """A page of another origin, or no page, would act with what a browser keeps for this one."""

    status = 403
    code = "foreign_origin"

    def __init__(self) -> None:
        super().__init__(
            "this was not asked by a page of this service",
            remedy="Call it with an API key in `Authorization`, or from this service's own pages.",
        )


@dataclass(frozen=True, slots=True)
class Carried:
    """A credential as it came, not checked."""

    kind: Literal["bearer", "session"]
    value: str = field(repr=False)


def carried_by(request: HTTPConnection) -> Carried | None:
    """Return the credential that a request carries, ``None`` for none.

    Raises:
        Unauthenticated: It carries several, or one in a place where none is read.
    """
    headers = request.headers
    if any(name in headers for name in _OTHER_HEADERS):
        raise _refused("a credential is read from the header `Authorization` only")
    query = request.url.query
    if _KEY_IN_ADDRESS.search(query) or any(name.lower() in _IN_ADDRESS for name, _ in parse_qsl(query)):
        raise _refused("a credential does not belong in an address, which stands in logs")
    written = headers.getlist("authorization")
    cookies = _cookies(request, SESSION_COOKIE)
    if len(written) + len(cookies) > 1:
        raise _refused("this request carries more than one credential")
    if cookies:
        return Carried("session", cookies[0])
    if not written:
        return None
    token = _TOKEN.fullmatch(written[0])
    if token is None:
        raise _refused("a credential is written as `Authorization: Bearer …`")
    return Carried("bearer", token[1])


def visitor_cookie(request: HTTPConnection, name: str) -> str | None:
    """Return the only cookie of a name; ``None`` when there is none, or several (somebody planted one)."""
    found = _cookies(request, name)
    return found[0] if len(found) == 1 else None


def require_own_page(request: HTTPConnection, settings: ServeSection) -> None:
    """Let a request that a browser's cookie speaks for change something only if a page of this service sent it.

    Reading is let through: a foreign page cannot read the reply, since no other origin is allowed to.

    Raises:
        ForeignOrigin: Another origin, none, or a body that a plain form could send.
    """
    method = str(request.scope.get("method", "GET"))
    if method in _READING:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    bodiless = request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers
    if not _is_own(request, settings) or not (kind == "application/json" or (bodiless and not kind)):
        raise ForeignOrigin


def require_no_foreign_page(request: HTTPConnection, settings: ServeSection) -> None:
    """Keep pages of other origins out where no credential is asked for; programs send no origin and pass.

    Raises:
        ForeignOrigin: A browser says that another origin's page asks.
    """
    site = request.headers.get("sec-fetch-site", "none")
    foreign = site not in ("none", "same-origin") and request.headers.get("sec-fetch-mode") != "navigate"
    if foreign or ("origin" in request.headers and not _is_own(request, settings)):
        raise ForeignOrigin


def peer_of(request: HTTPConnection, settings: ServeSection) -> str:
    """Return the address of who calls; behind a proxy, what the proxy says, which is the last of the list."""
    if settings.behind_proxy:
        told = [one.strip() for one in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        if told[-1]:
            return told[-1][:64]
    return request.client.host if request.client else ""


def is_encrypted(settings: ServeSection) -> bool:
    """Whether browsers reach the service over TLS, so that a cookie may be kept to it."""
    return settings.certificate is not None or settings.behind_proxy


def _is_own(request: HTTPConnection, settings: ServeSection) -> bool:
    origins, hosts = request.headers.getlist("origin"), request.headers.getlist("host")
    if len(origins) != 1 or len(hosts) != 1:
        return False
    scheme = "https" if is_encrypted(settings) else "http"
    return origins[0].lower() == f"{scheme}://{hosts[0].lower()}"


def _cookies(request: HTTPConnection, name: str) -> list[str]:
    pairs = (pair.strip() for line in request.headers.getlist("cookie") for pair in line.split(";"))
    return [value for pair in pairs for key, _, value in [pair.partition("=")] if key.strip() == name]


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(why, remedy="Send one `Authorization: Bearer …` with a key of `ragkit keys create`.")
