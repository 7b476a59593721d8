"""The ways out that are the HTTP service: what it answers, logs, keeps and says of people whom a caller names anywhere.

Every field that takes text gets a planted question: questions, histories, filters, names of models and collections,
ids, comments, system messages, headers, paths. What comes back is kept under ``world.said``, where
:func:`ragkit.testing.leaks.scan` looks; so is the service's log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import httpx

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
            headers = {"Authorization": f"Bearer {key}"}
            with (
                httpx.Client(base_url=service.url, headers=headers, timeout=60) as client,
                (world.said / f"service-{name}.txt").open("wb") as told,
            ):
                for request in _requests(client, questions):
                    reply = client.send(request)
                    statuses[name].append(reply.status_code)
                    told.write(f"{reply.status_code} {reply.headers}\n".encode() + reply.content + b"\n")
        (world.said / "service-log.txt").write_text(service.lines.getvalue(), encoding="utf-8")
    (world.said / STATUSES).write_text(json.dumps(statuses), encoding="utf-8")


def _requests(client: httpx.Client, questions: Sequence[str]) -> Iterator[httpx.Request]:
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
            yield client.build_request("POST", "/v1/ask", json={"collection": "lines", "k": 3, **body})
        for collection in ("files", question[:63]):
            yield client.build_request("POST", "/v1/search", json={"question": question, "collection": collection})
        yield client.build_request("POST", "/v1/search", json={"questions": [question, other], "collection": "files"})
        said = [{"role": role, "content": other} for role in ("system", "user", "assistant")]
        said.append({"role": "user", "content": question})
        for model in ("files", "lines:extractive", question[:200]):
            ways: list[dict[str, Any]] = [{}, {"stream": True}, {"user": question, "tools": [{"name": question}]}]
            for way in ways:
                body = {"model": model, "messages": said, **way}
                yield client.build_request("POST", "/v1/chat/completions", json=body)
        for model in ("files", question[:200]):
            body = {"model": model, "input": [question, other], "user": question}
            yield client.build_request("POST", "/v1/embeddings", json=body)
        yield _feedback(client, question[:200], question)
        yield _feedback(client, _last_asked(client, question), question)
        for path in (f"/v1/models/{safe}", f"/v1/conversations/{safe}", f"/{safe}", f"/v1/models?name={safe}"):
            yield client.build_request("GET", path, headers={"X-Request-Id": safe, "User-Agent": safe})
        yield client.build_request("POST", "/v1/ask", content=json.dumps({"question": question}).encode()[:-3])
        yield client.build_request("GET", "/v1/models", headers={"Authorization": f"Bearer {safe}"})


def _last_asked(client: httpx.Client, question: str) -> str:
    reply = client.post("/v1/ask", json={"question": question, "collection": "lines"})
    return str(reply.json().get("request_id", ""))


def _feedback(client: httpx.Client, request_id: str, comment: str) -> httpx.Request:
    body: dict[str, Any] = {"request_id": request_id or "none", "rating": "down", "comment": comment}
    return client.build_request("POST", "/v1/feedback", json=body)
