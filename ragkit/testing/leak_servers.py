"""A provider that keeps every byte and misbehaves in turn: for the leak test of the prompt path.

::

    with Provider() as provider:
        provider.mode = "refuse"
        ...
        provider.texts()             # what it was told, decoded from its JSON

It speaks the OpenAI API. What it was sent comes back in its errors, as some servers do, so that an error message, a log
or an event which repeats a reply would hold the prompt.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Literal, get_args

from ragkit.testing.recording_server import RecordingServer, plain

Mode = Literal["answer", "echo", "mangle", "refuse", "garbage", "down", "busy", "cut", "reset", "other-model"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""``echo`` gives the prompt back as its answer, ``mangle`` a sentence with aliases in small letters or with spaces."""

_ALIAS = re.compile(r"\[[A-Z_]+_\d+·[^\]\s]+\]")
_CHANGES: tuple[Callable[[str], str], ...] = (
    str.lower,
    lambda alias: alias.replace("·", " · "),
    lambda alias: alias.strip("[]"),
)
_STATUS = {"refuse": "400 Bad Request", "down": "500 Internal Server Error", "busy": "429 Too Many Requests"}


class Provider(RecordingServer):
    """Answers ``POST …/chat/completions`` and ``GET …/models`` as :attr:`mode` says."""

    def __init__(self, *, model: str = "far-1") -> None:
        super().__init__()
        self.mode: Mode = "answer"
        self._model = model

    def texts(self) -> Iterator[str]:
        """The text of every message it was sent."""
        for call in self.calls():
            yield from (str(message["content"]) for message in call["messages"])

    def calls(self) -> Iterator[dict[str, Any]]:
        """The bodies it was sent, decoded."""
        for request in list(self.requests):
            body = request.partition(b"\r\n\r\n")[2]
            if body:
                yield json.loads(body)

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Answer one request; whether the connection stays open."""
        body = request.partition(b"\r\n\r\n")[2]
        if not body:
            connection.sendall(plain(json.dumps({"data": [{"id": self._model, "object": "model"}]}).encode()))
            return True
        if self.mode == "reset":
            return False
        if self.mode in _STATUS:
            told = json.dumps({"error": {"message": body.decode(errors="replace"), "type": "bad"}}).encode()
            head = plain(told, status=_STATUS[self.mode])
            connection.sendall(head.replace(b"\r\n", b"\r\nRetry-After: 0\r\n", 1) if self.mode == "busy" else head)
            return True
        call = json.loads(body)
        response = self._response(call, body)
        if self.mode == "cut":
            with suppress(OSError):
                connection.sendall(response[: len(response) * 2 // 3])
            return False
        connection.sendall(response)
        return True

    def _response(self, call: dict[str, Any], body: bytes) -> bytes:
        prompt = "\n".join(str(message["content"]) for message in call["messages"])
        text = {"echo": prompt, "mangle": _mangled(prompt)}.get(self.mode, "It says so [1].")
        if self.mode == "garbage":
            return plain(b"{not json " + body)
        model = body.decode(errors="replace") if self.mode == "other-model" else self._model
        return _streamed(text, model) if call.get("stream") else _whole(text, model)


def _mangled(prompt: str) -> str:
    """A sentence with the first aliases of a prompt as a small model gets them wrong: letters, spaces, signs."""
    found = list(dict.fromkeys(_ALIAS.findall(prompt)))[:3]
    return f"It was {' and '.join(change(one) for change, one in zip(_CHANGES, found))} [1]."


def _whole(text: str, model: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    reply = {"id": "c-1", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return plain(json.dumps({**reply, "usage": usage}).encode())


def _streamed(text: str, model: str) -> bytes:
    deltas: list[dict[str, Any]] = [
        {"index": 0, "delta": {"content": text[at : at + 5]}, "finish_reason": None} for at in range(0, len(text), 5)
    ]
    deltas.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    lines = [f"data: {json.dumps({**head, 'choices': [one]})}\n\n" for one in deltas]
    return plain("".join([*lines, "data: [DONE]\n\n"]).encode(), kind="text/event-stream")
