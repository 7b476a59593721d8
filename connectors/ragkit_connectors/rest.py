"""A vendor's REST API, read only: GET from one fixed origin, within limits, and with patience.

::

    with Rest(source="wiki", url="https://wiki.example.org", authorization=bearer(token)) as rest:
        page = rest.get("/rest/api/space", {"limit": 100})      # JSON; None for 404
        following = rest.get_link(page["_links"]["next"])       # refused when it leads to another host

Credentials go to that origin only; a redirect is never followed but for a download, and then to hosts that the
configuration names, without credentials. A call is repeated when the network or the server fails, or when the server
says ``Retry-After`` (RFC 9110, 10.2.3). No error says an address, a query or what a server wrote.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote, urlencode, urlsplit

from ragkit.errors import SourceError
from ragkit.net import HttpClient
from ragkit.net_sockets import NetFailure
from ragkit_connectors.pace import Pace
from ragkit_connectors.rest_calls import Broken, Calls
from ragkit_connectors.rest_files import Download, Files
from ragkit_connectors.rest_links import below, origin, quoted
from ragkit_connectors.texts import MIB

_REPEATS = 3
LOST = frozenset({400, 404, 410, 422})
"""How a server refuses a cursor that it does not know any more."""


class Refused(SourceError):
    """The server understood the call and refuses it; ``status`` is what it answered."""

    def __init__(self, message: str, *, status: int, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status


def basic(user: str, secret: str) -> str:
    """Return the header value of HTTP's Basic authentication (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()


def bearer(token: str) -> str:
    """Return the header value of a bearer token (RFC 6750).

    Raises:
        ValueError: The token has characters that no header can hold.
    """
    if not token.isascii() or not token.isprintable():
        raise ValueError("a token is printable ASCII")
    return f"Bearer {token}"


class Rest:
    """One origin's API.

    Args:
        source: The source's name, for errors.
        url: Root of the API; ``http`` reaches this machine only.
        authorization: Value of the header.
        secrets: Which options hold the credentials, for errors.
        ca_path: Certificates to trust, instead of the usual ones.
        per_second: Calls a second at the most; 0 for no limit.
        max_reply_bytes: Longest reply of the API.
        download_hosts: Other hosts that files may come from, such as ``files.example.net`` or ``*.example.net``.
        max_wait_s: Longest wait that the server may ask for.

    Raises:
        ValueError: The URL is none, or has a user in it.
    """

    def __init__(
        self,
        *,
        source: str,
        url: str,
        authorization: str,
        secrets: str = "`token`",
        ca_path: str | None = None,
        per_second: float = 5,
        max_reply_bytes: int = 32 * MIB,
        download_hosts: Sequence[str] = (),
        max_wait_s: float = 120,
    ) -> None:
        self._source = source
        self._root = urlsplit(url.rstrip("/"))
        if "@" in self._root.netloc:  # it would be sent in `Host`
            raise ValueError("a user and password do not stand in the URL")
        self._secrets = secrets
        ca_file = Path(ca_path) if ca_path else None
        self._calls = Calls(source, secrets, Pace(per_second), max_wait_s)
        self._max_reply = max_reply_bytes
        self._headers = {"Authorization": authorization, "Accept": "application/json"}
        self._client = HttpClient(url, purpose="source", ca_file=ca_file, max_bytes=max_reply_bytes)
        self._files = Files(self._calls, self._root, authorization, download_hosts, ca_file)

    def __repr__(self) -> str:
        return f"Rest(for {self._source!r})"

    def __enter__(self) -> Self:
        """Until the end connections are kept, and a reply in an unknown form is a :class:`SourceError`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if isinstance(error, KeyError | TypeError | AttributeError | ValueError):
            raise SourceError(
                f"source {self._source!r} answers in a form that is not known ({type(error).__name__})",
                remedy="Check that `url` is that of the API; tell the connector's authors the server's version.",
            ) from None

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._client.close()

    def get(self, path: str, query: Mapping[str, str | int] | None = None, *, pace: Pace | None = None) -> Any:
        """Return what the API says at a path below the root; ``None`` where there is nothing.

        Args:
            path: Absolute, below the root, its parts quoted by the caller.
            query: Encoded here.
            pace: A stricter pace for this call, besides the usual one.

        Raises:
            Refused: A status that the caller may understand: any from 400 but those below.
            Broken: The server fails, or the reply is too long.
            SourceError: Credentials refused (401), no answer after several tries, or an answer that is no JSON.
        """
        target = f"{self._root.path}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        return self._json(target, pace)

    def need(self, path: str, query: Mapping[str, str | int] | None = None, *, pace: Pace | None = None) -> Any:
        """As :meth:`get`, where there must be something.

        Raises:
            Refused, SourceError: As :meth:`get`; 404 too.
        """
        found = self.get(path, query, pace=pace)
        if found is None:
            raise self._refused(404)
        return found

    def get_link(self, link: object, *, pace: Pace | None = None) -> Any:
        """As :meth:`get`, by a link out of an earlier reply.

        Raises:
            Refused, SourceError: As :meth:`get`; or the link leads to another host.
        """
        target = self._target(link)
        if target is None:
            raise SourceError(
                f"source {self._source!r} gave a link that leads to another host",
                remedy="Write `url` as the server itself calls it: scheme, host and port.",
            )
        return self._json(target, pace)

    def walk(
        self, path: str, query: Mapping[str, str | int], following: Callable[[Any], object], *, pace: Pace | None = None
    ) -> Iterator[Any]:
        """Yield the pages of a listing; ``following`` finds the link to the next in a page, or nothing.

        Raises:
            Refused, SourceError: As :meth:`get_link`; a page is not there (404), or the listing goes in a circle.
        """
        page = self.need(path, query, pace=pace)
        met: Counter[str] = Counter()
        while True:
            yield page
            link = following(page)
            if not link:
                return
            met[str(link)] += 1
            if met[str(link)] > _REPEATS:
                raise SourceError(
                    f"the listing of source {self._source!r} repeats itself", remedy="Sync again; see the server's log."
                )
            page = self.get_link(link, pace=pace)
            if page is None:  # half a listing would count as the whole
                raise self._refused(404)

    def download(self, link: object, max_bytes: int) -> Download:
        """Read a file by a link out of a reply: on the origin, or by redirect or itself on one of the named hosts.

        Raises:
            SourceError: Credentials refused (401), or no answer after several tries.
        """
        if not isinstance(link, str):
            return Download(problem="unreadable")
        target = self._target(link)
        url = link if target is None else f"{self._root.scheme}://{self._root.netloc}{target}"
        try:
            return self._files.read(url, max_bytes)
        except NetFailure as failed:
            self._unreachable(failed)

    def _json(self, target: str, pace: Pace | None) -> Any:
        try:
            status, _, found = self._calls.ask(self._client, target, self._headers, _parsed, self._max_reply, pace)
        except NetFailure as failed:
            self._unreachable(failed)
        if status == 200:
            return found
        if status == 404:
            return None
        if status < 400:
            raise SourceError(
                f"source {self._source!r} redirects or answers with nothing (HTTP {status})",
                remedy="Correct `url`, and check that the API is not behind a page for signing in.",
            )
        raise self._refused(status)

    def _refused(self, status: int) -> Refused:
        return Refused(
            f"source {self._source!r} refuses a call (HTTP {status})",
            status=status,
            remedy=f"Check `url`, and what the account of {self._secrets} may read.",
        )

    def _unreachable(self, failed: NetFailure) -> NoReturn:
        error = (Broken if failed.word == "too-large" else SourceError)(
            f"source {self._source!r} cannot be read: {failed}", remedy=failed.remedy
        )
        if isinstance(error, Broken):
            error.problem = "too-large"
        raise error from None

    def _target(self, link: object) -> str | None:
        """A link as path and query on the origin; ``None`` when it leads elsewhere.

        Links without a host stand below the root, whose path they may or may not repeat.
        """
        if not isinstance(link, str) or not link or link.startswith("\\"):
            return None
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            if origin(parts) != origin(self._root):
                return None
        elif not parts.path.startswith("/"):
            return None
        path = quoted(parts.path if parts.netloc else below(self._root.path, parts.path)) or "/"
        return path + (f"?{quoted(parts.query)}" if parts.query else "")


def when(value: object) -> datetime | None:
    """A time of an API, with its zone; ``None`` when it is none."""
    if not isinstance(value, str):
        return None
    try:
        told = datetime.fromisoformat(value)
    except ValueError:
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def _parsed(body: bytes) -> Any:
    return json.loads(body)
