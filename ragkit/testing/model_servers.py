"""Model servers of our own, for tests: they speak a provider's API, answer by a function, and remember what came.

::

    with ModelServer(lambda messages: "Two years.", api="anthropic") as server:
        ...  # server.url is the API's root; server.requests what it was sent

They listen on 127.0.0.1 in threads of this process, stream word by word, and check what a real server would: the key,
the model, the context, and for Amazon Bedrock the signature.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from ragkit.testing.model_aws import Bedrock
from ragkit.testing.model_dialects import Answer, Anthropic, Asked, Azure, Dialect, OpenAI, Refusal, Turns

Api = Literal["openai", "anthropic", "azure", "bedrock"]


_DIALECTS: Mapping[str, type[Dialect]] = {
    "openai": OpenAI, "azure": Azure, "anthropic": Anthropic, "bedrock": Bedrock
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """One request: ``body`` as bytes and ``json`` as read; header names lower-cased."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    json: Any


class ModelServer:
    """A server of one API; a context manager.

    Args:
        answer: From the messages to the answer; by default the last message again.
        api: Whose API it speaks.
        model: The one model it has.
        key: The key it asks for; none by default. For ``bedrock`` a bearer key, or ``(access key, secret key)``.
        context_tokens: Longer prompts, counted in words, are refused.
        pause: Seconds between two words of a stream.
        refuses: Parameters that it does not know, as newer models do with ``temperature``.

    Attributes:
        requests: What came, in order.
    """

    def __init__(
        self,
        answer: Callable[[Turns], str | Answer] | None = None,
        *,
        api: Api = "openai",
        model: str = "tiny",
        key: str | tuple[str, str] | None = None,
        context_tokens: int = 4096,
        pause: float = 0.0,
        refuses: Sequence[str] = (),
    ) -> None:
        self.answer = answer or (lambda turns: turns[-1][1])
        self.api: Api = api
        self.model = model
        self.key = key
        self.context_tokens = context_tokens
        self.pause = pause
        self.refuses = tuple(refuses)
        self.requests: list[Received] = []
        self.dialect: Dialect = _DIALECTS[api](model, key, context_tokens)
        self._server = _Threads(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """The API's root."""
        return f"http://{self.host}" + {"openai": "/v1", "anthropic": "/v1", "azure": "/openai"}.get(self.api, "")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Threads(ThreadingMixIn, TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing when a client goes away."""


class _Handler(BaseHTTPRequestHandler):
    owner: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self._received(b"")
        dialect = self.owner.dialect
        try:
            dialect.check_key(self.command, self.path, self._headers(), b"")
            self._send(200, json.dumps(dialect.models(unquote(urlsplit(self.path).path))).encode())
        except Refusal as refused:
            self._send(refused.status, dialect.error(refused))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self._received(body)
        dialect = self.owner.dialect
        try:
            dialect.check_key(self.command, self.path, self._headers(), body)
            asked = dialect.read(unquote(urlsplit(self.path).path), urlsplit(self.path).query, json.loads(body))
            self._check(asked)
            made = self.owner.answer(asked.turns)
            answer = made if isinstance(made, Answer) else Answer(made)
            if len(answer.words) > asked.max_tokens:
                cut = "".join(answer.words[: asked.max_tokens])
                answer = replace(answer, text=cut, finish=dialect.at_limit)
            if asked.streamed:
                self._stream(dialect.content_type, dialect.stream(asked, answer))
            else:
                self._send(200, json.dumps(dialect.whole(asked, answer), ensure_ascii=True).encode())
        except Refusal as refused:
            self._send(refused.status, dialect.error(refused))

    def _check(self, asked: Asked) -> None:
        owner = self.owner
        if asked.model != owner.model:
            raise Refusal(404, "model_not_found", f"The model `{asked.model}` does not exist.")
        for name in owner.refuses:
            if name in asked.parameters:
                raise Refusal(400, "unsupported_parameter", f"Unsupported parameter: '{name}' with this model.")
        words = sum(len(text.split()) for _, text in asked.turns)
        if words + asked.max_tokens > owner.context_tokens:
            prompt = asked.turns[-1][1]  # real servers repeat it, so this one does
            said = f"maximum context length is {owner.context_tokens}, got {words}: {prompt}"
            raise Refusal(400, "context_length_exceeded", said)

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _received(self, body: bytes) -> None:
        try:
            read = json.loads(body) if body else None
        except ValueError:
            read = None
        self.owner.requests.append(Received(self.command, self.path, self._headers(), body, read))

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, content_type: str, pieces: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
            time.sleep(self.owner.pause)
        self.wfile.write(b"0\r\n\r\n")
