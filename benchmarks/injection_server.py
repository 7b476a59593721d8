"""A provider in the hands of the documents: speaks the OpenAI API on 127.0.0.1, obeys, and keeps every byte it gets."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ragkit.testing.obedient import followed, obey

_connected: list[str] = []


class ObedientServer:
    """Answers ``POST …/chat/completions``, streamed or not. ``received`` holds the bodies, ``bytes`` their length."""

    def __init__(self, orders: Sequence[str]) -> None:
        self.received: list[bytes] = []
        self.followed = False
        """Whether the last prompt held an order."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append(body)
                call = json.loads(body)
                prompt = "\n".join(str(one["content"]) for one in call["messages"])
                outer.followed = bool(followed(prompt, orders))
                text = obey(prompt, orders)
                if call.get("stream"):
                    self._reply(_stream(text), "text/event-stream")
                else:
                    self._reply(_whole(text), "application/json")

            def _reply(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def bytes(self) -> int:
        """All that it was sent in bodies."""
        return sum(map(len, self.received))

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


def _whole(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": len(text) // 4, "total_tokens": 1 + len(text) // 4}
    reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "obedient", "choices": [choice]}
    return json.dumps({**reply, "usage": usage}).encode()


def _stream(text: str) -> bytes:
    events = [{"delta": {"content": text[at : at + 7]}, "index": 0} for at in range(0, len(text), 7)]
    events.append({"delta": {}, "index": 0, "finish_reason": "stop"})
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "obedient"}
    lines = [f"data: {json.dumps({**head, 'choices': [one]})}\n\n" for one in events]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


@contextmanager
def connections() -> Iterator[list[str]]:
    """Collect every connect to the internet and every look-up of a name in this process, as ``host:port``."""
    if not _connected:
        _connected.append("hook")
        sys.addaudithook(_note)
    before = len(_connected)
    seen: list[str] = []
    try:
        yield seen
    finally:
        seen.extend(_connected[before:])


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        if args[0].family in (socket.AF_INET, socket.AF_INET6):
            _connected.append(":".join(map(str, args[1][:2])))
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        _connected.append(f"look-up {args[0]}")
