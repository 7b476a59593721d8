"""A web site on this machine: pages that change, conditional requests, and what goes wrong with pages.

::

    with WebServer() as site:
        site.put("/a", "<p>…</p>")
        ...                            # site.url, site.asked("/a"), site.hits
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from ragkit.testing.recording_server import RecordingServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one path answers. ``hang_up`` closes the connection instead."""

    body: bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    validators: bool = True
    hang_up: bool = False


class WebServer(RecordingServer):
    """Serves what was put there and 404 for the rest; ETags come from the content.

    Args:
        secret: The ``Authorization`` that every page but ``robots.txt`` asks for; none by default.
        tls: Certificate and key to speak TLS with.
    """

    def __init__(self, *, secret: str = "", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self.pages: dict[str, Page] = {}
        self.secret = secret
        self.down_after: int | None = None
        self.hits: list[tuple[str, int]] = []

    def put(self, path: str, body: str | bytes = b"", **page: object) -> None:
        """Put a page at a path with its query; keywords are those of :class:`Page`."""
        self.pages[path] = Page(body=body.encode() if isinstance(body, str) else body, **page)  # type: ignore[arg-type]

    def asked(self, path: str) -> list[int]:
        """The statuses that a path was answered with, in order."""
        return [status for asked, status in self.hits if asked == path]

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Answer one request."""
        head = request.partition(b"\r\n\r\n")[0].decode("latin-1")
        path = head.split(" ")[1]
        sent = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n"))
        }
        if self.down_after is not None and len(self.hits) >= self.down_after:
            return False
        page = self._page(path, sent)
        if page.hang_up:
            self.hits.append((path, 0))
            return False
        lines = {"Content-Type": page.kind, **page.headers}
        status, body = page.status, page.body
        if status == 200 and page.validators:
            etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            lines["ETag"] = etag
            if sent.get("if-none-match") == etag:
                status, body = 304, b""
        self.hits.append((path, status))
        shown = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        connection.sendall(
            f"HTTP/1.1 {status} X\r\n{shown}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body
        )
        return True

    def _page(self, path: str, sent: Mapping[str, str]) -> Page:
        if self.secret and path != "/robots.txt" and sent.get("authorization") != self.secret:
            return Page(status=401)
        return self.pages.get(path, Page(status=404))
