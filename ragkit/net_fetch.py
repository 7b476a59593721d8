"""The one fetcher for URLs that a page, a sitemap or a redirect names: every step judged before anything is sent.

::

    with Fetcher(purpose="source", allow_networks=["10.1.0.0/16"]) as fetcher:
        reply = fetcher.get("https://wiki.example.org/page", accept=frozenset({"text/html"}))

A URL is read once (:mod:`ragkit.net_addresses`), its host looked up once, all addresses judged, and the connection made
to those very addresses, with the name in ``Host``, SNI and the check of the certificate. A redirect starts over from
the beginning. There is nothing between the judgement and the connection that could be given another answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urljoin

from ragkit.net import HttpClient
from ragkit.net_addresses import FetchRefused, Place, is_allowed, networks, read_url
from ragkit.net_replies import Incoming
from ragkit.net_sockets import NetFailure, resolve

Resolver = Callable[[str, int, float], Sequence[str]]
"""Host, port and seconds in; addresses out; raises :class:`NetFailure`."""

PORTS: Final = frozenset({80, 443})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS: Final = 5
_MAX_ORIGINS: Final = 8
_PINNED_SECONDS: Final = 300.0
_ABSOLUTE: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_HEADER_NAME: Final = re.compile(r"[A-Za-z][A-Za-z-]{0,60}")
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{1,8192}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server said in the end. ``body`` only with 200; ``headers`` in lower case. Raw.

    Attributes:
        place: Where it ended, after redirects.
        redirected: Whether that is elsewhere than asked.
    """

    place: Place
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    redirected: bool = False

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"

    @property
    def media_type(self) -> str:
        """Without parameters, in lower case; empty where the server says none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait (RFC 9110, section 10.2.3); ``None`` where it does not."""
        said = self.headers.get("retry-after", "").strip()
        if said.isascii() and said.isdigit():
            return float(said[:9])
        try:
            until = parsedate_to_datetime(said)
        except ValueError:
            return None
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


class Fetcher:
    """Gets pages, from public addresses and the networks that the owner named. Not for several threads.

    Args:
        purpose: What the calls are for, a word; they are counted under it.
        allow_networks: Networks in CIDR notation that may be reached besides public addresses.
        allow_ports: Ports besides 80 and 443.
        secret_headers: Sent to ``secret_origin`` and never elsewhere, such as ``Authorization``.
        secret_origin: URL of that origin; over https, or on this machine.
        ca_file: Certificates to trust, instead of those of certifi.
        max_bytes: Longest body, as it comes and decompressed.
        seconds: Longest time of one :meth:`get`, redirects included.
        resolver: Looks names up, in tests.

    Raises:
        ValueError: A network is none, a header is malformed, or a secret would go over plain HTTP.
        FetchRefused: ``secret_origin`` is no URL.
    """

    def __init__(
        self,
        *,
        purpose: str,
        allow_networks: Sequence[str] = (),
        allow_ports: Collection[int] = (),
        secret_headers: Mapping[str, str] | None = None,
        secret_origin: str = "",
        ca_file: Path | None = None,
        max_bytes: int = 20_000_000,
        seconds: float = 60.0,
        resolver: Resolver = resolve,
    ) -> None:
        self._purpose = purpose
        self._allowed = networks(allow_networks)
        self._ports = PORTS | frozenset(allow_ports)
        self._secrets = dict(secret_headers or {})
        _check_headers(self._secrets)
        home = read_url(secret_origin) if self._secrets else None
        if home is not None and home.scheme == "http" and home.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("a secret is sent over https only")
        self._secret_origin = home.origin if home is not None else ""
        self._ca_file = ca_file
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._resolver = resolver
        self._clients: dict[str, tuple[HttpClient, float]] = {}

    def __repr__(self) -> str:
        return f"Fetcher(for {self._purpose})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        while self._clients:
            self._clients.popitem()[1][0].close()

    def get(
        self,
        url: str,
        *,
        accept: Collection[str],
        headers: Mapping[str, str] | None = None,
        follow: Callable[[Place], bool] | None = None,
        max_bytes: int | None = None,
    ) -> Reply:
        """Ask for a page, following at most five redirects.

        Args:
            url: As it was found.
            accept: Media types whose body is read, in lower case; an empty string stands for none said.
            headers: Sent everywhere, such as ``If-None-Match``.
            follow: Whether a redirect may lead there; by default anywhere that may be reached.
            max_bytes: Longest body, where it is to be shorter than the fetcher's.

        Raises:
            FetchRefused: The URL, or a redirect, may not be followed; or the body is of another type or too long.
            NetFailure: The call failed.
        """
        _check_headers(headers or {})
        until = time.monotonic() + self._seconds
        asked = place = read_url(url)
        for _ in range(_MAX_REDIRECTS + 1):
            sent = {"Accept": "*/*", **(headers or {})}
            if place.origin == self._secret_origin:
                sent |= self._secrets
            client = self._client(place, until)
            with client.open("GET", place.path, headers=sent, body=b"", seconds=_left(until)) as reply:
                status, said = reply.status, dict(reply.headers)
                if status not in _REDIRECTS or "location" not in said:
                    body = self._body(reply, accept, max_bytes or self._max_bytes) if status == 200 else b""
                    return Reply(place=place, status=status, headers=said, body=body, redirected=place != asked)
            there = _target(place, said["location"])
            if place.scheme == "https" and there.scheme == "http":
                raise FetchRefused("downgrade")
            if follow is not None and not follow(there):
                raise FetchRefused("leads-away")
            place = there
        raise FetchRefused("redirects")

    def _client(self, place: Place, until: float) -> HttpClient:
        """A client whose connections lead to judged addresses; the judgement holds for five minutes."""
        if place.port not in self._ports:
            raise FetchRefused("port")
        kept = self._clients.pop(place.origin, None)
        if kept is not None and kept[1] < time.monotonic():
            kept[0].close()
            kept = None
        if kept is None:
            addresses = list(self._resolver(place.host, place.port, min(10.0, _left(until))))
            if not addresses or not all(is_allowed(one, self._allowed) for one in addresses):
                raise FetchRefused("address")
            client = HttpClient(
                place.origin,
                purpose=self._purpose,
                ca_file=self._ca_file,
                max_bytes=self._max_bytes,
                pinned=addresses,
            )
            kept = (client, time.monotonic() + _PINNED_SECONDS)
        self._clients[place.origin] = kept
        while len(self._clients) > _MAX_ORIGINS:
            self._clients.pop(next(iter(self._clients)))[0].close()
        return kept[0]

    @staticmethod
    def _body(reply: Incoming, accept: Collection[str], limit: int) -> bytes:
        if reply.headers.get("content-type", "").partition(";")[0].strip().lower() not in accept:
            raise FetchRefused("type")
        pieces, length = [], 0
        try:
            for piece in reply.pieces():
                length += len(piece)
                if length > limit:
                    raise FetchRefused("size")
                pieces.append(piece)
        except NetFailure as failed:
            if failed.word == "too-large":
                raise FetchRefused("size") from None
            raise
        return b"".join(pieces)


def joined(place: Place, reference: str) -> Place:
    """Where a link on a page, or a redirect from it, leads (RFC 3986, section 5.2).

    Raises:
        FetchRefused: ``url``.
    """
    if _ABSOLUTE.match(reference):  # `urljoin` takes `http:///x` and `http:x` for a path on the same host
        return read_url(reference)
    if "\\" in reference:  # browsers read it as a slash, others do not
        raise FetchRefused("url")
    try:
        return read_url(urljoin(place.url, reference))
    except ValueError:
        raise FetchRefused("url") from None


def _target(place: Place, location: str) -> Place:
    """Where a redirect leads. Headers come as Latin-1 here; what is not ASCII in them is UTF-8 mostly."""
    try:
        return joined(place, location.strip(" \t").encode("latin-1").decode())
    except UnicodeError:
        raise FetchRefused("url") from None


def _left(until: float) -> float:
    rest = until - time.monotonic()
    if rest <= 0:
        raise NetFailure("deadline")
    return rest


def _check_headers(headers: Mapping[str, str]) -> None:
    if not all(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value) for name, value in headers.items()):
        raise ValueError("a header is malformed")
