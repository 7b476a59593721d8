"""A server that answers with these very bytes and hangs up."""

from __future__ import annotations

import json
import socket
from typing import Any

from ragkit.testing.recording_server import RecordingServer


class OddServer(RecordingServer):
    """Answers every POST with the next of ``replies``, the last again and again.

    Args:
        replies: Bodies; a tuple gives status and content type before it.
        chunked: Say that the body comes in chunks, and never send the last.
    """

    def __init__(self, *replies: bytes | tuple[int, str, bytes], chunked: bool = False) -> None:
        super().__init__()
        self._replies = list(replies)
        self._chunked = chunked

    def handle(self, connection: socket.socket, request: bytes) -> bool:  # noqa: ARG002
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        status, kind, body = reply if isinstance(reply, tuple) else (200, "text/event-stream", reply)
        coding = "Transfer-Encoding: chunked\r\n" if self._chunked else "Connection: close\r\n"
        connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{coding}\r\n".encode())
        connection.sendall(b"%x\r\n%b\r\n" % (len(body), body) if self._chunked else body)
        return False

    def sent(self, number: int) -> dict[str, Any]:
        """Return the JSON body of a request."""
        found: dict[str, Any] = json.loads(self.requests[number].partition(b"\r\n\r\n")[2])
        return found
