"""A provider in the hands of the documents: speaks the OpenAI API on 127.0.0.1, obeys, and keeps every byte it gets."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ragkit.testing.obedient import followed, obey
from ragkit.testing.recording_server import RecordingServer, plain

_connected: list[str] = []


class ObedientServer(RecordingServer):
    """Answers ``POST …/chat/completions``, streamed or not. ``followed``: whether the last prompt held an order."""

    def __init__(self, orders: Sequence[str]) -> None:
        super().__init__(answer=self._obey)
        self._orders = tuple(orders)
        self.followed = False

    def _obey(self, request: bytes) -> bytes:
        call = json.loads(request.partition(b"\r\n\r\n")[2])
        prompt = "\n".join(str(one["content"]) for one in call["messages"])
        self.followed = bool(followed(prompt, self._orders))
        text = obey(prompt, self._orders)
        return streamed(text) if call.get("stream") else completed(text)


def completed(text: str) -> bytes:
    """The response to a call that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": len(text) // 4, "total_tokens": 1 + len(text) // 4}
    reply = {"id": "c", "object": "chat.completion", "created": 1, "model": "obedient", "choices": [choice]}
    return plain(json.dumps({**reply, "usage": usage}).encode())


def streamed(text: str, piece: int = 7) -> bytes:
    """The response to a streamed call, a few characters an event."""
    events: list[dict[str, Any]] = [
        {"delta": {"content": text[at : at + piece]}, "index": 0} for at in range(0, len(text), piece)
    ]
    events.append({"delta": {}, "index": 0, "finish_reason": "stop"})
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "obedient"}
    lines = [f"data: {json.dumps({**head, 'choices': [one]})}\n\n" for one in events]
    return plain("".join([*lines, "data: [DONE]\n\n"]).encode(), kind="text/event-stream")


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
