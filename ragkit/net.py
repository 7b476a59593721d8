"""The one module that opens connections to other machines: HTTP/1.1 to one origin, over TLS, within limits.

::

    client = HttpClient("https://api.example.com/v1", purpose="generate", idle_seconds=20, max_bytes=10_000_000)
    with client.open("POST", "/chat/completions", headers={...}, body=b"...", seconds=60) as reply:
        for piece in reply.pieces():
            ...

It stands on httpcore, the layer under httpx: redirects, cookies, ``.netrc``, proxies and certificates from the
environment and decoding without a limit are absent instead of switched off. What is left of the environment, the TLS
key log of ``SSLKEYLOGFILE``, which :func:`ssl.create_default_context` would obey, is absent too.

Every wait is cut to what is left of the total time, on each single read and write: a server that sends one byte every
ten seconds, in its headers or its body, is left when the time is over and not later. The name is looked up once, in a
thread that may be left behind, and no connection is opened but to the origin's host, or its proxy.
"""

from __future__ import annotations

import logging
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from ragkit.errors import RagkitError
from ragkit.net_counts import count
from ragkit.net_replies import HttpReply, Incoming
from ragkit.net_sockets import GuardedBackend, NetFailure, Patience, tls_context

if TYPE_CHECKING:
    import httpcore

_KEEP_ALIVE = 15.0
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}")
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "user-agent", "upgrade",
     "proxy-authorization", "te", "trailer", "expect", "cookie"}
)  # fmt: skip
"""Headers that callers do not set."""


class Wire(Protocol):
    """What sends bytes and gives the reply; :class:`HttpClient`, or something that counts, in tests."""

    def open(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> AbstractContextManager[Incoming]: ...

    def close(self) -> None: ...


class HttpClient:
    """Calls to one origin. Opens nothing until the first call; may be used from several threads.

    Args:
        url: Root of the API; its host is the only one connected to.
        purpose: What the calls are for, a word such as ``generate``.
        ca_file: Certificates to trust, instead of those of certifi.
        proxy: ``http://`` or ``https://`` proxy; none is taken from the environment.
        connect_seconds: Longest wait for a connection and its TLS.
        idle_seconds: Longest silence while a reply comes.
        max_bytes: Longest body, as it comes and decompressed.
        pinned: Addresses of the host that the caller has looked up and judged: the name is not looked up again, and
            plain HTTP goes there too. Not with ``proxy``.

    Raises:
        ValueError: The URL or the purpose is none, or there are both ``pinned`` and ``proxy``.
    """

    def __init__(
        self,
        url: str,
        *,
        purpose: str,
        ca_file: Path | None = None,
        proxy: str | None = None,
        connect_seconds: float = 10,
        idle_seconds: float = 20,
        max_bytes: int = 10_000_000,
        pinned: Sequence[str] = (),
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not _SLUG.fullmatch(purpose):
            raise ValueError("an http or https URL and a purpose are needed")
        if pinned and proxy:
            raise ValueError("a proxy looks names up itself")
        self._plain = parts.scheme == "http"
        self._origin = parts
        self._purpose = purpose
        self._ca_file = ca_file
        self._proxy = proxy
        self._connect = connect_seconds
        self._idle = idle_seconds
        self._max_bytes = max_bytes
        self._pinned = tuple(pinned)
        self._pool: httpcore.ConnectionPool | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"HttpClient({self._origin.scheme}, for {self._purpose})"

    @contextmanager
    def open(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> Iterator[Incoming]:
        """Send one request; the reply may be read while the context is open, and is let go of at its end.

        Args:
            method: ``GET`` or ``POST``.
            path: Absolute path with query, as it is to be sent; the caller has checked it.
            headers: Of the caller; ``Host``, ``Content-Length`` and what concerns the connection are made here.
            body: Sent as it is.
            seconds: The whole call ends by then.

        Raises:
            NetFailure: The call failed.
        """
        import httpcore

        until = time.monotonic() + seconds
        port = self._origin.port or (80 if self._plain else 443)
        sent = {name: value for name, value in headers.items() if name.lower() not in _OURS}
        sent |= {"Host": self._origin.netloc, "User-Agent": "ragkit", "Accept-Encoding": "identity"}
        if body or method == "POST":
            sent["Content-Length"] = str(len(body))
        request = httpcore.Request(
            method,
            httpcore.URL(scheme=self._origin.scheme, host=str(self._origin.hostname), port=port, target=path),
            headers=[(name.encode("ascii"), value.encode("ascii")) for name, value in sent.items()],
            content=body,
            extensions={"timeout": _timeouts(self._connect, self._idle, until)},
        )
        count("calls", self._purpose)
        try:
            response = self._connections().handle_request(request)
        except Exception as bad:
            raise _named(bad, until) from None
        try:
            yield HttpReply(response, self._max_bytes, partial(_named, until=until, begun=True))
        finally:
            with suppress(Exception):
                response.close()

    def close(self) -> None:
        """Close the connections that are kept; the next call opens new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(Exception):
                pool.close()

    def _connections(self) -> httpcore.ConnectionPool:
        with self._lock:
            if self._pool is None:
                self._pool = self._make_pool()
            return self._pool

    def _make_pool(self) -> httpcore.ConnectionPool:
        import httpcore

        logger = logging.getLogger("httpcore")  # at DEBUG it logs the headers of replies: ETags, places to go on to
        logger.setLevel(max(logger.level, logging.WARNING))
        reached = urlsplit(self._proxy) if self._proxy else self._origin
        port = reached.port or (80 if reached.scheme == "http" else 443)
        backend = GuardedBackend(
            httpcore.SyncBackend(),
            str(reached.hostname),
            port,
            only_here=self._plain and not self._pinned,
            purpose=self._purpose,
            pinned=self._pinned,
        )
        trusted = None if self._plain else tls_context(self._ca_file)
        proxy = None
        if self._proxy:
            own = tls_context(self._ca_file) if reached.scheme == "https" else None
            proxy = httpcore.Proxy(self._proxy, ssl_context=own)
        return httpcore.ConnectionPool(
            ssl_context=trusted,
            proxy=proxy,
            max_connections=64,
            max_keepalive_connections=8,
            keepalive_expiry=_KEEP_ALIVE,
            network_backend=cast("httpcore.NetworkBackend", backend),
        )


def _timeouts(connect: float, idle: float, until: float) -> dict[str, float]:
    waiting = Patience(idle, until)
    return {"connect": Patience(connect, until), "read": waiting, "write": waiting, "pool": Patience(connect, until)}


def _named(bad: Exception, until: float, *, begun: bool = False) -> RagkitError:
    """Our own error for one of the library's, whose texts may hold what the server wrote."""
    import httpcore

    if isinstance(bad, RagkitError):
        return bad
    if isinstance(bad, httpcore.TimeoutException):
        if time.monotonic() >= until:
            return NetFailure("deadline")
        return NetFailure(
            "connect-timeout" if isinstance(bad, httpcore.ConnectTimeout | httpcore.PoolTimeout) else "idle"
        )
    if isinstance(bad, httpcore.ProxyError):
        return NetFailure("proxy")
    below = bad.__cause__ or bad.__context__
    if (
        isinstance(below, ssl.SSLError)
        and not isinstance(below, ssl.SSLEOFError | ssl.SSLZeroReturnError)
        and not begun
    ):
        return NetFailure("tls")
    if isinstance(bad, httpcore.ConnectError):
        return NetFailure("connect")
    if isinstance(bad, httpcore.NetworkError):
        return NetFailure("cut" if begun else "reset")
    if isinstance(bad, httpcore.RemoteProtocolError):
        return NetFailure("cut" if begun else "malformed")
    return NetFailure("malformed")
