"""A real HTTP server on this machine that keeps every byte it receives and answers what it is told.

::

    with RecordingServer(reply=b'{"choices": []}') as server:
        ...                          # server.url, server.received, server.requests
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Answer = Callable[[bytes], bytes]
"""From a whole request, head and body, to the whole response."""


def plain(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """A response with a length, after which the connection stays open."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class RecordingServer:
    """Listens on 127.0.0.1 while its context is open.

    Args:
        reply: Body of every response.
        answer: Makes the whole response instead.
        tls: Certificate and key to speak TLS with.
    """

    def __init__(
        self, *, reply: bytes = b"{}", answer: Answer | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._answer = answer or (lambda _: plain(reply))
        self._tls = tls
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.requests: list[bytes] = []
        self.connections = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        for thread in list(self._threads):
            thread.join(5)

    @property
    def url(self) -> str:
        """Its root."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def received(self) -> bytes:
        """Everything that came, of all requests."""
        with self._lock:
            return b"".join(self.requests)

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Answer one request; whether the connection stays open. Other servers answer otherwise."""
        connection.sendall(self._answer(request))
        return True

    def _start(self, work: Callable[..., None], *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.append(connection)
                self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):  # the other side may leave at any time
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._sockets.append(connection)
            while (request := read_request(connection)) is not None:
                with self._lock:
                    self.requests.append(request)
                if not self.handle(connection, request):
                    break
        with suppress(OSError):
            connection.close()


def read_request(connection: socket.socket) -> bytes | None:
    """One request, head and body as they came; ``None`` at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data or None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body
