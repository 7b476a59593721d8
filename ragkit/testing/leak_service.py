"""The ways out that are the HTTP service: what it answers, logs, keeps and says of people whom a caller names anywhere.

Every field that takes text gets a planted question: questions, histories, filters, names of models and collections,
ids, comments, system messages, headers, paths. What comes back is kept under ``world.said``, where
:func:`ragkit.testing.leaks.scan` looks; so is the service's log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

from ragkit import open_workspace
from ragkit.config_serve import SCOPES
from ragkit.testing import sockets
from ragkit.testing.leaks import World
from ragkit.testing.service import served

STATUSES = "service-statuses.json"
"""The statuses of the replies, by the caller's name."""
_STRANGER = "web|eve"


def ask_service(world: World, questions: Sequence[str]) -> None:
    """Serve the workspace, and send it what people could send.

    Args:
        world: Lived in; its environment is this process's.
        questions: Planted ones, each with somebody's data.
    """
    with open_workspace(world.workspace) as workspace:
        callers = {"owner": workspace.config.workspace.owner, "stranger": _STRANGER}
        scopes = [scope for scope in SCOPES if scope not in {"documents.write", "sync", "operate"}]
        keys = {name: workspace.api_keys.create(subject, scopes=scopes).key for name, subject in callers.items()}
    statuses: dict[str, list[int]] = {name: [] for name in keys}
    with sockets.loopback(), served(world.workspace) as service:
        for name, key in keys.items():
            client = _Client(service.url.removeprefix("http://"), key)
            with (world.said / f"service-{name}.txt").open("wb") as told:
                for method, path, body, headers in _requests(client, questions):
                    status, said = client.send(method, path, body, headers)
                    statuses[name].append(status)
                    told.write(f"{status} ".encode() + said + b"\n")
        (world.said / "service-log.txt").write_text(service.lines.getvalue(), encoding="utf-8")
    (world.said / STATUSES).write_text(json.dumps(statuses), encoding="utf-8")


class _Client:
    """Sends requests with a key, and gives back all of each reply."""

    def __init__(self, host: str, key: str) -> None:
        self._host = host
        self._key = key

    def send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the status, and headers and body as they came."""
        sent = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        told = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **headers}
        connection = HTTPConnection(self._host, timeout=60)
        try:
            connection.request(method, path, sent, told)
            reply = connection.getresponse()
            return reply.status, str(reply.headers).encode() + reply.read()
        finally:
            connection.close()

    def ask(self, question: str) -> str:
        """Ask, and return the id of the answer; ``none`` where there is none."""
        status, said = self.send("POST", "/v1/ask", {"question": question, "collection": "lines"}, {})
        return str(json.loads(said[said.index(b"{") :])["request_id"]) if status == 200 else "none"


_Sent = tuple[str, str, Any, dict[str, str]]


def _requests(client: _Client, questions: Sequence[str]) -> Iterator[_Sent]:
    for number, question in enumerate(questions):
        other = questions[number - 1]
        safe = quote(question, safe="")
        bodies: list[dict[str, Any]] = [
            {"question": question, "history": [other]},
            {"question": question, "conversation": "new", "stream": True},
            {"question": question, "conversation": question[:200]},
            {"question": question, "filters": {"remark": other}},
            {"question": question, "filters": {question: other}},
            {"question": question, "generator": question[:63], "reveal": {"purpose": other}},
            {"question": question, question: other},
        ]
        for body in bodies:
            yield "POST", "/v1/ask", {"collection": "lines", "k": 3, **body}, {}
        for collection in ("files", question[:63]):
            yield "POST", "/v1/search", {"question": question, "collection": collection}, {}
        yield "POST", "/v1/search", {"questions": [question, other], "collection": "files"}, {}
        said = [{"role": role, "content": other} for role in ("system", "user", "assistant")]
        said.append({"role": "user", "content": question})
        for model in ("files", "lines:extractive", question[:200]):
            ways: list[dict[str, Any]] = [{}, {"stream": True}, {"user": question, "tools": [{"name": question}]}]
            for way in ways:
                body = {"model": model, "messages": said, **way}
                yield "POST", "/v1/chat/completions", body, {}
        for model in ("files", question[:200]):
            body = {"model": model, "input": [question, other], "user": question}
            yield "POST", "/v1/embeddings", body, {}
        for tool, arguments in (
            ("search", {"question": question, "collection": "files"}),
            ("ask", {"question": question, "collection": "lines", "filters": {"remark": other}}),
            ("ask", {"question": question, "collection": question[:63], "k": other, question: other}),
            ("get_document", {"document": question[:200], "cursor": other[:200]}),
            (question, {"question": question}),
        ):
            message = {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}
            accepts = {"Accept": "application/json, text/event-stream"}
            yield "POST", "/mcp", {"jsonrpc": "2.0", "id": number, **message}, accepts
        yield "POST", "/v1/feedback", _feedback(question[:200], question), {}
        yield "POST", "/v1/feedback", _feedback(client.ask(question), question), {}
        for path in (f"/v1/models/{safe}", f"/v1/conversations/{safe}", f"/{safe}", f"/v1/models?name={safe}"):
            yield "GET", path, None, {"X-Request-Id": safe, "User-Agent": safe}
        yield "POST", "/v1/ask", json.dumps({"question": question}).encode()[:-3], {}
        yield "GET", "/v1/models", None, {"Authorization": f"Bearer {safe}"}


def _feedback(request_id: str, comment: str) -> dict[str, Any]:
    return {"request_id": request_id, "rating": "down", "comment": comment}
