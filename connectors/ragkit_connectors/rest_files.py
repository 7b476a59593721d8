"""Under :mod:`ragkit_connectors.rest`: files, of the origin and of the hosts that the configuration names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urljoin, urlsplit

from ragkit.net import HttpClient
from ragkit.net_sockets import NetFailure
from ragkit_connectors.rest_calls import Broken, Calls
from ragkit_connectors.rest_links import origin, quoted

_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Download:
    """A file: its bytes, or the code of the problem; ``gone`` when it is not there any more."""

    content: bytes = b""
    problem: str | None = None
    gone: bool = False

    def __repr__(self) -> str:
        return f"Download({len(self.content)} bytes, problem={self.problem!r})"


class Files:
    """Reads files.

    Args:
        calls: How the source is called.
        root: The origin, which alone gets credentials.
        authorization: Value of the header.
        hosts: Other hosts, ``files.example.net`` or ``*.example.net``; over TLS only.
        ca_file: Certificates to trust, instead of the usual ones.
    """

    def __init__(
        self, calls: Calls, root: SplitResult, authorization: str, hosts: Sequence[str], ca_file: Path | None
    ) -> None:
        self._calls = calls
        self._root = root
        self._authorization = authorization
        self._hosts = tuple(host.lower() for host in hosts)
        self._ca_file = ca_file

    def read(self, url: str, max_bytes: int) -> Download:
        """Read the file at an address, through a few redirects.

        Raises:
            NetFailure: The network failed for good.
            SourceError: Credentials refused (401), or no answer after several tries.
        """
        for _ in range(_REDIRECTS + 1):
            found = self._one(url, max_bytes)
            if isinstance(found, Download):
                return found
            url = urljoin(url, found)
        return Download(problem="unreadable")

    def _one(self, url: str, max_bytes: int) -> Download | str:
        """The file at an address, or the address that it redirects to."""
        parts = urlsplit(url)
        own = origin(parts) == origin(self._root)
        if "@" in parts.netloc or (not own and not (parts.scheme == "https" and self.named(parts.hostname or ""))):
            return Download(problem="other-host")
        client = HttpClient(
            f"{parts.scheme}://{parts.netloc}", purpose="source", ca_file=self._ca_file, max_bytes=max_bytes
        )
        headers = {"Authorization": self._authorization} if own else {}
        target = quoted(parts.path or "/") + (f"?{quoted(parts.query)}" if parts.query else "")
        try:
            status, location, content = self._calls.ask(client, target, headers, bytes, max_bytes)
        except NetFailure as failed:
            if failed.word != "too-large":
                raise
            return Download(problem="too-large")
        except Broken:
            return Download(problem="unreadable")
        finally:
            client.close()
        if status in (301, 302, 303, 307, 308):
            return location
        if status in (404, 410):
            return Download(gone=True)
        if status != 200 or content is None:
            return Download(problem="unreadable")
        return Download(content)

    def named(self, host: str) -> bool:
        """Tell whether the configuration names a host."""
        host = host.lower()
        return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self._hosts)
