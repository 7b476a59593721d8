"""Under the servers of our own that speak a vendor's API: JSON by path, credentials, and faults that tests switch on.

::

    with ConfluenceServer() as server:
        server.fault("429", on="/rest/api/content", times=2)     # the next two calls there
        server.fault("401", on="/rest/api/content", after=1)     # all calls there but the first
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from ragkit.testing.recording_server import RecordingServer, plain

Fault = Literal[
    "401", "403", "404", "410", "422", "429", "429-date", "429-long", "500", "503", "truncated", "huge", "not-json",
    "other-host", "repeat", "odd-form", "error-with-200", "redirect", "hang-up",
]  # fmt: skip
"""What goes wrong. ``repeat`` gives the reply to the call before once more, ``other-host`` bends its links."""

HUGE = 34_000_000


@dataclass
class _Switched:
    fault: Fault
    on: re.Pattern[str]
    times: int | None
    after: int


class NotFound(Exception):
    """There is nothing at the path; the server answers 404."""


class VendorServer(RecordingServer):
    """Answers GET by ``routes``: a pattern of the path to a method of the path's groups and the query.

    Args:
        authorization: The header it asks for; any other is 401.

    Attributes:
        asked: Path and query of each call, in order.
        before: Called with the path before each answer; tests change the content in it.
    """

    routes: Mapping[str, str] = {}

    def __init__(self, authorization: str) -> None:
        super().__init__()
        self.authorization = authorization
        self.asked: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self._switched: list[_Switched] = []
        self._last: dict[str, bytes] = {}

    def fault(self, fault: Fault, *, on: str = "", times: int | None = None, after: int = 0) -> None:
        """Let something go wrong at paths in which ``on`` (a pattern) is found, ``times`` times after some calls."""
        self._switched.append(_Switched(fault, re.compile(on), times, after))

    def mend(self) -> None:
        """Let nothing go wrong any more."""
        self._switched.clear()

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Answer one request."""
        head = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        target = head[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self.asked.append(unquote(target))
        self.before(target)
        fault = self._fault(unquote(target))
        if fault == "hang-up":
            return False
        if fault == "repeat" and (path := urlsplit(target).path) in self._last:
            connection.sendall(self._last[path])
            return True
        connection.sendall(self._wrong(fault) or self._reply(target, headers, fault))
        return fault != "truncated"

    def _fault(self, target: str) -> Fault | None:
        for one in self._switched:
            if one.on.search(target):
                if one.after > 0:
                    one.after -= 1
                elif one.times is None or one.times > 0:
                    one.times = None if one.times is None else one.times - 1
                    return one.fault
        return None

    def _wrong(self, fault: Fault | None) -> bytes | None:
        if fault in ("401", "403", "404", "410", "422", "500", "503"):
            return plain(b'{"message": "no"}', status=f"{fault} No")
        if fault is not None and fault.startswith("429"):
            after = {"429": "0", "429-date": "Wed, 21 Oct 2015 07:28:00 GMT", "429-long": "86400"}[fault]
            return plain(b"{}", status=f"429 Slow down\r\nRetry-After: {after}")
        if fault == "truncated":
            return b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"results": [{"id'
        if fault == "huge":
            return plain(b" " * HUGE + b"{}")
        if fault == "not-json":
            return plain(b"<html>sign in</html>", kind="text/html")
        if fault == "odd-form":
            return plain(b'{"results": [7], "tickets": [7], "articles": [7], "users": 7}')
        if fault == "error-with-200":
            return plain(b'{"message": "The service is being maintained.", "code": 503}')
        if fault == "redirect":
            return plain(b"", status="302 Found\r\nLocation: http://127.0.0.1:9/login")
        return None

    def _reply(self, target: str, headers: Mapping[str, str], fault: Fault | None) -> bytes:
        parts = urlsplit(target)
        if headers.get("authorization") != self.authorization:
            return plain(b'{"message": "sign in"}', status="401 Unauthorized")
        for pattern, method in self.routes.items():
            if (match := re.fullmatch(pattern, parts.path)) is not None:
                groups = [unquote(group) for group in match.groups()]
                try:
                    found: Any = getattr(self, method)(*groups, query=dict(parse_qsl(parts.query)))
                except NotFound:
                    break
                if isinstance(found, tuple):  # content type and bytes; or a status
                    return plain(found[1], kind=found[0])
                if isinstance(found, int):
                    return plain(b'{"message": "no"}', status=f"{found} No")
                if fault == "other-host":
                    found = _bent(found)
                self._last[parts.path] = plain(json.dumps(found).encode())
                return self._last[parts.path]
        return plain(b'{"message": "nothing here"}', status="404 Not Found")


def _bent(found: Any) -> Any:
    """The same reply with every link to another host."""
    if isinstance(found, dict):
        return {
            key: "http://127.0.0.1:9/elsewhere" if key in ("next", "after_url") and value else _bent(value)
            for key, value in found.items()
        }
    return [_bent(one) for one in found] if isinstance(found, list) else found
